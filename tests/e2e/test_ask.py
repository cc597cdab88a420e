"""`chatui ask` as it is used: in a terminal, in pipes, interrupted, twice at once. With the real demo model."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import chatui, chatui_json
from tests.e2e.terminal import PROGRAM, Terminal

pytestmark = pytest.mark.embedded

STORY = "Write a very long story about a fox, with many chapters."


def test_the_json_of_a_turn(demo_model: str) -> None:
    found = chatui_json("ask", "Say hello", "-m", demo_model)
    assert list(found) == ["thread_id", "checkpoint_id", "model", "text", "reasoning", "usage", "seconds"]
    assert found["model"] == demo_model
    assert found["text"].strip()
    assert found["usage"]["total_tokens"] == found["usage"]["input_tokens"] + found["usage"]["output_tokens"]
    (thread,) = chatui_json("threads")
    assert (thread["thread_id"], thread["active_checkpoint_id"]) == (found["thread_id"], found["checkpoint_id"])


def test_the_model_is_found_without_being_named(demo_model: str) -> None:
    # No Ollama answers, nothing is configured.
    assert chatui_json("ask", "Say hello")["model"] == demo_model


def test_text_and_standard_input_are_both_sent(demo_model: str) -> None:
    chatui("ask", "Summarise", "-m", demo_model, stdin="The cat sat on the mat.\n")
    (thread,) = chatui_json("threads")
    messages = chatui_json("show", thread["thread_id"])["messages"]
    assert messages[0]["text"] == "Summarise\n\nThe cat sat on the mat."
    assert [message["role"] for message in messages] == ["user", "assistant"]


def test_a_reply_streams_to_a_terminal(demo_model: str) -> None:
    with Terminal("ask", STORY, "-m", demo_model) as terminal:
        terminal.wait_for(lambda screen: len(screen.split()) > 5 and "Asking" not in screen)
        # Words are on the screen while the program goes on.
        assert terminal.process.poll() is None


def test_ctrl_c_keeps_what_came(demo_model: str) -> None:
    with Terminal("ask", STORY, "-m", demo_model) as terminal:
        terminal.wait_for(lambda screen: len(screen.split()) > 5 and "Asking" not in screen)
        terminal.press("ctrl+c")
        assert terminal.wait_exit() == 130
        assert "Interrupted; what came is kept in the thread" in " ".join(terminal.text.split())
    (thread,) = chatui_json("threads")
    reply = chatui_json("show", thread["thread_id"])["messages"][-1]
    assert (reply["role"], reply["interrupted"]) == ("assistant", "stopped")
    assert len(reply["text"].split()) > 3


def test_a_closed_pipe_ends_quietly_and_keeps_the_turn(demo_model: str) -> None:
    with subprocess.Popen(
        [PROGRAM, "ask", STORY, "-m", demo_model],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = os.read(process.stdout.fileno(), 1)
        process.stdout.close()
        errors = process.stderr.read()
        assert (process.wait(60), errors) == (0, b"")
    (thread,) = chatui_json("threads")
    reply = chatui_json("show", thread["thread_id"])["messages"][-1]
    assert reply["role"] == "assistant"
    assert reply["text"].startswith(first.decode())


def test_two_processes_write_to_one_thread_and_lose_nothing(demo_model: str) -> None:
    thread = chatui_json("ask", "Say hello", "-m", demo_model)["thread_id"]
    both = [
        subprocess.Popen(
            [PROGRAM, "ask", text, "-t", thread],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
        )
        for text in ("Name a colour.", "Name a fruit.")
    ]
    for process in both:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    nodes = chatui_json("tree", thread)["nodes"]
    assert {"Name a colour.", "Name a fruit."} < {node["text"] for node in nodes}
    assert [node["role"] for node in nodes].count("assistant") == 3
    # So small a model may go on until the limit of tokens; nothing else may have ended a reply.
    assert {node["interrupted"] for node in nodes} <= {None, "length"}
    assert '"ok": true' in chatui("db", "check", "--json")


def test_nothing_is_left_of_an_unsaved_turn(demo_model: str, home: Path) -> None:
    before = sorted(home.rglob("*"))
    assert chatui("ask", "Say hello", "-m", demo_model, "--no-save").strip()
    assert sorted(home.rglob("*")) == before
