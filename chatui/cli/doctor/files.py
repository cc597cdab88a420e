"""The files: the config and the database, and what its user's threads begin with."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from chatui.cli import output
from chatui.cli.doctor.check import Check, good, guarded, told, wrong
from chatui.cli.session import Session, side_place
from chatui.config import Config
from chatui.conversation.recall import recall_in_force
from chatui.errors import DatabaseTooOld, NotADatabase
from chatui.tui import labels

if TYPE_CHECKING:
    from chatui.storage import Store


def config(session: Session) -> Check:
    """Say where the config file lies, and whether it can be used."""
    # Imported here, as only the screen and this need the table of actions.
    from chatui.tui import keys

    path = session.config_path
    if problem := keys.problem(session.config.keys):
        return wrong("config", f"{path}: {problem.title}", problem.advice)
    return good("config", f"{path}" if path.exists() else f"{path} is not there: the defaults hold")


def database(session: Session, config: Config, seconds: float) -> list[Check]:
    """Look at the database, and at what it says of the user. Writes nothing.

    Args:
        session: Which.
        config: For what it does not say.
        seconds: How long it is looked through for damage.
    """
    memory = [config.remembering.strategy, ""]

    checks = guarded("database", lambda: asyncio.run(_database(session, seconds, memory, config)))
    return [*checks, *guarded("recall", lambda: recall(memory[0], memory[1] or recall_in_force(None, config, "")))]


async def _database(session: Session, seconds: float, memory: list[str], config: Config) -> Check:
    """Look at the file, and put the strategy of its user's threads, and how they recall, into a list."""
    path = session.database_path
    if not path.exists() and not session.options.read_only:
        folder = next(parent for parent in path.absolute().parents if parent.exists())
        if not (folder.is_dir() and os.access(folder, os.W_OK)):
            return wrong(
                "database", f"{path} cannot be made in {folder}", "Choose another place with --db or CHATUI_DB."
            )
        return good("database", f"{path} will be made with the first message")
    try:
        async with session.looking(traceless=True) as store:
            memory[:] = _memory(store, session, config)
            return _described(session, store, seconds)
    except DatabaseTooOld as error:
        if session.options.read_only or _is_protected(session):
            return told("database", error)
        size = labels.size(path.stat().st_size)
        return good(
            "database", f"{path} ({size}) is empty or of an older chatui", "It is brought up to date when it is opened."
        )
    except NotADatabase as error:
        advice = f"{error.advice} A backup, or `sqlite3 {path} .recover`, may save what is in a damaged one."
        return wrong("database", error.title, advice if path.is_file() and _is_sqlite(session) else error.advice)


def _described(session: Session, store: Store, seconds: float) -> Check:
    """Say what is in the file that is open."""
    path = session.database_path
    damage = store.damage(seconds)
    if damage:
        return wrong(
            "database",
            f"{path} is damaged: {damage[0].rstrip('.')}",
            "Copy it away; `chatui export --all` saves what can be read. Then restore a backup.",
        )
    stats, hint = store.stats(), ""
    parts = [output.counted(stats.threads, "thread"), output.counted(stats.messages, "message")]
    if damage is None:
        hint = "It is too large to be looked through here; `chatui db check` does."
    detail = f"{path}: {', '.join(parts)}, {labels.size(stats.bytes)}"
    if store.side is not None:
        counted = output.counted(stats.checkpoints, "checkpoint")
        detail = f"{path}, another program's: {counted}, {labels.size(stats.bytes)}; what is chatui's lies in"
        detail += f" {side_place(store.side)}"
        hint = _of_others(store) or hint
    if session.options.read_only:
        return good("database", f"{detail}; --read-only", hint)
    if _is_protected(session):
        return wrong("database", f"{detail}, read-only", "Make it writable to chat; reading works.")
    if not os.access(path.absolute().parent, os.W_OK):
        return wrong(
            "database", f"{detail}; its folder is read-only", "Make the folder writable to chat; reading works."
        )
    return good("database", detail, hint)


def _of_others(store: Store) -> str:
    """What is worth knowing of another program's file."""
    from chatui.storage.generations import CHANGES

    old = store.database.generation()
    if old == "today":
        return "A turn adds LangGraph's own rows to it; with --read-only it stays as it is."
    return f"The first turn asks before it {CHANGES[old]}."


def _is_protected(session: Session) -> bool:
    path = session.database_path
    return not os.access(path, os.W_OK) or not path.stat().st_mode & 0o222


def _is_sqlite(session: Session) -> bool:
    try:
        with session.database_path.open("rb") as file:
            return file.read(6) == b"SQLite"
    except OSError:
        return False


def _memory(store: Store, session: Session, config: Config) -> tuple[str, str]:
    from chatui.conversation.library import DEFAULT_USER
    from chatui.conversation.memories import UserMemory

    user = session.options.user or config.user or DEFAULT_USER
    return UserMemory(store, config, user).strategy(), recall_in_force(store, config, user)


def recall(strategy: str, how: str) -> Check:
    """Say what new threads send besides their own messages: the strategy, and how other threads are searched."""
    from chatui.conversation.strategy import parse_strategy

    found = parse_strategy(strategy)
    return good("recall", f"{how if found.recall else 'off'}, as the memory strategy is {found}")
