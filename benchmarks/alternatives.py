"""The same scenarios in chatui and in what else there is: LangGraph's own listing and history, and elia.

    python -m benchmarks.alternatives [--threads 1000] [--turns 200] [--runs 3] [--elia PYTHON] [--keep FOLDER]

- The list: LangGraph's `saver.list(None)` over a file, beside chatui's page of threads from the same file.
- One thread: LangGraph's `get_state_history` of a thread that a `MessagesState` wrote, and of chatui's own, beside what chatui
  reads to open it, and the whole tree with every branch.
- elia 1.10.0, where PYTHON is that of a virtual environment with `elia-chat==1.10.0` in it: with as many chats, from the start of
  the process until the newest is painted in a pty of 120x40, and from Enter on a chat until its last message is painted; beside
  chatui in the same pty. A chat there holds `--turns` turns, the others one.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import sqlite3
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any, cast

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.graph import END, START, MessagesState, StateGraph

from benchmarks import seed, texts
from benchmarks.terminal import PROGRAM, WORD, Program, home, in_turn, line, seeded
from chatui.config import Config
from chatui.conversation.graph import at, build_graph
from chatui.conversation.library import Library
from chatui.conversation.tree import Message
from chatui.models import Models
from chatui.storage import Store

NEWEST, LONG = "The newest question", "The long conversation"
#: Makes elia's own tables.
ELIA_TABLES = """
import asyncio
import elia_chat.database.models
from elia_chat.database.database import create_database
asyncio.run(create_database())
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=1000)
    parser.add_argument("--turns", type=int, default=200)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--elia", type=Path, metavar="PYTHON")
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        files = options.keep or Path(folder)
        path = seeded(files, options.threads, messages=20)
        compare_lists(path, options.threads, options.runs)
        asyncio.run(compare_histories(Path(folder), options.turns))
        if options.elia is not None:
            compare_elia(Path(folder), options.elia, options.threads, options.turns, options.runs)


def compare_lists(path: Path, threads: int, runs: int) -> None:
    """List the threads of one file."""
    print(f"The list of {threads:,} threads of 20 messages")
    library = open_library(path)

    def langgraph() -> float:
        with closing(sqlite3.connect(path, check_same_thread=False)) as connection:
            began = time.perf_counter()
            found = {row.config["configurable"]["thread_id"] for row in SqliteSaver(connection).list(None)}
            seconds = time.perf_counter() - began
        if len(found) != threads:
            raise SystemExit(f"LangGraph lists {len(found)} threads")
        return seconds

    def timed(count: int | None) -> float:
        began = time.perf_counter()
        found, total = library.threads(limit=count), library.count()
        seconds = time.perf_counter() - began
        if (len(found), total) != (min(count or threads, threads), threads):
            raise SystemExit(f"chatui lists {len(found)} of {total} threads")
        return seconds

    rows: dict[str, Callable[[], float]] = {
        "chatui, a page": lambda: timed(60),
        "chatui, all": lambda: timed(None),
        "saver.list(None)": langgraph,
    }
    told(in_turn(runs, rows), "saver.list(None)")
    asyncio.run(library.close())


async def compare_histories(folder: Path, turns: int) -> None:
    """Read one thread of a `MessagesState`, and the same in chatui's form."""
    print(f"\nOne thread of {turns:,} turns")
    figures: dict[str, list[float]] = {}
    plain, ours = folder / "plain.db", folder / "ours.db"
    for path, kind in ((plain, "plain"), (ours, "chatui")):
        await seed.single(path, "long", exchanges(turns), kind=cast("seed.FileKind", kind))

    library = open_library(ours)
    conversation = library.conversation("long")
    reads: dict[str, Callable[[], Sequence[Message]]] = {
        "chatui, to open it": lambda: conversation.part(max(2 * turns - 23, 1), 24),
        "chatui, the branch": conversation.branch,
        "chatui, the whole tree": conversation.tree,
    }
    for name, read in reads.items():
        began = time.perf_counter()
        found = read()
        figures[name] = [time.perf_counter() - began]
        if not found or WORD not in found[-1].text:
            raise SystemExit(f"{name}: the last message is not there")
    await library.close()

    def answer(state: MessagesState) -> dict[str, list[Any]]:
        return {"messages": []}

    builder = StateGraph(MessagesState)
    builder.add_node("model", answer)
    builder.add_edge(START, "model")
    builder.add_edge("model", END)
    with closing(sqlite3.connect(plain, check_same_thread=False)) as connection:
        graph = builder.compile(checkpointer=SqliteSaver(connection))
        began = time.perf_counter()
        count = len(list(graph.get_state_history({"configurable": {"thread_id": "long"}})))
        figures["get_state_history, MessagesState"] = [time.perf_counter() - began]

    store = Store.open(ours)
    deltas = build_graph(cast("Any", None), await store.saver())
    began = time.perf_counter()
    rows = [state async for state in deltas.aget_state_history(at("long", None))]
    figures["get_state_history, chatui's file"] = [time.perf_counter() - began]
    await store.close()
    if count != 3 * turns or len(rows) != 3 * turns + 1:
        raise SystemExit(f"the histories have {count} and {len(rows)} rows")
    told(figures, "get_state_history, MessagesState")


def exchanges(turns: int) -> list[tuple[str, str]]:
    """The prompts and replies of the long conversation, about 1 KB each turn."""
    rng = random.Random(3)
    found = []
    for number in range(turns):
        prompt = LONG if not number else texts.question("mixed", 200, rng, f"q{number}")
        found.append((prompt, texts.answer("mixed", 800, rng, f"a{number}")))
    prompt, _ = found[-1]
    found[-1] = (prompt, f"All about **{WORD}**.")
    return found


def compare_elia(folder: Path, python: Path, threads: int, turns: int, runs: int) -> None:
    """Start both with as many threads, and open the long one, which is the one that was used last."""
    environment = {**home(folder), "XDG_DATA_HOME": str(folder / "data"), "XDG_CONFIG_HOME": str(folder / "config")}
    environment["OPENAI_API_KEY"] = "none"
    path = folder / "many.db"
    asyncio.run(seed.seed(path, threads=threads - 1, messages=2))
    asyncio.run(seed.single(path, "long", exchanges(turns)))
    fill_elia(python, environment, threads, turns)
    commands = {
        # A new thread, so that both have the long one still to open. Escape closes the welcome: there is no model.
        "chatui": ([PROGRAM, "--db", str(path), "--new"], ("\x1b", "\x1bOQ"), "\r"),
        "elia": ([str(python.with_name("elia"))], ("\t",), "\r"),
    }
    print(f"\n{threads:,} chats, one of them of {turns:,} turns, in a pty")
    for what, opens in (("the newest is painted", False), ("its last message is painted after Enter", True)):
        seconds = in_turn(
            runs, {name: partial(used, *entry, environment, opens=opens) for name, entry in commands.items()}
        )
        for name, values in seconds.items():
            line(f"{name}, {what}", values)
        ratio = statistics.median(seconds["elia"]) / statistics.median(seconds["chatui"])
        print(f"{'elia : chatui':<34}{ratio:8.1f} x")


def used(
    command: list[str], to_list: tuple[str, ...], enter: str, environment: dict[str, str], *, opens: bool
) -> float:
    """Return the seconds to the first paint of the list, or from Enter on its first row to the last message."""
    with Program(command, environment) as program:
        painted = program.until(LONG, seconds=180) - program.began
        if not opens:
            return painted
        # Each has time to settle: with many chats elia is busy for seconds after its first paint.
        program.read_for(8)
        for key in to_list:
            program.write(key)
            program.read_for(4)
        return -program.write(enter) + program.until(WORD, seconds=180)


def fill_elia(python: Path, environment: dict[str, str], threads: int, turns: int) -> None:
    """Make elia's database with its own code, and fill it."""
    done = subprocess.run([str(python), "-c", ELIA_TABLES], env={**os.environ, **environment}, check=False)
    if done.returncode:
        raise SystemExit(f"{python} has no elia-chat.")
    rng = random.Random(4)
    chat = "INSERT INTO chat (model, title, started_at, archived) VALUES ('gpt-4o', ?, ?, 0)"
    message = "INSERT INTO message (chat_id, role, content, timestamp, meta, model) VALUES (?, ?, ?, ?, '{}', 'gpt-4o')"
    with closing(sqlite3.connect(Path(environment["XDG_DATA_HOME"]) / "elia" / "elia.sqlite")) as connection:
        for number in range(threads):
            newest = number == threads - 1
            said = exchanges(turns) if newest else [(texts.question("mixed", 100, rng, f"e{number}"), "Yes.")]
            day = f"2026-01-{1 + number * 27 // threads:02}"
            chat_id = connection.execute(chat, (said[0][0], f"{day} 00:00:00")).lastrowid
            rows = [
                ("system", "You are a helpful assistant."),
                *(row for pair in said for row in zip(("user", "assistant"), pair, strict=True)),
            ]
            connection.executemany(
                message,
                [
                    (
                        chat_id,
                        role,
                        text,
                        f"{'2026-01-29' if newest else day} {place // 3600:02}:{place // 60 % 60:02}:{place % 60:02}",
                    )
                    for place, (role, text) in enumerate(rows)
                ],
            )
        connection.commit()


def told(figures: dict[str, list[float]], reference: str) -> None:
    """Print figures, and how many times quicker than the reference each is."""
    slow = statistics.median(figures[reference])
    for name, values in figures.items():
        line(name, values, "ms", 1000)
        if name != reference:
            print(f"{'  ' + reference + ' takes':<44}{slow / statistics.median(values):8.1f} x as long")


def open_library(path: Path) -> Library:
    return Library(Store.open(path), Models(Config()), Config())


if __name__ == "__main__":
    main()
