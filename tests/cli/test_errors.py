"""What goes wrong is one sentence and an exit code, and nothing is written then."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from chatui.cli.main import main
from tests.cli.conftest import Run

READING = [["threads"], ["show", "x"], ["tree", "x"], ["db", "stats"]]


@pytest.mark.parametrize("arguments", [*READING, ["ask", "x"]])
def test_a_file_that_is_not_a_database(run: Run, database: Path, arguments: list[str]) -> None:
    database.parent.mkdir()
    database.write_bytes(b"This is a letter to my aunt.\n" * 50)
    before = database.read_bytes()
    run(*arguments).failed(1, str(database), "is not a SQLite database", "--db")
    assert database.read_bytes() == before
    assert list(database.parent.iterdir()) == [database]


def test_a_folder_is_no_database(run: Run, database: Path) -> None:
    database.mkdir(parents=True)
    run("threads").failed(1, str(database), "--db")


def test_a_read_only_file_can_be_read_and_refuses_turns(run: Run, database: Path) -> None:
    thread = run("ask", "One", "--json").json["thread_id"]
    database.chmod(0o400)
    assert len(run("threads", "--json").json) == 1
    assert len(run("show", thread, "--json").json["messages"]) == 2
    for line in (["ask", "-c", "Two"], ["ask", "Two"], ["rename", thread, "x"], ["delete", thread], ["pin", thread]):
        run(*line).failed(1, "read-only", "--read-only")
    assert run("threads", "--json").json[0]["message_count"] == 2


def test_read_only_by_option(run: Run, database: Path) -> None:
    run("--read-only", "threads").failed(1, "There is no file")
    run("ask", "One")
    content = database.read_bytes()
    assert len(run("--read-only", "threads", "--json").json) == 1
    run("--read-only", "ask", "-c", "Two").failed(1, "read-only")
    run("--read-only", "rename", "One", "Two").failed(1, "read-only")
    assert run("--read-only", "ask", "-c", "Two", "--no-save").out == "Hello there.\n"
    assert database.read_bytes() == content


def test_a_folder_that_cannot_be_made(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CHATUI_DB", str(tmp_path / "file" / "chatui.db"))
    run("ask", "One").failed(1, str(tmp_path / "file"), "Not a directory")


@pytest.mark.parametrize("arguments", [["threads"], ["ask", "x"], ["config", "show"], ["models", "list"]])
def test_a_bad_config_value(run: Run, database: Path, tmp_path: Path, arguments: list[str]) -> None:
    path = tmp_path / "bad.toml"
    path.write_text("[ollama]\nidle_seconds = 'soon'\n")
    run("--config", str(path), *arguments).failed(2, str(path), "ollama.idle_seconds", "Expected")
    assert not database.parent.exists()


def test_a_missing_config_that_was_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("--config", "gone.toml", "threads").failed(2, "There is no config file gone.toml.")
    monkeypatch.setenv("CHATUI_CONFIG", "gone.toml")
    run("threads").failed(2, "There is no config file gone.toml.", "CHATUI_CONFIG")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--nope"], ["There is no option --nope."]),
        (["threads", "--nope"], ["No such option: --nope", "`chatui threads --help`"]),
        (["threads", "--db", "x"], ["--db stands before the command.", "`chatui --db PATH threads ...`"]),
        (["threads", "--limit", "many"], ["--limit", "`chatui threads --help`"]),
        (["show"], ["Missing argument", "THREAD"]),
        (["models", "nope"], ["No such command 'nope'"]),
        (["thread"], ["needs a terminal"]),
        ([], ["needs a terminal", "chatui ask"]),
    ],
)
def test_wrong_usage(run: Run, database: Path, arguments: list[str], words: list[str]) -> None:
    run(*arguments).failed(2, *words)
    assert not database.parent.exists()


def test_escapes_in_arguments_never_reach_the_terminal(run: Run) -> None:
    for line in (
        ["show", "\x1b]0;x\x07\x9b1m"],
        ["--\x1b]0;x\x07"],
        ["threads", "--\x1b]0;x\x07"],
        ["models", "\x1b]0;x\x07"],
    ):
        done = run(*line)
        assert done.code == 2
        assert not any(character in done.err for character in "\x1b\x07\x9b")


def test_a_fault_of_ours_is_a_sentence_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> None:
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr("chatui.cli.commands.load", broken)
    run("threads").failed(1, "ZeroDivisionError: of all things.", "CHATUI_DEBUG=1")
    monkeypatch.setenv("CHATUI_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        main(["threads"])


def test_debugging_shows_where(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATUI_DEBUG", "1")
    done = run("show", "x")
    assert done.code == 2
    assert "Traceback" in done.err
    assert done.err.splitlines()[-1].startswith('chatui: There is no thread "x".')
    monkeypatch.setenv("CHATUI_DEBUG", "0")
    run("show", "x").failed(2)


def test_a_database_of_a_later_chatui(run: Run, database: Path) -> None:
    run("ask", "One")
    with sqlite3.connect(database) as connection:
        connection.execute("INSERT INTO chatui_migrations VALUES ('m999_later', '2030')")
    run("threads").failed(1, "later chatui", "Update")


@pytest.mark.parametrize(
    "arguments",
    [
        ["show", "\udcff"],
        ["tree", "\udcff"],
        ["set", "\udcff"],
        ["purge", "\udcff", "--yes"],
        ["export", "\udcff"],
        ["ask", "-t", "\udcff", "x"],
        ["compare", "a", "b", "-t", "\udcff"],
    ],
)
def test_a_thread_in_bytes_that_are_no_text_is_unknown(run: Run, arguments: list[str]) -> None:
    run("ask", "One")
    run(*arguments).failed(2, "There is no thread")


def test_bytes_that_are_no_text_are_unknown_elsewhere_too(run: Run) -> None:
    run("ask", "One")
    run("fork", "One", "--at", "\udcff").failed(2, "no checkpoint")
    assert run("threads", "--search", "\udcff", "--json").json == []
    assert run("-u", "\udcff", "threads", "--json").json == []
