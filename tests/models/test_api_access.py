"""The way to openai:, anthropic: and google: - keys, headers, proxies, certificates - over a scripted server."""

from __future__ import annotations

import importlib.util
import logging
import sys
import threading
from collections.abc import Iterator

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from chatui.config import Config, HostConfig
from chatui.errors import BadReply, ConfigError, MissingExtra, ServerFault, Unauthorized, Unreachable
from chatui.models import Models, parse_ref
from tests.models.api_server import PROVIDERS, ApiServer, ask, hosted, listing, text, whole
from tests.ollama_server import OllamaServer, answer

KEY, HEADER, PASSWORD = "sk-k3y-s3cret", "h3ader-s3cret", "p4ssword-s3cret"


@pytest.fixture
def server() -> Iterator[ApiServer]:
    with ApiServer() as server:
        yield server


def authorizations(server: OllamaServer) -> set[str | None]:
    """What the server was shown of keys."""
    assert server.requests
    return {request.headers.get("Authorization") for request in server.requests}


@pytest.mark.parametrize("provider", PROVIDERS)
class TestEachProvider:
    async def test_secrets_go_to_the_server_and_are_never_shown(
        self,
        server: ApiServer,
        provider: str,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        monkeypatch.setenv("BOX_KEY", KEY)
        server.answers = listing(provider)
        refused = answer(400, {"error": {"message": "no"}})
        server.replies += [refused, whole(provider)]
        caplog.set_level(logging.DEBUG)
        host = HostConfig(url=server.url, provider=provider, api_key_env="BOX_KEY", headers={"X-Team": HEADER})  # type: ignore[arg-type]
        config = Config(hosts={"box": host})
        models = Models(config)
        with pytest.raises(ServerFault) as caught:
            await ask(models, f"{provider}@box:m")
        opened, chunks = await ask(models, f"{provider}@box:m")
        assert text(chunks) == "Hello"
        for request in server.requests:
            headers = {name.lower(): value for name, value in request.headers.items()}
            assert headers["x-team"] == HEADER
            assert KEY in {value.removeprefix("Bearer ") for value in headers.values()}
        seen = [repr(config), str(config), repr(host), repr(models), repr(opened), repr(opened.chat), str(opened.chat)]
        seen += [str(caught.value), repr(vars(opened.chat)), str(await models.list()), caplog.text]
        seen += [str(opened.chat._get_ls_params()), str(opened.chat.lc_attributes)]
        for shown in seen:
            assert KEY not in shown
            assert HEADER not in shown

    async def test_a_host_without_a_key_gets_none(
        self, server: ApiServer, provider: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Above all not the one of the service."""
        for variable in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "GOOGLE_API_KEY"):
            monkeypatch.setenv(variable, KEY)
        server.answers = listing(provider)
        server.replies.append(whole(provider))
        await ask(hosted(server, provider), f"{provider}@box:m")
        for request in server.requests:
            assert KEY not in str(request.headers)
            assert not {"authorization", "x-api-key", "x-goog-api-key"} & {name.lower() for name in request.headers}

    async def test_a_missing_key_names_its_variable(self, provider: str) -> None:
        with pytest.raises(Unauthorized, match=f"{provider.upper()}_API_KEY is not set"):
            await Models(Config()).open(parse_ref(f"{provider}:m"))

    async def test_a_missing_extra_says_the_command(self, provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
        with pytest.raises(MissingExtra) as caught:
            await Models(Config()).open(parse_ref(f"{provider}:m"))
        assert f'`pip install "chatui[{provider}]"`' in caught.value.advice


async def test_a_redirect_elsewhere_takes_neither_prompt_nor_key_there(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOX_KEY", KEY)
    with ApiServer() as elsewhere:
        head = f"HTTP/1.1 307 Moved\r\nLocation: {elsewhere.url}/v1/x\r\nContent-Length: 0\r\n\r\n"
        server.replies.append([head.encode()])
        with pytest.raises(BadReply, match="redirect"):
            await ask(hosted(server, api_key_env="BOX_KEY"))
        assert elsewhere.requests == []


async def test_a_password_in_the_address_is_used_and_never_shown(server: ApiServer) -> None:
    url = server.url.replace("http://", f"http://me:{PASSWORD}@")
    config = Config(hosts={"box": HostConfig(url=url, provider="openai")})
    server.replies += [whole("openai"), answer(400, {"error": {"message": "no"}})]
    models = Models(config)
    opened, _ = await ask(models)
    assert all(request.headers["Authorization"].startswith("Basic ") for request in server.requests)
    with pytest.raises(ServerFault) as caught:
        await ask(models)
    for shown in (str(caught.value), repr(opened), repr(config), repr(vars(opened.chat))):
        assert PASSWORD not in shown


async def test_the_service_can_be_moved_by_its_variable(server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    server.replies.append(whole("openai"))
    assert text((await ask(Models(Config()), "openai:m"))[1]) == "Hello"
    assert server.requests[0].headers["Authorization"] == f"Bearer {KEY}"
    monkeypatch.setenv("OPENAI_BASE_URL", "nowhere:x")
    with pytest.raises(ConfigError, match="OPENAI_BASE_URL"):
        await Models(Config()).open(parse_ref("openai:other"))


class Ring(KeyringBackend):
    """A keyring that holds what a test puts in, or is locked. Notes by which threads it was asked."""

    priority = 1

    def __init__(self, locked: bool = False) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.locked = locked
        self.held: dict[tuple[str, str], str] = {}
        self.asked: list[tuple[str, str]] = []
        self.threads: set[int] = set()

    def get_password(self, service: str, username: str) -> str | None:
        self.asked.append((service, username))
        self.threads.add(threading.get_ident())
        if self.locked:
            raise KeyringLocked
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.held[service, username]


@pytest.fixture
def ring() -> Iterator[Ring]:
    before, ring = keyring.get_keyring(), Ring()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


async def test_a_key_may_lie_in_the_keyring(server: ApiServer, ring: Ring) -> None:
    keyring.set_password("chatui", "BOX_KEY", KEY)
    server.replies.append(whole("openai"))
    opened, _ = await ask(hosted(server, api_key_env="BOX_KEY"))
    assert ring.asked == [("chatui", "BOX_KEY")], "once is enough"
    assert threading.get_ident() not in ring.threads, "it may ask its owner: not on the loop that draws the screen"
    assert authorizations(server) == {f"Bearer {KEY}"}
    assert KEY not in repr(vars(opened.chat))


async def test_an_ollama_host_s_key_may_lie_there_too(ring: Ring) -> None:
    keyring.set_password("chatui", "GPU_KEY", KEY)
    with OllamaServer() as server:
        models = Models(Config(hosts={"gpu": HostConfig(url=server.url, api_key_env="GPU_KEY")}))
        await models.open(parse_ref("ollama@gpu:smol"))
        assert authorizations(server) == {f"Bearer {KEY}"}
    assert threading.get_ident() not in ring.threads


async def test_the_environment_comes_before_the_keyring(
    server: ApiServer, ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring.set_password("chatui", "BOX_KEY", "another")
    monkeypatch.setenv("BOX_KEY", KEY)
    server.replies.append(whole("openai"))
    await ask(hosted(server, api_key_env="BOX_KEY"))
    assert authorizations(server) == {f"Bearer {KEY}"}
    assert ring.asked == []


@pytest.mark.parametrize("locked", [True, False], ids=["locked", "empty"])
async def test_a_keyring_that_gives_none(ring: Ring, locked: bool) -> None:
    ring.locked = locked
    with pytest.raises(Unauthorized, match="GOOGLE_API_KEY is not set") as caught:
        await Models(Config()).open(parse_ref("google:m"))
    assert ring.asked == [("chatui", "GOOGLE_API_KEY"), ("chatui", "GEMINI_API_KEY")]
    assert "keyring set chatui GOOGLE_API_KEY" in caught.value.advice


async def test_without_the_extra_there_is_no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(Unauthorized, match="OPENAI_API_KEY is not set") as caught:
        await Models(Config()).open(parse_ref("openai:m"))
    assert 'pip install "chatui[keyring]"' in caught.value.advice


async def test_a_proxy_never_stands_before_this_machine(
    server: ApiServer, monkeypatch: pytest.MonkeyPatch, dead_host: str
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, dead_host)
    server.replies.append(whole("openai"))
    assert text((await ask(hosted(server)))[1]) == "Hello"


async def test_a_proxy_stands_before_others(server: ApiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    models = Models(Config(hosts={"box": HostConfig(url="http://far.invalid/v1", provider="openai")}))
    await models.look_round()
    assert [request.path for request in server.requests] == ["http://far.invalid/v1/models"]


async def test_a_bad_proxy_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("https_proxy", f"nonsense://me:{PASSWORD}@host:1")
    with pytest.raises(ConfigError) as caught:
        await Models(Config()).open(parse_ref("openai:m"))
    assert "HTTPS_PROXY" in caught.value.advice
    assert PASSWORD not in str(caught.value)


async def test_a_server_that_speaks_no_tls(server: ApiServer) -> None:
    host = HostConfig(url=server.url.replace("http:", "https:"), provider="openai")
    with pytest.raises(Unreachable, match="No secure connection") as caught:
        await Models(Config(hosts={"box": host})).open(parse_ref("openai@box:m"))
    assert "ca_file" in caught.value.advice
