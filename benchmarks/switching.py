"""How long switching to another alternative takes on the screen: in a thread of 2,000 messages and in one of 20.

    python -m benchmarks.switching [--messages 2000] [--times 15]     (making 2,000 messages takes some minutes)

Both threads part after their first message into two branches of equal length. In message mode, on the message where they part
(reached from the top of the thread), Left and Right are pressed in turn; the time is from the key to the frame that shows
the other branch (headless, 120x40).
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

from textual.pilot import Pilot

from chatui.config import Config
from chatui.conversation.library import Library
from chatui.storage import Store
from chatui.tui.app import ChatApp
from tests.scripted import ScriptedModels


async def grow(library: Library, models: ScriptedModels, messages: int) -> str:
    """Make a thread of two branches."""
    conversation = library.conversation()

    async def say(text: str) -> None:
        models.script = [f"About {text}."]
        async with aclosing(conversation.send(text)) as events:
            async for _ in events:
                pass

    await say("the beginning")
    fork = conversation.head_node
    for side in ("left", "right"):
        await conversation.go_to(fork)
        for turn in range(max(1, (messages - 2) // 4)):
            await say(f"{side} {turn}")
    return conversation.thread_id


async def switch(library: Library, thread_id: str, times: int) -> list[float]:
    """Press Right and Left in turn; returns the seconds of each."""
    app = ChatApp(library, Config(), thread=thread_id)
    seconds = []
    async with app.run_test(size=(120, 40)) as pilot:
        screen = app.chat_screen
        await pilot.pause()
        await pilot.press("escape", "g", "]")
        await pilot.pause()
        for turn in range(times):
            before = screen.conversation.head_node
            began = time.perf_counter()
            await pilot.press("left" if turn % 2 == 0 else "right")
            await painted(pilot, lambda before=before: screen.conversation.head_node != before)
            seconds.append(time.perf_counter() - began)
    return seconds


async def painted(pilot: Pilot[Any], changed: Any) -> None:
    """Wait until something has changed, and the screen has nothing more to paint."""
    while not changed():
        await asyncio.sleep(0)
    await pilot.pause()


async def main(messages: int, times: int) -> None:
    medians = {}
    for count in (20, messages):
        with tempfile.TemporaryDirectory() as folder:
            models = ScriptedModels()
            library = Library(Store.open(Path(folder) / "chatui.db"), cast("Any", models), Config())
            thread_id = await grow(library, models, count)
            seconds = await switch(library, thread_id, times)
            await library.close()
        medians[count] = statistics.median(seconds)
        print(f"{count:6} messages: {medians[count] * 1000:6.0f} ms from key to paint (median of {times})", flush=True)
    print(f"ratio {medians[messages] / medians[20]:.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--times", type=int, default=15)
    options = parser.parse_args()
    asyncio.run(main(options.messages, options.times))
