"""Every thread of one file: list, find, make, rename, delete, and open a conversation.

This is what the screens and the shell are given. Reading is synchronous SQL over the index, a few milliseconds each; nothing here
imports LangGraph until something has to be written that LangGraph keeps.
"""

from __future__ import annotations

import asyncio
import uuid
import weakref
from collections.abc import AsyncGenerator, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chatui.config import Config
from chatui.conversation.engine import Conversation
from chatui.conversation.tree import Thread
from chatui.conversation.walk import Walk
from chatui.errors import UnknownThread, UsageError
from chatui.models import Models
from chatui.storage import Share, Stats, Store
from chatui.storage.records import User, now
from chatui.text import clean_line

if TYPE_CHECKING:
    from chatui.conversation.memories import UserMemory
    from chatui.conversation.recall import Recall
    from chatui.conversation.search import Results

__all__ = ["DEFAULT_USER", "Library", "User"]

DEFAULT_USER = "default"


class Library:
    """The threads of one file.

    Args:
        store: The file.
        models: Where models are opened; `models` is for pickers too.
        config: The config file's values.
        user: Whose threads are listed, and who owns new ones; None for everyone's, new ones then belong to "default".
        all_users: List everyone's threads although a user is set.
    """

    def __init__(
        self, store: Store, models: Models, config: Config, *, user: str | None = None, all_users: bool = False
    ) -> None:
        self.models = models
        self.config = config
        self._store = store
        self._all_users = all_users
        self.switch_user(user)
        #: While the index is being completed: (threads done, threads in all).
        self.indexing: tuple[int, int] | None = None
        #: Threads whose summary was given up by `close`.
        self.unsummarised: list[str] = []
        # The same thread is the same object as long as anyone holds it: its lock and its running turn are in there.
        self._recall: Recall | None = None
        self._open: weakref.WeakValueDictionary[str, Conversation] = weakref.WeakValueDictionary()

    def switch_user(self, user: str | None) -> None:
        """Go on as another user. What is open of the one before stays open, and its replies go on.

        Args:
            user: Whose threads are listed from now on (all are still, where that was asked for), and who owns new ones; None
                for everyone's, new ones then belong to "default".
        """
        # Both or neither: a list of one user's threads that makes those of another would lose them from sight.
        self.user = user
        self._owner = None if self._all_users else user

    @property
    def all_users(self) -> bool:
        """Whether everyone's threads are listed although a user is set."""
        return self._all_users

    # Reading

    def threads(
        self,
        *,
        text: str = "",
        said: str = "",
        limit: int | None = None,
        offset: int = 0,
        archived: bool = False,
        deleted: bool = False,
    ) -> list[Thread]:
        """Return threads, pinned ones first, then by last use.

        Args:
            text: Only those whose title contains it.
            said: Only those whose title contains it, or that have a message which a search for it finds.
            limit: At most so many.
            offset: So many are left out at the start.
            archived: Archived ones too.
            deleted: Only the deleted ones.
        """
        return self._store.threads.page(
            owner=self._owner, text=text, said=said, limit=limit, offset=offset, archived=archived, deleted=deleted
        )

    def search(self, text: str, *, limit: int = 50) -> AsyncGenerator[Results]:
        """Search the messages of every branch of every thread, off the event loop.

        Args:
            text: Words, "phrases" and beginnings*; the last word counts as a beginning.
            limit: At most so many messages.

        Returns:
            What is found so far, each time that there is more: the last has all. Stop iterating to cancel.
        """
        # Imported here, as the first paint searches nothing.
        from chatui.conversation.search import search

        def head(thread_id: str) -> str:
            # Opening a conversation is for the event loop's thread alone.
            return (self._open.get(thread_id) or Walk(self._store, self.config, thread_id, "")).head_node

        return search(self._store, text, owner=self._owner, limit=limit, head=head)

    def count(self, *, text: str = "", archived: bool = False) -> int:
        """Return how many threads `threads` would list without a limit."""
        return self._store.threads.count(owner=self._owner, text=text, archived=archived)

    def place(self, thread_id: str, *, text: str = "") -> int | None:
        """Return how many threads stand before one in the list that `threads` gives, None where it is not in it."""
        return self._store.threads.place(thread_id, owner=self._owner, text=text)

    def thread(self, thread_id: str) -> Thread:
        """Return one thread, whoever owns it.

        Raises:
            UnknownThread: There is none of this id.
        """
        thread = self._store.threads.get(thread_id)
        if thread is None:
            raise UnknownThread(clean_line(thread_id, 80))
        return thread

    def find(self, name: str) -> Thread:
        """Return the thread with this id, unique prefix of an id, or title, whoever owns it.

        Raises:
            UnknownThread: None fits.
            AmbiguousThread: Several fit.
        """
        return self._store.threads.find(name)

    def last_viewed(self) -> Thread | None:
        """Return the thread that was viewed last, else the one that was used last, None in an empty file."""
        return self._store.threads.last_viewed(self._owner)

    def last_used(self) -> Thread | None:
        """Return the thread that was used last, pinned or not, None in an empty file."""
        return self._store.threads.last_used(self._owner)

    def users(self) -> list[User]:
        """Return everyone who has threads here, is remembered, or has set something, by name."""
        found = {user: User(user, threads, messages) for user, threads, messages in self._store.threads.counts()}
        others = {memory.user for memory in self._store.memories.of(None)} | {*self._store.settings.names("user")}
        found |= {user: User(user, 0, 0) for user in others if user not in found}
        return [found[user] for user in sorted(found)]

    def memories_of(self, user: str | None = None) -> UserMemory:
        """Return what is remembered of a user; None for the one whose threads are made here."""
        from chatui.conversation.memories import UserMemory

        return UserMemory(self._store, self.config, user or self.user or DEFAULT_USER)

    @property
    def recall(self) -> Recall:
        """The search of users' other threads, and the vectors that are being made for it."""
        if self._recall is None:
            from chatui.conversation.recall import Recall

            self._recall = Recall(self._store, self.models, self.config)
        return self._recall

    def changed(self) -> bool:
        """Say whether anything was written to the file since the last call, by this process or another."""
        return self._store.database.changed()

    def remembered(self, key: str) -> str | None:
        """Return what `remember` kept, None where it kept nothing."""
        return self._store.meta.get(key)

    def stats(self) -> Stats:
        """Count what the file holds."""
        return self._store.stats()

    def largest(self, count: int, *, deleted: bool | None = None) -> list[Share]:
        """Return the threads that take most of the file, whoever owns them, the largest first.

        Args:
            count: At most so many; -1 for all.
            deleted: Only those that are marked as deleted, or only the others; None for both.
        """
        return self._store.largest(count, deleted=deleted)

    @property
    def store(self) -> Store:
        """The open file, for an import or an export of it."""
        return self._store

    @property
    def read_only(self) -> bool:
        """Whether nothing can be written."""
        return self._store.read_only

    @property
    def side(self) -> Path | None:
        """Where what is chatui's lies if the file is another program's, None where it is in the file itself."""
        return self._store.side

    def favourite_models(self) -> list[str]:
        """Return the references of the models that stand first in the picker."""
        kept = self._store.settings.get("file").get("favourites")
        return [name for name in kept if isinstance(name, str)] if isinstance(kept, list) else []

    def default_model(self) -> str | None:
        """Return the model of the user's new threads, None where that is left to the config file."""
        default = self._store.settings.get("user", self.user or DEFAULT_USER).get("model")
        return default if isinstance(default, str) else None

    # Writing

    async def set_favourite_model(self, model: str, on: bool = True) -> None:
        """Let a model stand first in the picker, or no longer."""
        async with self._store.database.transaction() as connection:
            # Read inside: another window may have changed it.
            kept = [name for name in self.favourite_models() if name != model]
            await self._store.settings.change(connection, "file", favourites=[*kept, model] if on else kept or None)

    async def set_default_model(self, user: str, model: str | None) -> None:
        """Let a model answer in a user's threads that have none of their own; None leaves it to the config file."""
        async with self._store.database.transaction() as connection:
            await self._store.settings.change(connection, "user", user, model=model)

    async def rename(self, thread_id: str, title: str) -> Thread:
        """Give a thread a title that no automatic one replaces.

        Raises:
            UsageError: The title is empty.
        """
        title = clean_line(title, 200)
        if not title:
            raise UsageError("A title needs at least one letter.", "Type one.")
        return await self._update(thread_id, title=title, title_by="user")

    async def delete(self, thread_id: str) -> Thread:
        """Mark a thread as deleted. Nothing is lost: `restore` brings it back."""
        return await self._update(thread_id, deleted_at=now())

    async def restore(self, thread_id: str) -> Thread:
        """Bring a deleted or archived thread back."""
        return await self._update(thread_id, deleted_at=None, archived=0)

    async def purge(self, thread_id: str) -> None:
        """Remove a thread from the file for good: its rows in every table, and its text from the file.

        Raises:
            UsageError: A reply streams in it.
            DatabaseError: Another process uses the file, so that it could not be written anew.
        """
        from chatui.storage.removal import compact, remove_thread

        self.thread(thread_id)
        if (conversation := self._open.get(thread_id)) and conversation.running:
            raise UsageError("A reply streams in this thread.", "Stop it first, or wait for it.")
        self._store.database.check_writable()
        async with self._store.database.transaction() as connection:
            await remove_thread(connection, thread_id)
        await compact(self._store.database)

    async def allow_schema_change(self) -> None:
        """Bring another program's file of an older generation to LangGraph's form of today; the user agreed."""
        await self._store.database.upgrade()

    async def vacuum(self) -> int:
        """Write the file anew without what was removed from it. Returns how many bytes it became smaller.

        Raises:
            DatabaseError: Another process uses the file.
        """
        from chatui.storage.removal import compact

        before = self.stats().bytes
        self._store.database.check_writable()
        await compact(self._store.database)
        return max(0, before - self.stats().bytes)

    async def pin(self, thread_id: str, on: bool = True) -> Thread:
        """Keep a thread at the top of the list, or no longer."""
        return await self._update(thread_id, pinned=int(on))

    async def archive(self, thread_id: str, on: bool = True) -> Thread:
        """Put a thread out of the list without deleting it, or back."""
        return await self._update(thread_id, archived=int(on))

    async def set_model(self, thread_id: str, model: str | None) -> Thread:
        """Let this model answer in a thread from now on; None leaves it to the user's default."""
        return await self._update(thread_id, model=model)

    async def _update(self, thread_id: str, **values: Any) -> Thread:
        self.thread(thread_id)
        async with self._store.database.transaction() as connection:
            await self._store.threads.update(connection, thread_id, **values)
        return self.thread(thread_id)

    async def viewed(self, thread_id: str) -> None:
        """Remember that this is the thread to open next time. Does nothing on a file that cannot be written."""
        if not self._store.database.frozen:
            async with self._store.database.transaction() as connection:
                await self._store.threads.mark_viewed(connection, thread_id)

    async def remember(self, key: str, value: str) -> None:
        """Keep how the screen was left, for the next start. Does nothing on a file that cannot be written."""
        if not self._store.database.frozen:
            async with self._store.database.transaction() as connection:
                await self._store.meta.set(connection, key, value)

    def conversation(self, thread_id: str | None = None) -> Conversation:
        """Open a thread; None starts a new one, which is saved with its first message.

        Raises:
            UnknownThread: There is none of this id.
        """
        if thread_id is None:
            return self._conversation(str(uuid.uuid4()), self.user or DEFAULT_USER)
        return self._conversation(thread_id, self.thread(thread_id).user)

    def unmade(self, apart: Collection[str] = ()) -> Conversation:
        """Start a new thread: the one in which this user wrote something last and did not send it, else a fresh one.

        Args:
            apart: Ids of new threads that it is not to be.
        """
        owner = self.user or DEFAULT_USER
        return self._conversation(self._store.drafts.unmade(owner, apart) or str(uuid.uuid4()), owner)

    def _conversation(self, thread_id: str, owner: str) -> Conversation:
        conversation = self._open.get(thread_id)
        if conversation is None:
            conversation = Conversation(self._store, self.models, self.config, thread_id, owner, lambda: self.recall)
            self._open[thread_id] = conversation
        return conversation

    # The index

    def stale(self) -> int:
        """Return how many threads have checkpoints which the index lacks. Reads an index of LangGraph's table."""
        return len(self._store.stale())

    async def catch_up(self, thread_id: str | None = None, *, gentle: bool = False) -> AsyncGenerator[tuple[int, int]]:
        """Index what other programs wrote, or what a crash left unindexed.

        Args:
            thread_id: Only this thread; None for all.
            gentle: Take longer, so that a screen goes on meanwhile.

        Yields:
            (threads done, threads in all), after each thread.
        """
        if self._store.database.frozen:
            return
        # Of a large file this takes a while: it looks at each of LangGraph's rows.
        stale = await asyncio.to_thread(self._store.stale, thread_id)
        if not stale:
            return
        from chatui.conversation.state import fold_messages

        index = await asyncio.to_thread(self._store.index, fold_messages)
        try:
            for done, stale_id in enumerate(stale, start=1):
                self.indexing = (done - 1, len(stale))
                await index.catch_up(stale_id, gentle=gentle)
                yield done, len(stale)
        finally:
            self.indexing = None

    async def check(self) -> list[str]:
        """Compare the index with the checkpoints, and check the file itself. Returns what is wrong, one sentence each."""
        from chatui.conversation.state import fold_messages
        from chatui.storage.integrity import problems

        return await asyncio.to_thread(problems, self._store.database, self._store.index(fold_messages))

    async def reindex(self) -> AsyncGenerator[tuple[int, int]]:
        """Make the whole index anew from the checkpoints. Titles, heads, stars and names stay.

        Yields:
            (threads done, threads in all), after each thread.
        """
        from chatui.conversation.state import fold_messages
        from chatui.storage.tables import all_threads

        index = await asyncio.to_thread(self._store.index, fold_messages)
        threads = all_threads(self._store.database)
        for done, thread_id in enumerate(threads, start=1):
            await index.rebuild(thread_id)
            yield done, len(threads)

    async def close(self) -> None:
        """Stop running replies, keeping what came, and close the file."""
        running = [conversation for conversation in self._open.values() if conversation.running]
        await asyncio.gather(*(conversation.stop_and_wait() for conversation in running))
        if self._recall is not None:
            await self._recall.end()
        opened = list(self._open.values())
        writing = await asyncio.gather(*(conversation.summaries.end() for conversation in opened))
        self.unsummarised = [one.thread_id for one, was in zip(opened, writing, strict=True) if was]
        await self.models.close()
        await self._store.close()
