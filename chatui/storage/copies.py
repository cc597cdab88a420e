"""Copying: a whole file, or a part of a thread to another thread.

A copied thread is made of LangGraph's rows of the old one, by SQL, and independent of it afterwards.

Copies keep their checkpoint ids, which are inside the blobs too; only the thread id is new, so every key of ours has it.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from chatui.storage.database import explain, make_private
from chatui.storage.records import now

if TYPE_CHECKING:
    import aiosqlite

#: Ids per statement: SQLite takes 32,766 values at the most, and older ones 999.
_BATCH = 500


async def copy_checkpoints(
    connection: aiosqlite.Connection,
    source: str,
    target: str,
    checkpoints: Collection[str],
    without_writes: Collection[str],
) -> None:
    """Copy rows of both of LangGraph's tables to another thread, in the order they were written.

    Args:
        connection: Of an open transaction.
        source: The thread to copy from.
        target: The new thread's id.
        checkpoints: Which checkpoints.
        without_writes: Those of them whose written messages belong to what is not copied: copied along they would be ghosts, texts
            that no branch shows.
    """
    await connection.execute(
        "CREATE TEMP TABLE IF NOT EXISTS chatui_copied (checkpoint_id TEXT PRIMARY KEY, writes INTEGER)"
    )
    await connection.execute("DELETE FROM chatui_copied")
    bare = set(without_writes)
    await connection.executemany(
        "INSERT INTO chatui_copied VALUES (?, ?)", [(name, name not in bare) for name in checkpoints]
    )
    for table, condition in (("checkpoints", ""), ("writes", "AND k.writes")):
        columns = [
            row[1] async for row in await connection.execute(f"PRAGMA table_info({table})") if row[1] != "thread_id"
        ]
        names = ", ".join(columns)
        await connection.execute(
            f"""INSERT INTO {table} (thread_id, {names}) SELECT ?, {", ".join("t." + name for name in columns)}
                FROM {table} t JOIN chatui_copied k ON k.checkpoint_id = t.checkpoint_id {condition}
                WHERE t.thread_id = ? AND t.checkpoint_ns = '' ORDER BY t.rowid""",
            (target, source),
        )
    await connection.execute("DROP TABLE chatui_copied")


async def copy_thread_row(
    connection: aiosqlite.Connection, source: str, target: str, *, title: str, origin_node: str
) -> None:
    """Make the new thread's row: the owner, model and settings of the old one, and where it came from."""
    time = now()
    await connection.execute(
        """INSERT INTO chatui_threads (thread_id, owner, title, title_by, model, memory, system_prompt, created_at, updated_at,
               origin_thread, origin_node)
           SELECT ?, owner, ?, 'user', model, memory, system_prompt, ?, ?, thread_id, ? FROM chatui_threads WHERE thread_id = ?""",
        (target, title, time, time, origin_node, source),
    )
    await connection.execute(
        "INSERT OR REPLACE INTO chatui_settings SELECT kind, ?, value FROM chatui_settings WHERE kind = 'thread' AND name = ?",
        (target, source),
    )


async def copy_marks(connection: aiosqlite.Connection, source: str, target: str) -> None:
    """Copy stars, names, summaries and last choices to those messages that the new thread has: their node ids are the same."""
    await connection.execute(
        """INSERT INTO chatui_marks (thread_id, node_id, starred, name)
           SELECT ?1, k.node_id, k.starred, k.name FROM chatui_marks k
           JOIN chatui_messages m ON m.thread_id = ?1 AND m.node_id = k.node_id WHERE k.thread_id = ?2""",
        (target, source),
    )
    await connection.execute(
        """INSERT INTO chatui_summaries SELECT ?1, s.node_id, s.text, s.model, s.edited, s.created_at FROM chatui_summaries s
           JOIN chatui_messages m ON m.thread_id = ?1 AND m.node_id = s.node_id WHERE s.thread_id = ?2""",
        (target, source),
    )
    await connection.execute(
        """INSERT INTO chatui_choices SELECT ?1, c.parent_id, c.node_id FROM chatui_choices c
           JOIN chatui_messages m ON m.thread_id = ?1 AND m.node_id = c.node_id WHERE c.thread_id = ?2""",
        (target, source),
    )


def copy_file(source: Path, target: Path) -> None:
    """Copy a database as it is now, other programs' open transactions left out. The source is only read.

    Raises:
        DatabaseError: It cannot be read.
    """
    make_private(target)
    try:
        with (
            closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as reading,
            closing(sqlite3.connect(target)) as writing,
        ):
            reading.backup(writing)
    except sqlite3.Error as error:
        raise explain(error, source) from error
