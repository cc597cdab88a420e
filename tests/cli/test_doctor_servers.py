"""`chatui doctor` about hosts, keys, proxies and the model of new threads, over scripted servers."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chatui.cli.doctor import examine, servers
from chatui.cli.doctor.check import Check
from chatui.cli.doctor.servers import Servers
from chatui.cli.options import Options
from chatui.cli.session import Session
from chatui.config import Config, HostConfig, OllamaConfig
from tests.cli.conftest import Run
from tests.ollama_server import OllamaServer, answer, tags

PATIENCE = 30.0


@pytest.fixture
def server() -> Iterator[OllamaServer]:
    with OllamaServer() as server:
        server.answers["GET", "/v1/models"] = answer(200, {"data": [{"id": "q"}, {"id": "r"}]})
        models = [{"name": "models/g", "supportedGenerationMethods": ["generateContent"]}]
        server.answers["GET", "/v1beta/models"] = answer(200, {"models": models})
        yield server


def look(config: Config, patience: float = PATIENCE) -> dict[str, Check]:
    asked = Servers(config)
    asyncio.run(asked.ask(patience))
    return {check.name: check for check in asked.checks()}


def host(url: str, **settings: Any) -> Config:
    return Config(hosts={"gpu": HostConfig(url=url, **settings)})


# Hosts


def test_hosts_of_every_kind(server: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    server.answers["GET", "/api/tags"] = tags("a", "b", "c")
    for provider in ("OPENAI", "ANTHROPIC", "GOOGLE", "OLLAMA"):
        monkeypatch.setenv(f"{provider}_HOST_KEY", "s3cret")
    hosts = {
        provider: HostConfig(url=server.url, provider=provider, api_key_env=f"{provider.upper()}_HOST_KEY")
        for provider in ("ollama", "openai", "anthropic", "google")
    }
    found = look(Config(hosts=hosts))
    said = {name: check.detail for name, check in found.items() if name.startswith("hosts.")}
    assert said == {
        "hosts.ollama": f"ollama {server.url}: 3 models, key in OLLAMA_HOST_KEY",
        "hosts.openai": f"openai {server.url}/v1: 2 models, key in OPENAI_HOST_KEY",
        "hosts.anthropic": f"anthropic {server.url}: 2 models, key in ANTHROPIC_HOST_KEY",
        "hosts.google": f"google {server.url}: 1 model, key in GOOGLE_HOST_KEY",
    }
    assert all(check.ok for name, check in found.items() if name.startswith("hosts."))
    sent = [value for request in server.requests for value in request.headers.values() if "s3cret" in value]
    assert len(sent) >= 4
    assert "s3cret" not in repr(found)


def test_a_host_without_models(server: OllamaServer) -> None:
    server.answers["GET", "/api/tags"] = tags()
    assert look(host(server.url))["hosts.gpu"].state == "absent"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"api_key_env": "GPU_KEY"}, "wants an API key, and GPU_KEY is not set"),
        ({"ca_file": "/no/such.pem"}, "/no/such.pem, cannot be read"),
        ({"ca_file": __file__}, "is no file of certificates"),
        ({"headers": {"X-Key": "s3cret\n"}}, 'The header "X-Key" in [hosts.gpu] cannot be sent'),
        ({"provider": "openai", "api_key_env": "GPU_KEY"}, "wants an API key, and GPU_KEY is not set"),
    ],
)
def test_what_leads_to_a_host_is_wrong(server: OllamaServer, settings: dict[str, Any], words: str) -> None:
    check = look(host(server.url, **settings))["hosts.gpu"]
    assert check.state == "wrong"
    assert words in check.detail
    assert check.fix
    assert "s3cret" not in repr(check)
    assert server.requests == []


def test_a_host_that_is_away(dead_host: str) -> None:
    check = look(host(dead_host.replace("http://", "http://me:s3cret@")))["hosts.gpu"]
    assert check.state == "wrong"
    assert dead_host in check.detail
    assert "s3cret" not in repr(check)


def test_a_host_that_refuses_the_key(server: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GPU_KEY", "s3cret")
    server.answers["GET", "/v1/models"] = answer(401, {"error": {"message": "no"}})
    check = look(host(server.url, provider="openai", api_key_env="GPU_KEY"))["hosts.gpu"]
    assert (check.state, check.fix) == ("wrong", "Check GPU_KEY.")


def test_certificates_and_a_key_of_the_keyring_are_said(server: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    import certifi

    ring = SimpleNamespace(get_password=lambda service, name: "s3cret" if name == "GPU_KEY" else None)
    monkeypatch.setitem(sys.modules, "keyring", ring)
    check = look(host(server.url, api_key_env="GPU_KEY", ca_file=certifi.where()))["hosts.gpu"]
    assert check.ok
    assert "key GPU_KEY in the keyring" in check.detail
    assert f"certificates of {certifi.where()}" in check.detail
    assert server.requests[0].headers["Authorization"] == "Bearer s3cret"
    assert "s3cret" not in repr(check)


def test_the_extra_of_a_host_is_missing(server: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "_is_installed", lambda extra: extra != "openai")
    check = look(host(server.url, provider="openai"))["hosts.gpu"]
    assert (check.state, check.fix) == ("wrong", 'pip install "chatui[openai]"')


def test_the_proxy_before_a_host_is_said(server: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", server.url.replace("http://", "http://me:s3cret@"))
    server.answers["GET", "http://gpu.example:80/api/tags"] = tags("a")
    server.answers["GET", "http://gpu.example/api/tags"] = tags("a")
    check = look(host("http://gpu.example"))["hosts.gpu"]
    assert check.ok
    assert check.detail == f"ollama http://gpu.example:80: 1 model, by the proxy of HTTP_PROXY ({server.url})"
    server.answers["GET", "http://gpu.example:80/api/tags"] = answer(403, "no")
    server.answers["GET", "http://gpu.example/api/tags"] = answer(403, "no")
    check = look(host("http://gpu.example"))["hosts.gpu"]
    assert check.state == "wrong"
    assert f"by the proxy of HTTP_PROXY ({server.url})" in check.detail
    assert "s3cret" not in repr(check)


def test_all_hosts_are_asked_side_by_side(server: OllamaServer) -> None:
    gate = threading.Event()
    server.answers["GET", "/api/tags"] = [gate, *tags("a")]
    config = Config(
        ollama=OllamaConfig(host=server.url),
        hosts={name: HostConfig(url=f"{server.url}") for name in ("one", "two", "three")},
    )

    def let_go() -> None:
        server.wait_for("/api/tags", 4)
        gate.set()

    opened = threading.Thread(target=let_go)
    opened.start()
    try:
        found = look(config)
    finally:
        gate.set()
        opened.join()
    # One behind the other, the first would have waited for the last until it was given up.
    assert [found[name].state for name in ("ollama", "hosts.one", "hosts.two", "hosts.three")] == ["ok"] * 4


def test_what_hangs_is_cut_off_and_does_not_hold_up_the_rest(
    server: OllamaServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    released, waiting, ended = threading.Event(), threading.Event(), threading.Event()

    def locked(service: str, name: str) -> None:
        waiting.set()
        released.wait(60)
        ended.set()

    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=locked))
    server.answers["GET", "/api/tags"] = [threading.Event()]
    config = tmp_path / "config.toml"
    config.write_text(
        f'[ollama]\nhost = "{server.url}"\n[hosts.gpu]\nurl = "{server.url}"\n'
        f'[hosts.locked]\nurl = "{server.url}"\nprovider = "openai"\napi_key_env = "LOCKED_KEY"\n'
    )
    try:
        checks = {check.name: check for check in examine(Session(Options(config=config)), patience=0.2)}
        assert waiting.is_set()
        # Threads that hang are left behind: nobody waited for this one.
        assert not ended.is_set()
    finally:
        released.set()
    for name in ("ollama", "hosts.gpu", "hosts.locked"):
        assert checks[name].state == "wrong"
        assert checks[name].detail.startswith("It said nothing for 0.2 s")
        assert name == "ollama" or server.url in checks[name].detail
    assert checks["extras.openai"].detail.endswith("(key unknown, as the keyring said nothing)")
    assert checks["python"].ok


def test_a_file_that_hangs_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr("chatui.cli.doctor.files.database", lambda *args: released.wait())
    try:
        checks = {check.name: check for check in examine(Session(Options()), patience=0.2)}
    finally:
        released.set()
    assert (checks["database"].state, "0.2 s" in checks["database"].detail) == ("wrong", True)


# Ollama


def test_ollama_that_nobody_set_up_is_no_fault(monkeypatch: pytest.MonkeyPatch, dead_host: str) -> None:
    monkeypatch.delenv("OLLAMA_HOST")
    monkeypatch.setattr("chatui.models.ollama_hosts.DEFAULT_PORT", int(dead_host.rpartition(":")[2]))
    check = look(Config())["ollama"]
    assert (check.state, check.detail) == ("absent", f"nothing at {dead_host}")
    assert "ollama serve" in check.fix
    monkeypatch.setenv("OLLAMA_HOST", dead_host)
    assert look(Config())["ollama"].state == "wrong"
    monkeypatch.delenv("OLLAMA_HOST")
    assert look(Config(ollama=OllamaConfig(host=dead_host)))["ollama"].state == "wrong"


def test_ollama(server: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", server.url.replace("http://", "http://me:s3cret@"))
    check = look(Config())["ollama"]
    assert (check.state, check.detail) == ("ok", f"{server.url}: 1 model")
    monkeypatch.setenv("OLLAMA_API_KEY", "s3cret")
    assert look(Config())["ollama"].detail == f"{server.url}: 1 model, key in OLLAMA_API_KEY"
    server.answers["GET", "/api/tags"] = tags()
    check = look(Config())["ollama"]
    assert (check.state, "models pull" in check.fix) == ("absent", True)
    server.answers["GET", "/api/tags"] = answer(200, "<html>Welcome")
    assert look(Config())["ollama"].state == "wrong"


# The model of new threads


def model(server: OllamaServer, name: str | None, **settings: Any) -> Check:
    hosts = {"lm": HostConfig(url=server.url, provider="openai"), "gpu": HostConfig(url=server.url)}
    return look(Config(model=name, ollama=OllamaConfig(host=server.url), hosts=hosts, **settings))["model"]


@pytest.mark.parametrize(
    ("name", "state", "words", "fix"),
    [
        ("smol", "ok", "ollama:smol (config)", ""),
        ("ollama:SMOL:latest", "ok", "ollama:SMOL:latest", ""),
        ("ollama@gpu:smol", "ok", "ollama@gpu:smol", ""),
        ("big:70b", "wrong", "ollama:big:70b (config) is not installed", "chatui models pull ollama:big:70b"),
        ("ollama@gpu:big", "wrong", "is not installed", "chatui models pull ollama@gpu:big"),
        ("ollama@nowhere:smol", "wrong", 'There is no host named "nowhere"', "[hosts.nowhere]"),
        ("ollama@lm:q", "wrong", "speaks openai", "openai@lm:q"),
        ("openai@lm:q", "ok", "openai@lm:q", ""),
        ("openai@lm:other", "absent", "not in the server's list", "chatui models"),
        ("openai:", "wrong", "names no model", "openai:NAME"),
        ("embedded:/no/such.gguf", "wrong", "There is no file /no/such.gguf", "GGUF"),
        ("embedded:default", "wrong", "not on this machine", "chatui models pull embedded:smollm2-135m"),
    ],
)
def test_the_model_that_is_named(server: OllamaServer, name: str, state: str, words: str, fix: str) -> None:
    server.answers["GET", "/api/tags"] = tags("smol:latest")
    check = model(server, name)
    assert check.state == state
    assert words in check.detail
    assert fix in check.fix


def test_a_model_that_only_embeds(server: OllamaServer) -> None:
    server.answers["GET", "/api/tags"] = tags("nomic", capabilities=["embedding"])
    check = model(server, "nomic")
    assert (check.state, "cannot chat" in check.detail) == ("wrong", True)
    check = model(server, None)
    assert (check.state, check.detail) == ("wrong", "There is no model to ask yet")


def test_a_model_whose_server_is_away(dead_host: str) -> None:
    check = look(Config(model="smol", ollama=OllamaConfig(host=dead_host)))["model"]
    assert check.state == "wrong"
    assert f"cannot be asked: Cannot reach Ollama at {dead_host}" in check.detail


def test_the_model_that_is_taken_where_none_is_named(server: OllamaServer, home: Path) -> None:
    server.answers["GET", "/api/tags"] = tags("first", "second")
    assert model(server, None).detail.startswith("ollama:first, Ollama's first")
    server.answers["GET", "/api/tags"] = tags()
    assert model(server, None).state == "wrong"
    weights = home / "data" / "chatui" / "models"
    weights.mkdir(parents=True)
    (weights / "SmolLM2-135M-Instruct.Q4_1.gguf").write_text("weights")
    assert model(server, None).detail.startswith("embedded:smollm2-135m, as Ollama has none")
    assert model(server, "embedded:default").state == "ok"


def test_a_model_whose_extra_is_missing(server: OllamaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers, "_is_installed", lambda extra: False)
    check = model(server, "openai@lm:q")
    assert (check.state, check.fix) == ("wrong", 'pip install "chatui[openai]"')
    monkeypatch.setattr(servers, "embedded_available", lambda: False)
    check = model(server, "embedded:default")
    assert (check.state, check.fix) == ("wrong", 'pip install "chatui[embedded]"')
    found = look(Config())
    assert (found["embedded"].state, found["embedded"].fix) == ("absent", 'pip install "chatui[embedded]"')
    assert "chatui[embedded]" in found["model"].fix


def test_a_service_is_asked_only_where_its_model_is_named(
    server: OllamaServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", f"{server.url}/v1")
    monkeypatch.setenv("OPENAI_API_KEY", "s3cret")
    assert look(Config())["model"].state == "wrong"
    assert server.requests == []
    check = look(Config(model="openai:q"))["model"]
    assert (check.state, check.detail) == ("ok", "openai:q (config)")
    assert server.requests[0].headers["Authorization"] == "Bearer s3cret"
    monkeypatch.delenv("OPENAI_API_KEY")
    check = look(Config(model="openai:q"))["model"]
    assert check.state == "wrong"
    assert "OPENAI_API_KEY is not set" in check.detail


def test_where_the_keys_of_services_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "s3cret")
    monkeypatch.setitem(sys.modules, "keyring", None)
    asked = Servers(Config())
    asyncio.run(asked.ask(PATIENCE))
    assert asked.keys == {"openai": None, "anthropic": None, "google": "in GEMINI_API_KEY"}


def test_the_variable_that_names_the_model_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATUI_MODEL", "embedded:/no/such.gguf")
    found = {check["name"]: check for check in run("doctor", "--json").json["checks"]}
    assert found["model"]["detail"] == "There is no file /no/such.gguf"
    monkeypatch.setenv("CHATUI_MODEL", "smol")
    found = {check["name"]: check for check in run("doctor", "--json").json["checks"]}
    assert found["model"]["detail"].startswith("ollama:smol (CHATUI_MODEL) cannot be asked")


def test_no_secret_is_printed(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: OllamaServer) -> None:
    monkeypatch.setenv("GPU_KEY", "s3cret")
    monkeypatch.setenv("OPENAI_API_KEY", "s3cret")
    monkeypatch.setenv("HTTPS_PROXY", "http://me:s3cret@127.0.0.1:9")
    config = tmp_path / "config.toml"
    url = server.url.replace("http://", "http://me:s3cret@")
    config.write_text(
        f'[ollama]\nhost = "{url}"\n'
        f'[hosts.gpu]\nurl = "{url}"\napi_key_env = "GPU_KEY"\nheaders = {{"X-Key" = "s3cret"}}\n'
        '[hosts.away]\nurl = "https://me:s3cret@gpu.example/v1"\nprovider = "openai"\napi_key_env = "GPU_KEY"\n'
        '[hosts.bad]\nurl = "https://me:s3cret@gpu.example:port"\n'
    )
    for line in (["doctor"], ["doctor", "--json"]):
        done = run("--config", str(config), *line)
        assert "s3cret" not in done.out + done.err
        assert "gpu" in done.out
    names = [check["name"] for check in json.loads(done.out)["checks"]]
    assert [name for name in names if name.startswith("hosts.")] == ["hosts.gpu", "hosts.away", "hosts.bad"]
