"""Parameters as they reach a server or llama.cpp."""

from __future__ import annotations

import json

import pytest

from chatui.config import Parameters
from chatui.errors import ContextTooLong
from chatui.models import Models
from chatui.models.arguments import renamed
from chatui.models.embedded import _NAMES, _explain
from chatui.models.ollama import MAX_TOKENS
from tests.models.asking import SMOL, ask
from tests.models.test_embedded import DEMO_CHAT, delta, fake
from tests.ollama_server import OllamaServer, answer, tags

ALL = Parameters(
    thinking="high",
    temperature=0.5,
    top_p=0.9,
    top_k=40,
    seed=7,
    num_ctx=2048,
    num_predict=99,
    repeat_penalty=1.1,
    keep_alive="5m",
    stop=("END", "天"),
)


async def test_all_of_them_reach_the_server(models: Models, server: OllamaServer) -> None:
    server.answers["GET", "/api/tags"] = tags("smol:latest", capabilities=["completion", "thinking"])
    await ask(models, parameters=ALL)
    body = server.asked[0]
    assert body["options"] == {
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 40,
        "seed": 7,
        "num_ctx": 2048,
        "num_predict": 99,
        "repeat_penalty": 1.1,
        "stop": ["END", "天"],
    }
    assert (body["keep_alive"], body["think"], body["truncate"]) == ("5m", "high", False)


async def test_what_is_not_set_is_the_servers_and_the_length_is_capped(models: Models, server: OllamaServer) -> None:
    await ask(models, parameters=Parameters())
    assert server.asked[0]["options"] == {"num_predict": MAX_TOKENS}
    assert server.asked[0].get("keep_alive") is None


@pytest.mark.parametrize(
    ("capable", "wish", "sent"),
    [
        (True, None, True),
        (True, "off", False),
        (True, "on", True),
        (True, "low", "low"),
        (False, None, None),
        (False, "on", None),
        (False, "high", None),
        (False, "off", None),
    ],
)
async def test_thinking_is_asked_of_none_who_cannot(
    models: Models, server: OllamaServer, capable: bool, wish: str | None, sent: object
) -> None:
    capabilities = ["completion", *(["thinking"] if capable else [])]
    server.answers["GET", "/api/tags"] = tags("smol:latest", capabilities=capabilities)
    await ask(models, parameters=Parameters(thinking=wish))  # type: ignore[arg-type]
    assert server.asked[0].get("think") == sent
    assert "thinking" in (await models.open(SMOL)).takes or not capable


async def test_the_context_in_force_is_the_servers_to_tell(models: Models, server: OllamaServer) -> None:
    server.answers["GET", "/api/ps"] = answer(200, {"models": []})
    opened = await models.open(SMOL)
    assert (opened.context_length, opened.longest) == (None, 8192)
    loaded = {"name": "smol:latest", "context_length": 2048}
    server.answers["GET", "/api/ps"] = answer(200, {"models": [loaded]})
    assert opened.in_force is not None
    assert await opened.in_force() == 2048


async def test_the_embedded_model_says_what_it_has_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    said = "request (6031 tokens) exceeds the available context size (4096 tokens), try increasing it"
    fake(monkeypatch, {"error": {"code": 400, "message": said, "type": "exceed_context_size_error"}})
    with pytest.raises(RuntimeError) as caught:
        await DEMO_CHAT.ainvoke("Hello")
    error = _explain(caught.value, began=False)
    assert isinstance(error, ContextTooLong)
    assert (error.need, error.room) == (6031, 4096)


async def test_the_embedded_model_takes_what_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    server = fake(monkeypatch, delta("Hi"), delta(None, "stop"))
    async for _ in DEMO_CHAT.astream("Hello", **renamed(ALL, _NAMES)):
        pass
    names = ("temperature", "top_p", "top_k", "seed", "max_tokens", "repeat_penalty", "stop")
    assert [server.request[name] for name in names] == [0.5, 0.9, 40, 7, 99, 1.1, ["END", "天"]]
    json.dumps(server.request)
    async for _ in DEMO_CHAT.astream("Hello", **renamed(Parameters(), _NAMES)):
        pass
    assert server.request["temperature"] == 0.2
    assert "seed" not in server.request
