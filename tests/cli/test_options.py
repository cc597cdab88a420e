from __future__ import annotations

from pathlib import Path

import pytest
import typer

from chatui.cli.commands import COMMANDS, NAMES, load, page
from chatui.cli.options import OPTIONS, Options, parse
from chatui.errors import UsageError


def read(*arguments: str) -> Options:
    return parse(list(arguments), NAMES)


def test_nothing_opens_the_tui() -> None:
    assert read() == Options()


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-c"], Options(continue_=True)),
        (["-nm", "ollama:a"], Options(new=True, model="ollama:a")),
        (["-nmollama:a"], Options(new=True, model="ollama:a")),
        (["--model=ollama:a", "--plain"], Options(model="ollama:a", plain=True)),
        (["--db", "x.db", "--read-only", "-u", "anna"], Options(db=Path("x.db"), read_only=True, user="anna")),
        (["Trip to Rome", "--theme", "t"], Options(thread="Trip to Rome", theme="t")),
        (["--", "ask"], Options(thread="ask")),
        (["--", "-odd"], Options(thread="-odd")),
        (["--db", "x", "threads", "--json"], Options(db=Path("x"), command="threads", rest=["--json"])),
        (["ask", "--", "-x"], Options(command="ask", rest=["--", "-x"])),
    ],
)
def test_what_stands_before_a_command(arguments: list[str], expected: Options) -> None:
    assert read(*arguments) == expected


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--nope"], "There is no option --nope."),
        (["-x"], "There is no option -x."),
        (["--db"], "--db needs a value: --db PATH."),
        (["--db", "--read-only"], "--db needs a value: --db PATH."),
        (["--db", ""], "--db needs a value: --db PATH."),
        (["--plain=yes"], "--plain takes no value."),
        (["-c", "-n"], "Of THREAD, --continue and --new only one can be given."),
        (["x", "-n"], "Of THREAD, --continue and --new only one can be given."),
        (["-m", "x", "ask", "hi"], "--model before a command means nothing."),
    ],
)
def test_wrong_usage_is_a_sentence(arguments: list[str], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(*arguments)
    assert caught.value.title == sentence
    assert "chatui" in caught.value.advice


def test_a_mistyped_command_is_suggested() -> None:
    with pytest.raises(UsageError, match="Did you mean `chatui threads`"):
        read("thraeds", "--db", "x", "more")


def test_the_page_names_every_command_and_option_and_fits() -> None:
    text = page()
    for name in COMMANDS:
        assert f"\n  {name} " in text
    for option in OPTIONS:
        assert all(name in text for name in option.names)
    assert max(map(len, text.splitlines())) <= 110


def test_the_columns_of_the_page_never_touch() -> None:
    lines = page().splitlines()
    for name, command in COMMANDS.items():
        left = f"  {name} {command.usage}".rstrip()
        (place,) = [number for number, line in enumerate(lines) if line == left or line.startswith(f"{left}  ")]
        told = lines[place + 1] if lines[place] == left else lines[place][len(left) :]
        assert told.startswith("  ")
        assert told.strip() == command.help


@pytest.mark.parametrize("name", COMMANDS)
def test_the_page_names_every_subcommand(name: str) -> None:
    target = load(name)
    if isinstance(target, typer.Typer):
        groups = [
            entry.name or entry.callback.__name__
            for entry in target.registered_commands
            if not entry.hidden and entry.callback
        ]
        assert sorted(COMMANDS[name].usage.strip("[]").split("|")) == sorted(groups)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_is_there(name: str) -> None:
    assert callable(load(name))
