"""chatui's saver under another graph."""

from __future__ import annotations

import stat
from pathlib import Path

from langchain_core.messages import AIMessage
from langgraph.graph import END, START, MessagesState, StateGraph

from chatui.config import Config
from chatui.conversation.library import Library
from chatui.langgraph import open_checkpointer
from chatui.models import Models
from chatui.storage import Store


async def test_threads_of_another_graph_are_threads_here(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "agent.db"
    builder = StateGraph(MessagesState)
    builder.add_node("agent", lambda state: {"messages": [AIMessage(f"Heard {len(state['messages'])}.")]})
    builder.add_edge(START, "agent")
    builder.add_edge("agent", END)
    async with open_checkpointer(path) as saver:
        graph = builder.compile(checkpointer=saver)
        for said in ("one", "two"):
            config = {"configurable": {"thread_id": "t-1", "user_id": "carol"}}
            await graph.ainvoke({"messages": [("human", said)]}, config)  # type: ignore[call-overload]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    library = Library(Store.open(path), Models(Config()), Config())
    async for _ in library.catch_up():
        pass
    (thread,) = library.threads()
    assert (thread.thread_id, thread.user, thread.title) == ("t-1", "carol", "one")
    branch = library.conversation("t-1").branch()
    assert [message.text for message in branch] == ["one", "Heard 1.", "two", "Heard 3."]
    await library.close()
    # The file is ours: nothing of it lies beside it.
    assert "chatui_migrations" in path.read_bytes().decode("latin-1")
