"""`chatui doctor`: one page that says what chatui needs, what of it is there, and what to do about the rest.

Each check stands alone: a broken config or database is a finding, not the end of the examination. Nothing is written.
"""

from __future__ import annotations

import asyncio
import os
import platform
import shutil
import sqlite3
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

import msgspec
import typer

from chatui import __version__, paths
from chatui.cli import output
from chatui.cli.session import Session, side_place
from chatui.cli.threads import Json
from chatui.config import Config
from chatui.errors import ChatuiError
from chatui.text import clean, clean_line

#: Seconds for anything that could hang: a server, a disk on a network.
_PATIENCE = 4.0


class Check(msgspec.Struct, frozen=True):
    """One finding.

    Attributes:
        name: What was looked at.
        ok: Whether it is as it should be. What chatui does without, such as Ollama where the demo model is there, counts as not
            ok, but its detail says so.
        detail: What was found.
        fix: What to do, "" where there is nothing.
    """

    name: str
    ok: bool
    detail: str
    fix: str = ""


def doctor(context: typer.Context, json: Json = False) -> None:
    """Check everything that chatui needs. Says what is missing and what to do; changes nothing."""
    checks = [_guarded(name, look, context.obj) for name, look in _CHECKS.items()]
    if json:
        output.print_json({"checks": checks})
        return
    print(output.bold(f"chatui {__version__}"))
    widest = max(len(check.name) for check in checks)
    for check in checks:
        print(f"{'✓' if check.ok else '✗'} {check.name:<{widest}}  {clean(check.detail)}")
        if check.fix:
            print(f"  {'':<{widest}}  → {clean(check.fix)}")


def _guarded(name: str, look: Callable[[Session], Check], session: Session) -> Check:
    try:
        return look(session)
    except ChatuiError as error:
        return Check(name, False, clean(error.title), clean(error.advice))
    except Exception as error:
        return Check(
            name,
            False,
            f"The check failed: {type(error).__name__}: {clean_line(str(error), 200)}.",
            "Please report it.",
        )


def _python(session: Session) -> Check:
    detail = (
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, {platform.system()} {platform.machine()}"
    )
    return Check("python", True, detail)


def _terminal(session: Session) -> Check:
    term = clean_line(os.environ.get("TERM", ""), 40) or "no TERM"
    if not sys.stdout.isatty():
        return Check("terminal", True, f"{term}; standard output is no terminal, so it was not examined")
    columns, lines = shutil.get_terminal_size()
    encoding = sys.stdout.encoding or "unknown"
    detail = f"{term}, {columns}x{lines}, {encoding}"
    if encoding.lower().replace("-", "") != "utf8":
        return Check("terminal", False, detail, "Set a UTF-8 locale, as in LANG=C.UTF-8.")
    if columns < 60 or lines < 16:
        return Check("terminal", False, detail, "Make it at least 60 columns by 16 lines.")
    return Check("terminal", True, detail)


def _config(session: Session) -> Check:
    path = session.config_path
    _ = session.config
    return Check("config", True, f"{path}" if path.exists() else f"{path} is not there: the defaults hold")


def _database(session: Session) -> Check:
    path = session.database_path
    if not path.exists():
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        if not (folder.is_dir() and os.access(folder, os.W_OK)):
            return Check(
                "database", False, f"{path} cannot be made in {folder}", "Choose another place with --db or CHATUI_DB."
            )
        return Check("database", True, f"{path} will be made with the first message")

    async def look() -> Check:
        async with session.looking() as store:
            stats = store.stats()
            side = side_place(store.side) if store.side is not None else None
        detail = (
            f"{path}: {output.counted(stats.threads, 'thread')}, {output.counted(stats.messages, 'message')}, "
            f"{output.size(stats.bytes)}"
        )
        if side is not None:
            detail = f"{path}, another program's: {output.counted(stats.checkpoints, 'checkpoint')}, "
            detail += f"{output.size(stats.bytes)}; what is chatui's lies in {side}"
        if not os.access(path, os.W_OK) or not path.stat().st_mode & 0o222:
            return Check("database", False, f"{detail}, read-only", "Make it writable to chat; reading works.")
        return Check("database", True, detail)

    return asyncio.run(look())


def _settings(session: Session) -> Config:
    """The config, or the defaults where it is broken: that is another check's finding."""
    try:
        return session.config
    except ChatuiError:
        return Config()


def _ollama(session: Session) -> Check:
    from chatui.models.ollama import Ollama
    from chatui.models.ollama_hosts import base_url, shown

    settings = _settings(session).ollama
    address = shown(base_url(settings.host))

    async def look() -> Check:
        server = Ollama(settings)
        try:
            async with asyncio.timeout(_PATIENCE):
                found = await server.list()
        except TimeoutError:
            return Check(
                "ollama", False, f"{address} said nothing for {_PATIENCE:.0f} s", "Look at the server, or restart it."
            )
        finally:
            await server.close()
        if not found:
            return Check("ollama", False, f"{address} has no models", "Pull one, as in `chatui models pull llama3.2`.")
        return Check("ollama", True, f"{address}: {output.counted(len(found), 'model')}")

    return asyncio.run(look())


def _embedded(session: Session) -> Check:
    from chatui.models import DEMO_MODEL, embedded_available, embedded_present

    if not embedded_available():
        return Check(
            "embedded", False, "The extra is not installed", 'To chat without a server: pip install "chatui[embedded]"'
        )
    installed = f"xllamacpp {_version('xllamacpp')}"
    if not embedded_present(DEMO_MODEL):
        return Check(
            "embedded",
            False,
            f"{installed}; the demo model is not fetched",
            f"`chatui models pull {DEMO_MODEL}` fetches it.",
        )
    return Check("embedded", True, f"{installed}, {DEMO_MODEL} in {paths.models_folder()}")


def _packages(session: Session) -> Check:
    names = ("textual", "langgraph", "langgraph-checkpoint-sqlite", "langchain-ollama")
    found = {name: _version(name) for name in names}
    missing = [name for name, text in found.items() if not text]
    detail = ", ".join(f"{name} {text or 'missing'}" for name, text in found.items())
    return Check("packages", not missing, detail, "Install chatui again." if missing else "")


def _themes(session: Session) -> Check:
    folder = paths.shipped_themes_folder()
    count = len(list(folder.glob("*.toml")))
    if not count:
        return Check("themes", False, f"There are none in {folder}", "Install chatui again.")
    return Check("themes", True, f"{count} in {folder}; your own go into {paths.user_themes_folder()}")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


_CHECKS: dict[str, Callable[[Session], Check]] = {
    "python": _python,
    "terminal": _terminal,
    "database": _database,
    "config": _config,
    "ollama": _ollama,
    "embedded": _embedded,
    "packages": _packages,
    "themes": _themes,
}
