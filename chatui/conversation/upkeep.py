"""What a person does to a thread besides talking in it: stars and names, deleting and purging messages, copying out.

Nothing here loses text but `purge`, and nothing asks a model.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from chatui.conversation.origin import Origin, origin_of
from chatui.conversation.tree import Message, Thread
from chatui.errors import ChatuiError, UsageError
from chatui.storage import Store
from chatui.text import clean_line

if TYPE_CHECKING:
    from chatui.conversation.timeline import Step
    from chatui.conversation.walk import Walk
    from chatui.storage.index import Index

_NAME_LENGTH = 60


class Upkeep:
    """The upkeep of one thread.

    Args:
        store: The file.
        walk: The thread; its head moves when the message it stands on is deleted.
        address: Gives the checkpoint that ends with a message, made where it is missing.
    """

    def __init__(self, store: Store, walk: Walk, address: Callable[[str], Awaitable[str]]) -> None:
        self._store = store
        self._walk = walk
        self._address = address
        self._thread_id = walk.thread_id

    async def timeline(self) -> Sequence[Step]:
        """Return LangGraph's raw checkpoints of this thread, in the order they were written."""
        from chatui.conversation.timeline import timeline

        return await asyncio.to_thread(timeline, self._store, self._thread_id)

    async def state(self, checkpoint_id: str) -> dict[str, Any]:
        """Return the state at a checkpoint as plain data.

        Raises:
            UnknownCheckpoint: The thread has none of this id.
        """
        from chatui.conversation.timeline import state

        return await asyncio.to_thread(state, self._store, self._thread_id, checkpoint_id)

    def origin(self) -> Origin | None:
        """Return where this thread was copied from, None if it is no copy."""
        return origin_of(self._store, self._thread_id)

    async def star(self, node_id: str, on: bool = True) -> Message:
        """Put a star on a message, or take it off. At a fork nobody has viewed, a starred alternative is shown first."""
        self._walk.message(node_id)
        async with self._store.database.transaction() as connection:
            await self._store.marks.star(connection, self._thread_id, node_id, on)
        return self._walk.message(node_id)

    async def name(self, node_id: str, name: str) -> Message:
        """Name the branch at a message; an empty name takes it off."""
        self._walk.message(node_id)
        async with self._store.database.transaction() as connection:
            await self._store.marks.name(connection, self._thread_id, node_id, clean_line(name, _NAME_LENGTH) or None)
        return self._walk.message(node_id)

    def count_below(self, node_id: str, *, hidden: bool = False) -> int:
        """Return how many messages deleting this one would hide, itself included; with `hidden` how many purging would remove."""
        return len(self._store.marks.below(self._thread_id, node_id, hidden=hidden))

    async def delete(self, node_id: str) -> int:
        """Hide a message and all below it, and return how many they are. `restore` brings them back, also after a restart.

        The head moves to the message above where it stood on one of them.
        """
        message = self._walk.message(node_id)
        self._check_quiet()
        gone = self._store.marks.below(self._thread_id, node_id)
        # Asked before it is hidden: a head that is not shown counts as none.
        head = self._walk.head_node
        async with self._store.database.transaction() as connection:
            await self._store.marks.delete(connection, self._thread_id, node_id)
        if head in gone:
            await self._walk.go_to(message.parent_id)
        return len(gone)

    async def restore(self, node_id: str | None = None) -> Message:
        """Show a deleted message again, with all below it, and go to it.

        Args:
            node_id: The message, or one below it; None for the one that was deleted last.

        Raises:
            UsageError: Nothing is deleted in this thread.
        """
        marks = self._store.marks
        node_id = marks.deleted_at(self._thread_id, node_id) if node_id else marks.last_deleted(self._thread_id)
        if node_id is None:
            raise UsageError("No message is deleted in this thread.", "There is nothing to bring back.")
        async with self._store.database.transaction() as connection:
            await self._store.marks.delete(connection, self._thread_id, node_id, on=False)
        return await self._walk.view(node_id)

    async def purge(self, node_id: str) -> int:
        """Remove a message and all below it from the file for good, deleted ones among them too. Returns how many.

        Raises:
            DatabaseError: Another process uses the file, so that it could not be written anew.
        """
        from chatui.storage.removal import compact, remove_messages

        self._check_quiet()
        self._store.database.check_writable()
        gone = self._store.marks.below(self._thread_id, node_id, hidden=True)
        index = await self._index()
        await index.catch_up(self._thread_id)
        head, kept = self._walk.head_node, self._store.threads.head(self._thread_id)[1]
        if head in gone:
            await self._walk.go_to(self._store.messages.parent(self._thread_id, node_id))
        elif kept in gone:
            # One that another window deleted: the row must not name what is not there.
            await self._walk.go_to(head or None)
        lineage = await asyncio.to_thread(index.lineage, self._thread_id)
        async with self._store.database.transaction() as connection:
            await remove_messages(connection, self._thread_id, gone, lineage)
        await compact(self._store.database)
        return len(gone)

    async def copy_out(self, node_id: str | None, *, title: str | None = None, with_branches: bool = False) -> Thread:
        """Make a new thread of a part of this one; both are independent afterwards.

        Args:
            node_id: The path from the root to this message; None for the whole tree.
            title: The new thread's; None for this one's with a mark, if it has one.
            with_branches: All that is below the message too.
        """
        from chatui.storage.copies import copy_checkpoints, copy_marks, copy_thread_row

        self._store.database.check_writable()
        index = await self._index()
        await index.catch_up(self._thread_id)
        checkpoint_id = await self._address(node_id) if node_id is not None else None
        lineage = await asyncio.to_thread(index.lineage, self._thread_id)
        if node_id is None or checkpoint_id is None:
            kept = set(lineage.parents)
        else:
            kept = set(lineage.above(checkpoint_id))
            if with_branches:
                below = lineage.of(self._store.marks.below(self._thread_id, node_id))
                kept |= {name for checkpoint in below for name in lineage.above(checkpoint)}
        thread = self._walk.thread()
        if thread is None or not kept:
            raise UsageError("There is nothing to copy yet.", "Send a message first.")
        new_id = str(uuid.uuid4())
        async with self._store.database.transaction() as connection:
            await copy_checkpoints(
                connection, self._thread_id, new_id, kept, lineage.foreign_writes(kept) if node_id else ()
            )
            # A copy of a thread without a title has none either: "(copy)" alone would be a title that nobody gave.
            title = clean_line(title or (f"{thread.title} (copy)" if thread.title else ""), 200)
            await copy_thread_row(connection, self._thread_id, new_id, title=title, origin_node=node_id or "")
        await index.catch_up(new_id)
        async with self._store.database.transaction() as connection:
            await copy_marks(connection, self._thread_id, new_id)
        copied = self._store.threads.get(new_id)
        if copied is None:
            raise ChatuiError("The copy cannot be found again.", "`chatui db reindex` mends the index.")
        return copied

    def _check_quiet(self) -> None:
        if self._walk.running:
            raise UsageError("A reply streams in this thread.", "Stop it first, or wait for it.")

    async def _index(self) -> Index:
        from chatui.conversation.state import fold_messages

        return await asyncio.to_thread(self._store.index, fold_messages)
