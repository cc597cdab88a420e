"""Other programs' LangGraph files at the shell: opened in place, and left as they are until somebody says something in them."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from chatui.text import clean_line
from tests.cli.conftest import Run
from tests.scripted import ScriptedModels

DATA = Path(__file__).parents[1] / "data" / "imports"
OLD, TODAY = "langgraph-0.4.8_sqlite-2.0.10", "langgraph-1.2.22_sqlite-3.1.2"


class Guest:
    """A copy of another program's file, and what is known to be in it."""

    def __init__(self, name: str, path: Path) -> None:
        shutil.copy(DATA / name / "checkpoints.sqlite", path)
        self.path = path
        self.expected: dict[str, Any] = json.loads((DATA / name / "EXPECTED.json").read_text(encoding="utf-8"))

    @property
    def content(self) -> bytes:
        return self.path.read_bytes()

    @property
    def neighbours(self) -> list[str]:
        """The names beside it, without what SQLite itself leaves there when it reads a file in WAL mode: an empty log."""
        found = {path.name: path.stat().st_size for path in self.path.parent.iterdir()}
        found.pop(self.path.name + "-shm", None)
        if found.get(self.path.name + "-wal") == 0:
            del found[self.path.name + "-wal"]
        return sorted(found)

    def columns(self, table: str) -> list[str]:
        connection = sqlite3.connect(self.path)
        try:
            return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        finally:
            connection.close()

    def tables(self) -> set[str]:
        connection = sqlite3.connect(self.path)
        try:
            return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        finally:
            connection.close()


@pytest.fixture(params=[OLD, TODAY])
def guest(request: pytest.FixtureRequest, tmp_path: Path) -> Guest:
    (tmp_path / "theirs").mkdir()
    return Guest(request.param, tmp_path / "theirs" / "agent.sqlite")


@pytest.fixture
def today(tmp_path: Path) -> Guest:
    (tmp_path / "theirs").mkdir()
    return Guest(TODAY, tmp_path / "theirs" / "agent.sqlite")


@pytest.fixture
def old(tmp_path: Path) -> Guest:
    (tmp_path / "theirs").mkdir()
    return Guest(OLD, tmp_path / "theirs" / "agent.sqlite")


def folded(messages: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(message["role"], clean_line(message["text"])) for message in messages]


@pytest.mark.parametrize("options", [[], ["--read-only"]])
def test_threads_texts_and_branches_are_shown_and_nothing_is_written(
    run: Run, guest: Guest, database: Path, options: list[str]
) -> None:
    before, neighbours = guest.content, guest.neighbours
    there = ["--db", str(guest.path), *options]
    found = run(*there, "threads", "--json").json
    wanted = guest.expected["threads"]
    assert {(thread["thread_id"], thread["user"], thread["title"]) for thread in found} == {
        (thread["thread_id"], thread["user"], thread["title"]) for thread in wanted
    }
    for thread in [*wanted, *guest.expected["branches"]]:
        at = ["show", thread["thread_id"], "--at", thread["leaf_checkpoint_id"], "--json"]
        assert folded(run(*there, *at).json["messages"]) == folded(thread["messages"])
    tree = run(*there, "tree", "bob/fork", "--json").json["nodes"]
    parents = {node["parent_id"] for node in tree}
    leaves = {node["checkpoint_id"] for node in tree if node["node_id"] not in parents}
    ends = [thread for thread in wanted if thread["thread_id"] == "bob/fork"] + guest.expected["branches"]
    assert leaves == {thread["leaf_checkpoint_id"] for thread in ends}
    first, second, *_ = sorted(leaves)
    assert run(*there, "compare", first, second, "-t", "bob/fork", "--json").code == 0
    assert run(*there, "show", "bob/fork").code == run(*there, "tree", "alice/trip").code == 0
    assert guest.content == before
    assert guest.neighbours == neighbours
    assert not database.exists()


def test_what_it_holds_reaches_no_terminal_as_a_command(run: Run, guest: Guest) -> None:
    there = ["--db", str(guest.path), "--read-only"]
    stored = run(*there, "show", "bob/code", "--json").json["messages"]
    raw = [message["text"] for thread in guest.expected["threads"] for message in thread["messages"]]
    assert any("\x1b" in text for text in raw), "there is nothing to look for"
    first, last = stored[0]["checkpoint_id"] or stored[1]["checkpoint_id"], stored[-1]["checkpoint_id"]
    for line in (["show", "bob/code"], ["tree", "bob/code"], ["compare", first, last, "-t", "bob/code"], ["threads"]):
        for arguments in (line, [*line, "--json"]):
            done = run(*there, *arguments)
            assert done.code == 0, done.err
            assert not any(sign in done.out for sign in "\x1b\x07\x9b\u202e\x00")
            assert "nasty" in done.out or line[0] == "threads"


def test_heads_titles_and_deletions_lie_beside_it(run: Run, guest: Guest) -> None:
    before = guest.content
    there = ["--db", str(guest.path), "--read-only"]
    leaf = guest.expected["branches"][0]["leaf_checkpoint_id"]
    assert run(*there, "fork", "bob/fork", "--at", leaf, "--json").json["checkpoint_id"] == leaf
    run(*there, "rename", "bob/fork", "A story")
    assert run(*there, "delete", "alice/trip", "--json").json["deleted"] is True
    assert run(*there, "show", "A story", "--json").json["checkpoint_id"] == leaf
    assert "alice/trip" not in {thread["thread_id"] for thread in run(*there, "threads", "--json").json}
    assert guest.content == before


def test_read_only_refuses_what_would_write(run: Run, guest: Guest) -> None:
    before, neighbours = guest.content, guest.neighbours
    there = ["--db", str(guest.path), "--read-only"]
    for line in (["ask", "-t", "bob/fork", "More"], ["ask", "-t", "bob/fork", "More", "--yes"], ["ask", "New"]):
        run(*there, *line).failed(1, "read-only")
    assert guest.content == before
    assert guest.neighbours == neighbours


def test_a_turn_in_a_file_of_today_writes_langgraph_s_rows_only(run: Run, models: ScriptedModels, today: Guest) -> None:
    tables = today.tables()
    there = ["--db", str(today.path)]
    models.script = ["Pack warmly."]
    run(*there, "ask", "-t", "alice/trip", "And the weather?")
    assert [message.text for message in models.asked[-1]][-2:] == ["Your name is Alice.", "And the weather?"]
    texts = [message["text"] for message in run(*there, "show", "alice/trip", "--json").json["messages"]]
    assert texts[-2:] == ["And the weather?", "Pack warmly."]
    run(*there, "ask", "A new one")
    assert today.tables() == tables
    assert run(*there, "db", "check", "--json").json == {"ok": True, "problems": []}


def test_an_older_form_is_changed_only_if_allowed(run: Run, models: ScriptedModels, old: Guest) -> None:
    before = old.content
    there = ["--db", str(old.path)]
    for line in (["ask", "-t", "alice/trip", "More?"], ["ask", "A new one"]):
        run(*there, *line).failed(2, str(old.path), 'adds the column "task_path"', "--yes")
    assert models.asked == []
    assert old.content == before
    # A model that is not there is found out first.
    run(*there, "ask", "-t", "alice/trip", "More?", "--yes", "--at", "nowhere").failed(2, "no checkpoint")
    assert "task_path" not in old.columns("writes")
    models.script = ["Certainly."]
    done = run(*there, "ask", "-t", "alice/trip", "More?", "--yes", "--json").json
    assert done["text"] == "Certainly."
    assert "task_path" in old.columns("writes")
    # It is asked once: the file is of today now.
    assert run(*there, "ask", "-t", "alice/trip", "And more?").code == 0


def test_what_would_lie_beside_is_not_left_by_an_unsaved_turn(
    run: Run, models: ScriptedModels, guest: Guest, home: Path
) -> None:
    before, neighbours, ours = guest.content, guest.neighbours, sorted(home.rglob("*"))
    there = ["--db", str(guest.path)]
    done = run(*there, "ask", "-t", "alice/trip", "More?", "--no-save", "--json").json
    assert (done["thread_id"], done["text"]) == ("alice/trip", "Hello there.")
    assert [message.text for message in models.asked[-1]][-2:] == ["Your name is Alice.", "More?"]
    assert (guest.content, guest.neighbours, sorted(home.rglob("*"))) == (before, neighbours, ours)
    # And it goes on from the head that lies beside.
    leaf = guest.expected["branches"][0]["leaf_checkpoint_id"]
    run(*there, "fork", "bob/fork", "--at", leaf)
    run(*there, "ask", "-t", "bob/fork", "More?", "--no-save")
    assert models.asked[-1][-2].text == guest.expected["branches"][0]["messages"][-1]["text"]
    assert guest.content == before


def test_a_branch_is_copied_out_in_place(run: Run, today: Guest) -> None:
    there = ["--db", str(today.path)]
    leaf = today.expected["branches"][0]["leaf_checkpoint_id"]
    made = run(*there, "fork", "bob/fork", "--at", leaf, "--to-new-thread", "--title", "Mine", "--json").json
    shown = run(*there, "show", "Mine", "--json").json
    assert (shown["thread_id"], shown["checkpoint_id"]) == (made["thread_id"], leaf)
    assert folded(shown["messages"]) == folded(today.expected["branches"][0]["messages"])
    assert "chatui_threads" not in today.tables()


def test_where_what_is_ours_lies_is_said(run: Run, today: Guest, home: Path) -> None:
    there = ["--db", str(today.path)]

    def where() -> dict[str, str]:
        path = run(*there, "db", "path")
        assert path.out == f"{today.path}\n"
        checks = {check["name"]: check for check in run(*there, "doctor", "--json").json["checks"]}
        assert checks["database"]["ok"] is True
        return {"path": path.err, "doctor": checks["database"]["detail"]}

    before, ours = today.content, sorted(home.rglob("*"))
    said = where()
    # Saying where it would lie makes nothing.
    assert (today.content, sorted(home.rglob("*"))) == (before, ours)
    stats = run(*there, "db", "stats")
    (side,) = (home / "cache" / "chatui").glob("agent-*.db")
    assert side.stat().st_mode & 0o777 == 0o600
    assert where() == said
    for text in (*said.values(), stats.out):
        assert "another program's" in text
        assert str(side) in text
    found = run(*there, "db", "stats", "--json").json
    assert list(found) == ["path", "bytes", "threads", "messages", "checkpoints", "reclaimable_bytes", "largest"]
    assert (found["path"], found["threads"]) == (str(today.path), 6)
    assert found["messages"] > 30


def test_of_a_file_of_ours_nothing_is_said(run: Run, database: Path) -> None:
    assert run("db", "path").err == ""
    run("ask", "One")
    assert run("db", "path").err == ""
    assert "another program" not in run("db", "stats").out
    assert "another program" not in run("doctor", "--json").out
    database.write_bytes(b"no database" * 100)
    path = run("db", "path")
    assert (path.code, path.out, path.err) == (0, f"{database}\n", "")


def test_purged_text_is_nowhere_in_their_file_either(
    run: Run, models: ScriptedModels, today: Guest, home: Path
) -> None:
    there = ["--db", str(today.path)]
    models.script = ["Badger."]
    gone = run(*there, "ask", "-t", "alice/trip", "Aardvark", "--json").json
    models.script = ["Dingo."]
    run(*there, "ask", "Cheetah")
    run(*there, "purge", "alice/trip", "--at", gone["checkpoint_id"], "--yes")
    run(*there, "purge", "Cheetah", "--yes")
    files = [path for folder in (today.path.parent, home) for path in folder.rglob("*") if path.is_file()]
    found = {
        (word, path.name)
        for path in files
        for word in ("badger", "dingo", "cheetah")
        if word.encode() in path.read_bytes().lower()
    }
    assert found == set()
    assert run(*there, "db", "check", "--json").json["ok"] is True


def test_a_thread_of_the_oldest_form_can_be_read_and_purged(run: Run, tmp_path: Path) -> None:
    """langgraph 0.1's tables have other names in them."""
    from tests.conversation.test_guests import make_generation_0_1

    path = tmp_path / "oldest.db"
    make_generation_0_1(path)
    before = path.read_bytes()
    there = ["--db", str(path)]
    assert [node["text"] for node in run(*there, "tree", "old", "--json").json["nodes"]] == ["hi", "hello", "hey"]
    run(*there, "ask", "-t", "old", "More?").failed(2, "checkpoints_0_1", "--yes")
    assert path.read_bytes() == before
    assert run(*there, "purge", "old", "--yes").code == 0
    assert run(*there, "threads", "--json").json == []
