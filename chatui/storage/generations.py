"""LangGraph's tables as its generations made them, and what reading and writing each of them takes.

| written by | differs from today's |
|---|---|
| langgraph 0.1 | ids are in thread_ts and parent_ts; no namespace, no type: all is JSON |
| checkpoint-sqlite 1.0 to 2.0 | `writes` has no task_path |

Reading changes nothing. The first turn in such a file has to change its tables, so it is asked for first.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import aiosqlite

Generation = Literal["today", "no_task_path", "thread_ts"]

#: What the first turn would change, in words, for the question that comes before it.
CHANGES: dict[Generation, str] = {
    "no_task_path": 'adds the column "task_path" to its table "writes", as LangGraph itself does since checkpoint-sqlite 2.0.11',
    "thread_ts": 'copies its tables into LangGraph\'s form of today, and keeps the old ones as "checkpoints_0_1" and "writes_0_1";'
    " a program with LangGraph 0.1 cannot open it any more",
}

_CHECKPOINTS = """SELECT {rowid} thread_id, '' AS checkpoint_ns, thread_ts AS checkpoint_id, parent_ts AS parent_checkpoint_id,
    'json' AS type, checkpoint, metadata FROM theirs.checkpoints{suffix}"""
_WRITES = """SELECT {rowid} thread_id, '' AS checkpoint_ns, thread_ts AS checkpoint_id, task_id, '' AS task_path, idx, channel,
    'json' AS type, value FROM theirs.writes{suffix}"""
_TODAY = (
    """CREATE TABLE theirs.checkpoints (
        thread_id TEXT NOT NULL, checkpoint_ns TEXT NOT NULL DEFAULT '', checkpoint_id TEXT NOT NULL,
        parent_checkpoint_id TEXT, type TEXT, checkpoint BLOB, metadata BLOB,
        PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id))""",
    """CREATE TABLE theirs.writes (
        thread_id TEXT NOT NULL, checkpoint_ns TEXT NOT NULL DEFAULT '', checkpoint_id TEXT NOT NULL, task_id TEXT NOT NULL,
        task_path TEXT NOT NULL DEFAULT '', idx INTEGER NOT NULL, channel TEXT NOT NULL, type TEXT, value BLOB,
        PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id, task_id, idx))""",
)


def generation(connection: sqlite3.Connection) -> Generation:
    """Say which generation an attached file is of."""
    if "thread_ts" in _columns(connection, "checkpoints"):
        return "thread_ts"
    writes = _columns(connection, "writes")
    return "today" if "task_path" in writes or not writes else "no_task_path"


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {row[1] for row in connection.execute(f"PRAGMA theirs.table_info({table})")}


def bridge(connection: sqlite3.Connection) -> None:
    """Let the SQL of today read an attached file of any generation. Nothing is written to it: temporary views translate."""
    if not _columns(connection, "writes"):
        # A file whose program has never finished a step.
        connection.execute("""CREATE TEMP TABLE writes (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx,
            channel, type, value)""")
    if generation(connection) != "thread_ts":
        return
    connection.execute(f"CREATE TEMP VIEW checkpoints AS {_CHECKPOINTS.format(rowid='rowid AS rowid,', suffix='')}")
    if _columns(connection, "writes"):
        connection.execute(f"CREATE TEMP VIEW writes AS {_WRITES.format(rowid='rowid AS rowid,', suffix='')}")


async def upgrade(connection: aiosqlite.Connection, old: Generation) -> None:
    """Bring an attached file to LangGraph's form of today, in the caller's transaction.

    Args:
        connection: The writing connection.
        old: What the file is.
    """
    if old == "no_task_path":
        await connection.execute("ALTER TABLE theirs.writes ADD COLUMN task_path TEXT NOT NULL DEFAULT ''")
    elif old == "thread_ts":
        async with connection.execute("SELECT name FROM theirs.sqlite_master WHERE name = 'writes'") as cursor:
            has_writes = await cursor.fetchone() is not None
        await connection.execute("ALTER TABLE theirs.checkpoints RENAME TO checkpoints_0_1")
        if has_writes:
            await connection.execute("ALTER TABLE theirs.writes RENAME TO writes_0_1")
        for statement in _TODAY:
            await connection.execute(statement)
        # Row by row in their order: the rank of messages is the rowid of their checkpoint.
        rows = _CHECKPOINTS.format(rowid="rowid,", suffix="_0_1")
        names = "rowid, thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata"
        await connection.execute(f"INSERT INTO theirs.checkpoints ({names}) {rows} ORDER BY rowid")
        if has_writes:
            rows = _WRITES.format(rowid="", suffix="_0_1")
            names = "thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value"
            await connection.execute(f"INSERT INTO theirs.writes ({names}) {rows}")
