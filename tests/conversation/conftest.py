from __future__ import annotations

import sqlite3
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, MessagesState, StateGraph

from chatui.config import Config
from chatui.conversation.events import Event, Finished
from chatui.conversation.library import Library
from chatui.conversation.state import ChatState
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


async def in_one_step(path: Path, thread_id: str, texts: Sequence[str], *, whole: bool = False) -> None:
    """Write several messages in one step, prompts and answers by turns, as another program may.

    Args:
        path: The file.
        thread_id: A new thread.
        texts: What they say.
        whole: Whether each checkpoint holds the whole list, as without DeltaChannel.
    """
    messages = [(HumanMessage if at % 2 == 0 else AIMessage)(text, id=text) for at, text in enumerate(texts)]
    builder: Any = StateGraph(MessagesState if whole else ChatState)
    builder.add_node("model", lambda state: {"messages": messages})
    builder.add_edge(START, "model")
    builder.add_edge("model", END)
    async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
        graph = builder.compile(checkpointer=saver)
        await graph.ainvoke({"messages": []}, {"configurable": {"thread_id": thread_id}})


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    bench = Bench(tmp_path / "chatui.db")
    yield bench
    await bench.library.close()
