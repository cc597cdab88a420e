"""One SQLite file: LangGraph's tables untouched, ours beside them with the prefix chatui_.

`Store` is the face of it. Nothing outside this package writes SQL on the file.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from chatui.storage.database import Database, side_file
from chatui.storage.drafts import Drafts
from chatui.storage.marks import Marks
from chatui.storage.messages import Messages
from chatui.storage.meta import Meta
from chatui.storage.partials import Partials
from chatui.storage.settings import Settings
from chatui.storage.threads import Threads

if TYPE_CHECKING:
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    from chatui.storage.index import Fold, Index
    from chatui.storage.memories import Memories
    from chatui.storage.search import Search
    from chatui.storage.vectors import Vectors

__all__ = ["Share", "Stats", "Store"]


class Share(msgspec.Struct, frozen=True):
    """What of a file is a thread's: `bytes` of its rows in LangGraph's tables and ours, `messages` deleted ones included."""

    thread_id: str
    title: str
    bytes: int
    messages: int


class Stats(msgspec.Struct, frozen=True):
    """What a file holds. `bytes` counts the write-ahead log too; `reclaimable_bytes` is what a vacuum would free."""

    path: str
    bytes: int
    threads: int
    messages: int
    checkpoints: int
    reclaimable_bytes: int


class Store:
    """An open file. Opening is synchronous and quick and loads no LangGraph; `saver` and `index` do.

    Attributes:
        database: Connections, the lock and transactions.
        threads: One row a thread.
        drafts: What was typed and not sent.
        messages: The message index, read.
        marks: Stars, names and deletions of messages.
        partials: Replies that are not complete.
        meta: Single values.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self.threads = Threads(database)
        self.drafts = Drafts(database)
        self.messages = Messages(database)
        self.marks = Marks(database)
        self.partials = Partials(database)
        self.meta = Meta(database)
        self.settings = Settings(database)
        self._saver: AsyncSqliteSaver | None = None

    @classmethod
    def open(
        cls, path: Path, *, read_only: bool = False, side_folder: Path | None = None, traceless: bool = False
    ) -> Store:
        """Open a file, or make it, and bring our tables up to date.

        Args:
            path: The file.
            read_only: Whether nothing may be written to it.
            side_folder: Where our tables lie if it is another program's; None for the cache folder.
            traceless: Whether reading it may not even leave SQLite's own files beside it.

        Raises:
            DatabaseError: It cannot be used; nothing was written then.
        """
        return cls(Database(path, read_only=read_only, side_folder=side_folder, traceless=traceless))

    @property
    def path(self) -> Path:
        """The file."""
        return self.database.path

    @property
    def read_only(self) -> bool:
        """Whether nothing is written."""
        return self.database.read_only

    @property
    def side(self) -> Path | None:
        """Where our tables lie if the file is another program's, None where they are in the file itself."""
        return self.database.side

    def copy_to(self, path: Path) -> None:
        """Copy the file as it is now, open transactions of other programs left out.

        Args:
            path: The copy, which is not there yet. Of another program's file our part is copied too: `Store.open` finds it if
                its `side_folder` is the folder of the copy.

        Raises:
            DatabaseError: It cannot be read.
        """
        from chatui.storage.copies import copy_file

        copy_file(self.path, path)
        if self.side is not None:
            copy_file(self.side, side_file(path, path.parent))

    async def saver(self) -> AsyncSqliteSaver:
        """Return LangGraph's saver on this file. Imports LangGraph at the first call."""
        if self._saver is None:
            from chatui.storage.checkpoints import open_saver

            self._saver = await open_saver(self.database)
        return self._saver

    def index(self, fold: Fold) -> Index:
        """Return what keeps the message index complete. Imports LangGraph's serializer.

        Args:
            fold: The reducer of the messages channel.
        """
        from chatui.storage.index import Index

        return Index(self.database, fold)

    @property
    def memories(self) -> Memories:
        """What is remembered of users, summaries, and recall. Imported when it is asked for: the first paint has none."""
        from chatui.storage.memories import Memories

        return Memories(self.database)

    @property
    def vectors(self) -> Vectors:
        """The vectors of messages and memories. Imported when they are asked for: the first paint has none."""
        from chatui.storage.vectors import Vectors

        return Vectors(self.database)

    @property
    def search(self) -> Search:
        """The search. Imported when it is asked for: the first paint has none."""
        from chatui.storage.search import Search

        return Search(self.database)

    def has_checkpoint(self, thread_id: str, checkpoint_id: str) -> bool:
        """Say whether LangGraph's table has this checkpoint."""
        from chatui.storage.tables import has_checkpoint

        return has_checkpoint(self.database, thread_id, checkpoint_id)

    def stale(self, thread_id: str | None = None) -> list[str]:
        """Return the threads (or the one that is asked for) that have checkpoints which the index lacks, the newest first."""
        from chatui.storage.tables import stale_threads

        return stale_threads(self.database, thread_id)

    def largest(self, count: int, *, deleted: bool | None = None) -> list[Share]:
        """Return the threads that take most of the file, the largest first. Reads every table once.

        Args:
            count: At most so many; -1 for all.
            deleted: Only those that are marked as deleted, or only the others; None for both.
        """
        from chatui.storage.tables import shares

        return [Share(*row) for row in shares(self.database, count, deleted)]

    def stats(self) -> Stats:
        """Count what the file holds. Reads whole indexes of the tables, so it is not for a screen's every refresh."""
        from chatui.storage.tables import count

        threads, messages, checkpoints, free = count(self.database)
        files = [self.path, self.path.with_name(self.path.name + "-wal")]
        size = sum(file.stat().st_size for file in files if file.exists())
        return Stats(str(self.path), size, threads, messages, checkpoints, free)

    def damage(self, seconds: float) -> list[str] | None:
        """Let SQLite look through the whole file.

        Args:
            seconds: How long at the most.

        Returns:
            What it finds wrong, in its words; None if that takes longer.

        Raises:
            DatabaseError: The file cannot be read at all.
        """
        from chatui.storage.tables import damage

        return damage(self.database, seconds)

    async def close(self) -> None:
        """Close every connection."""
        self._saver = None
        await self.database.close()
