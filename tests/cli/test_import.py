"""`chatui import` at the shell."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.importing import make
from tests.cli.conftest import Run

DATA = Path(__file__).parents[1] / "data" / "imports"
CHATGPT = DATA / "chatgpt-export" / "conversations.json"
HISTORY = DATA / "langchain-community-0.4.2" / "sql_history" / "memory.db"


def test_importing(run: Run, database: Path) -> None:
    done = run("import", str(CHATGPT), "--json")
    assert done.code == 0, done.err
    assert done.json == {
        "kind": "chatgpt",
        "threads": 3,
        "messages": 17,
        "new_threads": 3,
        "new_messages": 17,
        "skipped": [{"where": "conversations.json, element 2", "why": "It has no messages."}],
    }
    assert done.err == ""
    assert {thread["title"] for thread in run("threads", "--json").json} == {"Forked story", "Picture & tools", "עברית"}
    shown = run("show", "Forked story", "--json").json["messages"]
    assert [message["text"] for message in shown][-1] == "The hat wore the fox. THE END (funny)."
    assert shown[1]["model"] == "gpt-4o"
    assert shown[1]["created_at"] == "2025-01-07T00:23:22.000Z"
    assert run("search", "raven", "--json").json[0]["on_active_path"] is False
    assert run("db", "check").code == 0
    again = run("import", str(CHATGPT))
    assert again.out.splitlines()[:2] == ["chatgpt: 3 threads with 17 messages.", "Nothing of it is new."]


def test_a_dry_run_writes_nothing(run: Run, database: Path) -> None:
    done = run("import", str(CHATGPT), "--dry-run")
    assert "New would be 3 threads and 17 messages." in done.out
    assert not database.exists()
    run("import", str(HISTORY))
    before = database.read_bytes()
    assert run("import", str(CHATGPT), "--dry-run", "--json").json["new_threads"] == 3
    assert run("import", str(HISTORY), "--dry-run", "--json").json["new_threads"] == 0
    assert database.read_bytes() == before


def test_whose_the_threads_are(run: Run) -> None:
    run("import", str(HISTORY), "--split", "{user}--{thread}")
    users = {thread["title"]: thread["user"] for thread in run("threads", "--json").json}
    assert (users["trip"], users["fork"], len(users)) == ("alice", "bob", 6)
    run("-u", "eve", "import", str(CHATGPT))
    assert {thread["user"] for thread in run("-u", "eve", "threads", "--json").json} == {"eve"}
    langgraph = DATA / "langgraph-1.2.22_sqlite-3.1.2" / "checkpoints.sqlite"
    run("import", str(langgraph), "--map", "user=title", "--from", "langgraph")
    assert "Weather tools" in {thread["user"] for thread in run("threads", "--json").json}


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["nowhere.json"], "There is no file"),
        ([str(CHATGPT), "--from", "whatsapp"], "is no kind"),
        ([str(CHATGPT), "--from", "elia"], "no file of the kind elia"),
        ([str(CHATGPT), "--split", "{user}"], "is no pattern"),
        ([str(HISTORY), "--map", "user"], "NAME=KEY"),
        ([str(HISTORY), "--map", "age=user"], "NAME=KEY"),
        ([], "PATH"),
        ([str(HISTORY.with_name("EXPECTED.json"))], "no known kind"),
    ],
)
def test_wrong_usage_is_told_in_a_sentence(run: Run, database: Path, words: list[str], told: str) -> None:
    run("import", *words).failed(2, told)
    assert not database.exists()


def test_what_is_skipped_is_clean_and_short(run: Run, tmp_path: Path) -> None:
    values = [
        {"type": "human", "data": {"content": "Hi"}},
        *[{"type": f"x\x1b[31m{number}", "data": {}} for number in range(30)],
    ]
    path = tmp_path / "history\x1b[2J.json"
    path.write_text(json.dumps(values), encoding="utf-8")
    done = run("import", str(path))
    assert done.code == 0
    assert "\x1b" not in done.out
    assert "30 records skipped:" in done.out
    assert "and 20 more; --json lists them all." in done.out


def test_nothing_is_imported_into_another_programs_file(run: Run, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.sqlite"
    theirs.write_bytes((DATA / "langgraph-1.2.22_sqlite-3.1.2" / "checkpoints.sqlite").read_bytes())
    before = theirs.read_bytes()
    run("--db", str(theirs), "import", str(CHATGPT)).failed(2, "another program's file")
    assert theirs.read_bytes() == before


def test_a_read_only_file_is_left_alone(run: Run, database: Path) -> None:
    run("import", str(HISTORY))
    before = database.read_bytes()
    run("--read-only", "import", str(CHATGPT)).failed(1, "read-only")
    assert database.read_bytes() == before


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")
def test_an_interrupted_import_leaves_whole_threads(run: Run, database: Path, tmp_path: Path) -> None:
    source = tmp_path / "conversations.json"
    make(source, 15_000_000)
    command = [sys.executable, "-m", "chatui", "--db", str(database), "import", str(source)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    # Until something is in the file: then the next transaction is under way, or the next records are read.
    while process.poll() is None and not (database.exists() and run("threads", "--json", "--limit", "1").json):
        pass
    process.send_signal(signal.SIGINT)
    out, told = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in told
    assert "stand whole in the database" in told
    threads = run("threads", "--json").json
    assert threads
    assert all(thread["title"].startswith("Conversation ") and thread["active_checkpoint_id"] for thread in threads)
    assert run("db", "check").code == 0
    done = run("import", str(source), "--json").json
    assert done["new_threads"] == done["threads"] - len(threads)
    assert run("import", str(source), "--json").json["new_messages"] == 0
