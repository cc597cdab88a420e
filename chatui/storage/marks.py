"""What a person says about a message: a star, a name, and that it is deleted with all below it.

Marks are kept by node id, which is the same after the index is made anew. Deleting hides; nothing is lost until a purge.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatui.storage.database import Database
from chatui.storage.messages import UPWARDS
from chatui.storage.records import now

if TYPE_CHECKING:
    import aiosqlite

_BELOW = """WITH RECURSIVE below (node_id) AS (
    SELECT ?2
    UNION
    SELECT m.node_id FROM below JOIN chatui_messages m ON m.thread_id = ?1 AND m.parent_id = below.node_id)"""


class Marks:
    """The marks of one file. Writes take the connection of an open transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def below(self, thread_id: str, node_id: str, *, hidden: bool = False) -> list[str]:
        """Return the node ids of a message and of all below it.

        Args:
            thread_id: The thread.
            node_id: The message.
            hidden: Those that are deleted already too.
        """
        sql = f"""{_BELOW} SELECT b.node_id FROM below b JOIN chatui_messages m ON m.thread_id = ?1 AND m.node_id = b.node_id
            WHERE ?3 OR NOT m.hidden"""
        with self._database.reading() as connection:
            return [row[0] for row in connection.execute(sql, (thread_id, node_id, hidden))]

    def deleted_at(self, thread_id: str, node_id: str) -> str | None:
        """Return the message whose deletion hides another: itself, or the nearest one above; None if it is shown."""
        sql = f"""{UPWARDS} SELECT p.node_id FROM path p JOIN chatui_marks k ON k.thread_id = ?1 AND k.node_id = p.node_id
            WHERE k.deleted_at IS NOT NULL ORDER BY p.place LIMIT 1"""
        with self._database.reading() as connection:
            row = connection.execute(sql, (thread_id, node_id)).fetchone()
        return row[0] if row else None

    def deleted(self, thread_id: str) -> set[str]:
        """Return the messages of a thread that are marked as deleted; those below them are hidden with them."""
        sql = "SELECT node_id FROM chatui_marks WHERE thread_id = ? AND deleted_at IS NOT NULL"
        with self._database.reading() as connection:
            return {row[0] for row in connection.execute(sql, (thread_id,))}

    def last_deleted(self, thread_id: str) -> str | None:
        """Return the node that was deleted last in a thread, None if there is none."""
        sql = """SELECT node_id FROM chatui_marks WHERE thread_id = ? AND deleted_at IS NOT NULL
            ORDER BY deleted_at DESC LIMIT 1"""
        with self._database.reading() as connection:
            row = connection.execute(sql, (thread_id,)).fetchone()
        return row[0] if row else None

    async def star(self, connection: aiosqlite.Connection, thread_id: str, node_id: str, on: bool) -> None:
        """Put a star on a message, or take it off."""
        await self._set(connection, thread_id, node_id, "starred", int(on))

    async def name(self, connection: aiosqlite.Connection, thread_id: str, node_id: str, name: str | None) -> None:
        """Name the branch at a message; None takes the name off."""
        await self._set(connection, thread_id, node_id, "name", name)

    async def delete(self, connection: aiosqlite.Connection, thread_id: str, node_id: str, on: bool = True) -> None:
        """Mark a message and all below it as deleted, or no longer."""
        await self._set(connection, thread_id, node_id, "deleted_at", now() if on else None)
        await self._hide(connection, thread_id)

    @staticmethod
    async def _set(
        connection: aiosqlite.Connection, thread_id: str, node_id: str, column: str, value: str | int | None
    ) -> None:
        await connection.execute(
            f"""INSERT INTO chatui_marks (thread_id, node_id, {column}) VALUES (?1, ?2, ?3)
                ON CONFLICT (thread_id, node_id) DO UPDATE SET {column} = ?3""",
            (thread_id, node_id, value),
        )

    @staticmethod
    async def _hide(connection: aiosqlite.Connection, thread_id: str) -> None:
        """Hide what is below any deleted message of a thread, and count the rest anew."""
        await connection.execute(
            """WITH RECURSIVE dead (node_id) AS (
                    SELECT node_id FROM chatui_marks WHERE thread_id = ?1 AND deleted_at IS NOT NULL
                    UNION
                    SELECT m.node_id FROM dead JOIN chatui_messages m ON m.thread_id = ?1 AND m.parent_id = dead.node_id)
               UPDATE chatui_messages SET hidden = node_id IN (SELECT node_id FROM dead) WHERE thread_id = ?1""",
            (thread_id,),
        )
        await count_anew(connection, thread_id)


async def count_anew(connection: aiosqlite.Connection, thread_id: str) -> None:
    """Count the messages and the branches of a thread again, after some were hidden, shown or removed."""
    await connection.execute(
        """UPDATE chatui_threads SET
               message_count = (SELECT count(*) FROM chatui_messages WHERE thread_id = ?1 AND NOT hidden),
               branch_count = (SELECT count(*) FROM chatui_messages m WHERE thread_id = ?1 AND NOT hidden AND NOT EXISTS (
                   SELECT 1 FROM chatui_messages s WHERE s.thread_id = ?1 AND s.parent_id = m.node_id AND NOT s.hidden))
           WHERE thread_id = ?1""",
        (thread_id,),
    )
