from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.scripted import ScriptedModels

THREAD = [
    "thread_id", "title", "user", "model", "memory", "created_at", "updated_at", "message_count", "branch_count",
    "active_checkpoint_id", "pinned", "archived", "deleted",
]  # fmt: skip
MESSAGE = [
    "message_id", "checkpoint_id", "role", "text", "reasoning", "model", "created_at", "usage", "interrupted", "sent",
]  # fmt: skip
NODE = [
    "node_id", "parent_id", "checkpoint_id", "message_id", "role", "text", "model", "created_at", "name", "starred",
    "on_active_path", "alternative", "alternatives", "interrupted",
]  # fmt: skip


def forked(run: Run, models: ScriptedModels) -> dict[str, str]:
    """A thread with two branches below its first answer; returns its id and the checkpoints."""
    models.script = ["Where to?"]
    root = run("ask", "Plan a trip", "--json").json
    models.script = ["Rome it is."]
    rome = run("ask", "-c", "Rome", "--json").json
    models.script = ["Oslo it is."]
    oslo = run("ask", "-c", "Oslo", "--at", root["checkpoint_id"], "--json").json
    return {
        "thread": root["thread_id"],
        "root": root["checkpoint_id"],
        "rome": rome["checkpoint_id"],
        "oslo": oslo["checkpoint_id"],
    }


def test_an_empty_database_is_not_made_by_looking(run: Run, database: Path) -> None:
    assert run("threads", "--json").json == []
    assert "no threads yet" in run("threads").out
    run("show", "x").failed(2, 'There is no thread "x".', "chatui threads")
    run("rename", "x", "y").failed(2, 'There is no thread "x".')
    assert not database.parent.exists()


def test_the_list(run: Run) -> None:
    run("ask", "First one")
    run("ask", "Second one", "-m", "ollama:other")
    found = run("threads", "--json").json
    assert [list(thread) for thread in found] == [THREAD, THREAD]
    assert [thread["title"] for thread in found] == ["Second one", "First one"]
    assert [thread["title"] for thread in run("threads", "--json", "--search", "FIRST").json] == ["First one"]
    assert len(run("threads", "--json", "--limit", "1").json) == 1
    run("threads", "--limit", "0").failed(2, "--limit")
    run("threads", "--limit", "-1").failed(2, "--limit")
    printed = run("threads").out.splitlines()
    assert printed[0].split() == ["ID", "TITLE", "MODEL", "MESSAGES", "BRANCHES", "USED"]
    assert printed[1].split() == [found[0]["thread_id"][:8], "Second", "one", "ollama:other", "2", "1", "now"]
    assert "\x1b" not in run("threads").out


def test_users_are_kept_apart(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("-u", "anna", "ask", "Anna's")
    monkeypatch.setenv("CHATUI_USER", "ben")
    run("ask", "Ben's")
    assert [thread["title"] for thread in run("threads", "--json").json] == ["Ben's"]
    assert [thread["title"] for thread in run("-u", "anna", "threads", "--json").json] == ["Anna's"]
    for line in (["--all-users", "threads"], ["threads", "--all-users"]):
        assert "USER" in run(*line).out
        assert {thread["user"] for thread in run(*line, "--json").json} == {"anna", "ben"}
    # One named outright is found whoever owns it.
    assert run("show", "Anna's", "--json").code == 0


def test_changes_of_a_thread(run: Run) -> None:
    thread = run("ask", "One", "--json").json["thread_id"]
    renamed = run("rename", thread, "A  new\ntitle", "--json").json
    assert list(renamed) == THREAD
    assert renamed["title"] == "A new title"
    assert run("pin", "a new title", "--json").json["pinned"] is True
    assert "[pinned]" in run("threads").out
    assert run("pin", thread, "--off", "--json").json["pinned"] is False
    assert run("archive", thread, "--json").json["archived"] is True
    assert run("threads", "--json").json == []
    assert len(run("threads", "--json", "--archived").json) == 1
    assert run("archive", thread, "--off", "--json").json["archived"] is False
    assert run("delete", thread, "--json").json["deleted"] is True
    assert run("threads", "--json").json == []
    assert len(run("threads", "--json", "--deleted").json) == 1
    assert run("restore", "A new title", "--json").json["deleted"] is False
    assert run("rename", thread, "Plain").out == 'It is called "Plain" now.\n'
    run("rename", thread, " ").failed(2, "title")


def test_an_empty_list_says_why(run: Run) -> None:
    one = run("-u", "anna", "ask", "One", "--json").json["thread_id"]
    run("-u", "ben", "ask", "Two")
    assert run("threads", "--deleted").out == "No thread is deleted.\n"
    assert run("-u", "anna", "threads", "--deleted").out == "No thread of anna is deleted.\n"
    nobody = "There are no threads of carl yet. `chatui users` lists whose there are.\n"
    assert run("-u", "carl", "threads").out == nobody
    run("archive", one)
    archived = "All threads of anna are archived or deleted. `chatui threads --archived` lists the archived ones.\n"
    assert run("-u", "anna", "threads").out == archived
    run("delete", one)
    for line in (["threads"], ["threads", "--archived"]):
        deleted = "All threads of anna are deleted. `chatui threads --deleted` lists them.\n"
        assert run("-u", "anna", *line).out == deleted
    run("delete", "Two")
    assert run("threads").out == "All threads are deleted. `chatui threads --deleted` lists them.\n"
    assert run("threads", "--search", "One").out == "No thread has this, in its title or a message.\n"


def test_a_thread_without_a_title_is_called_as_in_the_lists(run: Run, tmp_path: Path, database: Path) -> None:
    # Titles are made of the first prompt, which a thread of answers alone has not.
    file = tmp_path / "session.json"
    file.write_text(
        '[{"type": "ai", "data": {"content": "Hello."}}, {"type": "ai", "data": {"content": "Still here."}}]'
    )
    run("import", str(file))
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE chatui_threads SET title = ''")
    thread = run("threads", "--json").json[0]["thread_id"]
    last = run("show", thread, "--json").json["checkpoint_id"]
    assert "(no title)" in run("threads").out
    for line, done in (
        (["pin"], "is pinned."),
        (["pin", "--off"], "is pinned no more."),
        (["archive"], "is archived."),
        (["archive", "--off"], "is in the list again."),
        (["delete"], f"is deleted. `chatui restore {thread}` brings it back."),
        (["restore"], "is back."),
    ):
        assert run(*line, thread).out == f"(no title) {done}\n"
    assert run("fork", thread, "--at", last).out.startswith("(no title) goes on after the assistant")
    copied = run("fork", thread, "--to-new-thread").out
    assert copied.startswith("(no title) has 2 messages of (no title): `chatui show ")
    assert [row["title"] for row in run("threads", "--json").json] == ["", ""]
    assert run("fork", thread, "--to-new-thread", "--title", "Mine").out.startswith(
        '"Mine" has 2 messages of (no title)'
    )
    assert run("purge", thread, "--yes").out == "(no title) is gone for good.\n"


def test_braces_in_a_title_are_text(run: Run) -> None:
    thread = run("ask", "{title} {0} [/x]", "--json").json["thread_id"]
    assert run("pin", thread).out == '"{title} {0} [/x]" is pinned.\n'


def test_a_name_that_fits_several(run: Run) -> None:
    run("ask", "Same")
    run("ask", "Same")
    run("show", "Same").failed(2, '"Same" fits 2 threads.', "Give more of the id")


def test_the_active_branch_is_shown(run: Run, models: ScriptedModels) -> None:
    ids = forked(run, models)
    shown = run("show", ids["thread"], "--json").json
    assert list(shown) == ["thread_id", "checkpoint_id", "messages"]
    assert [list(message) for message in shown["messages"]] == [MESSAGE] * 4
    assert [message["text"] for message in shown["messages"]] == ["Plan a trip", "Where to?", "Oslo", "Oslo it is."]
    assert shown["checkpoint_id"] == ids["oslo"]
    printed = run("show", ids["thread"]).out
    assert printed.startswith("Plan a trip\n\nuser\nPlan a trip\n\nassistant (ollama:scripted)\nWhere to?\n")
    assert "user [2/2]\nOslo" in printed


def test_another_branch_is_shown_by_checkpoint(run: Run, models: ScriptedModels) -> None:
    ids = forked(run, models)
    shown = run("show", ids["thread"], "--at", ids["rome"], "--json").json
    assert shown["checkpoint_id"] == ids["rome"]
    assert [message["text"] for message in shown["messages"]] == ["Plan a trip", "Where to?", "Rome", "Rome it is."]
    # The head is where it was.
    assert run("show", ids["thread"], "--json").json["checkpoint_id"] == ids["oslo"]
    run("show", ids["thread"], "--at", "nowhere").failed(2, 'has no checkpoint "nowhere"')


def test_the_tree(run: Run, models: ScriptedModels) -> None:
    ids = forked(run, models)
    found = run("tree", ids["thread"], "--json").json
    assert list(found) == ["thread_id", "active_checkpoint_id", "nodes"]
    assert [list(node) for node in found["nodes"]] == [NODE] * 6
    assert found["active_checkpoint_id"] == ids["oslo"]
    by_id = {node["node_id"]: node for node in found["nodes"]}
    assert [node["parent_id"] in by_id for node in found["nodes"]] == [False, True, True, True, True, True]
    lines = [line.rsplit("  ", 1)[0].rstrip() for line in run("tree", ids["thread"]).out.splitlines()]
    assert lines == [
        "● user  Plan a trip",
        "● assistant  Where to?",
        "  ○ 1/2 user  Rome",
        "  ○ assistant  Rome it is.",
        "  ● 2/2 user  Oslo",
        "  ● assistant  Oslo it is.",
    ]


def test_a_checkpoint_of_the_printed_tree_can_be_forked_from(run: Run, models: ScriptedModels) -> None:
    ids = forked(run, models)
    short = run("tree", ids["thread"]).out.splitlines()[3].split()[-1]
    assert ids["rome"].startswith(short)
    assert (
        run("fork", ids["thread"], "--at", short).out
        == '"Plan a trip" goes on after the assistant message "Rome it is.".\n'
    )
    assert run("show", ids["thread"], "--json").json["checkpoint_id"] == ids["rome"]


def test_a_fork_moves_the_head_and_changes_no_checkpoint(run: Run, models: ScriptedModels, database: Path) -> None:
    ids = forked(run, models)

    def rows() -> list[tuple[object, ...]]:
        with sqlite3.connect(database) as connection:
            return [*connection.execute("SELECT * FROM checkpoints"), *connection.execute("SELECT * FROM writes")]

    before = rows()
    forked_to = run("fork", ids["thread"], "--at", ids["root"], "--json").json
    assert forked_to == {"thread_id": ids["thread"], "checkpoint_id": ids["root"]}
    assert rows() == before
    models.script = ["Third."]
    run("ask", "-c", "Paris")
    assert rows()[: len(before)] != []
    assert set(before) <= set(rows())
    assert run("threads", "--json").json[0]["branch_count"] == 3
    run("fork", ids["thread"]).failed(2, "--at")
    run("fork", ids["thread"], "--at", "nowhere").failed(2, 'has no checkpoint "nowhere"')
    run("fork", ids["thread"], "--at", "1").failed(2, "fits", "Give more of the id")
