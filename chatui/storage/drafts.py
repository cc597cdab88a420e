"""What was typed and not sent, one row a thread; a thread that is still to be made has one too."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from chatui.storage.database import Database
from chatui.storage.partials import alive, this_process
from chatui.storage.records import now

if TYPE_CHECKING:
    import aiosqlite


class Drafts:
    """The drafts of one file. Reads are synchronous; writes take the connection of a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def text(self, thread_id: str) -> str:
        """Return what was typed in a thread and not sent."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT text FROM chatui_drafts WHERE thread_id = ?", (thread_id,)).fetchone()
        return row[0] if row else ""

    def unmade(self, owner: str, apart: Collection[str] = ()) -> str | None:
        """Return the id of the thread that a user wrote in last and that is still to be made, or None.

        What another running program holds on its screen is left to it.

        Args:
            owner: The user.
            apart: Not one of these.
        """
        sql = """SELECT thread_id, process FROM chatui_drafts d WHERE owner = ? AND NOT EXISTS (
            SELECT 1 FROM chatui_threads t WHERE t.thread_id = d.thread_id) ORDER BY written_at DESC"""
        with self._database.reading() as connection:
            rows = connection.execute(sql, (owner,)).fetchall()
        for thread_id, process in rows:
            if thread_id not in apart and not _elsewhere(process):
                return str(thread_id)
        return None

    async def keep(self, connection: aiosqlite.Connection, thread_id: str, owner: str, text: str) -> None:
        """Keep what was typed and not sent; an empty text drops it.

        Args:
            connection: Of an open transaction.
            thread_id: The thread, or the id that it will have.
            owner: The user that it belongs to.
            text: What was typed.
        """
        if text:
            await connection.execute(
                """INSERT OR REPLACE INTO chatui_drafts (thread_id, text, owner, process, written_at)
                   VALUES (?, ?, ?, ?, ?)""",
                (thread_id, text, owner, this_process(), now()),
            )
        else:
            await connection.execute("DELETE FROM chatui_drafts WHERE thread_id = ?", (thread_id,))


def _elsewhere(process: str) -> bool:
    """Whether a program that runs, and is not this one, wrote it. Rows of older versions do not say who did."""
    return bool(process) and process != this_process() and alive(process)
