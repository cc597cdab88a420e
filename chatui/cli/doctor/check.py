"""One finding, and how a check that fails becomes one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from chatui.errors import ChatuiError
from chatui.text import clean, clean_line

State = Literal["ok", "absent", "wrong"]


class Check(msgspec.Struct, frozen=True):
    """One finding.

    Attributes:
        name: What was looked at.
        ok: Whether it is there and as it should be.
        detail: What was found.
        fix: What to do, "" where there is nothing.
        state: `ok`, `absent` for what chatui does without, or `wrong`.
    """

    name: str
    ok: bool
    detail: str
    fix: str
    state: State


def good(name: str, detail: str, fix: str = "") -> Check:
    """Return the finding that something is as it should be. `fix` is then what is worth knowing."""
    return Check(name, True, _phrase(detail), clean(fix), "ok")


def absent(name: str, detail: str, fix: str = "") -> Check:
    """Return the finding that something is not there which chatui does without."""
    return Check(name, False, _phrase(detail), clean(fix), "absent")


def wrong(name: str, detail: str, fix: str = "") -> Check:
    """Return the finding that somebody should look at something."""
    return Check(name, False, _phrase(detail), clean(fix), "wrong")


def _phrase(detail: str) -> str:
    """A detail as all of them are written: cleaned, and without the full stop that errors end with."""
    return clean(detail).rstrip(".")


def told(name: str, error: ChatuiError) -> Check:
    """Return the finding that is an error's own sentence."""
    return wrong(name, error.title, error.advice)


def guarded(name: str, look: Callable[[], Check | Sequence[Check]]) -> list[Check]:
    """Make a check, or several, and turn what is raised into a finding."""
    try:
        found = look()
        return [found] if isinstance(found, Check) else list(found)
    except ChatuiError as error:
        return [told(name, error)]
    except Exception as error:
        what = f"{type(error).__name__}: {clean_line(str(error), 200)}".rstrip(": .")
        return [wrong(name, f"The check failed: {what}.", "Please report it.")]
