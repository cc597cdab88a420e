"""Ollama over the scripted server: what a real one answers, and everything that goes wrong."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import Any

import httpx
import pytest
from langchain_core.messages import AIMessageChunk, HumanMessage

from chatui.config import Config, OllamaConfig
from chatui.errors import (
    BadReply,
    ConfigError,
    ConnectionLost,
    ContextTooLong,
    ModelError,
    NoModel,
    OutOfMemory,
    PullFailed,
    ServerBusy,
    ServerFault,
    Stalled,
    Unauthorized,
    UnknownModel,
    Unreachable,
    Unsupported,
)
from chatui.models import ModelRef, Models, parse_ref
from chatui.models import registry as registry_module
from chatui.models.ollama import Ollama
from chatui.models.ollama_errors import explain
from tests.ollama_server import (
    BUSY,
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

SMOL = parse_ref("ollama:smol")


@pytest.fixture
def server() -> Iterator[OllamaServer]:
    with OllamaServer() as server:
        yield server


@pytest.fixture
async def models(server: OllamaServer) -> AsyncIterator[Models]:
    models = Models(Config(ollama=OllamaConfig(host=server.url)))
    yield models
    await models.close()


async def ask(models: Models, ref: ModelRef = SMOL) -> list[AIMessageChunk]:
    """Ask, and raise what the engine would show."""
    opened = await models.open(ref)
    chunks: list[AIMessageChunk] = []
    try:
        async for part in opened.chat.astream([HumanMessage("Hi")]):
            chunks.append(part)
    except Exception as error:
        raise opened.explain(error, began=bool(chunks)) from error
    return chunks


def merged(chunks: list[AIMessageChunk]) -> dict[str, Any]:
    return {key: value for part in chunks for key, value in part.response_metadata.items()}


async def test_what_is_installed(models: Models) -> None:
    model = (await models.list())[0]
    assert (model.model, model.size, model.parameters) == ("ollama:smol:latest", 98362761, "134.52M")
    assert (model.quantization, model.capabilities, model.loaded) == ("Q4_1", ["completion"], True)
    # What is in force, not the most that the model could have.
    assert model.context_length == 64


async def test_the_recorded_reply_streams(models: Models, server: OllamaServer) -> None:
    chunks = await ask(models)
    assert "".join(str(part.text) for part in chunks) == "The capital of France is Paris."
    usage = next(part.usage_metadata for part in chunks if part.usage_metadata)
    assert (usage["input_tokens"], usage["output_tokens"]) == (16, 8)
    opened = await models.open(SMOL)
    assert opened.ending(merged(chunks)) == "stop"
    assert opened.context_length == 64
    body = server.asked[0]
    assert body["truncate"] is False, "the server would drop the oldest messages silently"
    assert body["options"]["num_predict"] > 0
    assert "think" not in body or body["think"] is None


async def test_a_stream_that_ends_early_is_lost(models: Models, server: OllamaServer) -> None:
    server.chats.append(cut_off("The", " capital"))
    opened = await models.open(SMOL)
    assert opened.ending(merged(await ask(models))) == "lost"


async def test_a_reply_cut_by_the_limit_is_known(models: Models, server: OllamaServer) -> None:
    server.chats.append(stream("The", ending=done("length")))
    opened = await models.open(SMOL)
    assert opened.ending(merged(await ask(models))) == "length"


async def test_thinking_is_asked_of_those_who_can(models: Models, server: OllamaServer) -> None:
    server.answers["GET", "/api/tags"] = tags("smol:latest", capabilities=["completion", "thinking"])
    server.chats.append(stream(piece("", thinking="Hm."), "Paris."))
    chunks = await ask(models)
    assert server.asked[0]["think"] is True
    assert [part.additional_kwargs.get("reasoning_content") for part in chunks][0] == "Hm."


async def test_an_older_server_tells_capabilities_elsewhere(models: Models, server: OllamaServer) -> None:
    server.answers["GET", "/api/tags"] = tags("smol:latest", capabilities=None)
    await models.open(SMOL)
    assert server.requests[-2].path == "/api/show"


async def test_names_count_in_any_case(models: Models) -> None:
    assert (await models.open(parse_ref("SMOL:Latest"))).ref.name == "SMOL:Latest"


async def test_a_server_that_does_not_tell_what_is_loaded(models: Models, server: OllamaServer) -> None:
    server.answers["GET", "/api/ps"] = recorded("nopath")
    assert (await models.list())[0].loaded is False
    assert (await models.open(SMOL)).context_length is None


async def test_the_client_is_not_imported_on_the_loop_that_draws_the_screen(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    monkeypatch.setattr(Ollama, "_make_chat", lambda *args: seen.append(threading.get_ident()))
    await models.open(SMOL)
    assert len(seen) == 1
    assert seen != [threading.get_ident()]


async def test_cancelling_hangs_up_at_once(models: Models, server: OllamaServer) -> None:
    server.chats.append(stream("The", threading.Event()))
    opened = await models.open(SMOL)
    async with aclosing(opened.chat.astream([HumanMessage("Hi")])) as chunks:  # type: ignore[type-var]
        assert (await anext(chunks)).text == "The"
    assert await asyncio.to_thread(server.hung_up.wait, 5)


async def test_cancelling_before_the_first_token_hangs_up_too(models: Models, server: OllamaServer) -> None:
    server.chats.append(stream(threading.Event(), "never"))
    task = asyncio.create_task(ask(models))
    await asyncio.to_thread(server.wait_for, "/api/chat")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await asyncio.to_thread(server.hung_up.wait, 5)


PAGE = "<html><body>Bad gateway</body></html>"
OVERFLOW = json.dumps(
    {"type": "exceed_context_size_error", "n_prompt_tokens": 280, "n_ctx": 128, "message": "too long"}
)
FAULTS: list[tuple[str, list[Any], type[ModelError], str]] = [
    ("unknown model", recorded("chat404"), UnknownModel, "no model smol"),
    ("wrong path", recorded("nopath"), BadReply, "no Ollama"),
    ("tools", recorded("chat_tools400"), Unsupported, "cannot use tools"),
    ("thinking", recorded("think400"), Unsupported, "cannot think"),
    (
        "images",
        answer(400, {"error": "this model is missing data required for image input"}),
        Unsupported,
        "see images",
    ),
    ("no chat", answer(400, {"error": '"smol" does not support chat'}), Unsupported, "cannot chat"),
    ("bad name", answer(400, {"error": "invalid model name"}), UnknownModel, "not a valid name"),
    ("not json sent", recorded("badjson"), ServerFault, "unexpected EOF"),
    ("no body", recorded("emptybody"), ServerFault, "missing request body"),
    ("overflow", answer(400, {"error": OVERFLOW}), ContextTooLong, "280 tokens, there is room for 128"),
    ("overflow, plain", answer(400, {"error": {"type": "exceed_context_size_error"}}), ContextTooLong, "do not fit"),
    ("key", answer(401, {"error": "unauthorized"}), Unauthorized, "API key"),
    ("forbidden", answer(403, ""), Unauthorized, "API key"),
    ("memory", answer(500, {"error": "model requires more system memory (9 GiB)"}), OutOfMemory, "9 GiB"),
    ("crash", answer(500, {"error": "llama runner process has terminated"}), ServerFault, "has terminated"),
    ("500 without words", answer(500, ""), ServerFault, "status 500"),
    ("502", answer(502, "bad gateway"), ServerBusy, "busy"),
    ("503", answer(503, {"error": "server busy"}), ServerBusy, "busy"),
    ("proxy page", answer(502, PAGE, "text/html"), ServerBusy, "web page"),
    ("page with 200", answer(200, PAGE, "text/html"), BadReply, "not an Ollama reply"),
    ("not JSON", [*stream()[:1], chunk("this is not JSON"), b"0\r\n\r\n"], BadReply, "not an Ollama reply"),
    ("blank line", [*stream()[:1], chunk(""), b"0\r\n\r\n"], BadReply, "not an Ollama reply"),
    ("drop at once", [DROP], Unreachable, "closed the connection"),
    ("drop in the middle", dropped("The"), ConnectionLost, "lost in the middle"),
    ("runner dies", stream("The", ending=chunk({"error": "runner died"})), ConnectionLost, "runner died"),
    ("escapes", answer(500, {"error": "\x1b]52;c;AAAA\x07\u202eboom"}), ServerFault, "]52;c;AAAAboom"),
]


@pytest.mark.parametrize(
    ("reply", "kind", "words"), [fault[1:] for fault in FAULTS], ids=[fault[0] for fault in FAULTS]
)
async def test_a_fault_becomes_a_sentence(
    models: Models, server: OllamaServer, reply: list[Any], kind: type[ModelError], words: str
) -> None:
    busy = isinstance(reply[0], bytes) and reply[0].startswith((b"HTTP/1.1 502", b"HTTP/1.1 503"))
    server.chats += [reply] * (BUSY if busy else 1)
    with pytest.raises(ModelError) as caught:
        await ask(models)
    assert type(caught.value) is kind
    assert words in caught.value.title
    assert caught.value.advice
    assert "\x1b" not in str(caught.value)
    # And a retry works.
    assert len(await ask(models)) > 1


async def test_a_busy_server_is_asked_again(models: Models, server: OllamaServer) -> None:
    server.chats += [answer(503, {"error": "server busy"})] * (BUSY - 1)
    assert len(await ask(models)) > 1
    assert len(server.asked) == BUSY


async def test_an_empty_stream_is_an_empty_reply(models: Models, server: OllamaServer) -> None:
    server.chats.append([*stream()[:1], b"0\r\n\r\n"])
    with pytest.raises(ModelError, match="empty reply"):
        await ask(models)


async def test_a_model_that_is_not_installed(models: Models) -> None:
    with pytest.raises(UnknownModel) as caught:
        await models.open(parse_ref("nope"))
    assert "chatui models pull ollama:nope" in caught.value.advice
    assert caught.value.model == "ollama:nope"


async def test_no_server_at_all(dead_host: str) -> None:
    models = Models(Config(ollama=OllamaConfig(host=dead_host)))
    with pytest.raises(Unreachable, match="Cannot reach Ollama at http://127.0.0.1") as caught:
        await models.open(SMOL)
    assert "ollama serve" in caught.value.advice
    assert await models.list() == []


async def test_a_server_that_says_nothing_holds_nobody_up(models: Models, server: OllamaServer) -> None:
    server.answers["GET", "/api/tags"] = [threading.Event()]
    began = time.monotonic()
    with pytest.raises(NoModel, match="for too long"):
        await models.choose(None)
    assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    ("error", "began", "kind"),
    [
        (httpx.ConnectError("refused"), False, Unreachable),
        (ConnectionError("Failed to connect"), False, Unreachable),
        (ConnectionRefusedError(111, "refused"), False, Unreachable),
        (ConnectionResetError(104, "reset"), True, ConnectionLost),
        (TimeoutError(), True, Stalled),
        (httpx.ConnectError("[SSL: WRONG_VERSION_NUMBER] wrong version number"), False, Unreachable),
        (httpx.ConnectTimeout(""), False, Unreachable),
        (httpx.ReadTimeout(""), True, Stalled),
        (httpx.ReadTimeout(""), False, Stalled),
        (httpx.RemoteProtocolError("peer closed"), True, ConnectionLost),
        (httpx.RemoteProtocolError("illegal"), False, Unreachable),
        (httpx.ReadError(""), True, ConnectionLost),
        (httpx.ProxyError("407"), False, Unreachable),
        (ValueError("No generation chunks were returned"), False, ModelError),
        (ValueError("something else"), False, ServerFault),
        (OSError("no route"), False, Unreachable),
    ],
)
def test_exceptions_become_sentences(error: Exception, began: bool, kind: type[ModelError]) -> None:
    told = explain(error, url="http://h:1", model="ollama:smol", began=began)
    assert isinstance(told, kind)
    assert told.title.endswith(".")
    assert told.advice.endswith(".")


async def test_credentials_are_used_and_never_shown(server: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "key")
    models = Models(Config(ollama=OllamaConfig(host=server.url.replace("http://", "http://me:s%40cret@"))))
    server.chats.append(answer(500, {"error": "boom"}))
    with pytest.raises(ModelError) as caught:
        await ask(models)
    assert "cret" not in str(caught.value)
    assert "cret" not in repr(await models.open(SMOL))
    assert {request.headers["Authorization"] for request in server.requests} == {"Basic bWU6c0BjcmV0"}  # me:s@cret


async def test_an_api_key_is_sent_to_the_server_alone(server: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_API_KEY", "key")
    with OllamaServer() as elsewhere:
        location = f"{elsewhere.url}/api/tags"
        server.answers["GET", "/api/tags"] = [
            f"HTTP/1.1 307 Moved\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()
        ]
        assert await Models(Config(ollama=OllamaConfig(host=server.url))).list()
        assert server.requests[0].headers["Authorization"] == "Bearer key"
        assert "Authorization" not in elsewhere.requests[0].headers


async def test_a_proxy_never_stands_before_this_machine(
    models: Models, monkeypatch: pytest.MonkeyPatch, dead_host: str
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, dead_host)
    assert len(await ask(models)) > 1


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


async def test_details_without_the_licence_text(models: Models) -> None:
    shown = await models.show(SMOL)
    assert (shown["parameters"], shown["quantization"], shown["context_length"]) == ("134.52M", "Q4_1", 8192)
    assert shown["licence"] == "apache-2.0"


class TestChoice:
    async def test_the_thread_s_model_comes_first(self, models: Models) -> None:
        assert str(await models.choose("embedded:default")) == "embedded:smollm2-135m"

    async def test_then_the_configured_one(self, server: OllamaServer) -> None:
        models = Models(Config(model="llama3", ollama=OllamaConfig(host=server.url)))
        assert str(await models.choose(None)) == "ollama:llama3"

    async def test_then_the_first_of_ollama_that_can_chat(self, models: Models, server: OllamaServer) -> None:
        model, family = {"name": "smol:latest"}, {"family": "nomic-bert"}
        embeddings = [{"name": "embed", "capabilities": ["embedding"]}, {"name": "old-embed", "details": family}]
        server.answers["GET", "/api/tags"] = answer(200, {"models": [*embeddings, model]})
        assert str(await models.choose(None)) == "ollama:smol:latest"

    async def test_then_the_embedded_one(self, dead_host: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(registry_module, "embedded_present", lambda: True)
        monkeypatch.setattr(registry_module, "embedded_available", lambda: True)
        models = Models(Config(ollama=OllamaConfig(host=dead_host)))
        assert str(await models.choose(None)) == "embedded:smollm2-135m"

    async def test_else_there_is_none_and_it_says_how_to_get_one(self, dead_host: str) -> None:
        models = Models(Config(ollama=OllamaConfig(host=dead_host)))
        with pytest.raises(NoModel) as caught:
            await models.choose(None)
        assert "pull" in caught.value.advice or "pip install" in caught.value.advice

    @pytest.mark.parametrize(
        ("reply", "words"),
        [
            (answer(401, ""), "wants an API key"),
            (answer(200, PAGE, "text/html"), "is not an Ollama reply"),
            ([DROP], "closed the connection"),
        ],
        ids=["key", "page", "dropped"],
    )
    async def test_a_server_that_somebody_named_and_that_fails_is_told_of(
        self, models: Models, server: OllamaServer, reply: list[Any], words: str
    ) -> None:
        server.answers["GET", "/api/tags"] = reply
        with pytest.raises(NoModel) as caught:
            await models.choose(None)
        assert words in caught.value.advice

    async def test_a_server_without_models_is_none(self, models: Models, server: OllamaServer) -> None:
        server.answers["GET", "/api/tags"] = answer(200, {"models": []})
        with pytest.raises(NoModel):
            await models.choose(None)


async def test_a_bad_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "http://host:notaport")
    models = Models(Config())
    with pytest.raises(ConfigError, match="OLLAMA_HOST"):
        await models.open(SMOL)
    with pytest.raises(ConfigError, match="OLLAMA_HOST"):
        await models.choose(None)
    assert await models.list() == [], "a list shows what there is"


@pytest.mark.parametrize(
    ("variable", "value"),
    [("ALL_PROXY", "socks5://127.0.0.1:9"), ("SSL_CERT_FILE", "/no/such.pem"), ("OLLAMA_HOST", "host:notaport")],
)
def test_a_variable_that_keeps_the_client_from_starting_is_named(
    server: OllamaServer, variable: str, value: str
) -> None:
    """The Python client raises when it is imported, though it is given another address."""
    script = f"""
import asyncio
from chatui.config import Config, OllamaConfig
from chatui.errors import ConfigError
from chatui.models import Models, parse_ref
try:
    asyncio.run(Models(Config(ollama=OllamaConfig(host={server.url!r}))).open(parse_ref("smol")))
except ConfigError as error:
    print(error.advice)
"""
    unset = ("proxy", "ssl_cert")
    environment = {name: value for name, value in os.environ.items() if not any(word in name.lower() for word in unset)}
    done = subprocess.run(
        [sys.executable, "-c", script], env={**environment, variable: value}, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"Correct or unset {variable}, and start chatui again.\n"


async def test_an_unknown_named_host() -> None:
    with pytest.raises(Exception, match='no host named "gpu"'):
        await Models(Config()).open(parse_ref("ollama@gpu:llama3"))
