from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.terminal import PROGRAM, Terminal
from tests.ollama_server import OllamaServer, answer


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "tests/e2e/" in item.path.as_posix():
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(autouse=True)
def no_titles(home: Path) -> None:
    """The scripted replies are for the turns: no model is asked for titles."""
    folder = home / "config" / "chatui"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text('title = "off"\n', encoding="utf-8")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OllamaServer]:
    """An Ollama with one model, "smol", whose replies a test scripts."""
    with OllamaServer() as running:
        models = [{"name": "smol", "model": "smol", "size": 5, "details": {}}]
        running.answers["GET", "/api/tags"] = answer(200, {"models": models})
        monkeypatch.setenv("OLLAMA_HOST", running.url)
        yield running


def leave(terminal: Terminal) -> None:
    """Quit, as a person does."""
    terminal.press("ctrl+q")
    assert terminal.wait_exit() == 0


def chatui(*arguments: str, stdin: str | None = None, code: int = 0) -> str:
    """Run the installed program without a terminal, and return its standard output."""
    done = subprocess.run(
        [PROGRAM, *arguments], input=stdin or "", capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == code, done.stderr
    return done.stdout


def chatui_json(*arguments: str) -> Any:
    """Run the installed program and return the JSON that it printed."""
    return json.loads(chatui(*arguments, "--json"))
