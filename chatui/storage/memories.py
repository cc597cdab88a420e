"""What outlives a turn: things remembered of a user, summaries of branches, and what other threads said.

Memories lie in LangGraph's own table `store`, in its form, so that any LangGraph program finds them: the namespace
("memories", user), each value an object with the key "text". They are written through our connection and not through LangGraph's
AsyncSqliteStore: that one commits what came so far even when a statement of it failed or was cancelled, and its `setup` runs
scripts that commit whatever transaction is open on the connection; on a connection of its own it would be a second writer.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import msgspec

from chatui.storage.database import Database
from chatui.storage.messages import UPWARDS
from chatui.storage.query import any_of, parse, snippet
from chatui.storage.records import Fact, Memory, Recalled, Summary, Told, now
from chatui.storage.search import RANKED
from chatui.text import clean, clean_line

if TYPE_CHECKING:
    import aiosqlite

_NAMESPACE = "memories"
#: How many of LangGraph's steps on its table are in what `make_store` makes.
_STORE_STEPS = 5

_MEMORIES = "SELECT key, prefix, value, created_at FROM store WHERE prefix = ? ORDER BY rowid"
_EVERYONES = "SELECT key, prefix, value, created_at FROM store WHERE prefix LIKE ? ORDER BY prefix, rowid"


def is_private(thread: str) -> str:
    """Return the SQL that says whether a thread is not to be remembered, by what its id stands for there."""
    return f"""EXISTS (SELECT 1 FROM chatui_settings s WHERE s.kind = 'thread' AND s.name = {thread}
            AND json_extract(s.value, '$.remember') = 0)"""


# Threads of the same user, but not this one, and none that is not to be remembered.
_RECALLED = f"""SELECT f.rowid, bm25(chatui_search)
    FROM chatui_search f CROSS JOIN chatui_messages m ON m.id = f.rowid CROSS JOIN chatui_threads t ON t.thread_id = m.thread_id
    WHERE chatui_search MATCH ?1 AND t.owner = ?2 AND t.thread_id <> ?3 AND NOT m.hidden AND t.deleted_at IS NULL
        AND m.role IN ('user', 'assistant') AND NOT {is_private("t.thread_id")}
    ORDER BY f.rowid DESC LIMIT {RANKED}"""

#: The longest text of one message that is recalled whole, in characters.
WHOLE = 400


def make_store(connection: sqlite3.Connection) -> None:
    """Make LangGraph's table, as its own steps make it, where the file has none yet."""
    if connection.execute("SELECT 1 FROM main.sqlite_master WHERE name = 'store'").fetchone():
        return
    connection.execute(
        """CREATE TABLE store (
            prefix text NOT NULL, key text NOT NULL, value text NOT NULL,
            created_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP, updated_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP,
            expires_at TIMESTAMP, ttl_minutes REAL, PRIMARY KEY (prefix, key))"""
    )
    connection.execute("CREATE INDEX store_prefix_idx ON store (prefix)")
    connection.execute("CREATE INDEX idx_store_expires_at ON store (expires_at) WHERE expires_at IS NOT NULL")
    connection.execute("CREATE TABLE IF NOT EXISTS store_migrations (v INTEGER PRIMARY KEY)")
    connection.executemany("INSERT OR IGNORE INTO store_migrations VALUES (?)", [(v,) for v in range(_STORE_STEPS)])


def namespace(user: str) -> tuple[str, str]:
    """Return a user's namespace in LangGraph's store. Points part its namespaces, so there is none in a name here."""
    return (_NAMESPACE, quote(user, safe="").replace(".", "%2E"))


def prefix_of(user: str) -> str:
    """Return a user's namespace as LangGraph's table writes it."""
    return ".".join(namespace(user))


class Memories:
    """What is remembered in one file. Reads are synchronous; writes take the connection of a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Of users

    def of(self, user: str | None) -> list[Memory]:
        """Return what is remembered of a user, None for everyone, the oldest first."""
        with self._database.reading() as connection:
            if user is None:
                rows = connection.execute(_EVERYONES, (f"{_NAMESPACE}.%",)).fetchall()
            else:
                rows = connection.execute(_MEMORIES, (prefix_of(user),)).fetchall()
        return [memory_of(row) for row in rows]

    def facts(self, user: str) -> list[Fact]:
        """Return what is remembered of a user as it is sent, the oldest first."""
        sql = "SELECT memory_id, count(*) FROM chatui_told WHERE user = ? GROUP BY memory_id"
        with self._database.reading() as connection:
            versions = dict(connection.execute(sql, (user,)).fetchall())
        return [Fact(Told(one.memory_id, versions.get(one.memory_id, 0)), one.text) for one in self.of(user)]

    def told(self, user: str, told: Sequence[Told]) -> list[str | None]:
        """Return what was sent of memories as they were then, None for what is forgotten."""
        known = {fact.told.memory_id: fact for fact in self.facts(user)}
        sql = "SELECT text FROM chatui_told WHERE user = ? AND memory_id = ? AND version = ?"
        texts: list[str | None] = []
        with self._database.reading() as connection:
            for one in told:
                fact = known.get(one.memory_id)
                row = connection.execute(sql, (user, one.memory_id, one.version)).fetchone() if fact else None
                texts.append(clean_line(row[0]) if row else fact.text if fact else None)
        return texts

    async def put(
        self,
        connection: aiosqlite.Connection,
        user: str,
        text: str,
        *,
        memory_id: str | None = None,
        source: str | None = None,
        created_at: str | None = None,
    ) -> str:
        """Write a memory, a new one or in place of one, and return its id.

        Args:
            connection: Of an open transaction.
            user: Whose it is.
            text: What to remember.
            memory_id: The one that it replaces.
            source: The thread that it came from.
            created_at: Since when it is remembered, as a Memory says it; None for now.
        """
        key = memory_id or str(uuid.uuid4())
        value = {"text": text} if source is None else {"text": text, "source_thread_id": source}
        await connection.execute(
            """INSERT INTO chatui_told SELECT ?1, key, (SELECT count(*) FROM chatui_told WHERE user = ?1 AND memory_id = ?3),
                   json_extract(value, '$.text') FROM store
               WHERE prefix = ?2 AND key = ?3 AND json_extract(value, '$.text') <> ?4""",
            (user, prefix_of(user), key, text),
        )
        # The form of SQLite's own CURRENT_TIMESTAMP, which LangGraph reads.
        await connection.execute(
            """INSERT INTO store (prefix, key, value, created_at, updated_at)
               VALUES (?1, ?2, ?3, strftime('%Y-%m-%d %H:%M:%f', coalesce(?5, 'now')), CURRENT_TIMESTAMP)
               ON CONFLICT (prefix, key) DO UPDATE SET
                   value = json_set(value, '$.text', ?4), updated_at = CURRENT_TIMESTAMP""",
            (prefix_of(user), key, msgspec.json.encode(value).decode(), text, created_at),
        )
        # Of another text now.
        await _drop_vector(connection, user, key)
        return key

    async def forget(self, connection: aiosqlite.Connection, user: str, memory_id: str) -> None:
        """Remove a memory, with what it said before."""
        await connection.execute("DELETE FROM chatui_told WHERE user = ? AND memory_id = ?", (user, memory_id))
        await connection.execute("DELETE FROM store WHERE prefix = ? AND key = ?", (prefix_of(user), memory_id))
        await _drop_vector(connection, user, memory_id)

    # Summaries

    def summary(self, thread_id: str, node_id: str) -> Summary | None:
        """Return the summary that serves the branch to a message: the one of the nearest message of it that has one."""
        sql = f"""{UPWARDS} SELECT s.node_id, m.depth, s.text, s.model, s.edited, s.created_at FROM path p
            JOIN chatui_summaries s ON s.thread_id = ?1 AND s.node_id = p.node_id
            JOIN chatui_messages m ON m.thread_id = ?1 AND m.node_id = p.node_id ORDER BY m.depth DESC LIMIT 1"""
        with self._database.reading() as connection:
            row = connection.execute(sql, (thread_id, node_id)).fetchone()
        if row is None:
            return None
        node, depth, text, model, edited, created = row
        return Summary(node, depth, clean(text), clean_line(model), bool(edited), created)

    async def put_summary(
        self,
        connection: aiosqlite.Connection,
        thread_id: str,
        node_id: str,
        text: str,
        *,
        model: str,
        edited: bool = False,
    ) -> None:
        """Write the summary of the branch to a message."""
        await connection.execute(
            "INSERT OR REPLACE INTO chatui_summaries VALUES (?, ?, ?, ?, ?, ?)",
            (thread_id, node_id, text, model, edited, now()),
        )

    # Other threads

    def recall(self, user: str, thread_id: str, text: str, *, limit: int = 4) -> list[Recalled]:
        """Return what other threads of a user said that has words of a text, the best first.

        Args:
            user: Whose threads.
            thread_id: The thread that asks, which is left out.
            text: What was said there.
            limit: At most so many messages.
        """
        match = any_of(text)
        if not match:
            return []
        with self._database.reading() as connection:
            ranked = connection.execute(_RECALLED, (match, user, thread_id)).fetchall()
            ranked.sort(key=lambda row: (row[1], -row[0]))
            rows = []
            for rowid, _ in ranked[: limit * 4]:
                sql = """SELECT m.thread_id, t.title, m.node_id, m.role, m.text FROM chatui_messages m
                    JOIN chatui_threads t ON t.thread_id = m.thread_id WHERE m.id = ?"""
                rows.append(connection.execute(sql, (rowid,)).fetchone())
        found: dict[str, Recalled] = {}
        for thread, title, node, role, said in rows:
            words = as_sent(said, text)
            if words and words != clean_line(text):
                found.setdefault(words, Recalled(thread, node, role, clean_line(title), words, worded=True))
        return list(found.values())[:limit]


async def _drop_vector(connection: aiosqlite.Connection, user: str, memory_id: str) -> None:
    sql = "DELETE FROM chatui_memory_embeddings WHERE prefix = ? AND key = ?"
    await connection.execute(sql, (prefix_of(user), memory_id))


def as_sent(said: str, text: str) -> str:
    """Return what is sent of a message that is recalled because it has words of a text."""
    line = clean_line(said)
    return line if len(line) <= WHOLE else snippet(said, parse(text))[0]


def memory_of(row: tuple[Any, ...]) -> Memory:
    """Return a row of LangGraph's table as a memory.

    Args:
        row: Its key, prefix, value and created_at.
    """
    key, prefix, value, created = row
    try:
        content = msgspec.json.decode(value)
    except msgspec.DecodeError:
        content = None
    if not isinstance(content, dict):
        content = {}
    source = content.get("source_thread_id")
    # Another program may keep things of another form in this namespace: they are shown as they are.
    text = content.get("text")
    return Memory(
        key,
        clean_line(unquote(prefix.partition(".")[2])),
        clean_line(text if isinstance(text, str) else str(value), 2000),
        f"{str(created).replace(' ', 'T')}Z",
        source if isinstance(source, str) else None,
    )
