"""Whole turns with Ollama, from the prompt to what is saved: over the scripted server, with the answers of real ones."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, aclosing
from pathlib import Path
from typing import Any

import pytest

from chatui.config import Config, OllamaConfig
from chatui.conversation.engine import Conversation
from chatui.conversation.events import Failed, Finished, Note, ReasoningPiece, Stopped, TextPiece
from chatui.conversation.library import Library
from chatui.errors import ConnectionLost, EmptyReply, ServerBusy, ServerFault, Stalled, UnknownModel, Unreachable
from chatui.models import Models
from chatui.models.ollama import MAX_TOKENS
from chatui.storage import Store
from tests.conversation.conftest import run, say
from tests.ollama_server import (
    BUSY,
    DATA,
    DROP,
    OllamaServer,
    answer,
    chunk,
    cut_off,
    done,
    dropped,
    piece,
    recorded,
    stream,
    tags,
)

Start = Callable[..., Conversation]


@pytest.fixture
async def server() -> AsyncIterator[OllamaServer]:
    with OllamaServer() as server:
        yield server


@pytest.fixture
async def start(server: OllamaServer, tmp_path: Path) -> AsyncIterator[Start]:
    """Begins a thread, with these keys of `[ollama]`."""
    async with AsyncExitStack() as closing:

        def begin(**keys: Any) -> Conversation:
            config = Config(model="ollama:smol", ollama=OllamaConfig(**{"host": server.url, **keys}))
            models = Models(config)
            library = Library(Store.open(tmp_path / "chatui.db"), models, config)
            closing.push_async_callback(models.close)
            closing.push_async_callback(library.close)
            return library.conversation()

        yield begin


def last_line() -> dict[str, Any]:
    line: dict[str, Any] = json.loads((DATA / "chat_stream.ndjson").read_text().splitlines()[-1])
    return line


async def test_the_recorded_reply_is_saved_with_its_text_its_usage_and_its_times(start: Start) -> None:
    """Usage and times stand on the last line of the stream alone."""
    said = [json.loads(line) for line in (DATA / "chat_stream.ndjson").read_text().splitlines()]
    reply = await say(start().send("What is the capital of France?"))
    assert reply.text == "".join(line["message"]["content"] for line in said)
    assert reply.usage is not None
    assert (reply.usage.input_tokens, reply.usage.output_tokens) == (
        said[-1]["prompt_eval_count"],
        said[-1]["eval_count"],
    )
    assert reply.usage.total_tokens == said[-1]["prompt_eval_count"] + said[-1]["eval_count"]
    assert reply.sent is not None
    assert reply.sent.load_seconds == pytest.approx(said[-1]["load_duration"] / 1e9)
    assert reply.sent.writing_seconds == pytest.approx(said[-1]["eval_duration"] / 1e9)
    assert reply.sent.written_tokens == said[-1]["eval_count"]
    assert reply.interrupted is None


async def test_thinking_is_streamed_and_saved_apart_from_the_answer(start: Start, server: OllamaServer) -> None:
    """The client throws it away unless it is asked for."""
    server.answers["GET", "/api/tags"] = tags("smol:latest", capabilities=["completion", "thinking"])
    server.chats.append(stream(piece("", thinking="Hm, "), piece("", thinking="Paris?"), "Paris", "."))
    events = await run(start().send("Capital?"))
    assert [event.text for event in events if isinstance(event, ReasoningPiece)] == ["Hm, ", "Paris?"]
    assert [event.text for event in events if isinstance(event, TextPiece)] == ["Paris", "."]
    assert isinstance(events[-1], Finished)
    reply = events[-1].message
    assert (reply.reasoning, reply.text) == ("Hm, Paris?", "Paris.")
    assert reply.reasoning_seconds is not None
    assert server.asked[0]["think"] is True


async def test_a_reply_of_thinking_only_is_a_reply(start: Start, server: OllamaServer) -> None:
    server.answers["GET", "/api/tags"] = tags("smol:latest", capabilities=["completion", "thinking"])
    server.chats.append(stream(piece("", thinking="Hm.")))
    reply = await say(start().send("Capital?"))
    assert (reply.reasoning, reply.text, reply.interrupted) == ("Hm.", "", None)


async def test_a_server_that_does_not_count_the_prompt_costs_no_reply(start: Start, server: OllamaServer) -> None:
    """Without prompt_eval_count the client tells no usage at all; the speed is the server's all the same."""
    line = last_line()
    del line["prompt_eval_count"]
    server.chats.append(stream("Paris.", ending=chunk(line)))
    reply = await say(start().send("Capital?"))
    assert (reply.text, reply.usage) == ("Paris.", None)
    assert reply.sent is not None
    assert reply.sent.written_tokens == line["eval_count"]


async def test_a_stream_that_ends_without_done_is_lost_and_what_came_is_kept(
    start: Start, server: OllamaServer
) -> None:
    """The client raises nothing then."""
    server.chats.append(cut_off("The", " capital"))
    end = (await run(start().send("Capital?")))[-1]
    assert isinstance(end, Failed)
    assert isinstance(end.error, ConnectionLost)
    assert end.message is not None
    assert (end.message.text, end.message.interrupted) == ("The capital", "lost")


async def test_a_connection_that_breaks_is_lost_and_what_came_is_kept(start: Start, server: OllamaServer) -> None:
    server.chats.append(dropped("The", " capital"))
    end = (await run(start().send("Capital?")))[-1]
    assert isinstance(end, Failed)
    assert isinstance(end.error, ConnectionLost)
    assert end.message is not None
    assert (end.message.text, end.message.interrupted) == ("The capital", "lost")


async def test_a_runner_that_dies_in_the_middle_says_so_and_what_came_is_kept(
    start: Start, server: OllamaServer
) -> None:
    """The error comes inside of the stream, after 200: status -1 in the client."""
    server.chats.append(stream("The", ending=chunk({"error": "llama runner process has terminated: exit status 2"})))
    end = (await run(start().send("Capital?")))[-1]
    assert isinstance(end, Failed)
    assert isinstance(end.error, ServerFault)
    assert "exit status 2" in end.error.title
    assert end.message is not None
    assert (end.message.text, end.message.interrupted) == ("The", "failed")


async def test_a_reply_that_the_limit_cut_is_marked_so(start: Start, server: OllamaServer) -> None:
    """done_reason "length"."""
    server.chats.append(stream("The", ending=done("length")))
    reply = await say(start().send("Capital?"))
    assert (reply.text, reply.interrupted) == ("The", "length")


async def test_no_reply_runs_for_ever(start: Start, server: OllamaServer) -> None:
    """A model that never ends by itself is cut: the server's own default is no limit."""
    await say(start().send("Capital?"))
    assert server.asked[0]["options"]["num_predict"] == MAX_TOKENS > 0


@pytest.mark.parametrize(
    "reply",
    [stream(ending=done("load")), [*stream()[:1], b"0\r\n\r\n"], stream()],
    ids=["loaded only", "nothing", "no token"],
)
async def test_a_reply_without_a_word_is_an_empty_reply_and_no_crash(
    start: Start, server: OllamaServer, reply: Any
) -> None:
    """The client raises ValueError where a model was only loaded (done_reason "load") and where nothing came."""
    server.chats.append(reply)
    end = (await run(start().send("Capital?")))[-1]
    assert isinstance(end, Failed)
    assert isinstance(end.error, EmptyReply)
    assert end.message is None


async def test_a_model_that_only_calls_a_tool_is_an_empty_reply(start: Start, server: OllamaServer) -> None:
    """No tool is offered to it, so there is nothing to call."""
    call = {"function": {"name": "weather", "arguments": {"city": "Bremen"}}}
    line = {"model": "smol", "message": {"role": "assistant", "content": "", "tool_calls": [call]}, "done": False}
    server.chats.append(stream(chunk(line)))
    conversation = start()
    end = (await run(conversation.send("Weather?")))[-1]
    assert isinstance(end, Failed)
    assert isinstance(end.error, EmptyReply)
    assert not server.asked[0].get("tools")
    # The thread can be gone on with.
    await say(conversation.send("Capital?"))


async def test_a_reply_that_stands_still_is_given_up_and_what_came_is_kept(start: Start, server: OllamaServer) -> None:
    """The client's own limit is none at all."""
    server.chats.append(stream("The", threading.Event()))
    end = (await run(start(idle_seconds=0.2).send("Capital?")))[-1]
    assert isinstance(end, Failed)
    assert isinstance(end.error, Stalled)
    assert end.error.title == "Nothing came from ollama:smol for 0 s."
    assert end.message is not None
    assert end.message.text == "The"
    assert await asyncio.to_thread(server.hung_up.wait, 5)


async def test_a_model_that_never_begins_is_given_up(start: Start, server: OllamaServer) -> None:
    server.chats.append([threading.Event()])
    end = (await run(start(first_token_seconds=0.2).send("Capital?")))[-1]
    assert isinstance(end, Failed)
    assert isinstance(end.error, Stalled)
    assert end.message is None
    assert await asyncio.to_thread(server.hung_up.wait, 5)


async def test_loading_may_take_longer_than_a_reply_may_stand_still(start: Start, server: OllamaServer) -> None:
    gate = threading.Event()
    server.chats.append([gate, *stream("Paris.")])
    turn = asyncio.create_task(run(start(idle_seconds=0.1).send("Capital?")))
    await asyncio.to_thread(server.wait_for, "/api/chat")
    await asyncio.sleep(0.3)
    gate.set()
    assert isinstance((await turn)[-1], Finished)


async def test_leaving_a_turn_without_stopping_it_hangs_up(start: Start, server: OllamaServer) -> None:
    """Who leaves the loop and keeps the client's generator lets the server go on: here closing is enough."""
    server.chats.append(stream("The", threading.Event()))
    async with aclosing(start().send("Capital?")) as events:
        async for event in events:
            if isinstance(event, TextPiece):
                break
    assert await asyncio.to_thread(server.hung_up.wait, 5)


async def test_a_stopped_reply_keeps_what_came(start: Start, server: OllamaServer) -> None:
    conversation = start()
    server.chats.append(stream("The", threading.Event()))
    async with aclosing(conversation.send("Capital?")) as events:
        seen = []
        async for event in events:
            seen.append(event)
            if isinstance(event, TextPiece):
                await conversation.stop()
    end = seen[-1]
    assert isinstance(end, Stopped)
    assert end.message is not None
    assert (end.message.text, end.message.interrupted) == ("The", "stopped")
    assert await asyncio.to_thread(server.hung_up.wait, 5)


async def test_a_busy_server_is_asked_again_before_it_is_said(start: Start, server: OllamaServer) -> None:
    """503: its queue is full, mostly for a moment."""
    conversation = start()
    server.chats += [answer(503, {"error": "server busy, please try again"})] * (BUSY - 1)
    assert (await say(conversation.send("Capital?"))).text == "The capital of France is Paris."
    server.chats += [answer(503, {"error": "server busy, please try again"})] * BUSY
    end = (await run(conversation.send("Capital?")))[-1]
    assert isinstance(end, Failed)
    assert isinstance(end.error, ServerBusy)


async def test_a_model_that_was_removed_meanwhile_is_named(start: Start, server: OllamaServer) -> None:
    server.chats.append(recorded("chat404"))
    end = (await run(start().send("Capital?")))[-1]
    assert isinstance(end, Failed)
    assert isinstance(end.error, UnknownModel)
    assert end.error.model == "ollama:smol"
    assert "chatui models pull ollama:smol" in end.error.advice


async def test_a_server_that_ends_between_two_turns(start: Start, server: OllamaServer) -> None:
    conversation = start()
    await say(conversation.send("Capital?"))
    server.stop()
    end = (await run(conversation.send("And of Spain?")))[-1]
    assert isinstance(end, Failed)
    assert isinstance(end.error, Unreachable)
    assert [message.text for message in conversation.branch()][-1] == "And of Spain?", "the prompt is kept"


async def test_a_server_that_closes_before_it_says_anything(start: Start, server: OllamaServer) -> None:
    server.chats.append([DROP])
    end = (await run(start().send("Capital?")))[-1]
    assert isinstance(end, Failed)
    assert isinstance(end.error, Unreachable)
    assert "http or https" in end.error.advice


async def test_what_comes_is_clean_before_anybody_sees_it(start: Start, server: OllamaServer) -> None:
    server.answers["GET", "/api/tags"] = tags("smol:latest", capabilities=["completion", "thinking"])
    server.chats.append(stream(piece("", thinking="\x1b[2J"), "a\x1b]0;owned\x07b"))
    events = await run(start().send("Capital?"))
    assert not any("\x1b" in event.text for event in events if isinstance(event, TextPiece | ReasoningPiece | Note))
    assert isinstance(events[-1], Finished)
    assert (events[-1].message.text, events[-1].message.reasoning) == ("a]0;ownedb", "[2J")
