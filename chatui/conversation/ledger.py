"""What a conversation writes down, each in one transaction: prompts, replies, heads.

The checkpoints themselves are LangGraph's to write; this moves the head, completes the index and drops partial replies beside them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import aiosqlite

from chatui.conversation.state import fold_messages
from chatui.conversation.tree import Message, Partial
from chatui.errors import DatabaseError
from chatui.storage import Store
from chatui.storage.channels import Shape

if TYPE_CHECKING:
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver


class Ledger:
    """The writing side of one thread.

    Attributes:
        thread_id: The thread.
        owner: The user that a new thread belongs to.

    Args:
        store: The file.
        thread_id: The thread.
        owner: The user that a new thread belongs to.
        viewed: Gives the node id of the head.
        moved: Called with the node id of each new head.
    """

    def __init__(
        self, store: Store, thread_id: str, owner: str, viewed: Callable[[], str], moved: Callable[[str], None]
    ) -> None:
        self._store = store
        self._index = store.index(fold_messages)
        self._viewed = viewed
        self._moved = moved
        self.thread_id = thread_id
        self.owner = owner

    @property
    def path(self) -> Path:
        """The file."""
        return self._store.path

    async def saver(self) -> AsyncSqliteSaver:
        """Return LangGraph's saver on the file."""
        return await self._store.saver()

    def shape(self, checkpoint_id: str | None) -> Shape:
        """Return the shape of the state that a turn continues; None for the first turn of a new thread."""
        return self._index.shape(self.thread_id, checkpoint_id)

    async def catch_up(self) -> None:
        """Index what the thread has and the index lacks."""
        await self._index.catch_up(self.thread_id)

    async def prompt_saved(self, checkpoint_id: str, partial: Partial) -> Message:
        """Write down that a prompt is on disk and its reply begins: the thread, the head, an empty partial, no draft.

        Args:
            checkpoint_id: The checkpoint that ends with the prompt.
            partial: The reply that begins.

        Returns:
            The prompt.
        """
        store, thread_id = self._store, self.thread_id
        async with self._recording(checkpoint_id) as (connection, node_id):
            await store.threads.add(connection, thread_id, owner=self.owner, model=partial.model)
            await store.partials.put(connection, partial)
            await store.drafts.keep(connection, thread_id, self.owner, "")
            await store.threads.update(connection, thread_id, model=partial.model, updated_at=partial.updated_at)
        return self._message(node_id)

    async def reply_saved(self, checkpoint_id: str, message_id: str) -> Message:
        """Write down that a reply is saved: it is the head now, and no partial any more.

        Args:
            checkpoint_id: The checkpoint that ends with the reply.
            message_id: The reply's.

        Returns:
            The reply.
        """
        async with self._recording(checkpoint_id) as (connection, node_id):
            await self._store.partials.drop(connection, message_id)
        return self._message(node_id)

    @asynccontextmanager
    async def _recording(self, checkpoint_id: str) -> AsyncIterator[tuple[aiosqlite.Connection, str]]:
        """One transaction that does what its body does, completes the index and moves the head to a checkpoint's message."""
        plan = await asyncio.to_thread(self._index.plan, self.thread_id)
        node_id = next((step.node_id for step in plan.steps if step.checkpoint_id == checkpoint_id), None)
        if node_id is None:
            # Another process indexed it first.
            node_id = self._store.messages.node_of(self.thread_id, checkpoint_id)
        if node_id is None:
            raise DatabaseError(
                "A message was saved and cannot be found again.", "`chatui db reindex` mends the index."
            )
        async with self._store.database.transaction() as connection:
            yield connection, node_id
            await self._index.apply(connection, plan)
            await self._store.threads.set_head(connection, self.thread_id, checkpoint_id, node_id, left=self._viewed())
        self._moved(node_id)

    def _message(self, node_id: str) -> Message:
        # Another window may have deleted the branch while the reply was streaming into it.
        message = self._store.messages.get(self.thread_id, node_id, active=True, deleted=True)
        if message is None:
            raise DatabaseError("A message was saved and is not in the index.", "`chatui db reindex` mends the index.")
        return message

    async def put_partial(self, partial: Partial) -> None:
        """Put down what has come of a reply so far."""
        async with self._store.database.transaction() as connection:
            await self._store.partials.put(connection, partial)

    async def drop_partial(self, message_id: str) -> None:
        """Forget a reply of which nothing is to be kept."""
        async with self._store.database.transaction() as connection:
            await self._store.partials.drop(connection, message_id)
