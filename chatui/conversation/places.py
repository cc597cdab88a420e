"""Where messages of the tree are in LangGraph's tables: the checkpoint to continue from, and answers put there without a model."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langgraph.graph import END, START
from langgraph.types import Overwrite

from chatui.conversation.graph import MODEL, at, build_graph
from chatui.conversation.state import fold_messages
from chatui.conversation.tree import Message, Partial
from chatui.errors import ChatuiError, UnknownCheckpoint, UsageError
from chatui.storage import Store
from chatui.storage.index import FACTS
from chatui.storage.records import now

if TYPE_CHECKING:
    from collections.abc import Sequence

    from chatui.conversation.ledger import Ledger


def user_message(content: str | list[str | dict[Any, Any]], names: Sequence[str] = ()) -> HumanMessage:
    """Return a new prompt, with its own id and the time.

    Args:
        content: As LangChain has it.
        names: Of what an imported prompt came with, in place of which this one is said.
    """
    facts: dict[str, Any] = {"created_at": now()}
    if names:
        facts["attachments"] = list(names)
    return HumanMessage(content, id=f"prompt-{uuid.uuid4()}", response_metadata={FACTS: facts})


async def _never(messages: Sequence[BaseMessage], checkpoint_id: str) -> AIMessage:
    raise RuntimeError("this graph saves and reads; it asks no model")


class Places:
    """The checkpoints of one thread, asked for by message.

    Args:
        store: The file.
        ledger: Where new heads are written down.
    """

    def __init__(self, store: Store, ledger: Ledger) -> None:
        self._store = store
        self._ledger = ledger
        self._thread_id = ledger.thread_id

    async def address(self, node_id: str | None) -> str:
        """Return the checkpoint whose state ends with a message, made where it is missing.

        Args:
            node_id: The message; None or "" for the place before the first.

        Raises:
            UnknownCheckpoint: The index names one that is gone from LangGraph's table.
        """
        if not node_id:
            return await self._root()
        message = self._message(node_id)
        if message.checkpoint_id is None:
            return await self._missing(message)
        if not self._store.has_checkpoint(self._thread_id, message.checkpoint_id):
            raise UnknownCheckpoint(message.checkpoint_id, self._thread_id)
        return message.checkpoint_id

    async def _root(self) -> str:
        """The checkpoint of the empty conversation. We begin each thread with one that holds no text at all.

        LangGraph's own first row holds the first prompt: were that to be purged while another first prompt is kept, the row
        could not go with it. Other programs' threads may have such a row, or none.
        """
        empty = self._store.messages.checkpoints_of(self._thread_id, "")
        if empty:
            return empty[0]
        first = self._store.messages.first_checkpoint(self._thread_id)
        if first is None:
            # Where each checkpoint holds its whole list, the empty list says so to the next turn.
            if self._ledger.shape(None).whole:
                return await self._graph_update(None, [], MODEL)
            return await self._graph_update(None, None, END)
        made = await self._graph_update(first, Overwrite([]), START)
        await self._ledger.catch_up()
        return made

    async def _missing(self, message: Message) -> str:
        """Make the checkpoint that ends with a message which came with others in one step."""
        original = await self._original(message)
        above = await self.address(message.parent_id)
        node = START if message.role == "user" else MODEL
        made = await self._graph_update(above, [original], node)
        await self._ledger.catch_up()
        return made

    async def original(self, message: Message) -> HumanMessage:
        """Return a prompt as it was stored: the index holds its text alone, and the message may hold more."""
        original = await self._original(message)
        if not isinstance(original, HumanMessage):
            raise UsageError("This message is not a prompt.", "Go to one.")
        return original

    def _holder(self, message: Message) -> Message:
        """The message itself, or the nearest below it that has a checkpoint."""
        holder = message
        while holder.checkpoint_id is None:
            below = self._store.messages.child(self._thread_id, holder.node_id)
            if below is None:
                raise ChatuiError("A message has no checkpoint.", "`chatui db reindex` mends the index.")
            holder = self._message(below)
        return holder

    async def _original(self, message: Message) -> BaseMessage:
        holder = self._holder(message)
        shape = self._ledger.shape(holder.checkpoint_id)
        graph = build_graph(_never, await self._ledger.saver(), shape)
        state = await graph.aget_state(at(self._thread_id, holder.checkpoint_id))
        original: BaseMessage = state.values[shape.channel][message.depth - 1]
        return original

    async def add_answer(self, beside: Message, text: str) -> Message:
        """Save a text as an alternative of an answer, and make it the head.

        Args:
            beside: The answer.
            text: The new text.
        """
        facts = {"created_at": now(), "model": beside.model}
        answer = AIMessage(text, id=f"edited-{uuid.uuid4()}", response_metadata={FACTS: facts})
        made = await self._graph_update(await self.address(beside.parent_id), [answer], MODEL)
        return await self._ledger.reply_saved(made, str(answer.id))

    async def add(self, original: BaseMessage, follows: str | None) -> Message:
        """Save a message below another, and make it the head.

        Args:
            original: The message, with an id that no other of its branch has: it would take that one's place.
            follows: The node above; None or "" for none.
        """
        node = START if isinstance(original, HumanMessage) else MODEL
        made = await self._graph_update(await self.address(follows), [original], node)
        return await self._ledger.reply_saved(made, str(original.id))

    def originals(self, message: Message) -> list[BaseMessage]:
        """Return a message and those above it as they were stored, root first."""
        holder = self._holder(message)
        shape = self._ledger.shape(holder.checkpoint_id)
        state = self._store.index(fold_messages).state(self._thread_id, str(holder.checkpoint_id))
        found: list[BaseMessage] = state[shape.channel]
        return found[: message.depth]

    async def keep(self, partial: Partial) -> Message:
        """Save a reply that a crash cut off as an answer that says so, and make it the head."""
        answer = AIMessage(
            partial.text,
            id=partial.message_id,
            additional_kwargs={"reasoning_content": partial.reasoning} if partial.reasoning else {},
            response_metadata={
                FACTS: {"created_at": partial.started_at, "model": partial.model, "interrupted": "crashed"}
            },
        )
        if not self._store.has_checkpoint(self._thread_id, partial.checkpoint_id):
            raise UnknownCheckpoint(partial.checkpoint_id, self._thread_id)
        made = await self._graph_update(partial.checkpoint_id, [answer], MODEL)
        return await self._ledger.reply_saved(made, partial.message_id)

    async def _graph_update(
        self, checkpoint_id: str | None, messages: Sequence[BaseMessage] | Overwrite | None, node: str
    ) -> str:
        config = at(self._thread_id, checkpoint_id, user_id=self._ledger.owner)
        shape = self._ledger.shape(checkpoint_id)
        values = None if messages is None else {shape.channel: messages}
        graph = build_graph(_never, await self._ledger.saver(), shape)
        made = await graph.aupdate_state(config, values, as_node=node)
        return str(made["configurable"]["checkpoint_id"])

    def _message(self, node_id: str) -> Message:
        message = self._store.messages.get(self._thread_id, node_id)
        if message is None:
            raise UsageError("This thread has no such message.", "Another window may have removed it; open it again.")
        return message
