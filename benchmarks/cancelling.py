"""How long it takes from stopping to the closed connection, as an Ollama server sees it (goal: 100 ms).

    python -m benchmarks.cancelling [--times 20]

The server is scripted and waits at a gate that nobody opens: that it sees the client go is the client's doing alone. It looks
every 5 ms. On the screen the time begins with the Escape key.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path

from chatui.config import Config, OllamaConfig
from chatui.conversation.events import TextPiece
from chatui.conversation.library import Library
from chatui.models import Models, parse_ref
from chatui.storage import Store
from chatui.tui.app import ChatApp
from tests.ollama_server import OllamaServer, Reply, answer, chunk, stream

GOAL = 0.1
Stop = Callable[[], Awaitable[object]]


def loading() -> Reply:
    """Not a byte comes, as while a model is loaded."""
    return [threading.Event()]


def writing() -> Reply:
    """A word, and then nothing more."""
    return stream("Half", threading.Event())


async def measured(server: OllamaServer, stop: Stop) -> float:
    """Stop, and return the seconds until the server has seen the client go."""
    began = time.monotonic()
    stopping = asyncio.ensure_future(stop())
    seen = await asyncio.to_thread(server.hung_up.wait, 30)
    seconds = time.monotonic() - began
    await stopping
    if not seen:
        raise SystemExit("The server was never left.")
    return seconds


async def of_reply(config: Config, server: OllamaServer, folder: Path, reply: Reply) -> float:
    """Stop a reply through the engine."""
    models = Models(config)
    library = Library(Store.open(folder / f"{time.monotonic_ns()}.db"), models, config)
    conversation, came = library.conversation(), asyncio.Event()
    server.chats.append(reply)

    async def follow() -> None:
        async with aclosing(conversation.send("Hello")) as events:
            async for event in events:
                if isinstance(event, TextPiece):
                    came.set()

    turn = asyncio.create_task(follow())
    await asyncio.to_thread(server.wait_for, "/api/chat", len(server.asked) + 1)
    if len(reply) > 1:
        await came.wait()
    seconds = await measured(server, conversation.stop)
    await turn
    await library.close()
    await models.close()
    return seconds


async def of_pull(config: Config, server: OllamaServer) -> float:
    """Cancel a pull in its middle."""
    models, told = Models(config), asyncio.Event()
    progress = chunk({"status": "pulling", "total": 9, "completed": 1})
    server.answers["POST", "/api/pull"] = [*stream()[:1], progress, threading.Event()]

    async def pull() -> None:
        async with aclosing(models.pull(parse_ref("ollama:tiny"))) as steps:
            async for _ in steps:
                told.set()

    task = asyncio.create_task(pull())
    await told.wait()

    async def stop() -> None:
        task.cancel()

    seconds = await measured(server, stop)
    await asyncio.wait([task])
    await models.close()
    return seconds


async def on_screen(config: Config, server: OllamaServer, folder: Path, reply: Reply) -> float:
    """Press Escape while a reply is waited for or streams."""
    models = Models(config)
    library = Library(Store.open(folder / f"{time.monotonic_ns()}.db"), models, config)
    app = ChatApp(library, config)
    async with app.run_test(size=(120, 40)) as pilot:
        await app.stack_ready.wait()
        server.chats.append(reply)
        app.chat_screen.prompt.focus()
        app.chat_screen.prompt.hold("Hello")
        asked = len(server.asked) + 1
        await pilot.press("enter")
        await asyncio.to_thread(server.wait_for, "/api/chat", asked)
        while len(reply) > 1 and not (app.chat_screen.reply and app.chat_screen.reply.pieces):
            await asyncio.sleep(0.01)
        seconds = await measured(server, lambda: pilot.press("escape"))
    await library.close()
    await models.close()
    return seconds


async def main(times: int) -> None:
    """Measure each case so many times, and print the figures."""
    with OllamaServer() as server, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server.answers["GET", "/api/ps"] = answer(200, {"models": []})
        config = Config(model="ollama:smol", title="off", ollama=OllamaConfig(host=server.url))
        cases: dict[str, Callable[[], Awaitable[float]]] = {
            "a reply, while the model loads": lambda: of_reply(config, server, folder, loading()),
            "a reply, in its middle": lambda: of_reply(config, server, folder, writing()),
            "a pull, in its middle": lambda: of_pull(config, server),
            "Escape, while the model loads": lambda: on_screen(config, server, folder, loading()),
            "Escape, in the middle of a reply": lambda: on_screen(config, server, folder, writing()),
        }
        for title, case in cases.items():
            found = []
            for _ in range(times):
                server.hung_up.clear()
                found.append(await case())
            found.sort()
            print(
                f"{title:<34} median {statistics.median(found) * 1000:4.0f} ms, most {found[-1] * 1000:4.0f} ms,"
                f" {sum(seconds > GOAL for seconds in found)} of {times} over {GOAL * 1000:.0f} ms"
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=20)
    asyncio.run(main(parser.parse_args().times))
