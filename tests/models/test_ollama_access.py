"""The way to Ollama: credentials, proxies, variables of the environment."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from chatui.config import Config, OllamaConfig
from chatui.errors import (
    ConfigError,
    ModelError,
)
from chatui.models import Models
from tests.models.asking import SMOL, ask
from tests.ollama_server import (
    OllamaServer,
    answer,
)


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
