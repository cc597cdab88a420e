from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chatui.cli.main import main
from tests.scripted import ScriptedModels


@dataclass
class Outcome:
    """What a command line did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which has to be JSON and nothing else."""
        return json.loads(self.out)

    def failed(self, code: int, *words: str) -> None:
        """Check that it left with a code and one sentence with these words, and printed nothing else."""
        assert self.code == code, self.err
        assert self.out == ""
        assert self.err.startswith("chatui: ")
        assert len(self.err.splitlines()) == 1
        assert "Traceback" not in self.err
        for word in words:
            assert word in self.err


Run = Callable[..., Outcome]


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> ScriptedModels:
    """The models of every command line in this test: one, scripted."""
    scripted = ScriptedModels()
    monkeypatch.setattr("chatui.models.Models", lambda config: scripted)
    return scripted


@pytest.fixture
def database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The database of every command line in this test. It is not there yet."""
    path = tmp_path / "folder" / "test.db"
    monkeypatch.setenv("CHATUI_DB", str(path))
    return path


@pytest.fixture
def run(
    models: ScriptedModels,
    database: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Run:
    """Run command lines in this process, without a terminal."""

    def command(*arguments: str, stdin: bytes | None = None) -> Outcome:
        if stdin is None:
            monkeypatch.setattr(sys, "stdin", io.StringIO())
        else:
            file = tmp_path / "stdin"
            file.write_bytes(stdin)
            monkeypatch.setattr(sys, "stdin", file.open(encoding="utf-8"))
        capsys.readouterr()
        code = main(list(arguments))
        captured = capsys.readouterr()
        return Outcome(code, captured.out, captured.err)

    return command
