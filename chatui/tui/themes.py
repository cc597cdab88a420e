"""Themes: one TOML file each, shipped and a person's own, checked before Textual sees them.

Textual finds a bad colour when a theme is applied, and a bad variable when it is too late: the stylesheet then fails and takes
the program down. So everything is checked here, and a theme that cannot be used is a sentence.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import msgspec
from textual.color import Color, ColorParseError
from textual.theme import BUILTIN_THEMES, Theme

from chatui import paths
from chatui.config import read_toml
from chatui.errors import ConfigError
from chatui.text import clean_line

DARK, LIGHT = "chatui-dark", "chatui-light"

_STYLE_WORDS = {"none", "bold", "dim", "italic", "reverse", "strike", "underline", "not", "b", "d", "i", "u", "r"}
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

#: What our stylesheets use beyond Textual's own variables, for themes that do not say it: (dark, light).
_DEFAULTS = {
    "muted": ("#9aa2b1", "#5b616d"),
    "line": ("#646b79", "#888c96"),
    "band": ("#232833", "#f0eade"),
    "code-ground": ("#0f1115", "#ffffff"),
    "code-inline": ("#e3c08d", "#8a3b12"),
    "code-comment": ("#8b93a3", "#666d7a"),
    "code-keyword": ("#c8a6f0", "#7a2fb0"),
    "code-string": ("#9fd0a4", "#1c6b3c"),
    "code-number": ("#e8b071", "#94500b"),
    "code-name": ("#8fbff7", "#1f5fbf"),
}


class ThemeFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The keys of a theme file. Colours are as CSS writes them: `#7fb4f5`, `rgb(1,2,3)` or a name."""

    name: str
    primary: str
    dark: bool = True
    secondary: str | None = None
    accent: str | None = None
    warning: str | None = None
    error: str | None = None
    success: str | None = None
    foreground: str | None = None
    background: str | None = None
    surface: str | None = None
    panel: str | None = None
    boost: str | None = None
    variables: dict[str, str] = {}


def load(path: Path) -> Theme:
    """Read one theme file.

    Raises:
        ConfigError: It cannot be read, is not TOML, or has an unknown key, a bad colour or a bad variable.
    """
    try:
        return check(msgspec.convert(read_toml(path, "theme"), ThemeFile), path)
    except FileNotFoundError:
        raise ConfigError(f"There is no theme {path}.", "Check the file.") from None
    except msgspec.ValidationError as error:
        reason, _, place = str(error).partition(" - at `$.")
        where = f": {place.rstrip('`')}" if place else ""
        raise ConfigError(f"{path}{where}: {clean_line(reason)}.", "The shipped themes show every key.") from None


def check(file: ThemeFile, path: Path) -> Theme:
    """Check a theme's values and make it.

    Raises:
        ConfigError: A bad name, colour or variable, named with its place.
    """
    if not _NAME.fullmatch(file.name):
        raise _bad(path, "name", file.name, "letters, digits, dots and dashes")
    values: dict[str, Any] = msgspec.structs.asdict(file)
    for key, value in values.items():
        if isinstance(value, str) and key != "name" and not _is_color(value):
            raise _bad(path, key, value, "a colour such as #7fb4f5")
    for key, value in file.variables.items():
        if not _NAME.fullmatch(key):
            raise _bad(path, f"variables.{key}", value, "a name of letters, digits and dashes")
        if key.endswith("-style"):
            if not set(value.lower().split()) <= _STYLE_WORDS or not value.strip():
                raise _bad(path, f"variables.{key}", value, "words such as bold, italic, underline or none")
        elif not _is_color(value, alpha=True):
            raise _bad(path, f"variables.{key}", value, "a colour such as #7fb4f5, perhaps with 50% behind it")
    return Theme(**values)


def _bad(path: Path, key: str, value: str, wanted: str) -> ConfigError:
    return ConfigError(f'{path}: {clean_line(key, 60)}: "{clean_line(value, 40)}" is not {wanted}.', "Mend that value.")


def _is_color(value: str, *, alpha: bool = False) -> bool:
    color, _, share = value.strip().partition(" ")
    if share and not (alpha and re.fullmatch(r"\d{1,3}%", share.strip())):
        return False
    if color == "auto":
        return alpha
    try:
        Color.parse(color)
    except ColorParseError:
        return False
    return True


def find(only: str | None = None) -> tuple[dict[str, Theme], list[ConfigError]]:
    """Read every theme file, the shipped ones first, so that a person's own may replace one.

    Args:
        only: Read only the files that are named after this theme: what the first paint needs.

    Returns:
        The themes by name, and what is wrong with those that cannot be used.
    """
    themes: dict[str, Theme] = {}
    problems: list[ConfigError] = []
    for folder in (paths.shipped_themes_folder(), paths.user_themes_folder()):
        if only is None:
            files = sorted(folder.glob("*.toml")) if folder.is_dir() else []
        else:
            # A name is no path. Looking for it costs less than looking through the folder.
            file = folder / f"{only}.toml"
            files = [file] if file.parent == folder and file.is_file() else []
        for path in files:
            try:
                theme = load(path)
            except ConfigError as error:
                problems.append(error)
            else:
                themes[theme.name] = theme
    return themes, problems


def is_textuals(name: str) -> bool:
    """Say whether Textual itself brings a theme of this name."""
    return name in BUILTIN_THEMES


def variables(theme: Theme) -> dict[str, str]:
    """Return our stylesheets' variables that a theme does not set, Textual's own themes among them."""
    return {key: pair[0 if theme.dark else 1] for key, pair in _DEFAULTS.items() if key not in theme.variables}


def preferred() -> str:
    """Return the shipped theme that suits the terminal.

    Only COLORFGBG is looked at: asking the terminal for its colour costs a round trip, over SSH a slow one, and some never answer.
    """
    ground = os.environ.get("COLORFGBG", "").rpartition(";")[2]
    return LIGHT if ground in {"7", "15"} else DARK
