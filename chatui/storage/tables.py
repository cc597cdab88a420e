"""LangGraph's tables, looked at with plain SQL: what there is, without opening a checkpoint or importing LangGraph."""

from __future__ import annotations

import sqlite3
import time
from typing import Any

import msgspec

from chatui.storage.database import Database
from chatui.text import clean_line

#: How many rows of LangGraph's are few.
_NEAR = 500


def has_tables(connection: sqlite3.Connection) -> bool:
    """Say whether LangGraph has made its tables in this file yet; it does at the first turn."""
    # Unlike a look into sqlite_master, this finds them in an attached file too.
    return connection.execute("PRAGMA table_info(checkpoints)").fetchone() is not None


def metadata_of(blob: bytes | str | None) -> dict[str, Any]:
    """Return what LangGraph wrote about a checkpoint: plain JSON in every generation."""
    try:
        values = msgspec.json.decode(blob or "{}")
    except msgspec.DecodeError:
        return {}
    return values if isinstance(values, dict) else {}


def has_checkpoint(database: Database, thread_id: str, checkpoint_id: str) -> bool:
    """Say whether a thread has this checkpoint. LangGraph does not: it starts an empty conversation at an unknown one."""
    sql = "SELECT 1 FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = '' AND checkpoint_id = ?"
    with database.reading() as connection:
        if not has_tables(connection):
            return False
        return connection.execute(sql, (thread_id, checkpoint_id)).fetchone() is not None


def newer(connection: sqlite3.Connection, thread_id: str) -> tuple[str, tuple[int, str]]:
    """Return the condition on `checkpoints`, with its values, that finds the rows of a thread which the index lacks.

    A thread's rows are found by an index over all of them, which grows with the thread. Where only few rows of the file are
    newer than what is indexed, as in each turn, it is quicker to look through those: a plus keeps SQLite from the other way.
    """
    row = connection.execute("SELECT indexed_rowid FROM chatui_threads WHERE thread_id = ?", (thread_id,)).fetchone()
    indexed = row[0] if row else 0
    last = connection.execute("SELECT max(rowid) FROM checkpoints").fetchone()[0] or 0
    if 0 <= last - indexed <= _NEAR:
        return "rowid > ? AND +thread_id = ? AND +checkpoint_ns = ''", (indexed, thread_id)
    return "+rowid > ? AND thread_id = ? AND checkpoint_ns = ''", (indexed, thread_id)


def stale_threads(database: Database, thread_id: str | None = None) -> list[str]:
    """Return the threads that have checkpoints which the index lacks, the newest first.

    For all threads this reads an index of the table alone. Rowids are compared and not counted: a file that was vacuumed by
    others, or whose last rows were removed, differs too.

    Args:
        database: The file.
        thread_id: Only this thread; None for all.
    """
    with database.reading() as connection:
        if not has_tables(connection):
            return []
        if thread_id is not None:
            condition, values = newer(connection, thread_id)
            found = connection.execute(f"SELECT 1 FROM checkpoints WHERE {condition} LIMIT 1", values).fetchone()
            return [thread_id] if found or _gone(connection, thread_id) else []
        sql = """SELECT c.thread_id FROM (
                SELECT thread_id, max(rowid) AS newest FROM checkpoints WHERE checkpoint_ns = '' GROUP BY thread_id) c
            LEFT JOIN chatui_threads t ON t.thread_id = c.thread_id
            WHERE t.indexed_rowid IS NULL OR t.indexed_rowid <> c.newest ORDER BY c.newest DESC"""
        return [row[0] for row in connection.execute(sql)]


def rows_are_gone(database: Database, thread_id: str) -> bool:
    """Say whether the newest checkpoint of a thread that was indexed is not there any more: another program removed rows."""
    with database.reading() as connection:
        return has_tables(connection) and _gone(connection, thread_id)


def _gone(connection: sqlite3.Connection, thread_id: str) -> bool:
    sql = """SELECT indexed_rowid > 0 AND NOT EXISTS (
            SELECT 1 FROM checkpoints WHERE rowid = t.indexed_rowid AND thread_id = t.thread_id AND checkpoint_ns = '')
        FROM chatui_threads t WHERE thread_id = ?"""
    row = connection.execute(sql, (thread_id,)).fetchone()
    return bool(row and row[0])


def all_threads(database: Database) -> list[str]:
    """Return every thread that LangGraph's table has."""
    sql = "SELECT DISTINCT thread_id FROM checkpoints WHERE checkpoint_ns = '' ORDER BY thread_id"
    with database.reading() as connection:
        return [row[0] for row in connection.execute(sql)] if has_tables(connection) else []


def damage(database: Database, seconds: float) -> list[str] | None:
    """Return what SQLite itself finds wrong with the file, None if looking takes longer than so many seconds."""
    name = "main" if database.side is None else "theirs"
    until = time.monotonic() + seconds
    with database.reading() as connection:
        connection.set_progress_handler(lambda: time.monotonic() > until, 10_000)
        try:
            rows = connection.execute(f"PRAGMA {name}.quick_check(3)").fetchall()
        except sqlite3.OperationalError as error:
            if "interrupted" in str(error):
                return None
            raise
        finally:
            connection.set_progress_handler(None, 0)
    return [clean_line(text, 200) for (text,) in rows if text != "ok"]


def count(database: Database) -> tuple[int, int, int, int]:
    """Return the numbers of threads, messages and checkpoints, and the bytes of free pages."""
    with database.reading() as connection:
        threads = connection.execute("SELECT count(*) FROM chatui_threads WHERE deleted_at IS NULL").fetchone()[0]
        messages = connection.execute("SELECT count(*) FROM chatui_messages").fetchone()[0]
        checkpoints = 0
        if has_tables(connection):
            checkpoints = connection.execute("SELECT count(*) FROM checkpoints").fetchone()[0]
        name = "main" if database.side is None else "theirs"
        pages = connection.execute(f"PRAGMA {name}.freelist_count").fetchone()[0]
        size = connection.execute(f"PRAGMA {name}.page_size").fetchone()[0]
    return threads, messages, checkpoints, pages * size


def shares(database: Database, count: int, deleted: bool | None) -> list[tuple[str, str, int, int]]:
    """Return (thread id, title, bytes of its rows, messages) of the largest threads.

    Args:
        database: The file.
        count: At most so many; -1 for all.
        deleted: Only those that are marked as deleted, or only the others; None for both.
    """
    # length() of a blob does not read it; a text is counted in bytes only as a blob.
    ours = """SELECT thread_id, sum(length(CAST(text AS BLOB)) + length(CAST(reasoning AS BLOB))
            + length(node_id) + length(parent_id) + length(message_id) + length(thread_id)) AS size, count(*) AS messages
        FROM chatui_messages GROUP BY thread_id"""
    theirs = """SELECT thread_id, sum(length(checkpoint) + length(metadata) + length(checkpoint_id) + length(thread_id)
            + coalesce(length(parent_checkpoint_id), 0)), 0 FROM checkpoints GROUP BY thread_id
        UNION ALL SELECT thread_id, sum(coalesce(length(value), 0) + length(checkpoint_id) + length(task_id)
            + length(channel) + length(thread_id)), 0 FROM writes GROUP BY thread_id"""
    where = {None: "", True: "WHERE t.deleted_at IS NOT NULL", False: "WHERE t.deleted_at IS NULL"}[deleted]
    with database.reading() as connection:
        both = f"{ours} UNION ALL {theirs}" if has_tables(connection) else ours
        sql = f"""SELECT s.thread_id, coalesce(t.title, ''), sum(s.size) AS bytes, sum(s.messages) FROM ({both}) s
            LEFT JOIN chatui_threads t ON t.thread_id = s.thread_id {where}
            GROUP BY s.thread_id ORDER BY bytes DESC, s.thread_id LIMIT ?"""
        rows = connection.execute(sql, (count,)).fetchall()
    return [(thread_id, clean_line(title), size, messages) for thread_id, title, size, messages in rows]
