"""A reply while it streams: on disk every few hundred milliseconds, gone when the turn is saved.

A row whose process has ended is a reply that a crash cut off; it waits until the user keeps, retries or discards it.
"""

from __future__ import annotations

import os
import socket
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from chatui.storage.database import Database
from chatui.storage.records import Partial, now

if TYPE_CHECKING:
    import aiosqlite

_COLUMNS = "thread_id, checkpoint_id, message_id, model, text, reasoning, started_at, updated_at"


@cache
def this_process() -> str:
    """Name this process so that another can tell whether it still runs: host, pid, start time."""
    return f"{socket.gethostname()} {os.getpid()} {_start_time(os.getpid())}"


def _start_time(pid: int) -> str:
    """When a process started, in the kernel's ticks, or "-" where that cannot be read: pids are used again."""
    try:
        # The name in parentheses may hold spaces; the start time is the 20th field after it (proc(5)).
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return "-"


def alive(process: str) -> bool:
    """Say whether the process that `this_process` named still runs."""
    host, _, rest = process.partition(" ")
    pid, _, started = rest.partition(" ")
    if host != socket.gethostname():
        # On a shared disk another machine's process cannot be asked; its reply is left to it.
        return True
    if os.name == "nt":  # os.kill would end the process there
        return process == this_process()
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return _start_time(int(pid)) == started


class Partials:
    """The replies of one file that are not complete."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def abandoned(self, thread_id: str) -> Partial | None:
        """Return the newest reply in this thread that its process left behind, or None.

        One whose message is in the index was saved just before its process ended: nothing of it is missing.
        """
        sql = f"""SELECT {_COLUMNS}, process FROM chatui_partials p WHERE thread_id = ? AND NOT EXISTS (
            SELECT 1 FROM chatui_messages m WHERE m.thread_id = p.thread_id AND m.message_id = p.message_id)
            ORDER BY rowid DESC"""
        with self._database.reading() as connection:
            rows = connection.execute(sql, (thread_id,)).fetchall()
        for *values, process in rows:
            if not alive(process):
                names = _COLUMNS.split(", ")
                return Partial(**dict(zip(names, values, strict=True)))
        return None

    async def put(self, connection: aiosqlite.Connection, partial: Partial) -> None:
        """Write what has come so far."""
        await connection.execute(
            f"INSERT OR REPLACE INTO chatui_partials ({_COLUMNS}, process) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                partial.thread_id,
                partial.checkpoint_id,
                partial.message_id,
                partial.model,
                partial.text,
                partial.reasoning,
                partial.started_at,
                now(),
                this_process(),
            ),
        )

    async def drop(self, connection: aiosqlite.Connection, message_id: str) -> None:
        """Forget a reply: it is saved as a message, or the user discarded it."""
        await connection.execute("DELETE FROM chatui_partials WHERE message_id = ?", (message_id,))
