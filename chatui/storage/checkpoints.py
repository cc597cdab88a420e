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


async def open_saver(database: Database) -> AsyncSqliteSaver:
    """Return LangGraph's saver on the database's writing connection, under the database's lock."""
    saver = AsyncSqliteSaver(await database.writer(), serde=serializer())
    saver.lock = database.lock
    return saver
