"""What a person set: for a thread, for a user, for a model, or for the whole file. What each key means is the domain's business."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from chatui.storage.database import Database

if TYPE_CHECKING:
    import aiosqlite

#: What a setting is of. Its name is then the thread's id, the user, the model's reference, or "" for the file.
Kind = Literal["thread", "user", "model", "file"]


class Settings:
    """The settings of one file: a JSON object for each thing that has some."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, kind: Kind, name: str = "") -> dict[str, Any]:
        """Return what is set, {} where nothing is."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT value FROM chatui_settings WHERE kind = ? AND name = ?", (kind, name)
            ).fetchone()
        return _values(row[0]) if row else {}

    def names(self, kind: Kind) -> list[str]:
        """Return what of this kind has settings, in order."""
        with self._database.reading() as connection:
            rows = connection.execute("SELECT name FROM chatui_settings WHERE kind = ? ORDER BY name", (kind,))
            return [name for (name,) in rows]

    async def change(
        self, connection: aiosqlite.Connection, kind: Kind, name: str = "", /, **values: Any
    ) -> dict[str, Any]:
        """Change some of it, in the transaction of this connection, and return all that is set then.

        Args:
            connection: Of an open transaction.
            kind: What it is a setting of.
            name: Which of them.
            values: What is plain in JSON; None takes a key away.
        """
        async with connection.execute(
            "SELECT value FROM chatui_settings WHERE kind = ? AND name = ?", (kind, name)
        ) as cursor:
            row = await cursor.fetchone()
        changed = {
            key: value for key, value in {**(_values(row[0]) if row else {}), **values}.items() if value is not None
        }
        if changed:
            text = msgspec.json.encode(changed).decode()
            await connection.execute("INSERT OR REPLACE INTO chatui_settings VALUES (?, ?, ?)", (kind, name, text))
        else:
            await connection.execute("DELETE FROM chatui_settings WHERE kind = ? AND name = ?", (kind, name))
        return changed


def _values(text: str) -> dict[str, Any]:
    return msgspec.json.decode(text, type=dict[str, Any])
