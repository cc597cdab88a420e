"""The screen in a real terminal: a first run with the real demo model, and sessions against a scripted server."""

from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import chatui, chatui_json, leave
from tests.e2e.terminal import Terminal
from tests.ollama_server import OllamaServer, stream


def send(terminal: Terminal, text: str) -> None:
    """Type a message, and Enter once it stands in the prompt."""
    terminal.type(text)
    terminal.wait_for(text)
    terminal.press("enter")


def idle(screen: str) -> bool:
    """Whether no reply streams: Esc leads to the messages then, and stops a reply else."""
    return "Esc Messages" in screen


def texts(thread: str, *arguments: str) -> list[str]:
    return [message["text"] for message in chatui_json("show", thread, *arguments)["messages"]]


def only_thread() -> dict[str, Any]:
    (thread,) = chatui_json("threads")
    assert isinstance(thread, dict)
    return thread


@pytest.mark.embedded
def test_a_first_run_a_fork_and_both_branches_after_a_restart(demo_weights: Path) -> None:
    """From a machine without anything to a tree with two branches, with the real demo model, fetched by one key."""
    with Terminal(columns=120, rows=40) as terminal:
        terminal.wait_for("Fetch the demo model")
        assert "Apache-2.0" in terminal.text
        terminal.press("f")
        terminal.wait_gone("Welcome to chatui", timeout=300)
        send(terminal, "Say hello")
        terminal.wait_for(lambda screen: "turn 1" in screen and idle(screen))
        leave(terminal)
    thread = only_thread()
    first = texts(thread["thread_id"])
    assert first[0] == "Say hello"
    assert first[1].strip()
    assert thread["model"] == "embedded:smollm2-135m"

    with Terminal(columns=120, rows=40) as terminal:
        # It opens where it was left, without the welcome.
        terminal.wait_for("Say hello")
        terminal.wait_for(first[1].split()[0])
        terminal.press("escape")
        terminal.wait_for("MESSAGES")
        terminal.press("r")
        terminal.wait_for(lambda screen: "‹2/2›" in screen and "Esc Stop" not in screen)
        leave(terminal)

    tree = chatui_json("tree", thread["thread_id"])
    answers = [node for node in tree["nodes"] if node["role"] == "assistant"]
    assert [(node["alternative"], node["alternatives"]) for node in answers] == [(1, 2), (2, 2)]
    assert [node["on_active_path"] for node in answers] == [False, True]
    assert answers[0]["text"] == first[1]
    assert texts(thread["thread_id"]) == ["Say hello", answers[1]["text"]]


def test_an_edit_makes_a_branch_and_the_view_survives_a_restart(server: OllamaServer) -> None:
    server.chats += [stream("Where to?"), stream("Rome it is."), stream("Oslo it is.")]
    with Terminal(columns=120, rows=40) as terminal:
        terminal.wait_for("PROMPT")
        send(terminal, "Plan a trip")
        terminal.wait_for(lambda screen: "Where to?" in screen and idle(screen))
        send(terminal, "Take me to Rome")
        terminal.wait_for(lambda screen: "Rome it is." in screen and idle(screen))
        terminal.press("escape")
        terminal.wait_for("MESSAGES")
        terminal.press("up", "e")
        terminal.wait_for("Editing")
        terminal.press(*["backspace"] * len("Rome"))
        terminal.wait_for(lambda screen: screen.count("Take me to Rome") == 1)
        send(terminal, "Oslo")
        terminal.wait_for(lambda screen: "Oslo it is." in screen and idle(screen))
        assert "‹2/2›" in terminal.text
        assert "Rome it is." not in terminal.text
        leave(terminal)
    thread = only_thread()["thread_id"]
    assert texts(thread) == ["Plan a trip", "Where to?", "Take me to Oslo", "Oslo it is."]
    assert only_thread()["branch_count"] == 2

    # The other branch is looked at and left; the next start opens there, and so does the shell.
    with Terminal(columns=120, rows=40) as terminal:
        terminal.wait_for("Oslo it is.")
        terminal.press("escape")
        terminal.wait_for("MESSAGES")
        terminal.press("up", "left")
        terminal.wait_for("Rome it is.")
        assert "‹1/2›" in terminal.text
        leave(terminal)
    assert texts(thread) == ["Plan a trip", "Where to?", "Take me to Rome", "Rome it is."]
    with Terminal(columns=120, rows=40) as terminal:
        terminal.wait_for("Rome it is.")
        terminal.press("ctrl+t")
        terminal.wait_for(lambda screen: "○ Oslo it is." in screen and "● Rome it is." in screen)
        terminal.wait_for("TREE")
        # A pane at this width: it stays, and the prompt has the keys again.
        terminal.press("escape")
        terminal.wait_for("PROMPT")
        assert "○ Oslo it is." in terminal.text
        leave(terminal)


def test_what_ask_makes_is_on_the_screen_and_the_other_way_round(server: OllamaServer) -> None:
    server.chats += [stream("Asked and answered."), stream("On the screen.")]
    asked = json.loads(chatui("ask", "From the shell", "--json"))
    with Terminal(columns=120, rows=40) as terminal:
        terminal.wait_for("Asked and answered.")
        send(terminal, "From the screen")
        terminal.wait_for(lambda screen: "On the screen." in screen and idle(screen))
        leave(terminal)
    assert texts(asked["thread_id"]) == ["From the shell", "Asked and answered.", "From the screen", "On the screen."]
    # A fork made at the shell is where the screen opens.
    chatui("fork", asked["thread_id"], "--at", asked["checkpoint_id"])
    with Terminal("From the shell", columns=120, rows=40) as terminal:
        terminal.wait_for("Asked and answered.")
        assert "On the screen." not in terminal.text
        leave(terminal)


def test_a_killed_program_offers_what_had_come(server: OllamaServer, home: Path) -> None:
    gate = threading.Event()
    server.chats += [stream("Half of a reply", gate, " and the rest")]
    with Terminal(columns=120, rows=40) as terminal:
        terminal.wait_for("PROMPT")
        send(terminal, "Tell me")
        terminal.wait_for("Half of a reply")
        # On disk too, within half a second; the reads of the waiting take the time.
        with sqlite3.connect(home / "data" / "chatui" / "chatui.db") as connection:

            def saved(_screen: str) -> bool:
                return connection.execute("SELECT text FROM chatui_partials").fetchall() == [("Half of a reply",)]

            terminal.poll(saved)
        terminal.kill()
    thread = only_thread()
    assert texts(thread["thread_id"]) == ["Tell me"]

    with Terminal(columns=120, rows=40) as terminal:
        terminal.wait_for("was cut off here")
        terminal.wait_for("k Keep it")
        terminal.press("escape")
        leave(terminal)
    # Looking decides nothing: the offer stands until it is answered.
    with Terminal(columns=120, rows=40) as terminal:
        terminal.wait_for("k Keep it")
        terminal.press("tab")
        terminal.wait_for("OFFER")
        terminal.press("k")
        terminal.wait_for(lambda screen: "Half of a reply" in screen and "Keep it" not in screen)
        leave(terminal)
    reply = chatui_json("show", thread["thread_id"])["messages"][-1]
    assert (reply["text"], reply["interrupted"]) == ("Half of a reply", "crashed")


def test_escape_stops_a_reply_and_keeps_what_came(server: OllamaServer) -> None:
    gate = threading.Event()
    server.chats += [stream("Half of a reply", gate)]
    with Terminal(columns=120, rows=40) as terminal:
        terminal.wait_for("PROMPT")
        send(terminal, "Tell me")
        terminal.wait_for(lambda screen: "Half of a reply" in screen and "Esc Stop" in screen)
        terminal.press("escape")
        terminal.wait_for(idle)
        assert server.hung_up.wait(10)
        leave(terminal)
    reply = chatui_json("show", only_thread()["thread_id"])["messages"][-1]
    assert (reply["text"], reply["interrupted"]) == ("Half of a reply", "stopped")


def test_quitting_while_a_reply_streams_asks_and_keeps_it(server: OllamaServer) -> None:
    gate = threading.Event()
    server.chats += [stream("Half of a reply", gate)]
    with Terminal(columns=120, rows=40) as terminal:
        terminal.wait_for("PROMPT")
        send(terminal, "Tell me")
        terminal.wait_for("Half of a reply")
        terminal.press("ctrl+q")
        terminal.wait_for("is streaming")
        terminal.press("y")
        assert terminal.wait_exit() == 0
    assert chatui_json("show", only_thread()["thread_id"])["messages"][-1]["interrupted"] == "stopped"


@pytest.mark.parametrize("own", [True, False], ids=["with a signal", "without a signal"])
def test_a_terminal_that_goes_away_costs_nothing(server: OllamaServer, own: bool) -> None:
    gate = threading.Event()
    server.chats += [stream("Half of a reply", gate)]
    with Terminal(columns=120, rows=40, own=own) as terminal:
        terminal.wait_for("PROMPT")
        send(terminal, "Tell me")
        terminal.wait_for("Half of a reply")
        terminal.type("not sent")
        terminal.wait_for("not sent")
        terminal.hang_up()
        assert terminal.process.wait(30) == 0
    thread = only_thread()["thread_id"]
    reply = chatui_json("show", thread)["messages"][-1]
    assert (reply["text"], reply["interrupted"]) == ("Half of a reply", "stopped")
    with Terminal(columns=120, rows=40) as terminal:
        terminal.wait_for("not sent")
        leave(terminal)


def test_an_end_from_outside_costs_nothing(server: OllamaServer) -> None:
    gate = threading.Event()
    server.chats += [stream("Half of a reply", gate)]
    with Terminal(columns=120, rows=40) as terminal:
        terminal.wait_for("PROMPT")
        send(terminal, "Tell me")
        terminal.wait_for("Half of a reply")
        terminal.process.terminate()
        assert terminal.wait_exit() == 0
        assert b"\x1b[?1049l" in terminal.raw, "the terminal is put back"
    assert chatui_json("show", only_thread()["thread_id"])["messages"][-1]["interrupted"] == "stopped"


def test_a_reply_survives_any_size_of_the_terminal(server: OllamaServer) -> None:
    gates = [threading.Event() for _ in range(3)]
    server.chats += [stream("One. ", gates[0], "Two. ", gates[1], "Three. ", gates[2], "Four.")]
    with Terminal(columns=120, rows=40) as terminal:
        terminal.wait_for("PROMPT")
        send(terminal, "Count")
        terminal.wait_for("One.")
        for gate, size in zip(gates, [(60, 16), (20, 5), (200, 60)], strict=True):
            terminal.resize(*size)
            gate.set()
        terminal.wait_for(lambda screen: "One. Two. Three. Four." in screen and idle(screen))
        leave(terminal)


def test_two_windows_on_one_thread_lose_nothing(server: OllamaServer) -> None:
    server.chats += [stream("Ready.")]
    thread = json.loads(chatui("ask", "Begin", "--json"))["thread_id"]
    gate = threading.Event()
    with Terminal(columns=120, rows=40) as one, Terminal(columns=120, rows=40) as other:
        for window in (one, other):
            window.wait_for("Ready.")
        server.chats += [stream("Left", gate, " done."), stream("Right", gate, " done.")]
        send(one, "To the left")
        one.wait_for("Left")
        send(other, "To the right")
        other.wait_for("Right")
        gate.set()
        one.wait_for(lambda screen: "Left done." in screen and idle(screen))
        other.wait_for(lambda screen: "Right done." in screen and idle(screen))
        leave(one)
        leave(other)
    tree = [(node["text"], node["alternative"]) for node in chatui_json("tree", thread)["nodes"]]
    assert tree == [
        ("Begin", 1),
        ("Ready.", 1),
        ("To the left", 1),
        ("Left done.", 1),
        ("To the right", 2),
        ("Right done.", 1),
    ]
    assert json.loads(chatui("db", "check", "--json")) == {"ok": True, "problems": []}


def test_keys_that_come_at_once_keep_their_order(server: OllamaServer) -> None:
    """As `tmux send-keys 'Tell me' Enter` sends them, and as a slow machine reads them."""
    server.chats += [stream("Told.")]
    with Terminal(columns=120, rows=40) as terminal:
        terminal.wait_for("PROMPT")
        terminal.type("Tell me\r")
        terminal.wait_for("Told.")
        leave(terminal)
    assert texts(only_thread()["thread_id"]) == ["Tell me", "Told."]


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["nowhere"], 2, 'There is no thread "nowhere".'),
        (["thraeds"], 2, "Did you mean `chatui threads`?"),
        (["--db", "/dev/null/x.db"], 1, "/dev/null/x.db"),
        (["--config", "gone.toml"], 2, "There is no config file gone.toml."),
        (["-c", "-n"], 2, "only one can be given"),
    ],
)
def test_what_cannot_be_opened_is_a_sentence(arguments: list[str], code: int, words: str) -> None:
    with Terminal(*arguments, columns=200) as terminal:
        assert terminal.wait_exit() == code
        assert terminal.text.startswith("chatui: ")
        assert words in terminal.text
        # The screen was never opened.
        assert b"\x1b[?1049h" not in terminal.raw


def test_a_file_is_completed_and_goes_with_the_prompt(
    server: OllamaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here" / "my docs").mkdir(parents=True)
    (tmp_path / "here" / "my docs" / "plan.md").write_text("The plan.")
    monkeypatch.chdir(tmp_path / "here")
    with Terminal() as terminal:
        terminal.wait_for("Enter Send")
        terminal.type("Read @m")
        terminal.wait_for("my docs/")
        terminal.press("tab")
        terminal.wait_for("plan.md")
        terminal.press("enter")
        terminal.wait_for('Read @"my docs/plan.md"')
        terminal.wait_for("Enter Send")
        terminal.press("enter")
        terminal.wait_for("▸ plan.md · text · 9 B · 1 line")
        terminal.wait_for(idle)
        leave(terminal)
    assert server.asked[0]["messages"][-1]["content"] == "Read plan.md\n\nplan.md (9 B):\n```\nThe plan.\n```"
