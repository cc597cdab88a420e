"""Hanging up on openai:, anthropic: and google:, and what stands between: other clients, proxies, contexts."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import aclosing

import pytest
from langchain_core.messages import HumanMessage

from chatui.errors import ContextTooLong, ServerBusy
from chatui.models import OpenModel, parse_ref
from tests.models.api_server import PATHS, PROVIDERS, ApiServer, ask, begun, hosted, listing, text, whole
from tests.ollama_server import Reply, answer

#: Within this a server sees that a client went away.
AT_ONCE = 0.1
#: The machine that runs the tests may be busy: it must be so fast once in so many times.
TRIES = 5


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer() as server:
        yield server


async def read(opened: OpenModel, began: asyncio.Event) -> None:
    async with aclosing(opened.chat.astream([HumanMessage("Hi")])) as chunks:  # type: ignore[type-var]
        async for chunk in chunks:
            if chunk.text:
                began.set()


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("phase", ["before the first byte", "before the first token", "in the middle", "closed"])
async def test_hanging_up_is_seen_at_once(server: ApiServer, provider: str, phase: str) -> None:
    server.answers = listing(provider)
    opened = await hosted(server, provider).open(parse_ref(f"{provider}@box:m"))
    pieces = begun(provider)
    sent = {"before the first byte": [], "before the first token": pieces[:1]}.get(phase, pieces)
    for attempt in range(1, TRIES + 1):
        server.replies.append([*sent, threading.Event()])
        server.hung_up.clear()
        if phase == "closed":
            async with aclosing(opened.chat.astream([HumanMessage("Hi")])) as chunks:  # type: ignore[type-var]
                while not (await anext(chunks)).text:
                    pass
        else:
            began = asyncio.Event()
            task = asyncio.create_task(read(opened, began))
            if phase == "in the middle":
                await began.wait()
            else:
                await asyncio.to_thread(server.wait_for, PATHS[provider], attempt)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        if await asyncio.to_thread(server.hung_up.wait, AT_ONCE):
            return
        assert await asyncio.to_thread(server.hung_up.wait, 5), "it never hung up"
    pytest.fail(f"it hung up, but never within {AT_ONCE} s")


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_it_answers_again_after_a_cancel(server: ApiServer, provider: str) -> None:
    server.answers = listing(provider)
    server.replies.append([*begun(provider), threading.Event()])
    models = hosted(server, provider)
    opened, began = await models.open(parse_ref(f"{provider}@box:m")), asyncio.Event()
    task = asyncio.create_task(read(opened, began))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    server.replies.append(whole(provider))
    assert text((await ask(models, f"{provider}@box:m"))[1]) == "Hello"
    await models.close()


async def test_google_is_asked_by_our_client_where_aiohttp_is_installed(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its client prefers aiohttp, to which our secrets, certificates and rules for proxies do not reach."""
    monkeypatch.setattr("google.genai._api_client.has_aiohttp", True)
    monkeypatch.setenv("BOX_KEY", "sk-k3y")
    server.answers = listing("google")
    server.replies.append(whole("google"))
    opened, chunks = await ask(hosted(server, "google", api_key_env="BOX_KEY"), "google@box:m")
    assert text(chunks) == "Hello"
    assert server.requests[-1].headers["X-Goog-Api-Key"] == "sk-k3y"
    assert not opened.chat.client._api_client._use_aiohttp()  # type: ignore[attr-defined]


PAGES = [
    ("text/html; charset=utf-8", "Bad gateway"),
    ("text/plain", "<!DOCTYPE html><p>Bad gateway"),
    ("text/plain", "\n  <html><body>Bad gateway</body></html>"),
]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(("kind", "page"), PAGES, ids=["told", "doctype", "html"])
@pytest.mark.parametrize("status", [400, 502])
async def test_a_web_page_is_told_apart_from_a_busy_server(
    server: ApiServer, provider: str, status: int, kind: str, page: str
) -> None:
    server.answers = listing(provider)
    server.replies += [answer(status, page, kind)] * 2
    with pytest.raises(ServerBusy, match=f"web page \\(status {status}\\)") as caught:
        await ask(hosted(server, provider), f"{provider}@box:m")
    assert "proxy" in caught.value.advice
    assert "<" not in str(caught.value)


REFUSALS: list[tuple[str, str, Reply, tuple[int | None, int | None]]] = [
    (
        "llama.cpp",
        "openai",
        answer(
            400,
            {
                "error": {
                    "code": 400,
                    "message": "request (931 tokens) exceeds the available context size (512 tokens), try increasing it",
                    "type": "exceed_context_size_error",
                    "n_prompt_tokens": 931,
                    "n_ctx": 512,
                }
            },
        ),
        (931, 512),
    ),
    (
        "OpenAI",
        "openai",
        answer(
            400,
            {
                "error": {
                    "message": "This model's maximum context length is 8192 tokens. However, your messages resulted in"
                    " 8310 tokens. Please reduce the length of the messages.",
                    "type": "invalid_request_error",
                    "param": "messages",
                    "code": "context_length_exceeded",
                }
            },
        ),
        (8310, 8192),
    ),
    (
        "Anthropic",
        "anthropic",
        answer(
            400,
            {
                "type": "error",
                "error": {
                    "type": "invalid_request_error",
                    "message": "prompt is too long: 208310 tokens > 200000 maximum",
                },
            },
        ),
        (208310, 200000),
    ),
    (
        "Google",
        "google",
        answer(
            400,
            {
                "error": {
                    "code": 400,
                    "message": "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).",
                    "status": "INVALID_ARGUMENT",
                }
            },
        ),
        (1200000, 1048576),
    ),
    (
        "one that tells no sizes",
        "openai",
        answer(400, {"error": {"message": "The context length is exceeded.", "code": "context_length_exceeded"}}),
        (None, None),
    ),
]


@pytest.mark.parametrize(
    ("provider", "refusal", "sizes"), [case[1:] for case in REFUSALS], ids=[case[0] for case in REFUSALS]
)
async def test_what_a_server_has_room_for_is_read_from_its_refusal(
    server: ApiServer, provider: str, refusal: Reply, sizes: tuple[int | None, int | None]
) -> None:
    """So that it can be asked again with fewer messages."""
    server.answers = listing(provider)
    server.replies.append(refusal)
    with pytest.raises(ContextTooLong) as caught:
        await ask(hosted(server, provider), f"{provider}@box:m")
    assert (caught.value.need, caught.value.room) == sizes
