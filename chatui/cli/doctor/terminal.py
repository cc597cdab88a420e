"""The terminal: what it can show, and whether what is copied reaches its clipboard. It is not asked, only looked at."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress

from chatui.cli.doctor.check import Check, absent, good, wrong
from chatui.text import clean_line

#: Where the screen still works.
_COLUMNS, _LINES = 60, 16

#: Terminals that take OSC 52 as they come, by what TERM begins with, by TERM_PROGRAM, and by a variable of their own.
_TERMS = ("xterm-kitty", "alacritty", "foot", "xterm-ghostty", "wezterm", "contour", "rio")
_PROGRAMS = ("kitty", "WezTerm", "ghostty", "vscode", "WarpTerminal", "iTerm.app", "rio", "contour")
_VARIABLES = ("KITTY_WINDOW_ID", "ALACRITTY_WINDOW_ID", "WEZTERM_PANE", "GHOSTTY_RESOURCES_DIR", "WT_SESSION")

_BY_HAND = "Hold Shift, select with the mouse, and copy with the terminal's own key."


def terminal() -> Check:
    """Look at the terminal that this runs in."""
    return look(os.environ, _size(), sys.stdout.encoding or "unknown")


def look(variables: Mapping[str, str], size: tuple[int, int] | None, encoding: str) -> Check:
    """Say what the terminal can show.

    Args:
        variables: The environment.
        size: Its columns and lines, None where there is none.
        encoding: Of standard output.
    """
    term = clean_line(variables.get("TERM", ""), 40)
    colours, hint = _colours(variables, term)
    parts = [term or "no TERM", f"{size[0]}x{size[1]}" if size else "", clean_line(encoding, 20).upper(), colours]
    around = [name for name, variable in (("tmux", "TMUX"), ("screen", "STY")) if variables.get(variable)]
    parts += [f"in {name}" for name in around]
    parts += ["over SSH"] if variables.get("SSH_CONNECTION") or variables.get("SSH_TTY") else []
    detail = ", ".join(filter(None, parts))
    if encoding.lower().replace("-", "") != "utf8":
        return wrong("terminal", detail, "Set a UTF-8 locale, as in LANG=C.UTF-8.")
    if size is None:
        return good("terminal", f"{detail}; this runs in none, so it was not examined")
    if term in ("", "dumb"):
        return wrong("terminal", detail, "The screen needs a terminal that TERM names, as in TERM=xterm-256color.")
    if size[0] < _COLUMNS or size[1] < _LINES:
        return wrong("terminal", detail, f"Make it at least {_COLUMNS} columns by {_LINES} lines.")
    return good("terminal", detail, hint)


def _colours(variables: Mapping[str, str], term: str) -> tuple[str, str]:
    """How many colours it has, and what is worth knowing of it."""
    if variables.get("NO_COLOR"):
        return "no colours (NO_COLOR)", ""
    if variables.get("COLORTERM", "").lower() in ("truecolor", "24bit"):
        return "true colour", ""
    hint = "If it can show more colours: COLORTERM=truecolor"
    return ("256 colours", "") if "256color" in term else ("few colours", hint)


def _size() -> tuple[int, int] | None:
    """The size of the terminal, also where only one of the three streams is one, as in `chatui doctor > file`."""
    for stream in (sys.__stdout__, sys.__stderr__, sys.__stdin__):
        with suppress(OSError, ValueError, AttributeError):
            columns, lines = os.get_terminal_size(stream.fileno())  # type: ignore[union-attr]
            return columns, lines
    return None


def clipboard() -> Check:
    """Say whether what is copied may be expected in the clipboard."""
    return look_at_clipboard(os.environ, _tmux_option() if os.environ.get("TMUX") else "")


def look_at_clipboard(variables: Mapping[str, str], tmux: str) -> Check:
    """Say whether OSC 52, by which chatui copies, may be expected to reach the clipboard.

    Args:
        variables: The environment.
        tmux: The value of tmux's `set-clipboard`, "" where it is not known.
    """
    name = "clipboard"
    if variables.get("TMUX"):
        if tmux == "on":
            return good(name, "tmux hands what is copied on to the terminal")
        told = f" (set-clipboard {clean_line(tmux, 20)})" if tmux else ""
        return absent(name, f"tmux keeps what programs copy{told}", "tmux set -s set-clipboard on")
    if variables.get("STY"):
        return absent(name, "screen keeps what programs copy", _BY_HAND)
    term = variables.get("TERM", "")
    if term == "linux":
        return absent(name, "the console has none")
    if term.startswith(_TERMS) or variables.get("TERM_PROGRAM") in _PROGRAMS or any(map(variables.get, _VARIABLES)):
        return good(name, "the terminal takes what is copied (OSC 52)")
    kind = (
        "terminals like this one (VTE) mostly do not take"
        if variables.get("VTE_VERSION")
        else "not every terminal takes"
    )
    return absent(name, f"{kind} what is copied (OSC 52)", f"If nothing arrives: {_BY_HAND[0].lower()}{_BY_HAND[1:]}")


def _tmux_option() -> str:
    with suppress(OSError, subprocess.SubprocessError):
        asked = ["tmux", "show-options", "-s", "-v", "set-clipboard"]
        return subprocess.run(asked, capture_output=True, text=True, timeout=1, check=True).stdout.strip()
    return ""
