"""`chatui models` over the scripted server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chatui.cli.models import bar
from chatui.models import PullMeter, PullProgress
from tests.cli.conftest import Run
from tests.ollama_server import OllamaServer, answer, chunk, stream, tags


@pytest.fixture
def models() -> None:
    """The real ones."""


@pytest.fixture(autouse=True)
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OllamaServer]:
    with OllamaServer() as server:
        monkeypatch.setenv("OLLAMA_HOST", server.url)
        yield server


def test_the_list_tells_capabilities_and_context(run: Run, server: OllamaServer) -> None:
    server.answers["GET", "/api/tags"] = tags("smol:latest", "big:70b", capabilities=["completion", "tools", "vision"])
    done = run("models", "list")
    heads, first, second = done.out.splitlines()
    assert heads.split() == ["MODEL", "SIZE", "PARAMETERS", "QUANTIZATION", "CONTEXT", "CAPABILITIES", "LOADED"]
    assert first.split() == ["ollama:smol:latest", "98.4", "MB", "134.52M", "Q4_1", "64", "tools,", "vision", "yes"]
    assert "tools, vision" in second
    assert [entry["capabilities"] for entry in run("models", "list", "--json").json] == [
        ["completion", "tools", "vision"]
    ] * 2


def test_alone_with_json_it_lists_them_as_json(run: Run, server: OllamaServer) -> None:
    server.answers["GET", "/api/tags"] = tags("smol:latest")
    assert run("models", "--json").json == run("models", "list", "--json").json
    run("models", "--json", "remove", "smol").failed(2, "`chatui models remove --json`")


def test_what_is_wrong_with_a_subcommand_points_to_its_page(run: Run) -> None:
    run("models", "remove").failed(2, "`chatui models remove --help`")
    run("models", "show", "smol", "--nope").failed(2, "`chatui models show --help`")
    run("models", "nope").failed(2, "`chatui models --help`")
    run("models", "show", ":").failed(2, '":" names no model.')


def test_the_size_of_a_model_is_one_for_people(run: Run, tmp_path: Path) -> None:
    weights = tmp_path / "tiny.gguf"
    weights.write_bytes(bytes(98_362))
    assert "size: 98.4 kB\n" in run("models", "show", f"embedded:{weights}").out
    assert run("models", "show", f"embedded:{weights}", "--json").json["size"] == 98_362


def test_removing_needs_a_yes_without_a_terminal(run: Run, server: OllamaServer) -> None:
    server.answers["DELETE", "/api/delete"] = answer(200, "")
    run("models", "remove", "smol").failed(2, "no terminal", "--yes")
    assert server.requests == []
    assert run("models", "remove", "smol", "--yes").out == "ollama:smol is removed.\n"
    assert server.requests[-1].body == {"model": "smol"}
    assert run("models", "remove", "smol", "--yes", "--json").json == {"model": "ollama:smol", "removed": True}


def test_removing_what_is_not_there(run: Run, server: OllamaServer) -> None:
    server.answers["DELETE", "/api/delete"] = answer(404, {"error": "model 'smol' not found"})
    run("models", "remove", "smol", "--yes").failed(1, "smol")


def test_a_pull_without_a_terminal_says_each_step_once(run: Run, server: OllamaServer) -> None:
    steps: list[dict[str, Any]] = [
        {"status": "pulling manifest"},
        {"status": "pulling b551", "total": 100, "completed": 40},
        {"status": "pulling b551", "total": 100, "completed": 80},
        {"status": "success"},
    ]
    server.answers["POST", "/api/pull"] = [*stream()[:1], *(chunk(step) for step in steps), b"0\r\n\r\n"]
    done = run("models", "pull", "smol")
    assert done.out == "ollama:smol is ready.\n"
    assert [line.partition(": ")[2] for line in done.err.splitlines()] == [
        "pulling manifest",
        "pulling b551",
        "success",
    ]


def test_the_bar_tells_speed_and_time_left() -> None:
    seconds = iter(range(100))
    meter = PullMeter(lambda: float(next(seconds)))
    meter.take(PullProgress("pulling manifest"))
    assert bar("smol", meter) == "smol  pulling manifest"
    for completed in (0, 10_000_000, 20_000_000):
        meter.take(PullProgress("pulling b551", completed, 100_000_000))
    line = bar("smol", meter)
    assert line.endswith("─  20%  20.0 MB of 100 MB  10.0 MB/s  8 s left  pulling b551")
    assert line.count("━") == 4
