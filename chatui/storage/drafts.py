"""What was typed and not sent, one row a thread (a thread that is still to be made has one too), and what waits to be sent."""

from __future__ import annotations

from collections.abc import Collection, Sequence
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

    def waiting(self, thread_id: str) -> list[str]:
        """Return the messages that wait in a thread to be sent, in their order; those of another running program are its own."""
        sql = "SELECT process, text FROM chatui_waiting WHERE thread_id = ? ORDER BY process, place"
        with self._database.reading() as connection:
            rows = connection.execute(sql, (thread_id,)).fetchall()
        return [text for process, text in rows if not _elsewhere(process)]

    async def keep_waiting(self, connection: aiosqlite.Connection, thread_id: str, texts: Sequence[str]) -> None:
        """Keep the messages that wait in a thread, in place of those that `waiting` gives."""
        sql = "SELECT DISTINCT process FROM chatui_waiting WHERE thread_id = ?"
        async with connection.execute(sql, (thread_id,)) as cursor:
            ours = [process async for (process,) in cursor if not _elsewhere(process)]
        await connection.executemany(
            "DELETE FROM chatui_waiting WHERE thread_id = ? AND process = ?", [(thread_id, process) for process in ours]
        )
        await connection.executemany(
            "INSERT INTO chatui_waiting (thread_id, process, place, text) VALUES (?, ?, ?, ?)",
            [(thread_id, this_process(), place, text) for place, text in enumerate(texts)],
        )


def _elsewhere(process: str) -> bool:
    """Whether a program that runs, and is not this one, wrote it. Rows of older versions do not say who did."""
    return bool(process) and process != this_process() and alive(process)
