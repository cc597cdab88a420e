"""Our tables, step by step: each step is a function, and a table says which have run.

LangGraph's tables (`checkpoints`, `writes`) are made by LangGraph and never touched here.

    chatui_threads      one row a thread: owner, title, head, counts
    chatui_messages     the message index, derived: one row a node of the tree, with its whole text
    chatui_checkpoints  the message index, derived: which node each checkpoint ends with
    chatui_search       the message index, derived: full text
    chatui_choices      below each message, at which alternative the user looked last
    chatui_marks        stars and names, by node
    chatui_partials     replies that stream, or that a crash cut off
    chatui_drafts       what was typed and not sent
    chatui_meta         single values
    chatui_settings     what a person set for a thread, a user, a model
    chatui_told         what memories said before they were changed, for the replies that were given with it
    chatui_summaries    summaries of a branch up to a message, by node
    chatui_embeddings         vectors of messages, by node, for recall by meaning
    chatui_memory_embeddings  vectors of what is remembered of users, by its key in `store`

And `store`, LangGraph's table of what outlives a thread, in LangGraph's own form: `storage/memories.py` tells why it is made here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime

from chatui.errors import DatabaseTooNew

_MIGRATIONS: list[Callable[[sqlite3.Connection], None]] = []


def migration(step: Callable[[sqlite3.Connection], None]) -> Callable[[sqlite3.Connection], None]:
    """Register a step. Its name is what the table remembers, so it never changes."""
    _MIGRATIONS.append(step)
    return step


def pending(connection: sqlite3.Connection) -> list[str]:
    """Return the names of the steps that have not run on this file.

    Raises:
        DatabaseTooNew: The file has steps that this chatui does not know.
    """
    known = [step.__name__ for step in _MIGRATIONS]
    done = set()
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'chatui_migrations'").fetchone():
        done = {name for (name,) in connection.execute("SELECT name FROM chatui_migrations")}
    if unknown := done - set(known):
        raise DatabaseTooNew(
            f"This database was written by a later chatui (it has {min(unknown)}).", "Update chatui to open it."
        )
    return [name for name in known if name not in done]


def migrate(connection: sqlite3.Connection) -> None:
    """Run what is pending, in one transaction, and leave the file as it was if a step fails.

    Raises:
        DatabaseTooNew: The file has steps that this chatui does not know; nothing was written.
    """
    if not pending(connection):
        return
    from chatui.storage.words import register

    register(connection)
    connection.isolation_level = None
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS chatui_migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL) WITHOUT ROWID"
        )
        # Asked again under the lock: another window may have started at the same time.
        missing = set(pending(connection))
        for step in _MIGRATIONS:
            if step.__name__ in missing:
                step(connection)
                now = datetime.now(UTC).isoformat()
                connection.execute("INSERT INTO chatui_migrations VALUES (?, ?)", (step.__name__, now))
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


@migration
def m001_threads(connection: sqlite3.Connection) -> None:
    """Threads, and what a person left in them."""
    # head is the checkpoint that the next turn continues from and head_node the message it ends with: NULL where nobody has chosen
    # yet, '' before the first message. viewed counts up with each opening, so that no clock decides what was seen last.
    connection.execute("""
        CREATE TABLE chatui_threads (
            thread_id TEXT PRIMARY KEY,
            owner TEXT NOT NULL DEFAULT 'default',
            title TEXT NOT NULL DEFAULT '',
            title_by TEXT NOT NULL DEFAULT 'auto' CHECK (title_by IN ('auto', 'user')),
            model TEXT,
            memory TEXT,
            system_prompt TEXT,
            created_at TEXT NOT NULL,
            updated_at TEXT NOT NULL,
            head TEXT,
            head_node TEXT,
            viewed INTEGER NOT NULL DEFAULT 0,
            pinned INTEGER NOT NULL DEFAULT 0,
            archived INTEGER NOT NULL DEFAULT 0,
            deleted_at TEXT,
            message_count INTEGER NOT NULL DEFAULT 0,
            branch_count INTEGER NOT NULL DEFAULT 0,
            indexed_rowid INTEGER NOT NULL DEFAULT 0,
            channel TEXT,
            origin_thread TEXT,
            origin_node TEXT
        )""")
    connection.execute("CREATE INDEX chatui_threads_used ON chatui_threads (deleted_at, archived, pinned, updated_at)")
    connection.execute("""
        CREATE TABLE chatui_choices (
            thread_id TEXT NOT NULL, parent_id TEXT NOT NULL, node_id TEXT NOT NULL,
            PRIMARY KEY (thread_id, parent_id)
        ) WITHOUT ROWID""")
    connection.execute("""
        CREATE TABLE chatui_marks (
            thread_id TEXT NOT NULL, node_id TEXT NOT NULL,
            starred INTEGER NOT NULL DEFAULT 0, name TEXT, deleted_at TEXT,
            PRIMARY KEY (thread_id, node_id)
        ) WITHOUT ROWID""")
    connection.execute("CREATE TABLE chatui_drafts (thread_id TEXT PRIMARY KEY, text TEXT NOT NULL) WITHOUT ROWID")
    connection.execute("CREATE TABLE chatui_meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID")
    # process says who writes it: a row whose process is gone is a reply that a crash cut off.
    connection.execute("""
        CREATE TABLE chatui_partials (
            message_id TEXT PRIMARY KEY,
            thread_id TEXT NOT NULL,
            checkpoint_id TEXT NOT NULL,
            model TEXT NOT NULL,
            text TEXT NOT NULL,
            reasoning TEXT NOT NULL,
            started_at TEXT NOT NULL,
            updated_at TEXT NOT NULL,
            process TEXT NOT NULL
        )""")
    connection.execute("CREATE INDEX chatui_partials_thread ON chatui_partials (thread_id)")


@migration
def m002_message_index(connection: sqlite3.Connection) -> None:
    """The message index. All of it can be dropped and made again from the checkpoints."""
    # parent_id is '' at a root. rank is the rowid of the first checkpoint that has the message: it orders alternatives as
    # they were made, without asking a clock. hidden: this message, or one above it, is marked as deleted. A table of its
    # own for the text would cost a join on every page.
    connection.execute("""
        CREATE TABLE chatui_messages (
            id INTEGER PRIMARY KEY,
            thread_id TEXT NOT NULL,
            node_id TEXT NOT NULL,
            parent_id TEXT NOT NULL,
            depth INTEGER NOT NULL,
            rank INTEGER NOT NULL,
            checkpoint_id TEXT,
            message_id TEXT NOT NULL,
            role TEXT NOT NULL,
            text TEXT NOT NULL,
            reasoning TEXT NOT NULL DEFAULT '',
            model TEXT,
            created_at TEXT NOT NULL,
            usage TEXT,
            seconds REAL,
            first_token_seconds REAL,
            interrupted TEXT,
            hidden INTEGER NOT NULL DEFAULT 0,
            UNIQUE (thread_id, node_id)
        )""")
    connection.execute("CREATE INDEX chatui_messages_parent ON chatui_messages (thread_id, parent_id, rank)")
    connection.execute("CREATE INDEX chatui_messages_message ON chatui_messages (thread_id, message_id)")
    connection.execute("""
        CREATE TABLE chatui_checkpoints (
            thread_id TEXT NOT NULL, checkpoint_id TEXT NOT NULL, node_id TEXT NOT NULL,
            PRIMARY KEY (thread_id, checkpoint_id)
        ) WITHOUT ROWID""")
    connection.execute("CREATE INDEX chatui_checkpoints_node ON chatui_checkpoints (thread_id, node_id)")
    connection.execute("""
        CREATE VIRTUAL TABLE chatui_search USING fts5 (
            text, content='chatui_messages', content_rowid='id', tokenize='unicode61 remove_diacritics 2'
        )""")
    # Counts are kept, not computed: a new message ends the branch of its parent unless that had a child already. Marking
    # messages as deleted counts a thread anew.
    connection.execute("""
        CREATE TRIGGER chatui_messages_added AFTER INSERT ON chatui_messages BEGIN
            INSERT INTO chatui_search (rowid, text) VALUES (NEW.id, NEW.text);
            UPDATE chatui_threads SET
                message_count = message_count + 1,
                branch_count = branch_count + (NEW.parent_id = '' OR EXISTS (
                    SELECT 1 FROM chatui_messages
                    WHERE thread_id = NEW.thread_id AND parent_id = NEW.parent_id AND id <> NEW.id AND NOT hidden))
            WHERE thread_id = NEW.thread_id AND NOT NEW.hidden;
        END""")
    connection.execute("""
        CREATE TRIGGER chatui_messages_removed AFTER DELETE ON chatui_messages BEGIN
            INSERT INTO chatui_search (chatui_search, rowid, text) VALUES ('delete', OLD.id, OLD.text);
        END""")


@migration
def m003_sent(connection: sqlite3.Connection) -> None:
    """What a model was sent, as JSON, and how long it thought. Replies that are indexed already never recorded either."""
    connection.execute("ALTER TABLE chatui_messages ADD COLUMN sent TEXT")
    connection.execute("ALTER TABLE chatui_messages ADD COLUMN reasoning_seconds REAL")


@migration
def m004_other_scripts(connection: sqlite3.Connection) -> None:
    """The full-text index, so that it finds words in scripts that put no spaces between them."""
    from chatui.storage.words import FUNCTION, TOKENIZER

    # It holds no text: what it is given differs from what the messages say, so FTS5 must never read those to rebuild it. The
    # beginnings of three letters are what a search that is being typed asks for first: among 100,000 messages they cost 50 ms
    # without an index of their own, 10 ms with it. It takes 0.3 times the text.
    connection.execute("DROP TABLE chatui_search")
    connection.execute(
        f"""CREATE VIRTUAL TABLE chatui_search USING fts5 (text, content='', prefix='3', tokenize="{TOKENIZER}")"""
    )
    connection.execute(f"INSERT INTO chatui_search (rowid, text) SELECT id, {FUNCTION}(text) FROM chatui_messages")
    connection.execute("DROP TRIGGER chatui_messages_added")
    connection.execute("DROP TRIGGER chatui_messages_removed")
    connection.execute(f"""
        CREATE TRIGGER chatui_messages_added AFTER INSERT ON chatui_messages BEGIN
            INSERT INTO chatui_search (rowid, text) VALUES (NEW.id, {FUNCTION}(NEW.text));
            UPDATE chatui_threads SET
                message_count = message_count + 1,
                branch_count = branch_count + (NEW.parent_id = '' OR EXISTS (
                    SELECT 1 FROM chatui_messages
                    WHERE thread_id = NEW.thread_id AND parent_id = NEW.parent_id AND id <> NEW.id AND NOT hidden))
            WHERE thread_id = NEW.thread_id AND NOT NEW.hidden;
        END""")
    connection.execute(f"""
        CREATE TRIGGER chatui_messages_removed AFTER DELETE ON chatui_messages BEGIN
            INSERT INTO chatui_search (chatui_search, rowid, text) VALUES ('delete', OLD.id, {FUNCTION}(OLD.text));
        END""")


@migration
def m005_threads_in_order(connection: sqlite3.Connection) -> None:
    """Which thread was viewed or used last is asked at each start and each turn: without reading every thread."""
    connection.execute("CREATE INDEX chatui_threads_viewed ON chatui_threads (viewed, updated_at)")
    connection.execute("CREATE INDEX chatui_threads_updated ON chatui_threads (updated_at)")


@migration
def m006_settings(connection: sqlite3.Connection) -> None:
    """What a person set for a thread, for a user, for a model, or for the whole file: a JSON object each."""
    connection.execute(
        """CREATE TABLE chatui_settings (
            kind TEXT NOT NULL, name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (kind, name)
        ) WITHOUT ROWID"""
    )


@migration
def m008_memory(connection: sqlite3.Connection) -> None:
    """Summaries of branches, and LangGraph's store, for what is remembered of users."""
    from chatui.storage.memories import make_store

    connection.execute(
        """CREATE TABLE chatui_summaries (
            thread_id TEXT NOT NULL, node_id TEXT NOT NULL, text TEXT NOT NULL, model TEXT NOT NULL,
            edited INTEGER NOT NULL, created_at TEXT NOT NULL, PRIMARY KEY (thread_id, node_id)
        ) WITHOUT ROWID"""
    )
    make_store(connection)


@migration
def m009_told(connection: sqlite3.Connection) -> None:
    """What memories said before they were changed. Until now replies held the texts themselves, which nobody could forget."""
    connection.execute(
        """CREATE TABLE chatui_told (
            user TEXT NOT NULL, memory_id TEXT NOT NULL, version INTEGER NOT NULL, text TEXT NOT NULL,
            PRIMARY KEY (user, memory_id, version)
        ) WITHOUT ROWID"""
    )
    connection.execute("UPDATE chatui_messages SET sent = json_remove(sent, '$.facts') WHERE sent IS NOT NULL")


@migration
def m009_embeddings(connection: sqlite3.Connection) -> None:
    """Vectors of messages and memories: of which model, of how many numbers, of which text."""
    # signs has one bit a number: by the index, which holds nothing else of them, many vectors are compared roughly without reading
    # them. Of LangGraph's `store_vectors` nothing says of which model its rows are, and it has no messages.
    columns = """model TEXT NOT NULL, dimensions INTEGER NOT NULL, digest BLOB NOT NULL, signs BLOB NOT NULL,
        vector BLOB NOT NULL"""
    connection.execute(
        f"""CREATE TABLE chatui_embeddings (
            thread_id TEXT NOT NULL, node_id TEXT NOT NULL, {columns}, PRIMARY KEY (thread_id, node_id)
        ) WITHOUT ROWID"""
    )
    connection.execute(
        f"""CREATE TABLE chatui_memory_embeddings (
            prefix TEXT NOT NULL, key TEXT NOT NULL, {columns}, PRIMARY KEY (prefix, key)
        ) WITHOUT ROWID"""
    )
    connection.execute(
        "CREATE INDEX chatui_embeddings_signs ON chatui_embeddings (thread_id, model, dimensions, signs, node_id)"
    )


@migration
def m009_drafts(connection: sqlite3.Connection) -> None:
    """Whose a draft is, which program wrote it, and when: what was written in a thread that is still to be made is found by it."""
    connection.execute("ALTER TABLE chatui_drafts ADD COLUMN owner TEXT NOT NULL DEFAULT 'default'")
    connection.execute("ALTER TABLE chatui_drafts ADD COLUMN process TEXT NOT NULL DEFAULT ''")
    connection.execute("ALTER TABLE chatui_drafts ADD COLUMN written_at TEXT NOT NULL DEFAULT ''")
