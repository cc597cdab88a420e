"""Purging: the rows of messages or of a whole thread go from every table, and their text from the file.

Deleting a row leaves its text in free pages, in the write-ahead log and, lower-cased and in pieces, in the segments of the
full-text index. `compact` clears all three.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

import aiosqlite

from chatui.errors import DatabaseError
from chatui.storage.database import Database, explain
from chatui.storage.lineage import Lineage
from chatui.storage.marks import count_anew

_OURS = (
    "messages",
    "checkpoints",
    "choices",
    "marks",
    "partials",
    "drafts",
    "waiting",
    "summaries",
    "embeddings",
    "threads",
)


async def remove_thread(connection: aiosqlite.Connection, thread_id: str) -> None:
    """Remove every row of a thread, LangGraph's and ours."""
    for table in ("checkpoints", "writes", *(f"chatui_{name}" for name in _OURS)):
        await connection.execute(f"DELETE FROM {table} WHERE thread_id = ?", (thread_id,))
    await connection.execute("DELETE FROM chatui_settings WHERE kind = 'thread' AND name = ?", (thread_id,))


async def remove_messages(
    connection: aiosqlite.Connection, thread_id: str, nodes: Collection[str], lineage: Lineage
) -> None:
    """Remove whole subtrees of messages from both of LangGraph's tables and from the index.

    An answer's text also stands in the writes under its prompt's checkpoint; left there it would come back as a ghost.

    Args:
        connection: Of an open transaction.
        thread_id: The thread.
        nodes: The messages, each with all that is below it: removing one from the middle would cut its descendants short.
        lineage: The thread's checkpoints as they are.
    """
    doomed = lineage.of(nodes)
    kept = lineage.parents.keys() - doomed
    parents = {parent for name in doomed if (parent := lineage.parents[name]) in kept and parent is not None}
    bare = parents & lineage.foreign_writes(kept)
    for table in ("checkpoints", "writes", "chatui_checkpoints", "chatui_partials"):
        await connection.executemany(
            f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_id = ?", [(thread_id, name) for name in doomed]
        )
    await connection.executemany(
        "DELETE FROM writes WHERE thread_id = ? AND checkpoint_id = ?", [(thread_id, name) for name in bare]
    )
    await connection.executemany(
        "DELETE FROM chatui_partials WHERE thread_id = ? AND checkpoint_id = ?", [(thread_id, name) for name in bare]
    )
    for table in ("chatui_messages", "chatui_marks", "chatui_choices", "chatui_summaries", "chatui_embeddings"):
        await connection.executemany(
            f"DELETE FROM {table} WHERE thread_id = ? AND node_id = ?", [(thread_id, node) for node in nodes]
        )
    # A title that came from a prompt which is gone goes too; the oldest prompt that is left gives the next.
    await connection.execute(
        """UPDATE chatui_threads SET
               indexed_rowid = coalesce((SELECT max(rowid) FROM checkpoints WHERE thread_id = ?1 AND checkpoint_ns = ''), 0),
               title = CASE WHEN title_by = 'user' THEN title ELSE coalesce((
                   SELECT substr(text, 1, 60) FROM chatui_messages WHERE thread_id = ?1 AND role = 'user'
                   ORDER BY depth, rank LIMIT 1), '') END
           WHERE thread_id = ?1""",
        (thread_id,),
    )
    await count_anew(connection, thread_id)


async def compact(
    database: Database, gone: str = "The messages are removed, but their text", *, theirs: bool = True
) -> None:
    """Write the file anew without what was deleted, and empty its write-ahead log.

    Args:
        database: The file.
        gone: The beginning of the sentence that says that it could not be done.
        theirs: Whether something was deleted in another program's file, if it is one; else only what lies beside it is written.

    Raises:
        DatabaseError: Another process uses the file; what was deleted is deleted, but its text may still be in the file.
    """
    async with database.lock:
        writer = await database.writer()
        try:
            # Without this, lower-cased words stay in the index's segments.
            await writer.execute("INSERT INTO chatui_search (chatui_search) VALUES ('optimize')")
            await writer.commit()
            await writer.execute("VACUUM")
            if database.side is not None and theirs:
                # Without a name only our own side file is written anew.
                await writer.execute("VACUUM theirs")
            async with writer.execute("PRAGMA wal_checkpoint(TRUNCATE)") as cursor:
                row = await cursor.fetchone()
            if row is None or row[0]:
                raise sqlite3.OperationalError("database is locked")
        except sqlite3.Error as error:
            told = explain(error, database.path)
            raise DatabaseError(
                f"{gone} may still be in the file: {told.title}",
                "Close what uses it, then run `chatui db vacuum`.",
            ) from error
