"""A program that takes some turns in a thread: `talking.py DATABASE THREAD NAME TURNS`, beginning when its input is closed."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any, cast

from chatui.config import Config
from chatui.conversation.library import Library
from chatui.storage import Store
from tests.conversation.conftest import say
from tests.scripted import ScriptedModels


async def main(path: str, thread_id: str, name: str, turns: str) -> None:
    library = Library(Store.open(Path(path)), cast("Any", ScriptedModels()), Config())
    try:
        conversation = library.conversation(thread_id)
        # As a window does: what it shows is where it goes on.
        assert conversation.branch()
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        for turn in range(int(turns)):
            await say(conversation.send(f"{name} {turn}"))
    finally:
        # A turn that fails must end the process: the thread that writes would keep it.
        await library.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
