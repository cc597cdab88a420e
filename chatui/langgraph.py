"""chatui's saver for people's own LangGraph graphs, so that their threads are chatui's threads too."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from chatui import paths
from chatui.storage import Store

if TYPE_CHECKING:
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

__all__ = ["open_checkpointer"]


@asynccontextmanager
async def open_checkpointer(path: str | Path | None = None) -> AsyncIterator[AsyncSqliteSaver]:
    """Lend a checkpointer on a file of chatui's; it is closed at the end of the block.

    Give it to `compile(checkpointer=...)` and run the graph by its asynchronous methods. A thread's messages are those of the
    state's channel that holds messages, whatever its name. `user_id` in the config's `configurable` says whose a new thread is.
    Messages come back from the file as they were; objects of other classes come back as plain data, and none is constructed.

    Args:
        path: The file, made where it is missing; None for the one that chatui itself opens.

    Raises:
        DatabaseError: The file cannot be used.
        SchemaChange: It is another program's, of an older generation of LangGraph.
    """
    store = Store.open(_file(path))
    try:
        yield await store.saver()
    finally:
        await store.close()


def _file(path: str | Path | None) -> Path:
    return paths.database() if path is None else Path(path).expanduser()
