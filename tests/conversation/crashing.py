"""A program that says something to a model which never ends its reply, and waits to be killed: `crashing.py DATABASE`."""

from __future__ import annotations

import asyncio
import sys
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

from chatui.config import Config
from chatui.conversation.events import TextPiece
from chatui.conversation.library import Library
from chatui.storage import Store
from tests.scripted import ScriptedModels


async def main(path: str) -> None:
    models = ScriptedModels(["Half of", " the reply", asyncio.Event()])
    library = Library(Store.open(Path(path)), cast("Any", models), Config())
    try:
        async with aclosing(library.conversation().send("What is lost?")) as events:
            async for event in events:
                if event == TextPiece(" the reply"):
                    print("streaming", flush=True)
    finally:
        # Only where the turn failed: the thread that writes would keep the process from ending, and the test waiting.
        await library.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
