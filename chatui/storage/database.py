"""One SQLite file: open it, keep it safe, and hand out connections.

Reading takes a connection from a small pool and is synchronous: a list or a page of messages costs a few milliseconds,
and the first paint needs it before any library is loaded. Writing goes through one connection a process, on its own
thread (aiosqlite), under one lock that LangGraph's saver shares.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from chatui import paths
from chatui.errors import (
    ChatuiError,
    DatabaseBusy,
    DatabaseError,
    DatabaseTooOld,
    NotADatabase,
    ReadOnlyDatabase,
    SchemaChange,
)
from chatui.storage import generations
from chatui.storage.migrations import migrate, pending
from chatui.text import clean_line

if TYPE_CHECKING:
    import aiosqlite

#: How long to wait for another process's write lock. SQLite's own default of 5 s lets a busy disk fail a turn.
BUSY_SECONDS = 30.0

_MAGIC = b"SQLite format 3\0"


def explain(error: sqlite3.Error, path: Path) -> ChatuiError:
    """Turn an error of SQLite into a sentence.

    Args:
        error: What sqlite3 raised.
        path: The file it happened on.
    """
    text = str(error)
    lowered = text.lower()
    if "locked" in lowered or "busy" in lowered:
        return DatabaseBusy(
            f"Another program has kept {path} locked for {BUSY_SECONDS:.0f} s.",
            "Close it or try again; nothing is lost.",
        )
    if "readonly" in lowered or "read-only" in lowered:
        return ReadOnlyDatabase(
            f"{path} cannot be written.", "Change its permissions, or choose another file with --db."
        )
    if "not a database" in lowered or "malformed" in lowered or "encrypted" in lowered:
        return NotADatabase(
            f"{path} is not a SQLite database, or it is damaged.", "Choose another with --db, or restore a backup."
        )
    if "full" in lowered:
        return DatabaseError(f"The disk that holds {path} is full.", "Make room and try again; what is saved is safe.")
    if "unable to open" in lowered:
        return DatabaseError(
            f"{path} cannot be opened.", "Check the folder and its permissions, or choose another with --db."
        )
    return DatabaseError(f"{path}: {clean_line(text, 200)}.", "`chatui doctor` checks the file.")


class Database:
    """Connections to one file.

    A file that LangGraph's tables are in and ours are not belongs to another program: nothing of ours goes into it. Our tables
    are then in a side file, which the connections open, with the other file attached to it: SQLite looks a name up in the
    opened file first and then in the attached one, so that one set of SQL serves both.

    Args:
        path: The file; made with mode 0600, in a folder of mode 0700, where it is missing.
        read_only: Whether nothing may be written. A file without any write permission is read-only anyway.
        side_folder: Where side files lie.
        traceless: Whether reading may not even leave SQLite's own files beside it, which it makes for a file in WAL mode. Where
            such files lie there already, somebody has it open, or left it in a crash, and it is read as usual.

    Attributes:
        path: The file.
        read_only: Whether LangGraph's rows, and ours where they are in the same file, may not be written.
        side: The side file, None where our tables are in the file itself.

    Raises:
        DatabaseError: The file cannot be used; nothing was written then.
    """

    def __init__(
        self, path: Path, *, read_only: bool = False, side_folder: Path | None = None, traceless: bool = False
    ) -> None:
        self.path = path
        self.read_only = read_only or _write_protected(path)
        self.side: Path | None = None
        #: Held around each use of the writing connection; LangGraph's saver gets the same one.
        self.lock = asyncio.Lock()
        self._readers: list[sqlite3.Connection] = []
        self._writer: aiosqlite.Connection | None = None
        self._watcher: sqlite3.Connection | None = None
        self._version: tuple[int, ...] | None = None
        self._immutable = traceless and not path.with_name(f"{path.name}-wal").exists()
        self._prepare(side_folder or paths.cache_folder())

    def _prepare(self, side_folder: Path) -> None:
        """Check the file, or make it, and bring our tables up to date, in it or beside it."""
        path = self.path
        try:
            with path.open("rb") as file:
                head = file.read(len(_MAGIC))
        except FileNotFoundError:
            if self.read_only:
                raise NotADatabase(f"There is no file {path}.", "Check --db; with --read-only none is made.") from None
            make_private(path)
            head = b""
        except IsADirectoryError:
            raise NotADatabase(f"{path} is a folder.", "Give a file with --db.") from None
        except OSError as error:
            raise DatabaseError(f"{path} cannot be read: {error.strerror}.", "Check its permissions.") from None
        if head and head != _MAGIC:
            raise NotADatabase(f"{path} is not a SQLite database.", "Choose another with --db.")
        try:
            tables = self._tables() if head else set()
            if "checkpoints" in tables and "chatui_migrations" not in tables:
                self.side = side_file(path, side_folder)
                make_private(self.side)
                self._migrate(self.side)
            elif tables and "chatui_migrations" not in tables:
                # Some other program's file: our tables have no business in it.
                raise NotADatabase(
                    f"{path} holds another program's tables, and none of LangGraph's.",
                    "Choose another file with --db.",
                )
            elif self.read_only:
                self._check_ours(tables)
            else:
                self._migrate(path)
        except sqlite3.Error as error:
            raise explain(error, path) from error

    def _tables(self) -> set[str]:
        """The names of the file's tables, read without writing so much as a lock file where that can be helped."""
        try:
            connection = self._open(self.path, "ro")
        except sqlite3.OperationalError:
            # A WAL file in a folder that we cannot write: without its -shm the only way is to promise that nobody writes.
            self._immutable = True
            connection = self._open(self.path, "ro")
        with closing(connection):
            return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}

    def _check_ours(self, tables: set[str]) -> None:
        with closing(self._open(self.path, "ro")) as connection:
            if "chatui_migrations" not in tables or pending(connection):
                raise DatabaseTooOld(
                    f"{self.path} has no tables of this chatui yet, and it is opened read-only.",
                    "Open it once without --read-only.",
                )

    @staticmethod
    def _migrate(path: Path) -> None:
        with closing(sqlite3.connect(path, timeout=BUSY_SECONDS)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=FULL")
            migrate(connection)
        # It holds what people say to a model: nobody else on the machine should read it.
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)

    def _open(self, path: Path, mode: str) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._uri(path, mode),
            uri=True,
            timeout=BUSY_SECONDS,
            check_same_thread=False,
            isolation_level=None,
            cached_statements=64,
        )
        try:
            # The first real access to the file, so that what is wrong with it shows here.
            connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone()
        except BaseException:
            connection.close()
            raise
        return connection

    def _uri(self, path: Path, mode: str) -> str:
        immutable = "&immutable=1" if self._immutable and path == self.path else ""
        return f"{path.absolute().as_uri()}?mode={mode}{immutable}"

    def _connect(self) -> sqlite3.Connection:
        """Return a new connection that reads."""
        if self.side is None:
            connection = self._open(self.path, "ro" if self.read_only else "rw")
        else:
            connection = self._open(self.side, "rw")
            # Read-only, so that not even a write-ahead log is folded into another program's file when we close.
            connection.execute("ATTACH ? AS theirs", (self._uri(self.path, "ro"),))
            generations.bridge(connection)
        connection.execute("PRAGMA query_only=ON")
        return connection

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Lend a connection that sees one state of the file for as long as it is lent.

        Raises:
            DatabaseError: As a sentence, whatever SQLite says.
        """
        try:
            connection = self._readers.pop() if self._readers else self._connect()
        except sqlite3.Error as error:
            raise explain(error, self.path) from error
        try:
            connection.execute("BEGIN")
            yield connection
        except sqlite3.Error as error:
            raise explain(error, self.path) from error
        finally:
            if connection.in_transaction:
                connection.rollback()
            self._readers.append(connection)

    @property
    def frozen(self) -> bool:
        """Whether not even our own tables can be written."""
        return self.read_only and self.side is None

    def check_writable(self) -> None:
        """Make sure that LangGraph's rows can be written.

        Raises:
            ReadOnlyDatabase: Nothing may be written.
            SchemaChange: The file's tables are of an older generation, and have to be changed first.
        """
        if self.read_only:
            raise ReadOnlyDatabase(
                f"{self.path} is opened read-only.", "Leave --read-only out, or make the file writable."
            )
        if (old := self.generation()) != "today":
            raise SchemaChange(
                f"{self.path} is another program's, in an older form: writing to it {generations.CHANGES[old]}.",
                "Say --yes to allow that, or work on a copy of the file.",
            )

    def generation(self) -> generations.Generation:
        """Say which generation LangGraph's tables are of."""
        if self.side is None:
            return "today"
        with self.reading() as connection:
            return generations.generation(connection)

    async def upgrade(self) -> None:
        """Bring another program's file to LangGraph's form of today: it was asked for."""
        old = self.generation()
        async with self.transaction() as connection:
            await generations.upgrade(connection, old)
        # Their views translate what is translated now.
        while self._readers:
            self._readers.pop().close()

    async def writer(self) -> aiosqlite.Connection:
        """Return the one writing connection; use it under `lock` only.

        Raises:
            ReadOnlyDatabase: Nothing may be written here.
        """
        if self.frozen:
            raise ReadOnlyDatabase(
                f"{self.path} is opened read-only.", "Leave --read-only out, or make the file writable."
            )
        if self._writer is None:
            # Imported here, as the first paint reads only.
            import aiosqlite

            from chatui.storage.words import register_writer

            # The timeout is how long sqlite3 waits for other processes.
            target = self._uri(self.side or self.path, "rw")
            writer = aiosqlite.connect(target, uri=True, timeout=BUSY_SECONDS, check_same_thread=False)
            try:
                await writer
                await writer.execute("PRAGMA synchronous=FULL")
                if self.side is not None:
                    theirs = self._uri(self.path, "ro" if self.read_only else "rw")
                    await writer.execute("ATTACH ? AS theirs", (theirs,))
                    await writer.execute("PRAGMA theirs.synchronous=FULL")
                await register_writer(writer)
            except BaseException:
                # Cancelled, mostly. A thread of it that nobody ends would keep the whole process from ending.
                writer.stop()
                raise
            self._writer = writer
        return self._writer

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[aiosqlite.Connection]:
        """Take the write lock, and commit at the end or roll back on any error.

        Raises:
            DatabaseError: As a sentence, whatever SQLite says.
        """
        async with self.lock:
            writer = await self.writer()
            try:
                if writer.in_transaction:
                    # A cancelled call of LangGraph's saver stopped between its insert and its commit.
                    await writer.commit()
                await writer.execute("BEGIN IMMEDIATE")
                yield writer
                await writer.commit()
            except BaseException as error:
                await writer.rollback()
                if isinstance(error, sqlite3.Error):
                    raise explain(error, self.path) from error
                raise

    def changed(self) -> bool:
        """Say whether any connection but ours here wrote since the last call (first call: False)."""
        try:
            if self._watcher is None:
                self._watcher = self._connect()
            names = ["main"] if self.side is None else ["main", "theirs"]
            version = tuple(self._watcher.execute(f"PRAGMA {name}.data_version").fetchone()[0] for name in names)
        except sqlite3.Error as error:
            raise explain(error, self.path) from error
        before, self._version = self._version, version
        return before is not None and before != version

    async def close(self) -> None:
        """Close every connection. What is committed stays; nothing else is pending."""
        async with self.lock:
            if self._writer is not None:
                await self._writer.close()
                self._writer = None
        for connection in [*self._readers, *filter(None, [self._watcher])]:
            connection.close()
        self._readers.clear()
        self._watcher = None


def make_private(path: Path) -> None:
    """Make a file that only its owner can read, and its folder, where they are missing.

    Raises:
        ReadOnlyDatabase: It cannot be made there.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite would create it readable to everyone under the usual umask.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise ReadOnlyDatabase(
            f"{path} cannot be made: {error.strerror}.", "Choose another place with --db or CHATUI_DB."
        ) from None


def side_file(path: Path, folder: Path) -> Path:
    """Return where our tables lie if a file is another program's: one place by whatever path the file is reached."""
    # Needed for other programs' files alone.
    import hashlib

    digest = hashlib.blake2b(os.fsencode(path.resolve()), digest_size=8).hexdigest()
    return folder / f"{path.stem}-{digest}.db"


def _write_protected(path: Path) -> bool:
    """Whether the file exists and nobody, or not this process, may write it.

    A file whose write bits are all off is meant to stay as it is, even where root could write it.
    """
    try:
        return not path.stat().st_mode & 0o222 or (path.is_file() and not os.access(path, os.W_OK))
    except OSError:
        return False
