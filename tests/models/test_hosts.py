"""Named Ollama hosts: what goes to which server, what is shown of it, and what certificates and proxies stand before it."""

from __future__ import annotations

import logging
import shutil
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest

from chatui.config import Config, HostConfig, OllamaConfig
from chatui.conversation.events import Failed
from chatui.conversation.library import Library
from chatui.errors import ConfigError, ModelError, Unauthorized, Unreachable, UsageError
from chatui.models import Models, parse_ref
from chatui.storage import Store
from tests.conversation.conftest import run, say
from tests.models.api_server import ApiServer, text, whole
from tests.models.api_server import ask as ask_api
from tests.models.asking import ask
from tests.ollama_server import OllamaServer, answer, dropped, stream

GPU = parse_ref("ollama@gpu:smol")
CPU = parse_ref("ollama@cpu:smol")
LOCAL = parse_ref("ollama:smol")
KEY, GENERAL, HEADER, PASSWORD = "k3y-of-gpu", "k3y-in-general", "h3ader-s3cret", "p4ssword-s3cret"
TLS = Path(__file__).parent.parent / "data" / "tls"


@pytest.fixture
def gpu() -> Iterator[OllamaServer]:
    with OllamaServer() as server:
        yield server


@pytest.fixture
def cpu() -> Iterator[OllamaServer]:
    with OllamaServer() as server:
        yield server


class TlsServer(ApiServer):
    """Speaks TLS with a certificate that nobody signed, as Ollama (recorded) and as OpenAI (scripted)."""

    def __init__(self) -> None:
        super().__init__()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(TLS / "certificate.pem", TLS / "key.pem")
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self.answers = OllamaServer().answers | self.answers

    @property
    def url(self) -> str:
        return super().url.replace("http:", "https:")

    def reply(self, method: str, path: str) -> Any:
        return OllamaServer.reply(self, method, path) if path.startswith("/api/") else super().reply(method, path)


@pytest.fixture
def secure() -> Iterator[TlsServer]:
    with TlsServer() as server:
        yield server


def authorizations(server: OllamaServer) -> set[str | None]:
    assert server.requests
    return {request.headers.get("Authorization") for request in server.requests}


async def test_headers_and_key_reach_their_host_and_no_other(
    server: OllamaServer, gpu: OllamaServer, cpu: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a chat, in lists, in what is shown, fetched and removed."""
    monkeypatch.setenv("GPU_KEY", KEY)
    monkeypatch.setenv("OLLAMA_API_KEY", GENERAL)
    hosts = {
        "gpu": HostConfig(url=gpu.url, api_key_env="GPU_KEY", headers={"X-Team": HEADER}),
        "cpu": HostConfig(url=cpu.url),
    }
    models = Models(Config(ollama=OllamaConfig(host=server.url), hosts=hosts))
    for ref in (GPU, CPU, LOCAL):
        await ask(models, ref)
        await models.show(ref)
        with pytest.raises(ModelError):
            async for _ in models.pull(ref):
                pass
        with pytest.raises(ModelError):
            await models.remove(ref)
    assert len(await models.list()) == 3
    await models.close()
    paths = {request.path for request in gpu.requests}
    assert paths >= {"/api/chat", "/api/tags", "/api/ps", "/api/show", "/api/pull", "/api/delete"}
    assert {request.path for request in cpu.requests} == {request.path for request in server.requests} == paths
    assert {request.headers.get("X-Team") for request in gpu.requests} == {HEADER}
    assert authorizations(gpu) == {f"Bearer {KEY}"}
    # The general key is for the server that nobody named: a host of another owner must not see it.
    assert authorizations(cpu) == {None}
    assert authorizations(server) == {f"Bearer {GENERAL}"}
    for other in (cpu, server):
        assert HEADER not in str([request.headers for request in other.requests])


async def test_a_redirect_takes_no_secret_along(
    gpu: OllamaServer, cpu: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GPU_KEY", KEY)
    head = f"HTTP/1.1 307 Moved\r\nLocation: {cpu.url}/api/tags\r\nContent-Length: 0\r\n\r\n"
    gpu.answers["GET", "/api/tags"] = [head.encode()]
    host = HostConfig(url=gpu.url, api_key_env="GPU_KEY", headers={"X-Team": HEADER})
    assert await Models(Config(hosts={"gpu": host})).list()
    assert authorizations(gpu) == {f"Bearer {KEY}"}
    for request in cpu.requests:
        assert KEY not in str(request.headers)
        assert HEADER not in str(request.headers)


@pytest.fixture
async def library(
    gpu: OllamaServer, tmp_path: Path, credentials: str, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Library]:
    """One that asks a host by key and header, and with credentials in its address."""
    monkeypatch.setenv("GPU_KEY", KEY)
    url = gpu.url.replace("http://", f"http://{credentials}")
    host = HostConfig(url=url, api_key_env="GPU_KEY", headers={"X-Team": HEADER})
    config = Config(model=str(GPU), hosts={"gpu": host})
    library = Library(Store.open(tmp_path / "chatui.db"), Models(config), config)
    yield library
    await library.close()


@pytest.mark.parametrize(
    ("credentials", "sent"),
    [("", f"Bearer {KEY}"), (f"me:{PASSWORD}@", "Basic bWU6cDRzc3dvcmQtczNjcmV0")],
    ids=["key", "password"],
)
async def test_no_secret_is_shown_logged_or_stored(
    gpu: OllamaServer, library: Library, sent: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    conversation = library.conversation()
    gpu.chats += [stream("Fine."), answer(500, {"error": "boom"}), dropped("Half")]
    seen: list[Any] = [await say(conversation.send("Hi"))]
    for prompt in ("Again", "And again"):
        events = await run(conversation.send(prompt))
        assert isinstance(events[-1], Failed)
        error = events[-1].error
        seen += [events, str(error), error.advice, error.__cause__]
    models, config = library.models, library.config
    opened = await models.open(GPU)
    seen += [opened, opened.chat, vars(opened.chat), str(opened.chat), config, config.hosts["gpu"], models]
    seen += [await models.list(), await models.show(GPU)]
    assert authorizations(gpu) == {sent}
    await library.close()
    stored = (tmp_path / "chatui.db").read_bytes()
    assert b"And again" in stored
    for secret in (KEY, HEADER, PASSWORD, "bWU6"):  # the last is "me:" in base64
        assert secret not in repr(seen) + caplog.text
        assert secret.encode() not in stored


@pytest.mark.parametrize(
    "url", ["http://me:p4ssword-s3cret@host:notaport", "ftp://me:p4ssword-s3cret@host", "me:p4ssword-s3cret@a b"]
)
async def test_an_address_that_is_none_is_told_without_its_password(url: str) -> None:
    with pytest.raises(ConfigError, match=r"url in \[hosts.gpu\]") as caught:
        await Models(Config(hosts={"gpu": HostConfig(url=url)})).open(GPU)
    assert PASSWORD not in str(caught.value)


async def test_a_header_that_cannot_be_sent_is_named_without_its_value(gpu: OllamaServer) -> None:
    host = HostConfig(url=gpu.url, headers={"X-Team": f"{HEADER}\r\nX-Evil: 1"})
    with pytest.raises(ConfigError, match=r'"X-Team" in \[hosts.gpu\] cannot be sent') as caught:
        await Models(Config(hosts={"gpu": host})).open(GPU)
    assert HEADER not in str(caught.value)
    assert gpu.requests == []


async def test_a_missing_key_is_one_sentence(gpu: OllamaServer) -> None:
    with pytest.raises(Unauthorized, match="The host gpu wants an API key, and GPU_KEY is not set") as caught:
        await Models(Config(hosts={"gpu": HostConfig(url=gpu.url, api_key_env="GPU_KEY")})).open(GPU)
    assert "keyring set chatui GPU_KEY" in caught.value.advice
    assert gpu.requests == []


async def test_a_host_that_nobody_named(gpu: OllamaServer) -> None:
    with pytest.raises(UsageError, match='no host named "tpu"') as caught:
        await Models(Config(hosts={"gpu": HostConfig(url=gpu.url)})).open(parse_ref("ollama@tpu:smol"))
    assert "[hosts.tpu]" in caught.value.advice
    assert "gpu" in caught.value.advice


@pytest.mark.parametrize("provider", ["ollama", "openai"])
async def test_a_certificate_of_one_s_own_is_trusted_where_ca_file_names_it(
    secure: TlsServer, provider: Any, tmp_path: Path
) -> None:
    shutil.copy(TLS / "certificate.pem", tmp_path / "ca.pem")
    models = Models(
        Config(hosts={"gpu": HostConfig(url=secure.url, provider=provider, ca_file=str(tmp_path / "ca.pem"))})
    )
    if provider == "ollama":
        assert len(await ask(models, GPU)) > 1
    else:
        secure.replies.append(whole("openai"))
        assert text((await ask_api(models, "openai@gpu:m"))[1]) == "Hello"
    await models.close()


@pytest.mark.parametrize("provider", ["ollama", "openai"])
async def test_else_it_is_refused_in_a_sentence(secure: TlsServer, provider: Any) -> None:
    models = Models(Config(hosts={"gpu": HostConfig(url=secure.url, provider=provider)}))
    with pytest.raises(Unreachable, match=r"No secure connection to .*self.signed") as caught:
        await models.open(parse_ref(f"{provider}@gpu:smol"))
    assert "certificate" in caught.value.advice
    assert "\n" not in caught.value.title
    assert secure.requests == []
    notes = (await models.look_round()).notes
    assert len(notes) == 1
    assert notes[0].startswith("gpu: No secure connection")


@pytest.mark.parametrize("provider", ["ollama", "openai"])
@pytest.mark.parametrize(
    ("content", "reason"), [(None, "cannot be read"), ("no certificate", "is no file of certificates")]
)
async def test_a_ca_file_that_is_none_is_named(
    secure: TlsServer, provider: Any, content: str | None, reason: str, tmp_path: Path
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    models = Models(Config(hosts={"gpu": HostConfig(url=secure.url, provider=provider, ca_file=str(file))}))
    with pytest.raises(ConfigError, match=rf"ca_file in \[hosts.gpu\], .*ca.pem, {reason}"):
        await models.open(parse_ref(f"{provider}@gpu:smol"))


async def test_the_environment_s_certificates_are_not_in_the_way_of_ca_file(
    secure: TlsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both are read: one with the other's certificates alone must not hide it."""
    host = HostConfig(url=secure.url, ca_file=str(TLS / "certificate.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(TLS / "certificate.pem"))
    assert len(await ask(Models(Config(hosts={"gpu": host})), GPU)) > 1
    plain = HostConfig(url=secure.url)
    assert len(await ask(Models(Config(hosts={"gpu": plain})), GPU)) > 1


@pytest.mark.parametrize("spelling", ["127.0.0.1", "localhost", "0.0.0.0"])
async def test_a_proxy_never_stands_before_this_machine(
    gpu: OllamaServer, spelling: str, monkeypatch: pytest.MonkeyPatch, dead_host: str
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, dead_host)
    host = HostConfig(url=gpu.url.replace("127.0.0.1", spelling))
    models = Models(Config(hosts={"gpu": host}))
    assert len(await ask(models, GPU)) > 1
    await models.close()


async def test_a_proxy_stands_before_others(gpu: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", gpu.url)
    models = Models(Config(hosts={"gpu": HostConfig(url="http://far.invalid:1234")}))
    # It answers itself, as one that caches does.
    gpu.answers = {(method, f"http://far.invalid:1234{path}"): said for (method, path), said in gpu.answers.items()}
    assert [model.model for model in await models.list()] == ["ollama@gpu:smol:latest"]
    opened = await models.open(GPU)
    with pytest.raises(Exception, match="no such page|404"):
        async for _ in opened.chat.astream("Hi"):
            pass
    assert {request.path for request in gpu.requests} == {
        f"http://far.invalid:1234/api/{path}" for path in ("tags", "ps", "chat")
    }


async def test_a_proxy_is_passed_by_for_hosts_in_no_proxy(gpu: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", gpu.url)
    monkeypatch.setenv("no_proxy", "far.invalid")
    models = Models(Config(hosts={"gpu": HostConfig(url="http://far.invalid:1234")}))
    with pytest.raises(Unreachable):
        await models.open(GPU)
    assert gpu.requests == []


async def test_a_proxy_with_a_password_is_not_shown(monkeypatch: pytest.MonkeyPatch, dead_host: str) -> None:
    monkeypatch.setenv("http_proxy", dead_host.replace("http://", f"http://me:{PASSWORD}@"))
    with pytest.raises(Unreachable) as caught:
        await Models(Config(hosts={"gpu": HostConfig(url="http://far.invalid:1234")})).open(GPU)
    assert PASSWORD not in str(caught.value)
