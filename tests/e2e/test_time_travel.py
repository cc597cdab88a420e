"""Forks made at the shell and seen on the screen, other programs' files, and a purge; in real terminals."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from tests.e2e.conftest import chatui, chatui_json, leave
from tests.e2e.terminal import Terminal
from tests.ollama_server import OllamaServer, stream

DATA = Path(__file__).parents[1] / "data" / "imports"


@pytest.mark.embedded
def test_a_fork_at_the_shell_has_both_branches_on_the_screen(demo_model: str) -> None:
    root = chatui_json("ask", "Say hello", "-m", demo_model)
    thread = root["thread_id"]
    chatui("ask", "-c", "Name a colour.")
    assert chatui_json("fork", thread, "--at", root["checkpoint_id"])["checkpoint_id"] == root["checkpoint_id"]
    chatui("ask", "-c", "Name a fruit.")
    with Terminal(columns=140, rows=40) as terminal:
        terminal.wait_for("Name a fruit.")
        terminal.press("ctrl+t")
        terminal.wait_for(
            lambda screen: bool(re.search("○ .*Name a colour", screen) and re.search("● .*Name a fruit", screen))
        )
        leave(terminal)
    # One is where the other is left, by a single key.
    colour = chatui_json("tree", thread)["nodes"][2]
    assert (colour["text"], colour["alternatives"]) == ("Name a colour.", 2)
    with Terminal(columns=140, rows=40) as terminal:
        terminal.wait_for("Name a fruit.")
        terminal.press("escape")
        terminal.wait_for("MESSAGES")
        terminal.press("up")
        terminal.wait_for("#3 ‹2/2›")
        terminal.press("left")
        terminal.wait_for("#3 ‹1/2›")
        terminal.wait_for("Name a colour.")
        leave(terminal)
    shown = [message["text"] for message in chatui_json("show", thread)["messages"]]
    assert shown[:3] == ["Say hello", root["text"], "Name a colour."]


@pytest.mark.parametrize("fixture", ["langgraph-0.4.8_sqlite-2.0.10", "langgraph-1.2.22_sqlite-3.1.2"])
def test_another_program_s_branches_are_found_on_the_screen(server: OllamaServer, tmp_path: Path, fixture: str) -> None:
    path = tmp_path / "agent.sqlite"
    shutil.copy(DATA / fixture / "checkpoints.sqlite", path)
    before = path.read_bytes()
    there = ["--db", str(path), "--read-only"]
    with Terminal(*there, columns=140, rows=40) as terminal:
        terminal.wait_for(
            lambda screen: all(text in screen for text in ("Forked story", "Code review", "日本語の練習"))
        )
        leave(terminal)
    with Terminal(*there, "Forked story", columns=140, rows=40) as terminal:
        terminal.wait_for("a raven ruled the hill")
        terminal.wait_for("read-only")  # the first paint may be read in two pieces
        terminal.press("escape")
        terminal.wait_for("MESSAGES")
        terminal.press("left")
        terminal.wait_for(lambda screen: "Once upon a time" in screen and "a raven ruled the hill" not in screen)
        terminal.press("ctrl+t")
        terminal.wait_for(lambda screen: "○ Long ago, a raven" in screen and "● Once upon a time" in screen)
        terminal.press("escape")
        leave(terminal)
    # Where one was is remembered, though not in that file.
    shown = json.loads(chatui(*there, "show", "bob/fork", "--json"))
    assert shown["messages"][1]["text"].startswith("Once upon a time")
    assert path.read_bytes() == before


def test_purging_asks_and_leaves_nothing_in_the_file(server: OllamaServer, home: Path) -> None:
    server.chats += [stream("Badger."), stream("Dingo.")]
    root = json.loads(chatui("ask", "Aardvark", "--json"))
    gone = json.loads(chatui("ask", "-c", "Cheetah", "--json"))
    line = ["purge", root["thread_id"], "--at", gone["checkpoint_id"]]
    assert chatui(*line, code=2) == ""
    with Terminal(*line, columns=200) as terminal:
        terminal.wait_for('Remove the assistant message "Dingo."')
        terminal.type("n\r")
        assert terminal.wait_exit() == 1
        assert "Nothing was removed." in terminal.text
    assert found_in(home) == {"aardvark", "badger", "cheetah", "dingo"}
    # Another window that shows the thread is no hindrance, and sees it go.
    with Terminal(columns=120, rows=40) as window:
        window.wait_for("Dingo.")
        with Terminal(*line, columns=200) as terminal:
            terminal.wait_for("[y/N]")
            terminal.type("y\r")
            terminal.wait_for("1 message is gone for good.")
            assert terminal.wait_exit() == 0
        assert found_in(home) == {"aardvark", "badger", "cheetah"}
        leave(window)
    chatui("purge", root["thread_id"], "--yes")
    assert found_in(home) == set()
    assert chatui_json("db", "check") == {"ok": True, "problems": []}


def found_in(home: Path) -> set[str]:
    """Which of the words are anywhere below the home folder, in whatever case."""
    content = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file()).lower()
    return {word for word in ("aardvark", "badger", "cheetah", "dingo") if word.encode() in content}
