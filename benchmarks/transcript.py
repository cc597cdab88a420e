"""The transcript: opening threads of any length, paging through all of one, a long reply, and switching between alternatives.

    python -m benchmarks.transcript [open] [page] [stream] [switch] [--messages 5000] [--times 9] [--files FOLDER]

Headless (120x40), so that a time is from the key to the moment when nothing is left to paint, without a terminal's share; `page`
is the installed program in a pty. Each figure stands beside the same with 20 messages (`stream`: with none and with 200 above, and
the engine's share apart). The files are kept in FOLDER, if one is given, so that they are made once.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import select
import shutil
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

from textual.pilot import Pilot

from benchmarks.seed import seed
from benchmarks.terminal import PROGRAM, Program, home, percentile
from chatui.config import Config
from chatui.conversation.library import Library
from chatui.storage import Store
from chatui.tui.app import ChatApp
from tests.scripted import ScriptedChat, ScriptedModels

SHORT = 20
#: How often a key that is held down comes.
KEYS_A_SECOND = 30
#: What a long reply consists of: prose, code, a table and a list, 8,000 characters, in 2,000 pieces of four.
BLOCK = (
    "A paragraph with **bold words** and `code` in it, long enough to be wrapped on a screen of a hundred and twenty columns.\n\n"
    "```python\nfor number in range(10):\n    print(number, number ** 2)\n```\n\n"
    "| name | value |\n|------|------:|\n| one  |     1 |\n| two  |     2 |\n\n"
    "- first item of a list\n- second item, a little longer than the first\n\n"
)
REPLY = (BLOCK * 40)[:8000]


@asynccontextmanager
async def opened(
    path: Path, models: ScriptedModels | None = None
) -> AsyncIterator[tuple[ChatApp, Pilot[int], Library]]:
    """Run the application on a file, its stack loaded."""
    library = Library(Store.open(path), cast("Any", models or ScriptedModels()), Config())
    app = ChatApp(library, Config(), new=True)
    try:
        async with app.run_test(size=(120, 40)) as pilot:
            await app.stack_ready.wait()
            await app.workers.wait_for_complete([worker for worker in app.workers if worker.group == "start"])
            await pilot.pause()
            yield app, pilot, library
    finally:
        await library.close()


async def until(pilot: Pilot[int], condition: Callable[[], bool]) -> None:
    """Wait for a condition, and until nothing is left to paint."""
    while not condition():
        await asyncio.sleep(0)
    await pilot.pause()


async def made(folder: Path, *lengths: int, branches: int = 1) -> tuple[Path, dict[int, str]]:
    """Return a file with a thread of each length, and their ids."""
    path = folder / f"transcript-{branches}-{'-'.join(map(str, lengths))}.db"
    if not path.exists():
        for length in lengths:
            await seed(path, threads=1, messages=length, branches=branches)
    library = Library(Store.open(path), cast("Any", ScriptedModels()), Config())
    # The order in which they were made: the newest was used last.
    ids = [thread.thread_id for thread in library.threads()]
    counts = {thread_id: library.thread(thread_id).message_count for thread_id in ids}
    await library.close()
    found = {length: next(i for i in ids if abs(counts[i] - length) <= 2) for length in lengths}
    return path, found


def resident() -> float:
    """The most memory that this process has used, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def opening(folder: Path, messages: int, times: int) -> None:
    path, ids = await made(folder, messages, SHORT)
    seconds: dict[int, list[float]] = {length: [] for length in ids}
    async with opened(path) as (app, pilot, _):
        screen = app.chat_screen
        rows = screen.threads.rows
        rows.focus()
        await pilot.pause()
        before = 0.0
        for turn in range(times + 1):
            for length, thread_id in ids.items():
                rows.cursor = next(i for i, thread in enumerate(rows.threads) if thread.thread_id == thread_id)
                rows.focus()
                await pilot.pause()
                began = time.perf_counter()
                await pilot.press("enter")
                await until(pilot, lambda thread_id=thread_id: screen.thread_id == thread_id)  # type: ignore[misc]
                if turn:
                    seconds[length].append(time.perf_counter() - began)
                elif length == SHORT:
                    before = resident()
        grown = resident() - before
    medians = {length: statistics.median(values) for length, values in seconds.items()}
    for length, median in medians.items():
        print(f"open     {length:6,} messages: {median * 1000:6.0f} ms from key to paint (median of {times})")
    print(f"         ratio {medians[messages] / medians[SHORT]:.2f}; memory grew by {grown:.1f} MiB")


async def paging(folder: Path, messages: int) -> None:
    """Hold PageUp down from the last message to the first, in the installed program."""
    path, ids = await made(folder, messages, SHORT)
    with tempfile.TemporaryDirectory() as own:
        file = shutil.copy(path, own)
        with Program([PROGRAM, "--db", file, ids[messages]], home(Path(own))) as program:
            # What the last messages and the first answer say; see `benchmarks.seed`.
            program.until(f"About t0m{messages - 1}:")
            program.write("\x1b")  # into message mode: the prompt's cursor blinks
            before = program.settled_mebibytes()
            began = time.perf_counter()
            paints, seen = [began], b""
            presses, released = 0, 0.0
            while time.perf_counter() - paints[-1] < 1:
                due = began + presses / KEYS_A_SECOND
                if not released and time.perf_counter() >= due:
                    program.write("\x1b[5~")
                    presses += 1
                if select.select([program.master], [], [], 0.002)[0]:
                    seen = seen[-100:] + os.read(program.master, 65536)
                    paints.append(time.perf_counter())
                    if not released and b"About t0m1:" in seen:
                        released = paints[-1]
            gaps = [later - earlier for earlier, later in pairwise(paints)]
            print(
                f"page     {messages:6,} messages: PageUp held for {released - began:.0f} s, {presses} times\n"
                f"         longest time without a paint {max(gaps) * 1000:.0f} ms, 95th percentile "
                f"{percentile(gaps, 0.95) * 1000:.0f} ms; last paint {(paints[-1] - released) * 1000:.0f} ms after the first "
                f"message came; memory grew by {program.mebibytes() - before:.1f} MiB"
            )


class Stalls:
    """Watches how long the event loop is kept from its work."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def watch(self) -> None:
        """Go on watching until this is cancelled."""
        while True:
            began = time.perf_counter()
            await asyncio.sleep(0.002)
            self.longest = max(self.longest, time.perf_counter() - began - 0.002)


async def streaming(folder: Path, times: int) -> None:
    """One reply in many pieces, on the screen and, beside it, by the engine alone: the difference is the screen's."""
    above = 200
    kept, ids = await made(folder, above)
    screens: dict[int, list[float]] = {above: [], 0: []}
    alone: list[float] = []
    longest = 0.0
    models = ScriptedModels()
    models.model.chat = Paced(script=[REPLY[at : at + 4] for at in range(0, len(REPLY), 4)], asked=[], closed=[])
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(shutil.copy(kept, temporary))
        async with opened(path, models) as (app, pilot, library):
            screen = app.chat_screen
            end = library.conversation(ids[above]).head_node
            for _turn in range(times):
                for length, found in screens.items():
                    await screen.open(ids[above] if length else None)
                    if length:
                        await screen.conversation.go_to(end)
                        screen.refresh_branch()
                    await pilot.pause()
                    stalls = Stalls()
                    watching = asyncio.create_task(stalls.watch())
                    used = time.process_time()
                    await screen.turns.submit("Go on.")
                    while screen.reply is not None:
                        await asyncio.sleep(0.02)
                    await pilot.pause()
                    found.append(time.process_time() - used)
                    watching.cancel()
                    longest = max(longest, stalls.longest)
                conversation = library.conversation()
                used = time.process_time()
                async with aclosing(conversation.send("Go on.")) as events:
                    async for _event in events:
                        pass
                alone.append(time.process_time() - used)
    engine = statistics.median(alone)
    medians = {length: statistics.median(values) for length, values in screens.items()}
    print(f"stream   2,000 pieces, by the engine alone: {engine:.2f} s of CPU (median of {times})")
    for length, median in medians.items():
        print(
            f"stream   2,000 pieces with {length:3} messages above: {median:.2f} s of CPU, the screen's {median - engine:.2f} s"
        )
    print(f"         ratio {medians[above] / medians[0]:.2f}; longest stall {longest * 1000:.0f} ms")


class Paced(ScriptedChat):
    """Sends a piece every few milliseconds, as a server does."""

    async def _astream(self, *args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        async for chunk in super()._astream(*args, **kwargs):
            yield chunk
            await asyncio.sleep(0.004)


async def switching(folder: Path, messages: int, times: int) -> None:
    path, ids = await made(folder, messages, SHORT, branches=2)
    medians = {}
    async with opened(path) as (app, pilot, _):
        screen = app.chat_screen
        for length in (SHORT, messages):
            await screen.open(ids[length])
            await pilot.pause()
            await pilot.press("escape", "[")
            await pilot.pause()
            seconds = []
            for _ in range(times + 2):
                selected = screen.transcript.selected
                assert selected is not None
                key = "left" if selected.alternative > 1 else "right"
                head = screen.conversation.head_node
                began = time.perf_counter()
                await pilot.press(key)
                await until(pilot, lambda head=head: screen.conversation.head_node != head)  # type: ignore[misc]
                seconds.append(time.perf_counter() - began)
            medians[length] = statistics.median(seconds[2:])
            print(
                f"switch   {length:6,} messages: {medians[length] * 1000:6.0f} ms from key to paint (median of {times})",
                flush=True,
            )
    print(f"         ratio {medians[messages] / medians[SHORT]:.2f}")


async def main(what: list[str], messages: int, times: int, files: Path | None) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder = files or Path(temporary)
        if "open" in what:
            await opening(folder, messages, times)
        if "page" in what:
            await paging(folder, messages)
        if "switch" in what:
            await switching(folder, min(messages, 2000), times)
        if "stream" in what:
            await streaming(folder, min(times, 3))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("what", nargs="*", default=["open", "page", "switch", "stream"])
    parser.add_argument("--messages", type=int, default=5000)
    parser.add_argument("--times", type=int, default=9)
    parser.add_argument("--files", type=Path)
    options = parser.parse_args()
    asyncio.run(main(options.what, options.messages, options.times, options.files))
