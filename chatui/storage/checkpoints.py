"""The saver that writes LangGraph's own tables, and the serializer that reads them. Importing this imports LangGraph."""

from __future__ import annotations

from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from chatui.storage.database import Database


def serializer() -> JsonPlusSerializer:
    """Return the strict serializer: messages round-trip, anything else comes back as plain data and is never constructed.

    By default langgraph-checkpoint 4.3 still constructs unregistered classes that a file names (CVE-2026-28277).
    """
    return JsonPlusSerializer(allowed_msgpack_modules=None)


class _GuestSaver(AsyncSqliteSaver):
    """The saver on another program's file: its `setup` would alter tables and turn the write-ahead log on there."""

    async def setup(self) -> None:
        """Do nothing: the tables are there, and are of today's form."""
        self.is_setup = True


async def open_saver(database: Database) -> AsyncSqliteSaver:
    """Return LangGraph's saver on the database's writing connection, under the database's lock.

    Raises:
        ReadOnlyDatabase: Nothing may be written.
        SchemaChange: The file's tables are of an older generation, and have to be changed first.
    """
    database.check_writable()
    kind = AsyncSqliteSaver if database.side is None else _GuestSaver
    async with database.lock:
        connection = await database.writer()
    saver = kind(connection, serde=serializer())
    saver.lock = database.lock
    return saver
