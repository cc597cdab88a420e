"""What goes to standard output: tables, JSON, times. Clean, aligned by what the terminal shows, and plain in a pipe."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from rich.cells import cell_len, set_cell_size

from chatui.text import clean

# What a terminal could obey inside a JSON string. msgspec escapes C0 itself.
_UNSAFE_IN_JSON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")

#: Narrower than this no column is cut.
_LEAST_FLEXIBLE = 12


def print_json(value: Any) -> None:
    """Print a value as JSON, indented. Texts come out exact: what a terminal could obey is escaped, as JSON allows."""
    encoded = msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
    print(_UNSAFE_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", encoded))


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        title: Its heading.
        right: Whether it is flush right, as numbers are.
        flexible: Whether it is cut, with an ellipsis, so that the table fits the terminal. One column of a table is.
    """

    title: str
    right: bool = False
    flexible: bool = False


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under their headings, two spaces apart, no wider than the terminal. In a pipe nothing is cut."""
    cells = [[clean(cell).replace("\n", " ").replace("\t", " ") for cell in row] for row in rows]
    widths = [
        max([cell_len(column.title), *(cell_len(row[place]) for row in cells)]) for place, column in enumerate(columns)
    ]
    limit = width()
    if limit is not None:
        excess = sum(widths) + 2 * (len(widths) - 1) - limit
        for place, column in enumerate(columns):
            if column.flexible and excess > 0:
                widths[place] = max(widths[place] - excess, _LEAST_FLEXIBLE)
    print(dim(_line(columns, widths, [column.title for column in columns])))
    for row in cells:
        print(_line(columns, widths, row))


def _line(columns: Sequence[Column], widths: Sequence[int], cells: Sequence[str]) -> str:
    parts = []
    for column, size, cell in zip(columns, widths, cells, strict=True):
        fitted = fit(cell, size)
        gap = " " * (size - cell_len(fitted))
        parts.append(gap + fitted if column.right else fitted + gap)
    return "  ".join(parts).rstrip()


def fit(text: str, size: int) -> str:
    """Return text that takes at most `size` cells, ending in an ellipsis where it was cut."""
    if cell_len(text) <= size:
        return text
    return set_cell_size(text, max(size - 1, 0)).rstrip() + "…"


def width() -> int | None:
    """Return the columns of the terminal that standard output is, None where it is none."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def ago(iso: str) -> str:
    """Say how long ago a time was, as in "3 h"; older than a month, its date. Clocks that disagree give "now"."""
    try:
        then = datetime.fromisoformat(iso)
    except ValueError:
        return ""
    if then.tzinfo is None:
        then = then.replace(tzinfo=UTC)
    seconds = (datetime.now(UTC) - then).total_seconds()
    if seconds < 60:
        return "now"
    for size, unit, until in ((60, "min", 3600), (3600, "h", 86_400), (86_400, "d", 86_400 * 31)):
        if seconds < until:
            return f"{int(seconds // size)} {unit}"
    return then.astimezone().strftime("%Y-%m-%d")


def counted(number: int, thing: str) -> str:
    """Say how many of something there are, as in "1 thread" or "1,200 threads"."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def colours() -> bool:
    """Whether standard output is a terminal that shows bold and dim, and nobody asked for plain text (no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def bold(text: str) -> str:
    """Return text that a terminal shows bold."""
    return f"\x1b[1m{text}\x1b[0m" if colours() else text


def dim(text: str) -> str:
    """Return text that a terminal shows faint."""
    return f"\x1b[2m{text}\x1b[0m" if colours() else text


def underlined(text: str) -> str:
    """Return text that a terminal underlines."""
    return f"\x1b[4m{text}\x1b[24m" if colours() else text


def marked(text: str) -> str:
    """Return text that a terminal shows as what was looked for."""
    return f"\x1b[1;4m{text}\x1b[22;24m" if colours() else text
