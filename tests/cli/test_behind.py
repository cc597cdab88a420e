"""Summaries for a person who only uses `ask`: written by a process of their own, so that nobody waits."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from chatui.cli.main import main
from chatui.cli.session import Session
from chatui.conversation.library import Library
from tests.cli.conftest import Run
from tests.scripted import ScriptedModels


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The commands that were begun and not waited for."""
    commands: list[tuple[Any, ...]] = []

    def go_on(session: Session, *command: str) -> None:
        commands.append(command)

    monkeypatch.setattr("chatui.cli.behind.go_on", go_on)
    return commands


def summaries(database: Path) -> list[tuple[str]]:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute("SELECT text FROM chatui_summaries").fetchall()


def test_ask_begins_a_summary_when_one_is_needed_and_the_next_one_sends_it(
    run: Run, models: ScriptedModels, database: Path, begun: list[tuple[Any, ...]]
) -> None:
    def script(messages: list[BaseMessage]) -> list[str]:
        return ["NOTES."] if "keep the notes" in str(messages[0].text) else ["ok"]

    models.script = script
    run("memory", "strategy", "summary")
    thread = run("ask", "q0", "--json").json["thread_id"]
    for number in range(1, 4):
        run("ask", "-t", thread, f"q{number}")
    assert begun == []
    assert len(models.asked) == 4, "none was begun in ask itself"
    run("ask", "-t", thread, "q4")
    assert begun == [("memory", "summarise", thread)]
    assert len(models.asked) == 5
    run(*begun[0])
    assert summaries(database) == [("NOTES.",)]
    assert run(*begun[0]).code == 0
    assert len(models.asked) == 6, "it is not needed a second time"
    run("ask", "-t", thread, "q5")
    assert "NOTES." in str(models.asked[-1][0].text)
    assert [str(message.text) for message in models.asked[-1][1:]] == ["q3", "ok", "q4", "ok", "q5"]


def test_two_at_once_write_one(run: Run, models: ScriptedModels, database: Path, begun: list[tuple[Any, ...]]) -> None:
    run("memory", "strategy", "summary+tokens:1")
    thread = run("ask", "q0", "--json").json["thread_id"]
    run("ask", "-t", thread, "q1")
    with closing(sqlite3.connect(database)) as connection, connection:
        from chatui.storage.partials import this_process

        connection.execute("INSERT INTO chatui_meta VALUES (?, ?)", (f"summary {thread}", this_process()))
    run(*begun[0])
    assert summaries(database) == []
    with closing(sqlite3.connect(database)) as connection, connection:
        # A process that ended without a word keeps nobody out.
        connection.execute("UPDATE chatui_meta SET value = replace(value, ' ', ' 9') WHERE key LIKE 'summary %'")
    run(*begun[0])
    assert len(summaries(database)) == 1


def test_nothing_is_begun_for_what_is_not_saved(run: Run, begun: list[tuple[Any, ...]]) -> None:
    run("memory", "strategy", "summary+tokens:1")
    run("ask", "q0")
    run("ask", "-c", "--no-save", "q1")
    assert begun == []


def test_what_quitting_gave_up_is_written_behind_the_screen(
    run: Run, begun: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def quit_while_one_is_written(library: Library, config: object, **_: object) -> int:
        library.unsummarised = ["some-thread"]
        return 0

    monkeypatch.setattr("chatui.tui.app.run", quit_while_one_is_written)
    monkeypatch.setattr("sys.stdin", StringIO())
    for stream in (sys.stdin, sys.stdout):
        monkeypatch.setattr(stream, "isatty", lambda: True)
    assert main([]) == 0
    assert begun == [("memory", "summarise", "some-thread")]
