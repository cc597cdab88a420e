"""How a thread's file grows, and what a turn costs in it: chatui beside a plain `MessagesState`.

    python -m benchmarks.storage [--turns 200] [--plain-turns 100]

Prints the bytes of the file and the milliseconds of a turn at each tenth of the way. The model answers at once, so what is
measured is saving: LangGraph's share and ours together, then ours alone.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

from chatui.config import Config
from chatui.conversation.library import Library
from chatui.storage import Store
from tests.scripted import ScriptedModels

TEXT = ("The quick brown fox jumps over the lazy dog and %06d. " * 10)[:512]


def text(number: int) -> str:
    return TEXT % ((number,) * TEXT.count("%06d"))


def size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.parent.glob(path.name + "*"))


async def chatui(path: Path, turns: int) -> None:
    models = ScriptedModels()
    library = Library(Store.open(path), cast("Any", models), Config())
    conversation = library.conversation()
    times: list[float] = []
    for turn in range(turns):
        models.script = [text(turn)]
        began = time.perf_counter()
        async with aclosing(conversation.send(text(turn + turns))) as events:
            async for _ in events:
                pass
        times.append(time.perf_counter() - began)
        report("chatui", turn, turns, path, times)
    await library.close()
    print(f"chatui         closed: {size(path) / 1e6:.2f} MB for {2 * 512 * turns / 1e6:.2f} MB of text")


async def plain(path: Path, turns: int) -> None:
    from langchain_core.messages import AIMessage, HumanMessage
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
    from langgraph.graph import END, START, MessagesState, StateGraph

    builder = StateGraph(MessagesState)
    builder.add_node("model", lambda state: {"messages": [AIMessage(text(len(state["messages"])))]})
    builder.add_edge(START, "model")
    builder.add_edge("model", END)
    times: list[float] = []
    async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
        graph = builder.compile(checkpointer=saver)
        for turn in range(turns):
            began = time.perf_counter()
            message = {"messages": [HumanMessage(text(turn + turns))]}
            await graph.ainvoke(cast("Any", message), {"configurable": {"thread_id": "plain"}}, durability="sync")
            times.append(time.perf_counter() - began)
            report("MessagesState", turn, turns, path, times)


def report(name: str, turn: int, turns: int, path: Path, times: list[float]) -> None:
    step = max(turns // 10, 1)
    if (turn + 1) % step == 0:
        median = statistics.median(times[-step:]) * 1000
        print(f"{name:14} {turn + 1:5} turns {size(path) / 1e6:8.2f} MB {median:8.1f} ms a turn", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--turns", type=int, default=200)
    parser.add_argument("--plain-turns", type=int, default=100)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(chatui(Path(folder) / "chatui.db", options.turns))
        asyncio.run(plain(Path(folder) / "plain.db", options.plain_turns))


if __name__ == "__main__":
    main()
