"""Everything that goes wrong between chatui and Ollama, over the scripted server, as the sentence it becomes."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import httpx
import pytest

from chatui.config import Config, OllamaConfig
from chatui.errors import (
    BadReply,
    ConnectionLost,
    ContextTooLong,
    ModelError,
    NoModel,
    OutOfMemory,
    ServerBusy,
    ServerFault,
    Stalled,
    Unauthorized,
    UnknownModel,
    Unreachable,
    Unsupported,
)
from chatui.models import Models
from chatui.models.ollama_errors import explain
from tests.models.asking import SMOL, ask
from tests.ollama_server import (
    BUSY,
    DROP,
    OllamaServer,
    answer,
    chunk,
    dropped,
    recorded,
    stream,
)

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
    ("runner dies", stream("The", ending=chunk({"error": "runner died"})), ServerFault, "runner died"),
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
