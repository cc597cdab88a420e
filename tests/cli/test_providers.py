"""What is missing for a provider, at the shell: one sentence, and the command or variable that mends it."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from chatui.cli.main import main

Fails = Callable[..., str]


@pytest.fixture
def fails(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Fails:
    """Run a command line that must fail in one sentence, and return that."""
    monkeypatch.setenv("CHATUI_DB", str(tmp_path / "chatui.db"))

    def command(*arguments: str, code: int = 1) -> str:
        assert main(list(arguments)) == code
        captured = capsys.readouterr()
        assert captured.out == ""
        sentence, kept = captured.err.splitlines()
        assert sentence.startswith("chatui: ")
        assert kept.startswith("chatui: The prompt is kept in the thread ")
        return sentence

    return command


@pytest.fixture
def gpu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dead_host: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(f'[hosts.gpu]\nurl = "{dead_host}"\napi_key_env = "GPU_KEY"\n')
    monkeypatch.setenv("CHATUI_CONFIG", str(file))


@pytest.mark.parametrize("provider", ["openai", "anthropic", "google"])
def test_a_missing_extra_says_the_command_that_adds_it(
    fails: Fails, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *more: None if name.startswith("langchain_") else find_spec(name, *more),
    )
    assert f'`pip install "chatui[{provider}]"`' in fails("ask", "-m", f"{provider}:m", "Hi")


@pytest.mark.parametrize("provider", ["openai", "anthropic", "google"])
def test_a_missing_key_says_where_it_is_looked_for(
    fails: Fails, provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    variable = f"{provider.upper()}_API_KEY"
    said = fails("ask", "-m", f"{provider}:m", "Hi")
    assert f"{variable} is not set" in said
    assert f"keyring set chatui {variable}" in said


@pytest.mark.usefixtures("gpu")
def test_a_host_s_missing_key(fails: Fails, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    assert "The host gpu wants an API key, and GPU_KEY is not set" in fails("ask", "-m", "ollama@gpu:m", "Hi")


@pytest.mark.usefixtures("gpu")
def test_references_that_fit_no_host(fails: Fails) -> None:
    assert "speaks ollama by the config file, not openai" in fails("ask", "-m", "openai@gpu:m", "Hi", code=2)
    assert 'no host named "tpu"' in fails("ask", "-m", "ollama@tpu:m", "Hi", code=2)
