"""What the options before a command mean: which config, which database, which user; and opening the library."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from chatui import config, paths
from chatui.cli.options import Options, as_text
from chatui.errors import SchemaChange, UnknownThread, UsageError

if TYPE_CHECKING:
    import tempfile

    from chatui.config import Config
    from chatui.conversation.library import Library
    from chatui.conversation.tree import Thread
    from chatui.storage import Store

T = TypeVar("T")


class Session:
    """One command line's surroundings. Nothing is read or opened before it is asked for.

    Args:
        options: The options before the command.
    """

    def __init__(self, options: Options) -> None:
        self.options = options

    @property
    def database_path(self) -> Path:
        """The database: `--db`, else `CHATUI_DB`, else the data folder's."""
        return self.options.db or paths.database()

    @property
    def config_path(self) -> Path:
        """The config file: `--config`, else `CHATUI_CONFIG`, else the config folder's."""
        return self.options.config or paths.config_file()

    @cached_property
    def config(self) -> Config:
        """The config file's values, with `CHATUI_MODEL` and `CHATUI_USER` put over them.

        Raises:
            ConfigError: The file, or a value in it, cannot be used.
        """
        named = self.options.config is not None or bool(os.environ.get("CHATUI_CONFIG"))
        loaded = config.load(self.config_path, required=named)
        over = {"model": os.environ.get("CHATUI_MODEL"), "user": os.environ.get("CHATUI_USER")}
        return msgspec.structs.replace(loaded, **{key: as_text(value) for key, value in over.items() if value})

    @property
    def user(self) -> str | None:
        """Whose threads are meant: `-u`, else `CHATUI_USER`, else the config's; None for everyone's."""
        return self.options.user or self.config.user

    def open(self, path: Path | None = None, *, all_users: bool = False) -> Library:
        """Open the library. Synchronous and quick: the TUI paints from it.

        Args:
            path: A file that is gone soon, in place of the session's database. It may be written, and all that belongs to it lies
                in its folder.
            all_users: Show everyone's threads, as `--all-users` does.

        Raises:
            ConfigError: The config cannot be used; looked at first, so that no database is made then.
            DatabaseError: The file cannot be used.
        """
        from chatui.conversation.library import Library
        from chatui.models import Models
        from chatui.storage import Store

        settings = self.config
        if path is None:
            store = Store.open(self.database_path, read_only=self.options.read_only)
        else:
            store = Store.open(path, side_folder=path.parent)
        return Library(store, Models(settings), settings, user=self.user, all_users=all_users or self.options.all_users)

    @asynccontextmanager
    async def library(self, *, make: bool = False, all_users: bool = False) -> AsyncIterator[Library]:
        """Open the library for one command and close it behind it.

        Args:
            make: Whether a database that is not there is made. Without it the library is empty then, and no file appears.
            all_users: Show everyone's threads, as `--all-users` does.
        """
        with ExitStack() as stack:
            missing = not make and not self.options.read_only and not self.database_path.exists()
            path = Path(stack.enter_context(temporary_folder())) / "chatui.db" if missing else None
            library = self.open(path, all_users=all_users)
            try:
                yield library
            finally:
                await library.close()

    @asynccontextmanager
    async def looking(self, *, read_only: bool = True, traceless: bool = False) -> AsyncIterator[Store]:
        """Open the file that is there to look at it. Nothing is made, not even what would lie beside another program's file.

        Args:
            read_only: Whether even our tables in our own file stay as they are, and of an older chatui's are refused.
            traceless: Whether not even SQLite's own files may be left beside it.

        Raises:
            DatabaseError: It cannot be used.
        """
        from chatui.storage import Store

        with temporary_folder() as folder:
            store = Store.open(self.database_path, read_only=read_only, side_folder=Path(folder), traceless=traceless)
            try:
                if store.side is not None and side_place(store.side).exists():
                    await store.close()
                    store = Store.open(self.database_path, read_only=read_only, traceless=traceless)
                yield store
            finally:
                await store.close()

    @asynccontextmanager
    async def unsaved(self, *, copy: bool) -> AsyncIterator[Library]:
        """Open a library of which nothing is left.

        Args:
            copy: Whether it begins with what the database holds. The database itself is only read.
        """
        with temporary_folder() as folder:
            path = Path(folder) / "chatui.db"
            if copy and self.database_path.exists():
                async with self.looking(read_only=self.options.read_only) as store:
                    store.copy_to(path)
            library = self.open(path)
            try:
                # The copy of another program's file may take any form: it is gone soon.
                await library.allow_schema_change()
                yield library
            finally:
                await library.close()


async def complete(library: Library) -> None:
    """Index what other programs or a crash left unindexed, so that lists are whole."""
    async for _ in library.catch_up():
        pass


async def find(library: Library, name: str) -> Thread:
    """Return the thread with this id, unique start of an id, or title, its index complete.

    Raises:
        UnknownThread: There is none.
        AmbiguousThread: There are several.
    """
    try:
        thread = library.find(name)
    except UnknownThread:
        # Another program may have made it since the file was last opened here.
        await complete(library)
        return library.find(name)
    async for _ in library.catch_up(thread.thread_id):
        pass
    return library.thread(thread.thread_id)


def required_last(library: Library) -> Thread:
    """Return the thread that was used last.

    Raises:
        UsageError: There is no thread yet.
    """
    thread = library.last_used()
    if thread is None:
        raise UsageError("There is no thread to continue yet.", "Leave -c out to begin one.")
    return thread


async def allowing(library: Library, act: Callable[[], Awaitable[T]], *, yes: bool) -> T:
    """Do something that writes LangGraph's rows, and where that needs another form of its tables, bring them to it if allowed.

    Raises:
        SchemaChange: It needs that, and it was not allowed.
    """
    try:
        return await act()
    except SchemaChange:
        if not yes:
            raise
        await library.allow_schema_change()
        return await act()


def side_place(side: Path) -> Path:
    """Return where a side file lies for good, whatever folder it is in while `Session.looking` looks."""
    return paths.cache_folder() / side.name


def temporary_folder() -> tempfile.TemporaryDirectory[str]:
    """Return a private folder that is removed behind its user: in memory where the system has a place for that."""
    import tempfile

    memory = Path("/dev/shm")  # noqa: S108 - only the parent; the folder itself is new, and for this user alone
    return tempfile.TemporaryDirectory(prefix="chatui-", dir=memory if os.access(memory, os.W_OK) else None)
