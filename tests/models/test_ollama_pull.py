"""Pulling a model through Ollama, over the scripted server."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import aclosing
from typing import Any

import pytest

from chatui.errors import (
    BadReply,
    ModelError,
    PullFailed,
    UnknownModel,
    Unreachable,
)
from chatui.models import Models, ollama
from tests.models.asking import SMOL
from tests.ollama_server import (
    DROP,
    HANGS_UP_WITHIN,
    OllamaServer,
    answer,
    chunk,
    quickest,
    stream,
)


async def test_pulling(models: Models, server: OllamaServer) -> None:
    steps: list[dict[str, Any]] = [
        {"status": "pulling manifest"},
        {"status": "pulling b551", "digest": "b551", "total": 100, "completed": 40},
        {"status": "success"},
    ]
    server.answers["POST", "/api/pull"] = [*stream()[:1], *(chunk(step) for step in steps), b"0\r\n\r\n"]
    seen = [(step.status, step.completed, step.total) async for step in models.pull(SMOL)]
    assert seen == [("pulling manifest", None, None), ("pulling b551", 40, 100), ("success", None, None)]


async def test_a_pull_that_fails_says_so_in_the_stream(models: Models) -> None:
    with pytest.raises(PullFailed, match="no such host"):
        async for _ in models.pull(SMOL):
            pass


@pytest.mark.parametrize(
    ("said", "title", "advice"),
    [
        ("pull model manifest: file does not exist", "library has no model smol", "name"),
        ("max retries exceeded: write /models/blobs/x: no space left on device", "no space left", "Make room"),
        ("dial tcp: lookup registry: no such host", "no such host", "network"),
        ("the model requires a newer version of Ollama", "newer version", "Update"),
        ("\x1b]0;x\x07boom.", "]0;xboom.", "again"),
    ],
)
async def test_the_faults_of_a_pull(models: Models, server: OllamaServer, said: str, title: str, advice: str) -> None:
    server.answers["POST", "/api/pull"] = [*stream()[:1], chunk({"error": said}), b"0\r\n\r\n"]
    with pytest.raises(PullFailed) as caught:
        async for _ in models.pull(SMOL):
            pass
    assert title in caught.value.title
    assert advice in caught.value.advice
    assert ".." not in caught.value.title


@pytest.mark.parametrize("ending", [DROP, b"0\r\n\r\n"], ids=["dropped", "cut off"])
async def test_a_pull_that_breaks_off_goes_on_when_it_is_run_again(
    models: Models, server: OllamaServer, ending: Any
) -> None:
    server.answers["POST", "/api/pull"] = [*stream()[:1], chunk({"status": "pulling", "total": 9}), ending]
    with pytest.raises(PullFailed, match="was lost") as caught:
        async for _ in models.pull(SMOL):
            pass
    assert "again" in caught.value.advice


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (answer(404, {"error": "not found"}), UnknownModel),
        ([*stream()[:1], chunk("no JSON"), b"0\r\n\r\n"], BadReply),
        ([*stream()[:1], chunk("[1]"), b"0\r\n\r\n"], ModelError),
        ([DROP], Unreachable),
    ],
    ids=["404", "not JSON", "no object", "dropped"],
)
async def test_a_pull_that_is_no_pull(
    models: Models, server: OllamaServer, reply: list[Any], kind: type[ModelError]
) -> None:
    server.answers["POST", "/api/pull"] = reply
    with pytest.raises(kind):
        async for _ in models.pull(SMOL):
            pass


async def test_a_pull_can_be_cancelled(models: Models, server: OllamaServer) -> None:
    gate = threading.Event()
    server.answers["POST", "/api/pull"] = [*stream()[:1], chunk({"status": "pulling"}), gate]
    async with aclosing(models.pull(SMOL)) as steps:
        async for _ in steps:
            break
    assert await asyncio.to_thread(server.hung_up.wait, 5)


@pytest.mark.parametrize("began", [True, False], ids=["in the middle", "before it answers"])
async def test_cancelling_a_pull_hangs_up_at_once(models: Models, server: OllamaServer, began: bool) -> None:
    steps = [chunk({"status": "pulling", "total": 9, "completed": 1})] if began else []
    # Nobody opens the gate: that the server sees the client go is the client's doing alone.
    server.answers["POST", "/api/pull"] = [*(stream()[:1] if began else []), *steps, threading.Event()]

    async def attempt() -> float:
        told = asyncio.Event()

        async def pull() -> None:
            async with aclosing(models.pull(SMOL)) as progress:
                async for _ in progress:
                    told.set()

        asked = len(server.requests)
        task = asyncio.create_task(pull())
        await asyncio.to_thread(server.wait_for, "/api/pull", asked + 1)
        if began:
            await told.wait()
        since = time.monotonic()
        task.cancel()
        assert await asyncio.to_thread(server.hung_up.wait, 5)
        seconds = time.monotonic() - since
        with pytest.raises(asyncio.CancelledError):
            await task
        return seconds

    assert await quickest(attempt, server) < HANGS_UP_WITHIN


async def test_a_pull_that_stands_still_is_given_up(
    models: Models, server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Servers go on for ever without a byte now and then."""
    monkeypatch.setattr(ollama, "_PULL_IDLE_SECONDS", 0.2)
    server.answers["POST", "/api/pull"] = [*stream()[:1], chunk({"status": "pulling", "total": 9}), threading.Event()]
    with pytest.raises(PullFailed, match="was lost") as caught:
        async for _ in models.pull(SMOL):
            pass
    assert "goes on where it was" in caught.value.advice
    assert await asyncio.to_thread(server.hung_up.wait, 5)


async def test_a_pull_that_was_cancelled_asks_for_the_same_again(models: Models, server: OllamaServer) -> None:
    """What has come is kept on the server: the same request goes on with it."""
    begun = [*stream()[:1], chunk({"status": "pulling b551", "total": 100, "completed": 40}), threading.Event()]
    server.answers["POST", "/api/pull"] = begun
    async with aclosing(models.pull(SMOL)) as steps:
        assert (await anext(steps)).completed == 40
    rest: list[dict[str, Any]] = [{"status": "pulling b551", "total": 100, "completed": 90}, {"status": "success"}]
    server.answers["POST", "/api/pull"] = [*stream()[:1], *(chunk(step) for step in rest), b"0\r\n\r\n"]
    assert [step.completed async for step in models.pull(SMOL)] == [90, None]
    assert [request.body for request in server.requests if request.path == "/api/pull"] == [{"model": "smol"}] * 2
