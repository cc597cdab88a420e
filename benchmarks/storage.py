"""How a thread's file grows, and what a turn costs in a short and in a long thread: chatui beside a plain `MessagesState`.

    python -m benchmarks.storage [--turns 1000] [--plain-turns 200] [--times 15] [--real]

Growth: files with threads of so many turns of 1 KB (512 bytes each way), closed. They are seeded: the same rows, written by SQL
(`--real` sends every turn instead). The plain file is quadratic; where it has fewer turns than asked for, its size is carried on by
a parabola through two sizes, and that is said.

Cost: turns sent to threads of 100 and of `--turns` turns. The model answers at once, so what is measured is saving. Our share is
the time in chatui's own code, waiting for its transactions included; LangGraph's is the rest: it replays the branch to begin a
turn.
"""

from __future__ import annotations

import argparse
import asyncio
import contextvars
import inspect
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import aclosing
from functools import wraps
from pathlib import Path
from typing import Any, cast

from benchmarks import seed
from chatui.config import Config
from chatui.conversation import memory, turn
from chatui.conversation.engine import Conversation
from chatui.conversation.ledger import Ledger
from chatui.conversation.library import Library
from chatui.conversation.places import Places
from chatui.storage import Store
from tests.scripted import ScriptedModels

TEXT = ("The quick brown fox jumps over the lazy dog and %06d. " * 10)[:512]
#: Our own steps of a turn.
OURS: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (Conversation, ("_catch_up", "head", "thread", "system_prompt")),
    (Places, ("address",)),
    (Ledger, ("shape", "prompt_saved", "reply_saved")),
    (memory, ("select",)),
    (turn, ("build_graph",)),
)


def text(number: int) -> str:
    return TEXT % ((number,) * TEXT.count("%06d"))


def size(path: Path) -> int:
    return sum(file.stat().st_size for file in path.parent.glob(path.name + "*"))


async def grown(path: Path, turns: int, *, kind: seed.FileKind = "chatui", real: bool = False) -> str:
    """Make a file with one thread. Returns its id."""
    if real and kind == "chatui":
        return await talked(path, turns)
    said = ((text(number + turns), text(number)) for number in range(turns))
    return await seed.single(path, str(uuid.UUID(int=7, version=4)), said, kind=kind)


async def talked(path: Path, turns: int) -> str:
    models = ScriptedModels()
    library = Library(Store.open(path), cast("Any", models), Config())
    conversation = library.conversation()
    for number in range(turns):
        await say(conversation, models, number, turns)
    await library.close()
    return conversation.thread_id


async def say(conversation: Conversation, models: ScriptedModels, number: int, turns: int) -> None:
    models.script = [text(number)]
    async with aclosing(conversation.send(text(number + turns))) as events:
        async for _ in events:
            pass


class Shares:
    """Adds up the time that is spent in our own steps, by name; of steps within steps only the outer one counts."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inside: contextvars.ContextVar[bool] = contextvars.ContextVar("inside", default=False)

    def watch(self) -> None:
        """Take the time of our own steps from now on."""
        for owner, names in OURS:
            for name in names:
                setattr(owner, name, self._timed(getattr(owner, name), name.strip("_")))

    def _timed(self, step: Callable[..., Any], name: str) -> Callable[..., Any]:
        def end(began: float) -> None:
            self.seconds[name] = self.seconds.get(name, 0) + time.perf_counter() - began

        @wraps(step)
        async def awaited(*args: Any, **options: Any) -> Any:
            if self._inside.get():
                return await step(*args, **options)
            token, began = self._inside.set(True), time.perf_counter()
            try:
                return await step(*args, **options)
            finally:
                self._inside.reset(token)
                end(began)

        @wraps(step)
        def called(*args: Any, **options: Any) -> Any:
            if self._inside.get():
                return step(*args, **options)
            token, began = self._inside.set(True), time.perf_counter()
            try:
                return step(*args, **options)
            finally:
                self._inside.reset(token)
                end(began)

        return awaited if inspect.iscoroutinefunction(step) else called


class Costs:
    """What turns cost in one thread."""

    def __init__(self) -> None:
        self.whole: list[float] = []
        self.ours: list[float] = []
        self.steps: dict[str, list[float]] = {}


async def costs(paths: dict[int, tuple[Path, str]], times: int) -> dict[int, Costs]:
    """Send turns to several threads in turn. The first to each is not counted: it opens the file."""
    shares = Shares()
    shares.watch()
    found = {turns: Costs() for turns in paths}
    opened = {}
    for turns, (path, thread_id) in paths.items():
        models = ScriptedModels()
        library = Library(Store.open(path), cast("Any", models), Config())
        opened[turns] = (library, models, library.conversation(thread_id))
    for number in range(times + 1):
        for turns, (_, models, conversation) in opened.items():
            shares.seconds.clear()
            began = time.perf_counter()
            await say(conversation, models, number, turns)
            if number:
                cost = found[turns]
                cost.whole.append(time.perf_counter() - began)
                cost.ours.append(sum(shares.seconds.values()))
                for name, seconds in shares.seconds.items():
                    cost.steps.setdefault(name, []).append(seconds)
    for library, _, _ in opened.values():
        await library.close()
    return found


def report_costs(found: dict[int, Costs]) -> None:
    short, long = found.values()
    print(f"\nA turn, median, in a thread of {' and of '.join(f'{turns:,}' for turns in found)} turns")
    rows = [
        ("ours", [cost.ours for cost in found.values()]),
        *((f"  {name}", [cost.steps[name] for cost in found.values()]) for name in long.steps),
        ("LangGraph's", [[a - b for a, b in zip(cost.whole, cost.ours, strict=True)] for cost in found.values()]),
        ("together", [cost.whole for cost in found.values()]),
    ]
    for name, (first, second) in rows:
        less, more = statistics.median(first) * 1000, statistics.median(second) * 1000
        print(f"{name:<16}{less:9.2f} ms {more:9.2f} ms {more / less:8.2f} x")
    print(f"goal: ours at most 1.5 x ({len(short.whole)} turns each, in turn)")


def report_sizes(chatui: dict[int, int], plain: dict[int, int], turns: int) -> None:
    print("Size, closed")
    for count, size in chatui.items():
        characters = count * 1024
        print(f"chatui         {count:6,} turns {size / 1e6:9.2f} MB {size / characters:8.2f} x its text")
    for count, size in plain.items():
        print(f"MessagesState  {count:6,} turns {size / 1e6:9.2f} MB {size / (count * 1024):8.2f} x its text")
    (less, small), (more, large) = plain.items()
    whole = plain.get(turns)
    if whole is None:
        # A turn adds as much as there is, and something of its own: a*n*n + b*n through both sizes.
        a = (large / more - small / less) / (more - less)
        whole = int(a * turns * turns + (small / less - a * less) * turns)
        print(f"MessagesState  {turns:6,} turns {whole / 1e6:9.2f} MB, carried on from {less} and {more} turns")
    print(f"chatui : MessagesState at {turns:,} turns: 1/{whole / chatui[turns]:.0f} (goal: less than 1/100)")


async def main(turns: int, plain_turns: int, times: int, real: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        paths, sizes, plain = {}, {}, {}
        for count in sorted({100, turns}):
            path = Path(folder) / f"{count}.db"
            paths[count] = (path, await grown(path, count, real=real))
            sizes[count] = size(path)
        for count in sorted({plain_turns // 2, plain_turns}):
            path = Path(folder) / f"plain{count}.db"
            await grown(path, count, kind="plain")
            plain[count] = size(path)
        report_sizes(sizes, plain, turns)
        report_costs(await costs(paths, times))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--turns", type=int, default=1000)
    parser.add_argument("--plain-turns", type=int, default=200)
    parser.add_argument("--times", type=int, default=15)
    parser.add_argument("--real", action="store_true")
    options = parser.parse_args()
    asyncio.run(main(options.turns, options.plain_turns, options.times, options.real))
