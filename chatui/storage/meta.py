"""Single values about a file as a whole: how the screen was left."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatui.storage.database import Database

if TYPE_CHECKING:
    import aiosqlite


class Meta:
    """The single values of one file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, key: str) -> str | None:
        """Return a value, None where it was never set."""
        with self._database.reading() as connection:
            row = connection.execute("SELECT value FROM chatui_meta WHERE key = ?", (key,)).fetchone()
        return str(row[0]) if row else None

    async def set(self, connection: aiosqlite.Connection, key: str, value: str) -> None:
        """Set a value, in the transaction of this connection."""
        await connection.execute("INSERT OR REPLACE INTO chatui_meta VALUES (?, ?)", (key, value))
