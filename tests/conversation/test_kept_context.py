"""num_ctx stays constant in a thread, for another one makes Ollama load the model anew: over the scripted server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from chatui.config import Config, OllamaConfig, Parameters
from chatui.conversation.engine import Conversation
from chatui.conversation.events import Asked, Finished, Note
from chatui.conversation.library import Library
from chatui.models import Models
from chatui.storage import Store
from tests.conversation.conftest import run, say
from tests.ollama_server import OllamaServer, answer, stream

SMOL = "ollama:smol"


class Desk:
    """A library on one file whose config can be another at the next start, and a server that loads what it is asked for."""

    def __init__(self, server: OllamaServer, path: Path) -> None:
        self.server = server
        self.path = path
        self.library: Library | None = None

    async def open(self, **parameters: Any) -> Library:
        await self.close()
        config = Config(
            model=SMOL, parameters=Parameters(**parameters), ollama=OllamaConfig(host=self.server.url), title="off"
        )
        self.library = Library(Store.open(self.path), Models(config), config)
        return self.library

    async def close(self) -> None:
        if self.library is not None:
            await self.library.models.close()
            await self.library.close()

    async def turn(self, conversation: Conversation, text: str = "Go on") -> list[str]:
        """One turn. Returns what was said before the reply."""
        events = await run(conversation.send(text))
        assert isinstance(events[-1], Finished), events[-1]
        return [event.text for event in events if isinstance(event, Note)]

    def asked(self) -> int | None:
        """The num_ctx of the last request."""
        context: int | None = self.server.asked[-1]["options"].get("num_ctx")
        return context


class Loaded(list[Any]):
    """The answer of /api/ps: the model, with the context that was asked for last; the server's own is 4,096."""

    def __init__(self, server: OllamaServer) -> None:
        super().__init__([b""])
        self._server = server

    def __iter__(self) -> Iterator[Any]:
        entries = [
            {"name": "smol:latest", "context_length": body["options"].get("num_ctx", 4096)}
            for body in self._server.asked[-1:]
        ]
        return iter(answer(200, {"models": entries}))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    with OllamaServer() as server:
        desk = Desk(server, tmp_path / "chatui.db")
        server.answers["GET", "/api/ps"] = Loaded(server)
        yield desk
        await desk.close()


async def test_a_thread_keeps_the_num_ctx_of_its_first_reply_when_the_config_changes(desk: Desk) -> None:
    conversation = (await desk.open(num_ctx=2048)).conversation()
    await desk.turn(conversation)
    library = await desk.open(num_ctx=8192)
    again = library.conversation(conversation.thread_id)
    assert again.settings.resolve(SMOL).sources["num_ctx"] == "first reply"
    assert await desk.turn(again) == []
    assert desk.asked() == 2048
    # A new thread begins with the new one, and the reload is said.
    said = await desk.turn(library.conversation())
    assert desk.asked() == 8192
    assert said == ["The model is loaded anew, for a context of 8,192 tokens; it was loaded for 2,048."]


async def test_a_thread_keeps_it_when_the_defaults_of_its_user_and_its_model_change(desk: Desk) -> None:
    conversation = (await desk.open()).conversation()
    settings = conversation.settings
    await settings.change("user", num_ctx=2048)
    await desk.turn(conversation)
    await settings.change("user", num_ctx=1024)
    await settings.change("model", SMOL, num_ctx=512)
    assert await desk.turn(conversation) == []
    assert desk.asked() == 2048


async def test_a_thread_that_left_it_to_the_server_goes_on_doing_so(desk: Desk) -> None:
    conversation = (await desk.open()).conversation()
    await desk.turn(conversation)
    again = (await desk.open(num_ctx=8192)).conversation(conversation.thread_id)
    assert await desk.turn(again) == []
    assert desk.asked() is None
    # Its own setting is on purpose, and so is taking it away: then the default is in force.
    await again.settings.change("thread", num_ctx=1024)
    said = await desk.turn(again)
    assert desk.asked() == 1024
    assert said == ["The model is loaded anew, for a context of 1,024 tokens; it was loaded for 4,096."]
    await again.settings.change("thread", num_ctx=None)
    said = await desk.turn(again)
    assert desk.asked() == 8192
    assert said == ["The model is loaded anew, for a context of 8,192 tokens; it was loaded for 1,024."]
    assert again.settings.resolve(SMOL).sources["num_ctx"] == "first reply"


async def test_taking_it_away_where_there_is_no_default_is_announced_too(desk: Desk) -> None:
    conversation = (await desk.open()).conversation()
    await conversation.settings.change("thread", num_ctx=1024)
    await desk.turn(conversation)
    await conversation.settings.change("thread", num_ctx=None)
    said = await desk.turn(conversation)
    assert desk.asked() is None
    assert said == ["The model is loaded anew, for the context that its server chooses; it was loaded for 1,024."]
    assert await desk.turn(conversation) == []


async def test_what_another_thread_loaded_is_announced_and_is_not_taken_for_ones_own_room(desk: Desk) -> None:
    library = await desk.open()
    first, second = library.conversation(), library.conversation()
    await desk.turn(first)
    await second.settings.change("thread", num_ctx=512)
    await desk.turn(second)
    events = await run(first.send("Go on"))
    notes = [event.text for event in events if isinstance(event, Note)]
    assert notes == ["The model is loaded anew, for a context of 4,096 tokens; it was loaded for 512."]
    assert next(event.context_length for event in events if isinstance(event, Asked)) == 4096
    # And back.
    assert await desk.turn(second) == [
        "The model is loaded anew, for a context of 512 tokens; it was loaded for 4,096."
    ]


async def test_another_model_has_its_own(desk: Desk) -> None:
    conversation = (await desk.open()).conversation()
    await conversation.settings.change("model", SMOL, num_ctx=2048)
    await desk.turn(conversation)
    await say(conversation.send("You?", model="ollama:smol:latest"))
    assert desk.asked() is None
    await desk.turn(conversation)
    assert desk.asked() in (None, 2048)
    assert set(conversation.settings._contexts()) == {SMOL, "ollama:smol:latest"}


async def test_a_reply_that_fails_binds_nothing(desk: Desk) -> None:
    """As where the model has no room in memory for the context: a smaller default is the way out."""
    conversation = (await desk.open(num_ctx=100_000)).conversation()
    desk.server.chats.append(answer(500, {"error": "model requires more system memory (90 GiB) than is available"}))
    assert not isinstance((await run(conversation.send("Hi")))[-1], Finished)
    again = (await desk.open(num_ctx=1024)).conversation(conversation.thread_id)
    await desk.turn(again)
    assert desk.asked() == 1024


async def test_a_reply_that_was_stopped_binds_as_the_model_was_loaded_for_it(desk: Desk) -> None:
    import threading

    conversation = (await desk.open(num_ctx=2048)).conversation()
    desk.server.chats.append(stream("Half", threading.Event()))
    turn = asyncio.create_task(run(conversation.send("Hi")))
    while conversation._turns == [] or not conversation._turns[0]._reply.texts:
        await asyncio.sleep(0.01)
    await conversation.stop()
    await turn
    again = (await desk.open(num_ctx=1024)).conversation(conversation.thread_id)
    await desk.turn(again)
    assert desk.asked() == 2048


async def test_a_copied_thread_keeps_it_too(desk: Desk) -> None:
    library = await desk.open(num_ctx=2048)
    conversation = library.conversation()
    await desk.turn(conversation)
    head = conversation.head()
    assert head is not None
    copied = await conversation.upkeep.copy_out(head.node_id)
    again = (await desk.open(num_ctx=8192)).conversation(copied.thread_id)
    await desk.turn(again)
    assert desk.asked() == 2048


async def test_what_another_version_wrote_is_left_alone(desk: Desk) -> None:
    library = await desk.open(num_ctx=2048)
    conversation = library.conversation()
    await desk.turn(conversation)
    store = library._store
    async with store.database.transaction() as connection:
        await store.settings.change(connection, "thread", conversation.thread_id, contexts={"x": {"num_ctx": "many"}})
    assert conversation.settings.resolve(SMOL).sources["num_ctx"] == "default"
    await desk.turn(conversation)
    assert json.dumps(store.settings.get("thread", conversation.thread_id))
