from __future__ import annotations

import sys

import pytest

from tests.cli.conftest import Run
from tests.scripted import ScriptedModels

HIT = ["thread_id", "title", "checkpoint_id", "message_id", "role", "snippet", "on_active_path"]


@pytest.fixture
def thread(run: Run, models: ScriptedModels) -> str:
    """Two answers to one question about a trip; the second is active."""
    models.script = ["Take the night train to Rome."]
    asked = run("ask", "A trip for [/x] three?", "--json").json
    root = run("show", asked["thread_id"], "--json").json["messages"][0]["checkpoint_id"]
    models.script = ["Take the train to Oslo, 天気予報 said."]
    run("ask", "-t", asked["thread_id"], "--at", root, "Where?", "--json")
    return str(asked["thread_id"])


def test_search_prints_messages_of_every_branch(run: Run, thread: str) -> None:
    found = run("search", "train", "--json").json
    assert [list(hit) for hit in found] == [HIT] * 2
    assert {hit["thread_id"] for hit in found} == {thread}
    nodes = {node["checkpoint_id"]: node for node in run("tree", thread, "--json").json["nodes"]}
    for hit in found:
        node = nodes[hit["checkpoint_id"]]
        assert (hit["message_id"], hit["snippet"], hit["role"]) == (node["message_id"], node["text"], "assistant")
        assert hit["on_active_path"] == node["on_active_path"]
    assert sorted(hit["on_active_path"] for hit in found) == [False, True]
    lines = run("search", "train").out.splitlines()
    assert lines[0] == f"A trip for [/x] three? [{thread[:8]}]"
    assert sorted(line.split()[0] for line in lines[1:]) == ["○", "●"]
    assert all(line.split()[-1] in {id_[:13] for id_ in nodes} for line in lines[1:])
    assert "\x1b" not in "".join(lines)


def test_words_phrases_other_scripts_and_signs(run: Run, thread: str) -> None:
    def texts(*words: str) -> list[str]:
        return [hit["snippet"] for hit in run("search", *words, "--json").json]

    assert texts("night", "train") == ["Take the night train to Rome."]
    assert texts('"train night"') == []
    assert texts('"night train"') == ["Take the night train to Rome."]
    assert texts("天気") == ["Take the train to Oslo, 天気予報 said."]
    assert texts("[/") == ["A trip for [/x] three?"]
    assert texts('AND "') == []
    assert len(run("search", "train", "--limit", "1", "--json").json) == 1


def test_nothing_found_and_nothing_asked(run: Run, thread: str) -> None:
    assert run("search", "zebra", "--json").json == []
    assert run("search", "zebra").out == "No message has this: zebra\n"
    run("search", " ").failed(2, "nothing to search for")
    run("search").failed(2, "chatui search --help")


def test_deleted_ones_are_not_found_and_archived_ones_are_marked(run: Run, thread: str) -> None:
    run("archive", thread)
    assert run("search", "train").out.splitlines()[0].endswith(", archived]")
    run("delete", thread)
    assert run("search", "train", "--json").json == []


def test_the_threads_of_others(run: Run, thread: str, models: ScriptedModels) -> None:
    models.script = ["Yes."]
    run("-u", "anna", "ask", "A train for anna?")
    assert len(run("-u", "anna", "search", "train", "--json").json) == 1
    assert len(run("-u", "anna", "search", "train", "--json", "--all-users").json) == 3
    assert "anna" in run("search", "train for").out


def test_what_was_found_is_marked_on_a_terminal(
    run: Run, thread: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr("chatui.cli.output.sys", _Terminal())
    assert "\x1b[1;4mtrain\x1b[22;24m" in run("search", "train").out
    assert "1 of 2. --limit shows more." in run("search", "train", "--limit", "1").out
    monkeypatch.setenv("NO_COLOR", "1")
    lines = run("search", "train").out.splitlines()
    assert "\x1b" not in "".join(lines)
    assert max(map(len, lines)) <= 60


class _Terminal:
    """`sys`, its output a terminal."""

    class stdout:  # noqa: N801
        @staticmethod
        def isatty() -> bool:
            return True

    def __getattr__(self, name: str) -> object:
        return getattr(sys, name)


def test_threads_are_listed_by_what_was_said_in_them(run: Run, thread: str, models: ScriptedModels) -> None:
    models.script = ["Yes."]
    run("ask", "Something else", "--json")
    assert [found["thread_id"] for found in run("threads", "--search", "rome", "--json").json] == [thread]
    assert [found["thread_id"] for found in run("threads", "--search", "trip", "--json").json] == [thread]
    assert [found["thread_id"] for found in run("threads", "--search", "天気", "--json").json] == [thread]
    assert run("threads", "--search", "zebra").out == "No thread has this, in its title or a message.\n"
