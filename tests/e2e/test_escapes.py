"""What a model, a title or a server says never reaches the terminal as a command. Read from the raw bytes of a pty."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import chatui, chatui_json
from tests.e2e.terminal import Terminal
from tests.ollama_server import OllamaServer, answer, stream

NASTY = (
    "\x1b]0;OWNED\x07 \x1b]52;c;T1dORUQ=\x07 \x1b[31mOWNED \x9b32mOWNED \x9d0;OWNED\x9c \u202eDENWO\u2066 "
    "[/x] [bold]mark[/bold]"
)

# What the text above could make a terminal do. Plain letters that are left of it are harmless.
_OWNED = re.compile(
    rb"\x1b\]0;OWNED|\x1b\]52;c;T1d|\x1b\[31mOWNED|\xc2\x9b32m|\xc2\x9d|\xc2\x9c|\xe2\x80\xae|\xe2\x81\xa6|\x9b32m(?<!\xc2\x9b32m)"
)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[OllamaServer]:
    with OllamaServer() as running:
        monkeypatch.setenv("OLLAMA_HOST", running.url)
        yield running


def harmless(terminal: Terminal) -> None:
    """Check the bytes, and that the letters did arrive, so that there was something to check."""
    assert not _OWNED.search(terminal.raw)
    assert b"OWNED" in terminal.raw


def test_the_search_finds_what_it_looks_for() -> None:
    assert len(_OWNED.findall(NASTY.encode())) == 8


def test_ask_and_the_lists(server: OllamaServer) -> None:
    server.chats += [stream(NASTY, "\n", NASTY)]
    with Terminal("ask", f"Say {NASTY}", "-m", "smol", columns=300) as terminal:
        assert terminal.wait_exit() == 0
        assert "[/x] [bold]mark[/bold]" in terminal.text
    harmless(terminal)
    (thread,) = chatui_json("threads")
    for line in (
        ["threads"],
        ["show", thread["thread_id"]],
        ["tree", thread["thread_id"]],
        ["rename", thread["thread_id"], NASTY],
    ):
        for arguments in (line, [*line, "--json"]):
            with Terminal(*arguments, columns=300) as terminal:
                assert terminal.wait_exit() == 0
            harmless(terminal)


def test_a_server_that_fails_with_escapes(server: OllamaServer) -> None:
    server.chats += [answer(500, {"error": NASTY})]
    with Terminal("ask", "Hello", "-m", "smol", columns=300) as terminal:
        assert terminal.wait_exit() == 1
    harmless(terminal)


def test_the_names_of_models(server: OllamaServer) -> None:
    server.answers["GET", "/api/tags"] = answer(
        200, {"models": [{"name": NASTY, "model": NASTY, "size": 5, "details": {}}]}
    )
    for arguments in (["models"], ["models", "list", "--json"]):
        with Terminal(*arguments, columns=300) as terminal:
            assert terminal.wait_exit() == 0
        harmless(terminal)


def test_the_screen(server: OllamaServer) -> None:
    names = ["smol", f"smol {NASTY}"]
    models = [{"name": name, "model": name, "size": 5, "details": {}} for name in names]
    server.answers["GET", "/api/tags"] = answer(200, {"models": models})
    server.chats += [stream(f"First {NASTY}\n\n", f"`code {NASTY}`\n\n```\n{NASTY}\n```\n\nThe end.")]
    chatui("ask", f"Title {NASTY}", "-m", "smol", stdin="")
    server.chats += [stream(f"# Second {NASTY}\n\n- {NASTY}\n\nThe very end.")]
    with Terminal(columns=140, rows=40) as terminal:
        terminal.wait_for("The end.")
        terminal.type("Once more")
        terminal.wait_for("Once more")
        terminal.press("enter")
        terminal.wait_for("The very end.")
        terminal.press("ctrl+o")
        terminal.wait_for("smol ]0;OWNED")
        terminal.press("escape")
        terminal.wait_gone("Model of this thread")
        terminal.press("ctrl+t")
        terminal.wait_for("Go there")
        terminal.press("escape")
        terminal.wait_gone("Go there")
        terminal.press("ctrl+q")
        assert terminal.wait_exit() == 0
    harmless(terminal)
