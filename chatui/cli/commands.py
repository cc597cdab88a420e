"""Every command in one table, and the page that `chatui --help` prints from it.

A command's module is imported when the command runs, and typer with it: the page needs neither.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

import msgspec

from chatui.cli.options import OPTIONS, Option


class Command(msgspec.Struct, frozen=True):
    """One row of the table.

    Attributes:
        usage: Its arguments in short, for the page.
        help: What it does, without a full stop.
        place: The module in `chatui.cli` and the function or typer group in it.
        group: The heading it stands under.
    """

    usage: str
    help: str
    place: str
    group: str


COMMANDS: dict[str, Command] = {
    "ask": Command("[TEXT]", "One turn to standard output; reads standard input when piped", "ask:ask", "Chat"),
    "threads": Command("", "List threads", "threads:threads", "Threads"),
    "search": Command("TEXT", "Find messages in every branch of every thread", "search:search", "Threads"),
    "show": Command("THREAD", "Print a branch", "branches:show", "Threads"),
    "tree": Command("THREAD", "Print the tree of all branches", "branches:tree", "Threads"),
    "fork": Command(
        "THREAD", "Go on from an earlier message, or copy out; nothing is lost", "branches:fork", "Threads"
    ),
    "compare": Command("A B -t THREAD", "Print two branches beside each other", "compare:compare", "Threads"),
    "set": Command("THREAD [KEY=VALUE...]", "System prompt and parameters of a thread", "settings:set_", "Threads"),
    "rename": Command("THREAD TITLE", "Give a thread another title", "threads:rename", "Threads"),
    "pin": Command("THREAD", "Keep a thread at the top of the list", "threads:pin", "Threads"),
    "archive": Command("THREAD", "Take a thread out of the list", "threads:archive", "Threads"),
    "delete": Command("THREAD", "Delete a thread or a message; restore brings it back", "removal:delete", "Threads"),
    "restore": Command("THREAD", "Bring back what was deleted", "removal:restore", "Threads"),
    "purge": Command("THREAD", "Remove a thread or a message from the file for good; asks", "removal:purge", "Threads"),
    "import": Command(
        "PATH", "Take in conversations of other programs; again adds what is new", "importing:import_", "Threads"
    ),
    "export": Command(
        "[THREAD...|--all]", "Threads as Markdown, HTML, JSON or LangChain messages", "exporting:export", "Threads"
    ),
    "models": Command("[list|pull|show|remove]", "The models that can be used", "models:app", "Setup"),
    "memory": Command(
        "[list|add|edit|forget|strategy|recall|propose]", "What is remembered of a user", "memory:app", "Setup"
    ),
    "users": Command("", "The users of the file", "memory:users", "Setup"),
    "db": Command("[path|stats|check|reindex|vacuum]", "The database", "database:app", "Setup"),
    "config": Command("[path|show]", "The config file", "config:app", "Setup"),
    "doctor": Command("", "Check everything that chatui needs", "doctor:doctor", "Setup"),
}

NAMES = frozenset(COMMANDS)

#: Where on the page the second column begins, after an indent of two.
_LEFT = 32


def load(name: str) -> Any:
    """Import a command and return its function, or its typer group."""
    module, _, attribute = COMMANDS[name].place.partition(":")
    return getattr(import_module(f"chatui.cli.{module}"), attribute)


def page() -> str:
    """Return what `chatui --help` prints, at most 110 columns wide."""
    parts = [
        "chatui - a terminal chat in which every conversation is a tree on disk",
        "",
        "Usage: chatui [OPTIONS] [THREAD]      open a thread: by id, by the start of its id, or by title",
        "       chatui [OPTIONS] COMMAND ...   one of the commands below; `chatui COMMAND --help` tells more",
    ]
    for group in dict.fromkeys(command.group for command in COMMANDS.values()):
        rows = [(f"{name} {c.usage}".rstrip(), c.help) for name, c in COMMANDS.items() if c.group == group]
        parts += ["", f"{group}:", *_columns(rows)]
    parts += ["", "Opening:", *_columns(_option_rows(option for option in OPTIONS if option.starts))]
    parts += ["", "Before any command:", *_columns(_option_rows(option for option in OPTIONS if not option.starts))]
    return "\n".join(parts) + "\n"


def _option_rows(options: Iterable[Option]) -> list[tuple[str, str]]:
    rows = []
    for option in options:
        short = option.names[0] + ", " if len(option.names) > 1 else "    "
        rows.append((f"{short}{option.names[-1]} {option.value}".rstrip(), option.help))
    return rows


def _columns(rows: list[tuple[str, str]]) -> list[str]:
    lines = []
    for left, right in rows:
        # What is too long for its column has a line of its own: the texts stay under each other, and the page narrow.
        lines += [f"  {left:<{_LEFT}}{right}"] if len(left) <= _LEFT - 2 else [f"  {left}", f"  {'':{_LEFT}}{right}"]
    return lines
