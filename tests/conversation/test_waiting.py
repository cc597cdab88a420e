"""What is said while nothing of a reply has come, and that stopping then hangs up, over the scripted server."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

import pytest

from chatui.config import Config, OllamaConfig
from chatui.conversation import waiting
from chatui.conversation.engine import Conversation
from chatui.conversation.events import Event, Finished, Stopped, TextPiece, Waiting
from chatui.conversation.library import Library
from chatui.models import Models
from chatui.storage import Store
from tests.conversation.conftest import Bench, say
from tests.ollama_server import HANGS_UP_WITHIN, OllamaServer, answer, quickest, recorded, stream


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is waited for is said at once."""
    monkeypatch.setattr(waiting, "_PATIENCE", 0)
    monkeypatch.setattr(waiting, "_LOOK_EVERY", 0.01)


@pytest.fixture
def server() -> Iterator[OllamaServer]:
    with OllamaServer() as server:
        yield server


@pytest.fixture
async def library(server: OllamaServer, tmp_path: Path) -> AsyncIterator[Library]:
    config = Config(model="ollama:smol", ollama=OllamaConfig(host=server.url))
    models = Models(config)
    library = Library(Store.open(tmp_path / "chatui.db"), models, config)
    yield library
    await library.close()
    await models.close()


async def until(conversation: Conversation, event: Event, text: str = "Hi") -> list[Event]:
    """Send something, and stop once an event comes. Returns all events."""
    seen: list[Event] = []
    async with aclosing(conversation.send(text)) as events:
        async for one in events:
            seen.append(one)
            if one == event:
                await conversation.stop()
    return seen


def waits(events: list[Event]) -> list[str]:
    return [event.what for event in events if isinstance(event, Waiting)]


async def test_a_model_that_is_not_loaded_is_being_loaded(library: Library, server: OllamaServer) -> None:
    server.answers["GET", "/api/ps"] = answer(200, {"models": []})
    server.chats.append([threading.Event()])
    assert waits(await until(library.conversation(), Waiting("loading"))) == ["loading"]


async def test_once_it_is_listed_nobody_knows_what_it_does(library: Library, server: OllamaServer) -> None:
    listed = server.answers["GET", "/api/ps"]
    server.answers["GET", "/api/ps"] = answer(200, {"models": []})
    gate = threading.Event()
    server.chats.append([gate, *stream("Hello")])
    seen: list[Event] = []
    async with aclosing(library.conversation().send("Hi")) as events:
        async for event in events:
            seen.append(event)
            if event == Waiting("loading"):
                server.answers["GET", "/api/ps"] = listed
            if event == Waiting("starting"):
                gate.set()
    assert waits(seen) == ["loading", "starting"]
    assert isinstance(seen[-1], Finished)
    assert seen.index(TextPiece("Hello")) > seen.index(Waiting("starting"))


async def test_a_loaded_model_that_says_nothing(library: Library, server: OllamaServer) -> None:
    server.chats.append([threading.Event()])
    assert waits(await until(library.conversation(), Waiting("first token"))) == ["first token"]


async def test_a_server_that_does_not_tell_what_is_loaded(library: Library, server: OllamaServer) -> None:
    server.answers["GET", "/api/ps"] = recorded("nopath")
    server.chats.append([threading.Event()])
    assert waits(await until(library.conversation(), Waiting("first token"))) == ["first token"]


async def test_two_requests_to_one_model_stand_in_a_queue(library: Library, server: OllamaServer) -> None:
    gate = threading.Event()
    server.chats += [stream("One", gate), [gate, *stream("Two")]]
    first, second = library.conversation(), library.conversation()
    came = asyncio.Event()

    async def one() -> None:
        async with aclosing(first.send("Hi")) as events:
            async for event in events:
                if event == TextPiece("One"):
                    came.set()

    running = asyncio.create_task(one())
    await came.wait()
    seen: list[Event] = []
    async with aclosing(second.send("Hi")) as events:
        async for event in events:
            seen.append(event)
            if event == Waiting("queued"):
                gate.set()
                await running
    assert waits(seen)[0] == "queued"
    assert isinstance(seen[-1], Finished)
    # Nobody stands before the next one.
    server.chats.append([threading.Event()])
    assert waits(await until(second, Waiting("first token"), "More")) == ["first token"]


async def test_another_model_is_no_queue(bench: Bench) -> None:
    bench.models.script = ["Half", asyncio.Event()]
    other = bench.library.conversation()
    running = other.send("Hi", model="ollama:other")
    assert [await anext(running) for _ in range(3)][-1] == TextPiece("Half")
    bench.models.script = [asyncio.Event()]
    assert waits(await until(bench.library.conversation(), Waiting("first token"))) == ["first token"]
    await running.aclose()


async def test_nothing_is_said_once_something_has_come(bench: Bench) -> None:
    gate = asyncio.Event()
    bench.models.script = ["Half", gate, " and half"]
    seen: list[Event] = []
    async with aclosing(bench.library.conversation().send("Hi")) as events:
        async for event in events:
            seen.append(event)
            if event == TextPiece("Half"):
                # As long as several looks would take.
                await asyncio.sleep(0.05)
                gate.set()
    first = seen.index(TextPiece("Half"))
    assert not waits(seen[first:])


async def test_each_message_keeps_the_name_of_its_model(bench: Bench) -> None:
    conversation = bench.library.conversation()
    await say(conversation.send("One", model="ollama:first"))
    await bench.library.set_model(conversation.thread_id, "ollama:second")
    await say(conversation.send("Two"))
    await bench.reopen()
    again = bench.library.conversation(conversation.thread_id)
    assert [m.model for m in again.branch() if m.role == "assistant"] == ["ollama:first", "ollama:second"]


# Stopping. The server waits at a gate that nobody opens: that it sees the client go is the client's doing alone.


async def stopped(library: Library, server: OllamaServer, path: str) -> float:
    """Send something, stop it once the server was asked for a path, and return the seconds until the server saw it."""
    conversation = library.conversation()
    before = sum(request.path == path for request in server.requests)
    last: list[Any] = []

    async def follow() -> None:
        async with aclosing(conversation.send("Hi")) as events:
            async for event in events:
                last[:] = [event]

    turn = asyncio.create_task(follow())
    await asyncio.to_thread(server.wait_for, path, before + 1)
    began = time.monotonic()
    stopping = asyncio.create_task(conversation.stop())
    assert await asyncio.to_thread(server.hung_up.wait, 5)
    seconds = time.monotonic() - began
    await stopping
    await turn
    assert last == [Stopped(None)]
    return seconds


async def test_stopping_while_the_model_loads_hangs_up(library: Library, server: OllamaServer) -> None:
    server.answers["GET", "/api/ps"] = answer(200, {"models": []})

    async def attempt() -> float:
        # As Ollama does: not even the head of the answer comes before the model is loaded.
        server.chats.append([threading.Event(), *stream("never")])
        return await stopped(library, server, "/api/chat")

    assert await quickest(attempt, server) < HANGS_UP_WITHIN


async def test_stopping_before_the_first_token_hangs_up(library: Library, server: OllamaServer) -> None:
    async def attempt() -> float:
        server.chats.append(stream(threading.Event(), "never"))
        return await stopped(library, server, "/api/chat")

    assert await quickest(attempt, server) < HANGS_UP_WITHIN


async def test_stopping_in_the_middle_of_a_reply_hangs_up(library: Library, server: OllamaServer) -> None:
    async def attempt() -> float:
        server.chats.append(stream("Half", threading.Event()))
        conversation, began = library.conversation(), 0.0
        async with aclosing(conversation.send("Hi")) as events:
            async for event in events:
                if event == TextPiece("Half"):
                    began = time.monotonic()
                    await conversation.stop()
        assert await asyncio.to_thread(server.hung_up.wait, 5)
        return time.monotonic() - began

    assert await quickest(attempt, server) < HANGS_UP_WITHIN


async def test_stopping_while_the_server_is_asked_what_it_has_hangs_up(library: Library, server: OllamaServer) -> None:
    server.answers["GET", "/api/tags"] = [threading.Event()]
    assert await quickest(lambda: stopped(library, server, "/api/tags"), server) < HANGS_UP_WITHIN


async def test_stopping_while_it_is_asked_what_is_loaded_leaves_no_connection(
    library: Library, server: OllamaServer
) -> None:
    gate, ps = threading.Event(), server.answers["GET", "/api/ps"]
    server.chats.append([gate, *stream("Hello")])
    seen = 0

    class Twice(list[Any]):
        """Answers the first time, and keeps the second waiting."""

        def __iter__(self) -> Any:
            nonlocal seen
            seen += 1
            return iter(ps if seen == 1 else [threading.Event()])

    server.answers["GET", "/api/ps"] = cast("Any", Twice([b""]))
    conversation = library.conversation()

    async def follow() -> list[Event]:
        async with aclosing(conversation.send("Hi")) as events:
            return [event async for event in events]

    turn = asyncio.create_task(follow())
    await asyncio.to_thread(server.wait_for, "/api/ps", 2)
    gate.set()
    # The token ends the looking, whose connection is closed though its answer never came.
    assert isinstance((await turn)[-1], Finished)
    assert await asyncio.to_thread(server.hung_up.wait, 5)
