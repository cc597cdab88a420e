from __future__ import annotations

import pytest

from chatui.errors import ConfigError
from chatui.models.ollama_hosts import base_url, is_loopback, normalise, shown


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("localhost", "http://localhost:11434"),
        ("myhost", "http://myhost:11434"),
        ("myhost:8080", "http://myhost:8080"),
        ("192.168.1.2", "http://192.168.1.2:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("0.0.0.0:1234", "http://127.0.0.1:1234"),
        ("::1", "http://[::1]:11434"),
        ("[::1]:99", "http://[::1]:99"),
        ("::", "http://[::1]:11434"),
        ("http://host", "http://host:80"),
        ("https://host", "https://host:443"),
        ("https://host/ollama/", "https://host:443/ollama"),
        ("http://user:pass@host:1", "http://user:pass@host:1"),
        (" http://host:1 ", "http://host:1"),
    ],
)
def test_every_common_form(written: str, url: str) -> None:
    assert normalise(written, "x") == url


@pytest.mark.parametrize("written", ["http://", "ftp://host", "host:port", "a b", "http://host:99999", ":1"])
def test_what_is_no_address(written: str) -> None:
    with pytest.raises(ConfigError, match="OLLAMA_HOST is"):
        normalise(written, "OLLAMA_HOST")


def test_a_bad_address_shows_no_password() -> None:
    with pytest.raises(ConfigError) as caught:
        normalise("http://user:secret@host:bad", "OLLAMA_HOST")
    assert "secret" not in str(caught.value)


def test_the_variable_stands_behind_the_config(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", '"gpu"')
    assert base_url(None) == "http://gpu:11434"
    assert base_url("other") == "http://other:11434"
    monkeypatch.delenv("OLLAMA_HOST")
    assert base_url(None) == "http://127.0.0.1:11434"


def test_what_is_shown_has_no_credentials() -> None:
    assert shown("http://user:pass@host:1/x") == "http://host:1/x"


@pytest.mark.parametrize(
    ("url", "here"),
    [("http://127.0.0.1:1", True), ("http://[::1]:1", True), ("http://localhost", True), ("http://h", False)],
)
def test_loopback(url: str, here: bool) -> None:
    assert is_loopback(url) is here
