"""The findings as a page for people: a sign, a name, and what was found, folded to the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.cells import cell_len, chop_cells

from chatui.cli import output
from chatui.cli.doctor.check import Check, State, absent, good
from chatui.text import clean

_SIGNS: dict[State, str] = {"ok": "✓", "absent": "–", "wrong": "✗"}
_PLAIN: dict[State, str] = {"ok": "+", "absent": "-", "wrong": "x"}
_COLOURS: dict[State, str] = {"ok": "\x1b[32m", "absent": "\x1b[2m", "wrong": "\x1b[1;31m"}

#: The widest name that the others are aligned to.
_WIDEST = 14
#: Narrower than this a line is left to the terminal to fold.
_NARROWEST = 24


def page(checks: Sequence[Check], columns: int | None, encoding: str) -> list[str]:
    """Return the lines of the page.

    Args:
        checks: The findings.
        columns: The terminal's, None for no folding.
        encoding: The terminal's; one that lacks the signs gets plain ones.
    """
    try:
        "✓–✗→".encode(encoding)
        signs, arrow = _SIGNS, "→"
    except (LookupError, UnicodeEncodeError):
        signs, arrow = _PLAIN, "->"
    rows = _extras_together(checks)
    widest = min(max(len(check.name) for check in rows), _WIDEST)
    lines = []
    for check in rows:
        sign = signs[check.state]
        if output.colours():
            sign = f"{_COLOURS[check.state]}{sign}\x1b[0m"
        detail, fix = _at_home(check.detail), _at_home(check.fix)
        room = (columns or 0) - max(len(check.name), widest) - 4
        if fix and cell_len(f"{detail} {arrow} {fix}") <= room:
            detail, fix = f"{detail} {arrow} {fix}", ""
        first, *more = _fold(detail, columns, widest + 4, max(len(check.name) - widest, 0))
        lines.append(f"{sign} {check.name:<{widest}}  {first}".rstrip())
        lines += [f"{'':{widest + 4}}{line}" for line in more]
        if fix:
            first, *more = _fold(fix, columns, widest + 6)
            lines.append(f"{'':{widest + 4}}{arrow} {first}")
            lines += [f"{'':{widest + 6}}{line}" for line in more]
    return [*lines, *_fold(_sum(checks), columns, 0)]


def _sum(checks: Sequence[Check]) -> str:
    faults = sum(check.state == "wrong" for check in checks)
    if not faults:
        return "Everything that chatui needs is there."
    return f"{output.counted(faults, 'thing')} to look at: {', '.join(c.name for c in checks if c.state == 'wrong')}."


def _extras_together(checks: Sequence[Check]) -> list[Check]:
    """Put the extras that are installed into one row, and those that are not into another."""
    rows: list[Check] = []
    seen = False
    for check in checks:
        if not check.name.startswith("extras.") or check.state == "wrong":
            rows.append(check)
        elif not seen:
            seen = True
            rows += _extras([one for one in checks if one.name.startswith("extras.")])
    return rows


def _extras(checks: Sequence[Check]) -> Iterator[Check]:
    names = {check: check.name.removeprefix("extras.") for check in checks}
    there = [f"{name} {check.detail}" for check, name in names.items() if check.state == "ok"]
    away = [name for check, name in names.items() if check.state == "absent"]
    if there:
        yield good("extras", ", ".join(there))
    if away:
        listed = ",".join(away)
        yield absent("extras", f"not installed: {', '.join(away)}", f'pip install "chatui[{listed}]"')


def _fold(text: str, columns: int | None, indent: int, taken: int = 0) -> list[str]:
    """Return a text in lines that have room beside an indent. A word that is longer than a line is cut.

    Args:
        text: The text.
        columns: The terminal's, None for one line.
        indent: Before each line.
        taken: How much more stands before the first line, which may then be empty.
    """
    text = clean(text)
    room = (columns or 0) - indent
    if columns is None or room < _NARROWEST:
        return [text]
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".lstrip()
        if cell_len(longer) <= room - (taken if len(lines) == 1 else 0):
            lines[-1] = longer
        else:
            lines += chop_cells(word, room)
    return lines if lines[0] or taken or len(lines) == 1 else lines[1:]


def _at_home(text: str) -> str:
    """Return a text with ~ for the home folder, as people write paths."""
    home = str(Path.home())
    return text.replace(f"{home}/", "~/") if len(home) > 1 else text
