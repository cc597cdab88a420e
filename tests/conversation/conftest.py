from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import pytest

from chatui.config import Config
from chatui.conversation.events import Event, Finished
from chatui.conversation.library import Library
from chatui.conversation.tree import Message
from chatui.storage import Store
from tests.scripted import ScriptedModels


class Bench:
    """A library on a file of its own with a scripted model."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.models = ScriptedModels()
        self.library = self._library()

    def _library(self) -> Library:
        return Library(Store.open(self.path), cast("Any", self.models), Config())

    async def reopen(self) -> Library:
        """Close the file and open it as the next start of the program would."""
        await self.library.close()
        self.library = self._library()
        return self.library

    def another(self) -> Library:
        """Open the same file as a second window would."""
        return self._library()

    def rows(self) -> list[tuple[object, ...]]:
        """Every row of LangGraph's tables, byte for byte."""
        connection = sqlite3.connect(self.path)
        try:
            names = "thread_id, checkpoint_ns, checkpoint_id"
            checkpoints = connection.execute(f"SELECT *, rowid FROM checkpoints ORDER BY {names}").fetchall()
            writes = connection.execute(f"SELECT *, rowid FROM writes ORDER BY {names}, task_id, idx").fetchall()
        finally:
            connection.close()
        return [*checkpoints, *writes]


async def run(events: AsyncGenerator[Event]) -> list[Event]:
    """Iterate a turn to its end."""
    seen = []
    async with aclosing(events) as stream:
        async for event in stream:
            seen.append(event)
    return seen


async def say(events: AsyncGenerator[Event]) -> Message:
    """Iterate a turn that must finish, and return the reply."""
    last = (await run(events))[-1]
    assert isinstance(last, Finished), last
    return last.message


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path / "chatui.db")
    yield bench
    await bench.library.close()
