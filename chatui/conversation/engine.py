"""A conversation: one thread as a person moves in it. Send, regenerate, edit, stop, fork, step back and forward.

Every turn is the same act: a user message follows a message of the tree, and is answered. To send is to follow the head; to
edit is to follow what the old message followed; to regenerate is to say the same message once more at the same place, which
is the same node of the tree and gets one more answer. No existing checkpoint is ever changed, and "the latest" is never
asked for: LangGraph's latest is whatever was written last on any branch, by a clock that may be set back.

Reading and moving need no LangGraph; it is imported at the first turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TYPE_CHECKING

from chatui.config import Config
from chatui.conversation.events import Event
from chatui.conversation.tree import Message, Partial, Thread, depth_first
from chatui.conversation.upkeep import Upkeep
from chatui.errors import UnknownCheckpoint, UsageError
from chatui.models import Models, parse_ref
from chatui.storage import Store
from chatui.text import clean

if TYPE_CHECKING:
    from langchain_core.messages import HumanMessage

    from chatui.conversation.ledger import Ledger
    from chatui.conversation.places import Places
    from chatui.conversation.turn import Turn


class Conversation:
    """One thread.

    The head is this object's own: where another window moves the head of the same thread, this one stays where its user
    sees it, and simultaneous turns become alternatives.

    Args:
        store: The file.
        models: Where models are opened.
        config: For defaults.
        thread_id: The thread; a new id for a thread that is made with its first message.
        owner: The user that a new thread belongs to.
    """

    def __init__(self, store: Store, models: Models, config: Config, thread_id: str, owner: str) -> None:
        self._store = store
        self._models = models
        self._config = config
        self.thread_id = thread_id
        self.owner = owner
        self._head_node: str | None = None
        self._lock = asyncio.Lock()
        self._turn: Turn | None = None
        self._kept_ledger: Ledger | None = None

    @property
    def running(self) -> bool:
        """Whether a turn runs now."""
        return self._turn is not None

    # Reading

    def thread(self) -> Thread | None:
        """Return the thread's row, None before its first message."""
        return self._store.threads.get(self.thread_id)

    def branch(self, *, last: int | None = None, before: str | None = None) -> list[Message]:
        """Return the active branch, root first.

        Args:
            last: Only so many messages of its end.
            before: Only what stands above this node of the branch.
        """
        skip = 0
        if before is not None:
            ids = self._store.messages.path_ids(self.thread_id, self.head_node)
            skip = ids.index(before) + 1 if before in ids else 0
        return self._store.messages.path(self.thread_id, self.head_node, last=last, skip=skip)

    def tree(self) -> list[Message]:
        """Return every message, depth first, alternatives in the order they were made."""
        return depth_first(self._store.messages.tree(self.thread_id, self.head_node))

    def message(self, node_id: str) -> Message:
        """Return one message. Its `on_active_path` is not looked up.

        Raises:
            UsageError: The thread has no such message.
        """
        message = self._store.messages.get(self.thread_id, node_id)
        if message is None:
            raise UsageError("This thread has no such message.", "Another window may have removed it; open it again.")
        return message

    def path(self, node_id: str) -> list[Message]:
        """Return the branch that ends with a message, root first."""
        return self._store.messages.path(self.thread_id, self.message(node_id).node_id)

    def at(self, checkpoint_id: str) -> str | None:
        """Return the node that a checkpoint ends with, None before the first message.

        Raises:
            UnknownCheckpoint: The thread has none of this id.
        """
        node_id = None
        if self._store.has_checkpoint(self.thread_id, checkpoint_id):
            node_id = self._store.messages.node_of(self.thread_id, checkpoint_id)
        if node_id is None:
            raise UnknownCheckpoint(clean(checkpoint_id), self.thread_id)
        return node_id or None

    def head(self) -> Message | None:
        """Return the message that the next turn continues from, None before the first."""
        return self._store.messages.get(self.thread_id, self.head_node, active=True)

    @property
    def head_node(self) -> str:
        """The node id of the head, "" before the first message."""
        if self._head_node is None:
            _, node_id = self._store.threads.head(self.thread_id)
            if node_id is None or (node_id and self._store.messages.get(self.thread_id, node_id) is None):
                # Nobody has viewed the thread here yet.
                node_id = self._store.messages.newest_leaf(self.thread_id)
            self._head_node = node_id
        return self._head_node

    def interrupted(self) -> Partial | None:
        """Return the reply that a crash cut off in this thread, None where there is none."""
        return None if self.running else self._store.partials.abandoned(self.thread_id)

    def draft(self) -> str:
        """Return what was typed here and not sent."""
        return self._store.threads.draft(self.thread_id)

    def system_prompt(self) -> str:
        """Return what is sent before the messages: the thread's own, else the configured one."""
        own = self._store.threads.system_prompt(self.thread_id)
        return self._config.system_prompt if own is None else own

    # Moving: no checkpoint is written, only the head moves

    async def go_to(self, node_id: str | None) -> Message | None:
        """Set the head to a message; None sets it before the first. The next turn starts an alternative where it has any below."""
        message = self.message(node_id) if node_id else None
        self._head_node = node_id or ""
        if not self._store.database.frozen:
            async with self._store.database.transaction() as connection:
                checkpoint_id = message.checkpoint_id if message else None
                await self._store.threads.set_head(connection, self.thread_id, checkpoint_id, self._head_node)
        return message

    async def view(self, node_id: str) -> Message:
        """Set the head to the leaf below a message that was viewed last there, and return that leaf."""
        leaf = self._store.messages.descend(self.thread_id, self.message(node_id).node_id)
        await self.go_to(leaf)
        return self.message(leaf)

    async def alternative(self, node_id: str, step: int) -> Message | None:
        """Show another alternative of a message, with what was viewed last below it.

        Args:
            node_id: The message.
            step: -1 for the previous, 1 for the next.

        Returns:
            The alternative, None where there is none in that direction.
        """
        siblings = self._store.messages.siblings(self.thread_id, node_id)
        place = siblings.index(node_id) + step if node_id in siblings else -1
        if not 0 <= place < len(siblings):
            return None
        await self.view(siblings[place])
        return self.message(siblings[place])

    async def back(self) -> Message | None:
        """Set the head one turn back: before the last prompt. None at the start, where there is nothing to step over."""
        at = self.head()
        if at is None:
            return None
        while at is not None and at.role != "user":
            at = self.message(at.parent_id) if at.parent_id else None
        return await self.go_to(at.parent_id if at else None)

    async def forward(self) -> Message | None:
        """Set the head one turn forward, the way that was viewed last. None at a leaf."""
        below = self._store.messages.child(self.thread_id, self.head_node)
        if below is None:
            return None
        # Up to the end of the turn: the next prompt is where the one after it begins.
        while (after := self._store.messages.child(self.thread_id, below)) and self.message(after).role != "user":
            below = after
        return await self.go_to(below)

    async def fork(self, checkpoint_id: str) -> Message | None:
        """Set the head by a checkpoint's id.

        Raises:
            UnknownCheckpoint: The thread has none of this id.
        """
        return await self.go_to(self.at(checkpoint_id))

    async def keep_draft(self, text: str) -> None:
        """Keep what was typed and not sent, over quitting and a crash."""
        async with self._store.database.transaction() as connection:
            await self._store.threads.keep_draft(connection, self.thread_id, text)

    async def set_system_prompt(self, text: str) -> None:
        """Set what is sent before this thread's messages."""
        async with self._store.database.transaction() as connection:
            await self._store.threads.add(connection, self.thread_id, owner=self.owner)
            await self._store.threads.update(connection, self.thread_id, system_prompt=text)

    @property
    def upkeep(self) -> Upkeep:
        """Stars, names, deleting, purging and copying out."""
        return Upkeep(self._store, self)

    # Turns: async generators of events; iterate them inside contextlib.aclosing

    async def send(self, text: str, *, model: str | None = None) -> AsyncGenerator[Event]:
        """Say something at the head, and stream the reply.

        After a prompt that was never answered, the new one becomes its alternative: models take two user messages in a row badly.

        Args:
            text: What to say.
            model: Who answers; the thread's model, else the configured one, else what is there.

        Raises:
            ChatuiError: The prompt could not be saved; nothing was written.
        """
        async with self._lock:
            await self._catch_up()
            head = self.head()
            follows = head.parent_id if head is not None and head.role == "user" else self.head_node
            async with aclosing(self._say(text, follows, model)) as events:
                async for event in events:
                    yield event

    async def edit(self, node_id: str, text: str, *, model: str | None = None) -> AsyncGenerator[Event]:
        """Say something else in place of a user message, as a new alternative, and stream the reply."""
        async with self._lock:
            await self._catch_up()
            message = self.message(node_id)
            if message.role != "user":
                raise UsageError("Only a prompt can be edited and sent again.", "Edit the text of an answer instead.")
            async with aclosing(self._say(text, message.parent_id, model)) as events:
                async for event in events:
                    yield event

    async def regenerate(self, node_id: str, *, model: str | None = None) -> AsyncGenerator[Event]:
        """Answer a prompt once more, as a new alternative.

        Args:
            node_id: An answer, or the prompt itself.
            model: Who answers.
        """
        async with self._lock:
            await self._catch_up()
            prompt: Message | None = self.message(node_id)
            while prompt is not None and prompt.role != "user":
                prompt = self.message(prompt.parent_id) if prompt.parent_id else None
            if prompt is None:
                raise UsageError("There is no prompt above this message.", "Go to a later message.")
            original = await self._places().original(prompt)
            async with aclosing(self._turn_at(original, prompt.parent_id, model)) as events:
                async for event in events:
                    yield event

    async def stop(self) -> None:
        """Stop the reply that streams, if one does; its generator ends with `Stopped`, and what came is kept."""
        if self._turn is not None:
            self._turn.stop()

    async def stop_and_wait(self) -> None:
        """Stop the reply that streams, and return when it is saved."""
        await self.stop()
        async with self._lock:
            return

    async def edit_answer(self, node_id: str, text: str) -> Message:
        """Put another text in place of an answer, as a new alternative, and make it the head. No model is asked."""
        async with self._lock:
            await self._catch_up()
            answer = self.message(node_id)
            if answer.role != "assistant" or answer.parent_id is None:
                raise UsageError("Only an answer's text can be edited.", "Edit a prompt to send it again.")
            return await self._places().add_answer(answer, text)

    # A reply that a crash cut off

    async def keep_interrupted(self) -> Message:
        """Save the reply that a crash cut off as an answer that says so, and make it the head."""
        async with self._lock:
            partial = self._interrupted()
            await self._catch_up()
            return await self._places().keep(partial)

    async def discard_interrupted(self) -> None:
        """Forget the reply that a crash cut off. The prompt stays."""
        async with self._lock:
            await self._ledger().drop_partial(self._interrupted().message_id)

    async def retry_interrupted(self) -> AsyncGenerator[Event]:
        """Answer the prompt of the reply that a crash cut off once more. What came of it stays, as an alternative."""
        partial = self._interrupted()
        prompt = self._store.messages.node_of(self.thread_id, partial.checkpoint_id)
        if partial.text or partial.reasoning:
            prompt = (await self.keep_interrupted()).parent_id
        else:
            await self.discard_interrupted()
        async with aclosing(self.regenerate(prompt or self.head_node, model=partial.model)) as events:
            async for event in events:
                yield event

    def _interrupted(self) -> Partial:
        partial = self._store.partials.abandoned(self.thread_id)
        if partial is None:
            raise UsageError("No reply was cut off here.", "It may have been kept or discarded in another window.")
        return partial

    async def _say(self, text: str, follows: str | None, model: str | None) -> AsyncGenerator[Event]:
        from chatui.conversation.places import user_message

        async with aclosing(self._turn_at(user_message(text), follows, model)) as events:
            async for event in events:
                yield event

    async def _turn_at(self, message: HumanMessage, follows: str | None, model: str | None) -> AsyncGenerator[Event]:
        """Run one turn. The lock is held."""
        from chatui.conversation.turn import Prompt, Turn

        thread = self.thread()
        ref = parse_ref(model) if model else await self._models.choose(thread.model if thread else None)
        checkpoint_id = await self._places().address(follows)
        shape = self._ledger().shape(checkpoint_id)
        prompt = Prompt(message, checkpoint_id, shape, self.system_prompt(), ref)
        turn = self._turn = Turn(self._ledger(), self._models, prompt)
        try:
            async with aclosing(turn.events()) as events:
                async for event in events:
                    yield event
        finally:
            self._turn = None

    async def _catch_up(self) -> None:
        """Index what another program wrote in this thread since."""
        if self._store.stale(self.thread_id):
            await self._ledger().catch_up()

    def _ledger(self) -> Ledger:
        if self._kept_ledger is None:
            from chatui.conversation.ledger import Ledger

            self._kept_ledger = Ledger(self._store, self.thread_id, self.owner, self._moved)
        return self._kept_ledger

    def _places(self) -> Places:
        from chatui.conversation.places import Places

        return Places(self._store, self._ledger())

    def _moved(self, node_id: str) -> None:
        self._head_node = node_id
