"""Whole turns with openai:, anthropic: and google:, in the forms in which their servers stream: usage, stops, refusals, secrets."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from chatui.config import Config, HostConfig
from chatui.conversation.engine import Conversation
from chatui.conversation.events import Asked, Failed, Note, Stopped, TextPiece
from chatui.conversation.library import Library
from chatui.models import Models
from chatui.storage import Store
from tests.conversation.conftest import run, say
from tests.models.api_server import PROVIDERS, ApiServer, begun, event, listing, openai_piece, sse, whole
from tests.ollama_server import Reply, answer

KEY, HEADER, PASSWORD = "sk-k3y-s3cret", "h3ader-s3cret", "p4ssword-s3cret"


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer() as server:
        yield server


class Talk:
    """Conversations over the scripted server, each with a file of its own."""

    def __init__(self, server: ApiServer, folder: Path, stack: AsyncExitStack) -> None:
        self._server = server
        self._stack = stack
        self.file = folder / "chatui.db"

    def begin(self, provider: Any, **more: Any) -> Conversation:
        self._server.answers = listing(provider)
        host = HostConfig(**{"url": self._server.url, "provider": provider, **more})
        config = Config(model=f"{provider}@box:m", hosts={"box": host})
        library = Library(Store.open(self.file), Models(config), config)
        self._stack.push_async_callback(library.close)
        return library.conversation()


@pytest.fixture
async def talk(server: ApiServer, tmp_path: Path) -> AsyncIterator[Talk]:
    async with AsyncExitStack() as stack:
        yield Talk(server, tmp_path, stack)


def openai_chunk(text: str | None, reason: str | None = None, **more: Any) -> bytes:
    choices = [] if text is None else [{"index": 0, "delta": {"content": text}, "finish_reason": reason}]
    return event({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **more})


def openai_usage(read: int, written: int, **more: Any) -> dict[str, Any]:
    counts = {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written}
    return {"usage": {**counts, **more}}


def anthropic_stream(start: dict[str, int], *ends: dict[str, Any]) -> Reply:
    message: dict[str, Any] = {
        "id": "m1",
        "type": "message",
        "role": "assistant",
        "content": [],
        "model": "m",
        "stop_reason": None,
    }
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    delta = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}}
    stop = {"stop_reason": "end_turn", "stop_sequence": None}
    return sse(
        event({"type": "message_start", "message": {**message, "usage": start}}, "message_start"),
        event(block, "content_block_start"),
        event({"type": "ping"}, "ping"),
        event(delta, "content_block_delta"),
        event({"type": "content_block_stop", "index": 0}, "content_block_stop"),
        *(event({"type": "message_delta", "delta": stop, "usage": usage}, "message_delta") for usage in ends),
        event({"type": "message_stop"}, "message_stop"),
    )


def google_stream(*pieces: tuple[str, dict[str, int]]) -> Reply:
    chunks = []
    for number, (text, usage) in enumerate(pieces, start=1):
        candidate: dict[str, Any] = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
        if number == len(pieces):
            candidate["finishReason"] = "STOP"
        chunks.append(event({"candidates": [candidate], "usageMetadata": usage, "modelVersion": "m"}))
    return sse(*chunks)


def google_usage(read: int, written: int, thought: int = 0) -> dict[str, int]:
    counts = {"promptTokenCount": read, "totalTokenCount": read + written + thought}
    return (
        counts
        | ({"candidatesTokenCount": written} if written else {})
        | ({"thoughtsTokenCount": thought} if thought else {})
    )


CACHED = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 31}
USAGES: list[tuple[str, str, Reply, tuple[int, int]]] = [
    (
        "OpenAI: at the end, in a chunk of its own",
        "openai",
        sse(
            openai_chunk("Hel", usage=None),
            openai_chunk("lo", usage=None),
            openai_chunk("", "stop", usage=None),
            openai_chunk(None, **openai_usage(19, 10, prompt_tokens_details={"cached_tokens": 0, "audio_tokens": 0})),
            event("[DONE]"),
        ),
        (19, 10),
    ),
    (
        "with the last piece",
        "openai",
        sse(openai_chunk("Hel"), openai_chunk("lo", "stop", **openai_usage(19, 10)), event("[DONE]")),
        (19, 10),
    ),
    (
        "with each piece, so far",
        "openai",
        sse(
            openai_chunk("Hel", **openai_usage(19, 1)),
            openai_chunk("lo", **openai_usage(19, 2)),
            openai_chunk("", "stop", **openai_usage(19, 3)),
            openai_chunk(None, **openai_usage(19, 3)),
            event("[DONE]"),
        ),
        (19, 3),
    ),
    (
        "Anthropic: the prompt first",
        "anthropic",
        anthropic_stream({"input_tokens": 25, "output_tokens": 1}, {"output_tokens": 15}),
        (25, 15),
    ),
    (
        "Anthropic: both again at the end",
        "anthropic",
        anthropic_stream(
            {"input_tokens": 25, "output_tokens": 1, **CACHED}, {"input_tokens": 25, "output_tokens": 15, **CACHED}
        ),
        (56, 15),
    ),
    (
        "llama.cpp as Anthropic",
        "anthropic",
        anthropic_stream({"cache_read_input_tokens": 31, "input_tokens": 1, "output_tokens": 0}, {"output_tokens": 3}),
        (32, 3),
    ),
    (
        "Google: with each piece, so far",
        "google",
        google_stream(("Hel", google_usage(8, 0)), ("lo", google_usage(8, 5)), ("", google_usage(8, 9))),
        (8, 9),
    ),
    (
        "Google: thoughts are written too",
        "google",
        google_stream(("Hel", google_usage(8, 2, 40)), ("lo", google_usage(8, 9, 40))),
        (8, 49),
    ),
    (
        "Google: the last count of the prompt is the right one",
        "google",
        google_stream(("Hel", google_usage(12, 2)), ("lo", google_usage(8, 9))),
        (8, 9),
    ),
]


@pytest.mark.parametrize(
    ("provider", "reply", "counts"), [case[1:] for case in USAGES], ids=[case[0] for case in USAGES]
)
async def test_the_usage_that_is_stored_is_the_whole_reply_s(
    talk: Talk, server: ApiServer, provider: str, reply: Reply, counts: tuple[int, int]
) -> None:
    conversation = talk.begin(provider)
    server.replies.append(reply)
    message = await say(conversation.send("Hi"))
    assert message.text == "Hello"
    assert message.usage is not None
    assert (message.usage.input_tokens, message.usage.output_tokens) == counts
    assert message.usage.total_tokens == sum(counts)
    assert conversation.branch()[-1].usage == message.usage


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_stopping_keeps_what_came_and_hangs_up(talk: Talk, server: ApiServer, provider: str) -> None:
    conversation = talk.begin(provider)
    server.replies.append([*begun(provider), threading.Event()])
    events: list[Any] = []
    async for one in conversation.send("Hi"):
        events.append(one)
        if isinstance(one, TextPiece):
            await conversation.stop()
    assert isinstance(events[-1], Stopped)
    assert events[-1].message is not None
    assert (events[-1].message.text, events[-1].message.interrupted) == ("Hel", "stopped")
    assert await asyncio.to_thread(server.hung_up.wait, 5)
    server.replies.append(whole(provider))
    assert (await say(conversation.send("Again"))).text == "Hello"


async def test_a_server_that_has_less_room_is_asked_again_with_fewer_messages(talk: Talk, server: ApiServer) -> None:
    conversation = talk.begin("openai")
    for turn in range(6):
        server.replies.append(whole("openai"))
        await say(conversation.send(f"{turn}: {'The quick brown fox jumps over the lazy dog. ' * 12}"))
    said = "This model's maximum context length is 600 tokens. However, your messages resulted in 1040 tokens."
    server.replies += [answer(400, {"error": {"message": said, "code": "context_length_exceeded"}}), whole("openai")]
    events = await run(conversation.send("And now?"))
    first, second = [one for one in events if isinstance(one, Asked)]
    assert second.sent < first.sent
    assert len(server.requests[-1].body["messages"]) == second.sent
    notes = [one.text for one in events if isinstance(one, Note)]
    assert "asked again with fewer messages" in notes[0]
    assert "not sent: #1 to #" in notes[1]


async def test_secrets_are_in_no_sentence_and_not_in_the_file(
    talk: Talk, server: ApiServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("BOX_KEY", KEY)
    url = server.url.replace("http://", f"http://me:{PASSWORD}@")
    conversation = talk.begin("openai", url=url, api_key_env="BOX_KEY", headers={"X-Team": HEADER})
    caplog.set_level(0)
    server.replies += [whole("openai"), answer(400, {"error": {"message": "no"}})]
    await say(conversation.send("Hi"))
    events = await run(conversation.send("Again"))
    assert isinstance(events[-1], Failed)
    server.replies.append([*sse(openai_piece("Hel"))[:2], threading.Event()])
    async for one in conversation.send("And again"):
        events.append(one)
        if isinstance(one, TextPiece):
            await conversation.stop()
    assert server.requests[-1].headers["X-Team"] == HEADER
    stored = b"".join(file.read_bytes() for file in talk.file.parent.glob("chatui.db*"))
    assert b"And again" in stored
    for secret in (KEY, HEADER, PASSWORD, "bWU6"):  # the last is "me:" in base64
        assert secret.encode() not in stored
        assert secret not in repr(events) + caplog.text
