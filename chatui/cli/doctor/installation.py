"""What is installed: Python, SQLite, packages, extras, themes; and the environment that it all runs in."""

from __future__ import annotations

import platform
import sqlite3
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, metadata, requires, version
from typing import TYPE_CHECKING

import msgspec

from chatui import paths
from chatui.cli.doctor.check import Check, absent, good, wrong
from chatui.config import Config
from chatui.text import clean_line

if TYPE_CHECKING:
    from packaging.requirements import Requirement

_NAME = "chatui"
#: What people who work on chatui install.
_OURS = "dev"
#: Packages whose versions matter most when something is reported.
_TOLD = ("textual", "langgraph", "langgraph-checkpoint-sqlite", "langchain-ollama")


def python() -> Check:
    """Say which Python runs, and where."""
    return good("python", f"{platform.python_version()}, {platform.system()} {platform.machine()}")


def sqlite() -> Check:
    """Say which SQLite there is, and whether it has what chatui stands on."""
    from chatui.storage.features import present

    parts = present()
    lacking = [name for name, there in parts.items() if not there]
    if lacking:
        detail = f"{sqlite3.sqlite_version} lacks {' and '.join(lacking)}"
        return wrong("sqlite", detail, "Use a Python whose SQLite has it, such as python.org's.")
    return good("sqlite", f"{sqlite3.sqlite_version} with {' and '.join(parts)}")


class Installed(msgspec.Struct, frozen=True):
    """A package that chatui, or an extra of it, asks for.

    Attributes:
        name: The package.
        version: The one that is installed, "" for none.
        wanted: The versions that are asked for, as its metadata has it.
        fits: Whether it is one of them.
    """

    name: str
    version: str
    wanted: str
    fits: bool


def packages() -> Check:
    """Compare the packages that are installed with those that chatui's metadata asks for."""
    found = requirements(None)
    if not found:
        return absent("packages", "chatui runs from its source and is not installed", "pip install -e .")
    bad = [one for one in found if not one.fits]
    if bad:
        return wrong("packages", "; ".join(map(_misfit, bad)), "Install chatui again.")
    told = [f"{one.name} {one.version}" for one in found if one.name in _TOLD]
    return good("packages", f"{', '.join(told)} and {len(found) - len(told)} more")


def extras(keys: Mapping[str, str | None]) -> list[Check]:
    """Say of each extra whether it is installed.

    Args:
        keys: Of extras that want an API key, where it is; None for nowhere.
    """
    return [_extra(name, requirements(name), keys) for name in names_of_extras()]


def _extra(extra: str, found: list[Installed], keys: Mapping[str, str | None]) -> Check:
    name, command = f"extras.{extra}", f'pip install "{_NAME}[{extra}]"'
    # The others may be there for other reasons, as pip is.
    if not any(one.version for one in found if one.name != "pip"):
        return absent(name, "not installed", command)
    if bad := [one for one in found if not one.fits]:
        return wrong(name, "; ".join(map(_misfit, bad)), command)
    key = ""
    if extra in keys:
        where = keys[extra]
        key = f" (key {where})" if where else " (no key)"
    return good(name, f"{next(one.version for one in found if one.name != 'pip')}{key}")


def _misfit(one: Installed) -> str:
    return f"{one.name} {one.version} is not {one.wanted}" if one.version else f"{one.name} is not installed"


def names_of_extras() -> list[str]:
    """Return the extras that chatui's metadata names, but for what only work on chatui itself needs."""
    try:
        return sorted(set(metadata(_NAME).get_all("Provides-Extra") or ()) - {_OURS})
    except PackageNotFoundError:
        return []


def requirements(extra: str | None) -> list[Installed]:
    """Return what chatui, or an extra of it, asks for and what of it is there; [] if chatui itself is not installed.

    Args:
        extra: The extra's name, None for what is always needed.
    """
    from packaging.requirements import Requirement

    try:
        all_of_them = [Requirement(line) for line in requires(_NAME) or ()]
    except PackageNotFoundError:
        return []
    return [_installed(one) for one in all_of_them if _is_for(one, extra)]


def _is_for(requirement: Requirement, extra: str | None) -> bool:
    marker = requirement.marker
    always = marker is None or marker.evaluate({"extra": ""})
    return always if extra is None else not always and marker is not None and marker.evaluate({"extra": extra})


def _installed(requirement: Requirement) -> Installed:
    try:
        there = version(requirement.name)
    except PackageNotFoundError:
        return Installed(requirement.name, "", str(requirement.specifier), False)
    fits = requirement.specifier.contains(there, prereleases=True)
    return Installed(requirement.name, there, str(requirement.specifier), fits)


def themes(config: Config) -> Check:
    """Look at the themes: those that came with chatui, a person's own, and the one that the config names."""
    shipped = len(list(paths.shipped_themes_folder().glob("*.toml")))
    if not shipped:
        return wrong("themes", f"There are none in {paths.shipped_themes_folder()}", "Install chatui again.")
    folder = paths.user_themes_folder()
    own = len(list(folder.glob("*.toml"))) if folder.is_dir() else 0
    detail = f"{shipped} came with chatui" + (f", {own} in {folder}" if own else "")
    if not own and config.theme is None:
        return good("themes", detail)
    # Textual knows what a colour is, and takes a while to be imported.
    from chatui.tui.themes import find, is_textuals

    known, problems = find()
    if config.theme is not None and config.theme not in known and not is_textuals(config.theme):
        detail = f'There is no theme "{clean_line(config.theme, 40)}"'
        return wrong("themes", detail, f"The config file names it; there are {', '.join(sorted(known))}.")
    if problems:
        return wrong("themes", " ".join(error.title for error in problems), problems[0].advice)
    return good("themes", detail)


def environment() -> Check:
    """Look at the variables that every client of a server reads."""
    from chatui.models.environment import proxy_variables, troubles

    found = troubles()
    if found:
        detail = "; ".join(f"{one.variable} {one.reason}" for one in found)
        names = " and ".join(one.variable for one in found)
        fixes = [f"Correct or unset {names}: with it no model can be asked.", *(one.fix for one in found)]
        return wrong("environment", detail, " ".join(filter(None, fixes)))
    proxies = proxy_variables()
    return good("environment", f"proxies: {', '.join(proxies)}" if proxies else "no variable stands in the way")
