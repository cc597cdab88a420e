"""Going back at the shell: fork, copy out, compare, delete, restore, purge."""

from __future__ import annotations

import asyncio
import io
import os
import socket
import sqlite3
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Run
from tests.cli.test_threads import MESSAGE, THREAD, forked
from tests.conversation.conftest import in_one_step
from tests.scripted import ScriptedModels


def shown(run: Run, thread: str, *arguments: str) -> list[str]:
    return [message["text"] for message in run("show", thread, *arguments, "--json").json["messages"]]


def drawn(run: Run, thread: str) -> list[str]:
    return [node["text"] for node in run("tree", thread, "--json").json["nodes"]]


def rows(database: Path) -> list[tuple[object, ...]]:
    with sqlite3.connect(database) as connection:
        return [*connection.execute("SELECT * FROM checkpoints"), *connection.execute("SELECT * FROM writes")]


def grep(database: Path, word: str) -> bool:
    files = database.parent.glob(database.name + "*")
    return any(word.lower().encode() in file.read_bytes().lower() for file in files)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a person types on a terminal; `run` gives each command line the next line of it."""
    typed: list[str] = []

    class Keyboard(io.StringIO):
        def isatty(self) -> bool:
            return True

        def readline(self, *_: object) -> str:  # type: ignore[override]
            return typed.pop(0) if typed else ""

    monkeypatch.setattr(io, "StringIO", Keyboard)
    return typed


# Any checkpoint


def test_every_raw_checkpoint_can_be_shown(run: Run, models: ScriptedModels, database: Path) -> None:
    ids = forked(run, models)
    with sqlite3.connect(database) as connection:
        found = connection.execute("SELECT checkpoint_id, metadata FROM checkpoints ORDER BY rowid").fetchall()
    branches = [shown(run, ids["thread"], "--at", checkpoint) for (checkpoint, _) in found]
    assert [len(branch) for branch in branches] == [0, 0, 1, 2, 2, 3, 4, 2, 3, 4]
    assert branches[6] == ["Plan a trip", "Where to?", "Rome", "Rome it is."]
    assert branches[8] == ["Plan a trip", "Where to?", "Oslo"]
    assert all(run("show", ids["thread"], "--at", checkpoint).code == 0 for (checkpoint, _) in found)
    # Before the first message there is a place to go on from, too.
    assert run("fork", ids["thread"], "--at", found[0][0]).out == '"Plan a trip" goes on from its beginning.\n'


def test_the_tree_marks_stars_names_and_what_was_cut_off(run: Run, models: ScriptedModels, database: Path) -> None:
    ids = forked(run, models)
    models.script = ["Half a", RuntimeError("boom")]
    run("ask", "-c", "More")
    by_text = {node["text"]: node["node_id"] for node in run("tree", ids["thread"], "--json").json["nodes"]}
    with sqlite3.connect(database) as connection:
        for text, starred, name in (("Rome", 1, None), ("Oslo it is.", 0, "north")):
            values = (ids["thread"], by_text[text], starred, name)
            connection.execute(
                "INSERT INTO chatui_marks (thread_id, node_id, starred, name) VALUES (?, ?, ?, ?)", values
            )
    nodes = {node["text"]: node for node in run("tree", ids["thread"], "--json").json["nodes"]}
    assert (nodes["Rome"]["starred"], nodes["Oslo it is."]["name"]) == (True, "north")
    assert nodes["Half a"]["interrupted"] == "failed"
    printed = run("tree", ids["thread"]).out
    for line in ("○ 1/2 user  ★ Rome", "● assistant  north: Oslo it is.", "● assistant [cut off]  Half a"):
        assert line in printed


# Compare


def test_two_branches_are_compared(run: Run, models: ScriptedModels) -> None:
    ids = forked(run, models)
    found = run("compare", ids["rome"], ids["oslo"], "-t", ids["thread"], "--json").json
    assert list(found) == ["thread_id", "ancestor", "a", "b"]
    assert found["thread_id"] == ids["thread"]
    assert list(found["ancestor"]) == ["checkpoint_id", "message_id"]
    assert found["ancestor"]["checkpoint_id"] == ids["root"]
    assert [list(message) for message in found["a"]] == [MESSAGE] * 2
    assert [message["text"] for message in found["a"]] == ["Rome", "Rome it is."]
    assert [message["text"] for message in found["b"]] == ["Oslo", "Oslo it is."]
    printed = run("compare", ids["rome"], ids["oslo"], "-t", "Plan a trip").out
    assert printed.splitlines()[:2] == [
        "Plan a trip",
        'They share 2 messages, up to the assistant message "Where to?".',
    ]
    assert "A user\n[-Rome-]\nB user\n{+Oslo+}\n" in printed
    assert "\n[-Rome-] it is.\n" in printed
    assert "\n{+Oslo+} it is.\n" in printed
    assert "A assistant (ollama:scripted, 1 token, " in printed
    assert "\x1b" not in printed


def test_branches_of_which_one_goes_on_from_the_other(run: Run, models: ScriptedModels) -> None:
    ids = forked(run, models)
    found = run("compare", ids["root"], ids["oslo"], "-t", ids["thread"], "--json").json
    assert (found["ancestor"]["checkpoint_id"], found["a"], len(found["b"])) == (ids["root"], [], 2)
    printed = run("compare", ids["root"], ids["oslo"], "-t", ids["thread"]).out
    assert printed.endswith("\nA ends there.\n")
    assert "A user" not in printed
    same = run("compare", ids["oslo"], ids["oslo"], "-t", ids["thread"])
    assert "the same branch" in same.out


def test_branches_that_share_nothing(run: Run, models: ScriptedModels, database: Path) -> None:
    ids = forked(run, models)
    with sqlite3.connect(database) as connection:
        (first,) = connection.execute("SELECT checkpoint_id FROM checkpoints ORDER BY rowid").fetchone()
    models.script = ["Fine."]
    other = run("ask", "-c", "Other", "--at", first, "--json").json["checkpoint_id"]
    found = run("compare", other, ids["oslo"], "-t", ids["thread"], "--json").json
    assert (found["ancestor"], len(found["a"]), len(found["b"])) == (None, 2, 4)
    assert "They share nothing." in run("compare", other, ids["oslo"], "-t", ids["thread"]).out


def test_the_same_prompt_in_both_is_printed_once(run: Run, models: ScriptedModels) -> None:
    """Two prompts of the same words in different branches are different messages, and nothing of them differs."""
    ids = forked(run, models)
    for place, reply in (("rome", "Pasta."), ("oslo", "Fish.")):
        models.script = [reply]
        ids[place] = run("ask", "-c", "What to eat?", "--at", ids[place], "--json").json["checkpoint_id"]
    printed = run("compare", ids["rome"], ids["oslo"], "-t", ids["thread"]).out
    assert "\nA user\nB user\nWhat to eat?\n" in printed
    assert printed.count("What to eat?") == 1


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["a"], "Missing"),
        (["a", "b"], "--thread"),
        (["a", "b", "-t", "nowhere"], 'There is no thread "nowhere".'),
        (["nowhere", "elsewhere", "-t", "Plan a trip"], 'has no checkpoint "nowhere"'),
    ],
)
def test_what_cannot_be_compared(run: Run, models: ScriptedModels, arguments: list[str], word: str) -> None:
    forked(run, models)
    run("compare", *arguments).failed(2, word)


# Copying out


@pytest.mark.parametrize(
    ("arguments", "expected", "head"),
    [
        (["--at", "rome"], ["Plan a trip", "Where to?", "Rome", "Rome it is."], "rome"),
        ([], ["Plan a trip", "Where to?", "Oslo", "Oslo it is."], "oslo"),
        (["--at", "root"], ["Plan a trip", "Where to?"], "root"),
        (
            ["--at", "root", "--with-branches"],
            ["Plan a trip", "Where to?", "Rome", "Rome it is.", "Oslo", "Oslo it is."],
            "root",
        ),
        (["--with-branches"], ["Plan a trip", "Where to?", "Rome", "Rome it is.", "Oslo", "Oslo it is."], "oslo"),
    ],
)
def test_a_part_becomes_a_thread_of_its_own(
    run: Run, models: ScriptedModels, database: Path, arguments: list[str], expected: list[str], head: str
) -> None:
    ids = forked(run, models)
    before = rows(database)
    line = [ids.get(word, word) for word in arguments]
    made = run("fork", ids["thread"], *line, "--to-new-thread", "--title", "Mine", "--json").json
    assert list(made) == ["thread_id", "checkpoint_id"]
    assert made["thread_id"] != ids["thread"]
    assert made["checkpoint_id"] == ids[head]
    assert drawn(run, made["thread_id"]) == expected
    assert run("tree", "Mine", "--json").json["active_checkpoint_id"] == ids[head]
    assert set(before) <= set(rows(database))
    # Both are independent afterwards.
    tree = run("tree", ids["thread"], "--json").out
    models.script = ["Paris it is."]
    run("ask", "-t", "Mine", "Paris")
    assert [message.text for message in models.asked[-1]][-1] == "Paris"
    assert run("tree", ids["thread"], "--json").out == tree
    assert run("db", "check", "--json").json["ok"] is True


def test_a_message_that_came_with_others_in_one_step_is_named_by_its_node(
    run: Run, models: ScriptedModels, database: Path
) -> None:
    run("ask", "Hello")
    asyncio.run(in_one_step(database, "theirs", ["Aardvark?", "Badger.", "Cheetah?", "Dingo."]))
    nodes = {node["text"]: node for node in run("tree", "theirs", "--json").json["nodes"]}
    badger = nodes["Badger."]
    assert badger["checkpoint_id"] is None
    short = badger["node_id"][:13]
    assert run("tree", "theirs").out.splitlines()[1].endswith(f"Badger.  {short}")
    branch = run("show", "theirs", "--at", short, "--json").json
    assert [message["text"] for message in branch["messages"]] == ["Aardvark?", "Badger."]
    assert branch["checkpoint_id"] is None
    aardvark = nodes["Aardvark?"]["node_id"]
    assert run("fork", "theirs", "--at", aardvark, "--json").json == {"thread_id": "theirs", "checkpoint_id": None}
    # The copied path ends at the head, which has none either.
    run("fork", "theirs", "--to-new-thread", "--title", "One")
    assert drawn(run, "One") == ["Aardvark?"]
    made = run("fork", "theirs", "--at", badger["node_id"], "--to-new-thread", "--title", "Mine", "--json").json
    assert drawn(run, "Mine") == ["Aardvark?", "Badger."]
    assert made["checkpoint_id"] is not None
    assert run("show", "Mine", "--json").json["checkpoint_id"] == made["checkpoint_id"]
    run("ask", "-t", "theirs", "--at", badger["node_id"], "Emu?")
    assert "Emu?" in drawn(run, "theirs")
    assert run("db", "check", "--json").json["ok"] is True
    run("show", "theirs", "--at", "0123456789abcdef").failed(2, "checkpoint")


def test_a_copy_tells_where_it_comes_from(run: Run, models: ScriptedModels) -> None:
    ids = forked(run, models)
    thread = ids["thread"]
    run("fork", thread, "--at", ids["rome"], "--to-new-thread", "--title", "Mine")
    run("fork", thread, "--with-branches", "--to-new-thread", "--title", "All")

    def said(name: str) -> str:
        line = run("show", name).out.splitlines()[1]
        assert run("tree", name).out.splitlines()[0] == line
        return line

    shown = f"`chatui show {thread} --at {ids['rome'][:13]}` shows it."
    assert said("Mine") == f'Copied from "Plan a trip" at #4. {shown}'
    assert run(*shown.split("`")[1].split()[1:]).out.startswith("Plan a trip\n")
    assert said("All") == f'Copied whole from "Plan a trip". `chatui tree {thread}` shows it.'
    run("delete", thread, "--at", ids["rome"])
    back = f"`chatui restore {thread} --at {ids['rome']}` brings it back."
    assert said("Mine") == f'Copied from "Plan a trip" at #4, which is deleted. {back}'
    assert run(*back.split("`")[1].split()[1:]).code == 0
    run("purge", thread, "--at", ids["rome"], "--yes")
    assert said("Mine").startswith('Copied from "Plan a trip", at a message that was purged.')
    run("delete", thread)
    assert said("All") == f'Copied from "Plan a trip", which is deleted. `chatui restore {thread}` brings it back.'
    run("purge", thread, "--yes")
    assert said("Mine") == said("All") == "Copied from a thread that was purged."
    run("ask", "Hello")
    assert "Copied" not in run("show", "Hello").out


def test_a_copy_is_said_in_words(run: Run, models: ScriptedModels) -> None:
    ids = forked(run, models)
    said = run("fork", ids["thread"], "--at", ids["root"], "--to-new-thread").out
    (copy,) = [thread for thread in run("threads", "--json").json if thread["thread_id"] != ids["thread"]]
    command = f"`chatui show {copy['thread_id']}`"
    assert said == f'"Plan a trip (copy)" has 2 messages of "Plan a trip": {command}.\n'


def test_what_cannot_be_copied(run: Run, models: ScriptedModels, database: Path) -> None:
    ids = forked(run, models)
    with sqlite3.connect(database) as connection:
        (first,) = connection.execute("SELECT checkpoint_id FROM checkpoints ORDER BY rowid").fetchone()
    run("fork", ids["thread"], "--at", first, "--to-new-thread").failed(2, "nothing before the first message")
    run("fork", ids["thread"], "--at", "nowhere", "--to-new-thread").failed(2, 'no checkpoint "nowhere"')
    run("fork", ids["thread"], "--at", ids["root"], "--title", "x").failed(2, "--to-new-thread")
    run("fork", ids["thread"], "--at", ids["root"], "--with-branches").failed(2, "--to-new-thread")
    assert len(run("threads", "--json").json) == 1


# Deleting and restoring messages


def test_a_message_and_all_below_it_is_deleted_and_restored(run: Run, models: ScriptedModels, database: Path) -> None:
    ids = forked(run, models)
    before, tree = rows(database), run("tree", ids["thread"], "--json").out
    done = run("delete", ids["thread"], "--at", ids["root"], "--json").json
    assert list(done) == THREAD
    assert (done["message_count"], done["deleted"]) == (1, False)
    assert drawn(run, ids["thread"]) == ["Plan a trip"]
    assert rows(database) == before
    # Its place is known still, and said.
    for line in (["show"], ["fork"], ["delete"]):
        where = [ids["thread"], "--at", ids["root"]]
        run(*line, *where).failed(2, "That message is deleted.", f"chatui restore {ids['thread']} --at {ids['root']}")
    # One below it comes back with all that its deletion took along.
    assert run("restore", ids["thread"], "--at", ids["oslo"]).out == "5 messages are back.\n"
    run("delete", ids["thread"], "--at", ids["root"])
    back = run("restore", ids["thread"], "--at", ids["root"], "--json").json
    assert (list(back), back["message_count"]) == (THREAD, 6)
    assert run("tree", ids["thread"], "--json").out == tree


def test_deleting_says_how_many_and_how_to_undo_it(run: Run, models: ScriptedModels) -> None:
    ids = forked(run, models)
    said = run("delete", ids["thread"], "--at", ids["oslo"]).out
    assert said == f"1 message is deleted. `chatui restore {ids['thread']} --at {ids['oslo']}` brings it back.\n"
    assert run("restore", ids["thread"], "--at", ids["oslo"]).out == "1 message is back.\n"
    assert run("delete", ids["thread"], "--at", ids["root"][:20]).out.startswith("5 messages are deleted.")
    assert run("restore", ids["thread"], "--at", ids["root"]).out == "5 messages are back.\n"


def test_what_cannot_be_deleted_or_restored(run: Run, models: ScriptedModels, database: Path) -> None:
    ids = forked(run, models)
    with sqlite3.connect(database) as connection:
        (first,) = connection.execute("SELECT checkpoint_id FROM checkpoints ORDER BY rowid").fetchone()
    head = run("show", ids["thread"], "--json").json["checkpoint_id"]
    run("delete", ids["thread"], "--at", first).failed(2, "no message before the first", "Leave --at out")
    run("delete", ids["thread"], "--at", "nowhere").failed(2, 'no checkpoint "nowhere"')
    run("restore", ids["thread"], "--at", "nowhere").failed(2, 'no checkpoint "nowhere"')
    run("restore", ids["thread"], "--at", ids["rome"]).failed(2, "That message is not deleted.")
    assert run("show", ids["thread"], "--json").json["checkpoint_id"] == head


# Purging


def test_purged_messages_are_nowhere_in_the_file(run: Run, models: ScriptedModels, database: Path) -> None:
    models.script = ["Badger."]
    thread = run("ask", "Aardvark", "--json").json
    models.script = ["Dingo."]
    gone = run("ask", "-c", "Cheetah", "--json").json
    done = run("purge", thread["thread_id"], "--at", gone["checkpoint_id"], "--yes", "--json").json
    assert (list(done), done["message_count"]) == (THREAD, 3)
    assert (grep(database, "Dingo"), grep(database, "Cheetah")) == (False, True)
    run("delete", thread["thread_id"], "--at", thread["checkpoint_id"])
    # What is deleted can be purged too.
    said = run("purge", thread["thread_id"], "--at", thread["checkpoint_id"], "--yes").out
    assert said == "2 messages are gone for good.\n"
    assert [word for word in ("Badger", "Cheetah", "Dingo") if grep(database, word)] == []
    assert drawn(run, thread["thread_id"]) == ["Aardvark"]
    assert run("db", "check").code == 0


def test_a_purged_thread_is_nowhere_in_the_file(run: Run, models: ScriptedModels, database: Path) -> None:
    run("ask", "Magpie")
    models.script = ["Badger."]
    thread = run("ask", "Aardvark", "--json").json["thread_id"]
    done = run("purge", "Aardvark", "--yes", "--json").json
    assert list(done) == THREAD
    assert (done["thread_id"], done["deleted"]) == (thread, True)
    assert [word for word in ("Aardvark", "Badger", thread) if grep(database, word)] == []
    assert grep(database, "Magpie")
    run("show", thread).failed(2, "There is no thread")
    assert [thread["title"] for thread in run("threads", "--json").json] == ["Magpie"]


@pytest.mark.parametrize("place", [[], ["--at"]])
def test_purging_without_a_terminal_needs_yes(run: Run, database: Path, place: list[str]) -> None:
    asked = run("ask", "One", "--json").json
    line = [asked["thread_id"], *[word for name in place for word in (name, asked["checkpoint_id"])]]
    before = database.read_bytes()
    run("purge", *line).failed(2, "no terminal to ask on", "--yes")
    assert database.read_bytes() == before


@pytest.mark.parametrize("answer", ["\n", "n\n", "no\n", "", "yellow\n"])
def test_purging_asks_and_no_is_no(run: Run, terminal: list[str], answer: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda self: True, raising=False)
    thread = run("ask", "One", "--json").json["thread_id"]
    terminal.append(answer)
    done = run("purge", thread, "--json")
    assert (done.code, done.out) == (1, "")
    assert 'Remove "One" with 2 messages' in done.err
    assert done.err.endswith("Nothing was removed.\n")
    assert len(shown(run, thread)) == 2


def test_purging_asks_with_the_count_and_yes_is_yes(
    run: Run, models: ScriptedModels, terminal: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda self: True, raising=False)
    ids = forked(run, models)
    terminal.append("y\n")
    done = run("purge", ids["thread"], "--at", ids["root"], "--json")
    assert 'the assistant message "Where to?" and 4 below it, 5 in all, for good' in done.err
    assert done.json["message_count"] == 1
    terminal.append("YES\n")
    assert run("purge", ids["thread"]).out == '"Plan a trip" is gone for good.\n'


def test_what_cannot_be_purged(run: Run, models: ScriptedModels, database: Path) -> None:
    ids = forked(run, models)
    with sqlite3.connect(database) as connection:
        (first,) = connection.execute("SELECT checkpoint_id FROM checkpoints ORDER BY rowid").fetchone()
    before = rows(database)
    run("purge", "nowhere", "--yes").failed(2, 'There is no thread "nowhere".')
    run("purge", ids["thread"], "--at", "nowhere", "--yes").failed(2, 'no checkpoint "nowhere"')
    run("purge", ids["thread"], "--at", first, "--yes").failed(2, "no message before the first")
    run("--read-only", "purge", ids["thread"], "--yes").failed(1, "read-only")
    assert rows(database) == before


def test_the_tree_tells_of_a_reply_that_a_crash_cut_off(run: Run, models: ScriptedModels, database: Path) -> None:
    ids = forked(run, models)
    assert "crash" not in run("tree", ids["thread"]).out
    with sqlite3.connect(database) as connection:
        # As a process that had this one's number before it left it.
        before = f"{socket.gethostname()} {os.getpid()} 0"
        values = ("m", ids["thread"], ids["oslo"], "ollama:x", "Half", "", "2026-01-01", "2026-01-01", before)
        connection.execute(
            """INSERT INTO chatui_partials (message_id, thread_id, checkpoint_id, model, text, reasoning, started_at,
                updated_at, process) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            values,
        )
    last = run("tree", ids["thread"]).out.splitlines()[-1]
    assert last == f"A reply was cut off by a crash: `chatui {ids['thread']}` offers to keep it."
    assert len(run("tree", ids["thread"], "--json").json["nodes"]) == 6
