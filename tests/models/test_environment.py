"""Variables that keep clients from starting, each named, and proxies that are in force; no value that could hold a password."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatui.config import Config, HostConfig, OllamaConfig
from chatui.errors import ConfigError
from chatui.models import Models, hosts
from chatui.models.environment import proxy_before, proxy_variables, troubles
from tests.models.asking import SMOL


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR", "OLLAMA_HOST"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


def test_nothing_stands_in_the_way() -> None:
    assert troubles() == []
    assert proxy_variables() == []


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("SSL_CERT_FILE", "/no/such.pem", "/no/such.pem for certificates, which cannot be read"),
        ("HTTPS_PROXY", "socks5://me:s3cret@127.0.0.1:9", "SOCKS"),
        ("HTTP_PROXY", "http://me:s3cret@proxy:notaport", "no address of a proxy"),
        ("ALL_PROXY", "http://me:s3/cret@proxy", "no address of a proxy"),
        ("http_proxy", "gopher://me:s3cret@proxy", "no address of a proxy"),
        ("ALL_PROXY", "http://", "no address of a proxy"),
        ("NO_PROXY", "[::1]:80", "no host"),
        ("OLLAMA_HOST", "me:s3cret@host:notaport", "no address"),
        ("OLLAMA_HOST", '"localhost:11434"', "no address"),  # chatui reads it, and the client's import does not
    ],
)
def test_a_variable_that_stops_a_client_is_named(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, reason: str
) -> None:
    monkeypatch.setenv(variable, value)
    (found,) = troubles()
    assert found.variable == variable
    assert reason in found.reason
    assert "s3" not in found.reason + found.fix


def test_a_file_without_certificates(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    letter = tmp_path / "letter.pem"
    letter.write_text("Dear aunt,")
    monkeypatch.setenv("SSL_CERT_FILE", str(letter))
    (found,) = troubles()
    assert str(letter) in found.reason
    assert "holds none" in found.reason


def test_several_are_all_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/no/such.pem")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy:notaport")
    monkeypatch.setenv("OLLAMA_HOST", "host:notaport")
    assert [one.variable for one in troubles()] == ["SSL_CERT_FILE", "HTTP_PROXY", "OLLAMA_HOST"]


def test_good_variables_are_no_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:s3cret@proxy.lan:3128")
    monkeypatch.setenv("http_proxy", "proxy.lan:3128")
    monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1,::1,.lan")
    monkeypatch.setenv("OLLAMA_HOST", "http://[::1]:11434/path")
    assert troubles() == []
    assert proxy_variables() == ["HTTPS_PROXY", "NO_PROXY", "http_proxy"]


def test_the_proxy_in_force_is_said_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:s3cret@proxy.lan:3128")
    monkeypatch.setenv("ALL_PROXY", "http://other.lan:1")
    monkeypatch.setenv("NO_PROXY", "spared.example")
    assert proxy_before("https://gpu.example:443") == "HTTPS_PROXY (http://proxy.lan:3128)"
    assert proxy_before("http://gpu.example:80") == "ALL_PROXY (http://other.lan:1)"
    assert proxy_before("https://spared.example:443") is None
    assert proxy_before("https://127.0.0.1:443") is None
    monkeypatch.setenv("HTTPS_PROXY", "http://me:s3cret@proxy:notaport")
    assert proxy_before("https://gpu.example:443") is None


@pytest.mark.parametrize("provider", ["ollama", "openai"])
async def test_a_bad_proxy_is_a_sentence_where_a_model_is_asked(monkeypatch: pytest.MonkeyPatch, provider: str) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://me:s3/cret@proxy:x")
    host = HostConfig(url="http://gpu.example", provider=provider)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="HTTP_PROXY") as caught:
        await Models(Config(hosts={"gpu": host})).server_of(provider, "gpu").list()
    assert "s3" not in str(caught.value)


async def test_a_bad_exception_from_proxies_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    from tests.ollama_server import OllamaServer, tags

    for name in [name for name in sys.modules if name.partition(".")[0] in ("ollama", "langchain_ollama")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setenv("NO_PROXY", "[::1]:80")
    with OllamaServer() as server:
        server.answers["GET", "/api/tags"] = tags(SMOL.name)
        with pytest.raises(ConfigError, match="NO_PROXY"):
            await Models(Config(ollama=OllamaConfig(host=server.url))).open(SMOL)


def test_where_a_key_is(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys
    from types import SimpleNamespace

    stored = {("chatui", "B_KEY"): "s3cret"}
    ring = SimpleNamespace(get_password=lambda service, name: stored.get((service, name)))
    monkeypatch.setitem(sys.modules, "keyring", ring)
    assert hosts.key_place("A_KEY") is None
    assert hosts.key_place("A_KEY", "B_KEY") == "B_KEY in the keyring"
    assert hosts.find_key("A_KEY", "B_KEY") == "s3cret"
    monkeypatch.setenv("A_KEY", "other")
    assert hosts.key_place("A_KEY", "B_KEY") == "in A_KEY"
