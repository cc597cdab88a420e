"""What does not fit into a model's context: over the scripted server, with the answers of real ones."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from chatui.config import Config, OllamaConfig
from chatui.conversation.context import cut, least_tokens, left_out, numbers
from chatui.conversation.engine import Conversation
from chatui.conversation.events import Asked, Failed, Finished, Note
from chatui.conversation.library import Library
from chatui.conversation.memory import estimate_tokens
from chatui.errors import ContextTooLong
from chatui.models import Models
from chatui.storage import Store
from tests.conversation.conftest import run, say
from tests.ollama_server import OllamaServer, Reply, answer, chunk, stream

WORDS = "The quick brown fox jumps over the lazy dog and is never seen again. "


def last_line(read: int) -> bytes:
    """The last line of a reply whose server read so many tokens of the prompt."""
    message = {"role": "assistant", "content": ""}
    ending = {"done": True, "done_reason": "stop", "prompt_eval_count": read, "eval_count": 3}
    return chunk({"model": "smol", "created_at": "2026-11-22T11:46:55.7Z", "message": message, **ending})


def replied(read: int) -> Reply:
    return stream("Fine.", ending=last_line(read))


def overflow(need: int, room: int) -> Reply:
    """A real server's answer to `truncate: false` where the prompt is too long: JSON in a string in JSON."""
    error = {
        "code": 400,
        "message": f"request ({need} tokens) exceeds the available context size ({room} tokens), try increasing it",
        "type": "exceed_context_size_error",
        "n_prompt_tokens": need,
        "n_ctx": room,
    }
    return answer(400, {"error": json.dumps({"error": error})})


def loaded(context: int | None) -> Reply:
    """What runs on the server; None for nothing."""
    return answer(200, {"models": [{"name": "smol:latest", "context_length": context}] if context else []})


@pytest.fixture
async def server() -> AsyncIterator[OllamaServer]:
    with OllamaServer() as server:
        server.answers["GET", "/api/ps"] = loaded(4096)
        yield server


@pytest.fixture
async def conversation(server: OllamaServer, tmp_path: Path) -> AsyncIterator[Conversation]:
    config = Config(model="ollama:smol", ollama=OllamaConfig(host=server.url))
    library = Library(Store.open(tmp_path / "chatui.db"), Models(config), config)
    yield library.conversation()
    await library.close()


async def grow(conversation: Conversation, server: OllamaServer, turns: int, size: int = 10) -> None:
    """Put so many turns of about 170 tokens each into a thread, each read by the server."""
    for turn in range(turns):
        server.chats.append(replied(170 * (turn + 1)))
        await say(conversation.send(f"{turn}: {WORDS * size}"))


def notes(events: list[Any]) -> list[str]:
    return [event.text for event in events if isinstance(event, Note)]


def said(body: dict[str, Any]) -> list[str]:
    return [message["content"] for message in body["messages"]]


async def test_while_all_fits_nothing_is_said(conversation: Conversation, server: OllamaServer) -> None:
    await grow(conversation, server, 2)
    server.chats.append(replied(500))
    events = await run(conversation.send("And now?"))
    assert notes(events) == []
    assert isinstance(events[-1], Finished)
    sent = events[-1].message.sent
    assert sent is not None
    assert (sent.messages, sent.left_out, sent.cut, sent.context_length) == (5, 0, 0, 4096)


async def test_what_chatui_leaves_out_is_told_before_the_reply(
    conversation: Conversation, server: OllamaServer
) -> None:
    await grow(conversation, server, 6)
    server.answers["GET", "/api/ps"] = loaded(512)
    server.chats.append(replied(350))
    events = await run(conversation.send("And now?"))
    (asked,) = [event for event in events if isinstance(event, Asked)]
    assert asked.context_length == 512
    assert notes(events) == [f"{asked.left_out} older messages are not sent: #1 to #{asked.left_out}."]
    assert events.index(next(event for event in events if isinstance(event, Note))) < events.index(asked)
    assert len(said(server.asked[-1])) == 13 - asked.left_out
    assert said(server.asked[-1])[-1] == "And now?"


async def test_a_real_400_is_asked_again_with_what_there_is_room_for(
    conversation: Conversation, server: OllamaServer
) -> None:
    await grow(conversation, server, 6)
    server.chats += [overflow(1040, 600), replied(400)]
    events = await run(conversation.send("And now?"))
    first, second = [event for event in events if isinstance(event, Asked)]
    assert (first.left_out, second.context_length) == (0, 600)
    assert second.left_out > 0
    assert second.estimated_tokens < 600
    assert notes(events) == [
        "The messages do not fit into the context of ollama:smol (1040 tokens, there is room for 600)."
        " The model is asked again with fewer messages.",
        f"{second.left_out} older messages are not sent: #1 to #{second.left_out}.",
    ]
    assert [len(said(body)) for body in server.asked[-2:]] == [13, 13 - second.left_out]
    assert all(body["truncate"] is False for body in server.asked)
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert finished.message.sent is not None
    assert finished.message.sent.left_out == second.left_out
    assert len(conversation.branch()) == 14, "what is not sent is still there"


async def test_a_tokenizer_that_needs_more_than_was_thought_is_allowed_for(
    conversation: Conversation, server: OllamaServer
) -> None:
    await grow(conversation, server, 6)
    # Twice the estimate: in the server's tokens the second attempt has to be half as long as one would think.
    server.chats += [overflow(2 * 1060, 1000), replied(700)]
    events = await run(conversation.send("And now?"))
    _, second = [event for event in events if isinstance(event, Asked)]
    assert 2 * second.estimated_tokens <= 1000


async def test_a_prompt_that_alone_is_too_long_fails_with_the_way_out(
    conversation: Conversation, server: OllamaServer
) -> None:
    server.chats.append(overflow(280, 128))
    events = await run(conversation.send(WORDS * 17))
    failed = events[-1]
    assert isinstance(failed, Failed)
    assert isinstance(failed.error, ContextTooLong)
    assert str(failed.error) == (
        "The messages do not fit into the context of ollama:smol (280 tokens, there is room for 128)."
        " Send less, set a num_ctx of 1024 or more in the thread's settings (F4), or choose a model with a larger context."
    )
    assert len(server.asked) == 1
    assert [message.role for message in conversation.branch()] == ["user"]


async def test_a_server_that_refuses_again_and_again_is_not_asked_for_ever(
    conversation: Conversation, server: OllamaServer
) -> None:
    await grow(conversation, server, 8)
    count = len(server.asked)
    server.chats += [overflow(1400, 1000), overflow(1300, 600), overflow(1200, 300), overflow(1100, 200)]
    events = await run(conversation.send("And now?"))
    assert isinstance(events[-1], Failed)
    assert isinstance(events[-1].error, ContextTooLong)
    assert len(server.asked) - count == 3


async def test_a_silent_truncation_is_seen_from_the_count(conversation: Conversation, server: OllamaServer) -> None:
    """An older server that knows no `truncate`: 280 tokens into a context of 128 are answered with 200, of which 66 were read."""
    await grow(conversation, server, 5)
    server.answers["GET", "/api/ps"] = answer(404, "404 page not found", "text/plain")
    server.chats.append(replied(200))
    events = await run(conversation.send("And now?"))
    (asked,) = [event for event in events if isinstance(event, Asked)]
    assert asked.left_out == 0
    (note,) = notes(events)
    finished = events[-1]
    assert isinstance(finished, Finished)
    sent = finished.message.sent
    assert sent is not None
    # What was read has room for the newest turn and a word before it.
    assert sent.cut == 7
    assert note == (
        f"The server cut the history by itself: about 7 messages, #1 to #7. It read 200 of about {asked.estimated_tokens:,} tokens;"
        " a larger num_ctx (F4), or a newer server, helps."
    )


async def test_a_smaller_cut_is_seen_where_the_context_is_known(
    conversation: Conversation, server: OllamaServer
) -> None:
    await grow(conversation, server, 5)
    server.answers["GET", "/api/ps"] = loaded(None)
    gate = threading.Event()
    server.chats.append(stream(gate, "Fine.", ending=last_line(600)))
    turn = asyncio.create_task(run(conversation.send("And now?")))
    await asyncio.to_thread(server.wait_for, "/api/chat", 6)
    # It is loaded by this very turn, and its context is smaller than was thought.
    server.answers["GET", "/api/ps"] = loaded(640)
    gate.set()
    events = await turn
    finished = events[-1]
    assert isinstance(finished, Finished)
    assert finished.message.sent is not None
    # The gauge shows what was really in force.
    assert finished.message.sent.context_length == 640
    assert "cut the history by itself" in notes(events)[0]


async def test_num_ctx_is_the_room_and_a_reload_is_announced(conversation: Conversation, server: OllamaServer) -> None:
    await grow(conversation, server, 6)
    await conversation.settings.change("thread", num_ctx=512)
    server.chats.append(replied(300))
    events = await run(conversation.send("And now?"))
    (asked,) = [event for event in events if isinstance(event, Asked)]
    assert asked.context_length == 512
    assert asked.left_out > 0
    assert notes(events)[0] == "The model is loaded anew, for a context of 512 tokens; it was loaded for 4,096."
    assert server.asked[-1]["options"]["num_ctx"] == 512
    server.answers["GET", "/api/ps"] = loaded(512)
    server.chats.append(replied(300))
    assert not any("loaded anew" in note for note in notes(await run(conversation.send("Once more"))))
    assert server.asked[-1]["options"]["num_ctx"] == 512


async def test_more_than_the_model_can_have_is_no_reload_each_time(
    conversation: Conversation, server: OllamaServer
) -> None:
    await conversation.settings.change("thread", num_ctx=100_000)
    server.answers["GET", "/api/ps"] = loaded(8192)  # what the recorded model can have at the most
    server.chats.append(replied(20))
    events = await run(conversation.send("Hello"))
    assert notes(events) == []
    assert next(event.context_length for event in events if isinstance(event, Asked)) == 8192


async def test_the_gauge_has_the_context_that_the_server_gave(conversation: Conversation, server: OllamaServer) -> None:
    """Another program had loaded the model with another context; asked without one the server takes its own."""
    gate = threading.Event()
    server.chats.append(stream(gate, "Fine.", ending=last_line(20)))
    turn = asyncio.create_task(run(conversation.send("Hello")))
    await asyncio.to_thread(server.wait_for, "/api/chat")
    server.answers["GET", "/api/ps"] = loaded(32_768)
    gate.set()
    finished = (await turn)[-1]
    assert isinstance(finished, Finished)
    assert finished.message.sent is not None
    assert finished.message.sent.context_length == 32_768


async def test_a_server_that_does_not_say_costs_no_reply(conversation: Conversation, server: OllamaServer) -> None:
    gate = threading.Event()
    server.chats.append(stream(gate, "Fine.", ending=last_line(20)))
    turn = asyncio.create_task(run(conversation.send("Hello")))
    await asyncio.to_thread(server.wait_for, "/api/chat")
    server.answers["GET", "/api/ps"] = answer(200, "<html>", "text/html")
    gate.set()
    finished = (await turn)[-1]
    assert isinstance(finished, Finished)
    assert finished.message.sent is not None
    assert finished.message.sent.context_length == 4096


def branch(count: int) -> list[BaseMessage]:
    return [(HumanMessage if place % 2 == 0 else AIMessage)(WORDS * 10) for place in range(count)]


def test_what_is_left_out_is_told_by_its_numbers() -> None:
    messages = branch(7)
    assert left_out(messages, messages) == ""
    assert left_out(messages, messages[1:]) == "1 older message is not sent: #1."
    assert left_out(messages, [messages[0], messages[3], messages[6]]) == (
        "4 older messages are not sent: #2 to #3 and #5 to #6."
    )
    assert numbers([1, 3, 5, 6]) == "#1, #3 and #5 to #6"


def test_the_system_prompt_is_not_what_a_server_drops() -> None:
    messages = [SystemMessage("Be brief. " * 20), *branch(5)]
    estimated = estimate_tokens(messages)
    read = estimate_tokens([messages[0], messages[-1]])
    assert cut(messages, estimated=estimated, read=read, room=None) == 4
    assert cut(messages, estimated=estimated, read=1, room=None) == 4, "the newest is what was answered"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (WORDS * 20, 300),  # English: 16 tokens for each of the 69 letters' sentences
        ("Быстрая лиса прыгает через ленивую собаку. " * 20, 250),
        ("素早い茶色の狐がのろまな犬を飛び越える。" * 20, 280),
        ("=" * 4000 + "\n" + " " * 4000, 60),
        ("def f(x):\n        return x\n" * 100, 900),
    ],
)
def test_a_prompt_that_was_read_whole_is_not_said_to_be_cut(text: str, read: int) -> None:
    sent = [HumanMessage(text), AIMessage("Yes."), HumanMessage("Go on")]
    assert cut(sent, estimated=estimate_tokens(sent), read=read, room=8192) == 0
    assert cut(sent, estimated=estimate_tokens(sent), read=None, room=8192) == 0


def test_the_least_is_less_than_the_estimate() -> None:
    assert least_tokens(WORDS) < estimate_tokens([HumanMessage(WORDS)]) / 2 + 1


async def test_a_request_for_a_title_loads_no_model_anew(conversation: Conversation, server: OllamaServer) -> None:
    await conversation.settings.change("thread", num_ctx=2048, keep_alive="9m", temperature=0.1)
    await grow(conversation, server, 1)
    server.chats.append(stream("Foxes", ending=last_line(30)))
    assert await conversation.give_title()
    asked = server.asked[-1]
    assert (asked["options"]["num_ctx"], asked["keep_alive"]) == (2048, "9m")
    assert "temperature" not in asked["options"]
