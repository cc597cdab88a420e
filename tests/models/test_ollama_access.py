"""The way to Ollama: credentials, proxies, variables of the environment."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from chatui.config import Config, HostConfig, OllamaConfig
from chatui.errors import (
    ConfigError,
    ModelError,
    Unreachable,
)
from chatui.models import Models, parse_ref
from tests.models.asking import SMOL, ask
from tests.ollama_server import (
    OllamaServer,
    answer,
    stream,
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


@pytest.mark.parametrize(
    "written",
    ["127.0.0.1:{port}", "localhost:{port}", "0.0.0.0:{port}", "http://127.0.0.1:{port}/", " http://0.0.0.0:{port} "],
)
@pytest.mark.parametrize("by", ["config", "variable"])
async def test_an_address_in_any_form_leads_to_the_server(
    server: OllamaServer, monkeypatch: pytest.MonkeyPatch, written: str, by: str
) -> None:
    """The client takes an address without scheme or port as none at all, and 0.0.0.0 as one to connect to."""
    host = written.format(port=server.url.rpartition(":")[2])
    if by == "variable":
        monkeypatch.setenv("OLLAMA_HOST", host)
    models = Models(Config(ollama=OllamaConfig(host=host if by == "config" else None)))
    assert len(await models.list()) == 1
    assert len(await ask(models)) > 1
    assert len(server.asked) == 1
    await models.close()


async def test_a_path_before_the_server_is_kept(server: OllamaServer) -> None:
    for method, path in (("GET", "/api/tags"), ("GET", "/api/ps")):
        server.answers[method, f"/ollama{path}"] = server.answers.pop((method, path))
    models = Models(Config(ollama=OllamaConfig(host=f"{server.url}/ollama/")))
    assert len(await models.list()) == 1
    server.answers["POST", "/ollama/api/chat"] = stream("Paris.")
    assert [str(part.text) for part in await ask(models)][0] == "Paris."
    assert server.requests[-1].body["truncate"] is False
    await models.close()


async def test_https_to_a_server_without_it_says_so(server: OllamaServer) -> None:
    models = Models(Config(ollama=OllamaConfig(host=server.url.replace("http:", "https:"))))
    with pytest.raises(Unreachable, match="No secure connection to Ollama at https://") as caught:
        await models.open(SMOL)
    assert "http or https" in caught.value.advice


async def test_the_general_key_is_not_for_named_hosts(server: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client sends OLLAMA_API_KEY to any host."""
    monkeypatch.setenv("OLLAMA_API_KEY", "general")
    monkeypatch.setenv("GPU_KEY", "own")
    hosts = {"bare": HostConfig(url=server.url), "gpu": HostConfig(url=server.url, api_key_env="GPU_KEY")}
    models = Models(Config(hosts=hosts))
    for name, sent in (("bare", None), ("gpu", "Bearer own")):
        server.requests.clear()
        await ask(models, parse_ref(f"ollama@{name}:smol"))
        assert {request.headers.get("Authorization") for request in server.requests} == {sent}
    await models.close()


async def test_opening_a_model_asks_only_what_there_is(models: Models, server: OllamaServer) -> None:
    """The client's own check of a model is a blocking call, and a chat request would load it."""
    await models.open(SMOL)
    assert [(request.method, request.path) for request in server.requests] == [("GET", "/api/tags"), ("GET", "/api/ps")]


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "ALL_PROXY", "all_proxy"])
async def test_a_socks_proxy_of_the_environment_is_no_way_to_this_machine(
    models: Models, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    # Once imported the client does not read it again; ours reads it at each request.
    await models.open(SMOL)
    monkeypatch.setenv(variable, "socks5://127.0.0.1:9")
    assert len(await models.list()) == 1
