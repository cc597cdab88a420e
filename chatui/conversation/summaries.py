"""Summaries: written by the thread's model after a turn, in the background, for the branch as far as it is old.

A summary belongs to a message and tells of the branch from its root to there, so it serves every branch through that message, and a
fork above it has none of it. The messages stay as they are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

import msgspec

from chatui.conversation.context import estimate_text, room_of
from chatui.conversation.strategy import Strategy, parse_strategy
from chatui.conversation.tree import Message
from chatui.errors import ChatuiError, UsageError
from chatui.storage import Store
from chatui.storage.partials import alive, this_process
from chatui.storage.records import Summary
from chatui.text import clean

if TYPE_CHECKING:
    from chatui.conversation.walk import Walk
    from chatui.models import ModelRef, Models

#: With `summary` the last turns are sent as they are: at least so many, and up to so many before they are summarised.
KEPT_TURNS, MOST_TURNS = 2, 4
#: The share of the context that is summarised at a time.
_SHARE = 0.5
_UNKNOWN_CONTEXT = 4096

INSTRUCTION = (
    "You keep the notes of a conversation between a user and an assistant. Write a summary of it in at most 150 words, in the "
    "language of the conversation. Keep names, numbers, decisions and what is still open. Write the summary alone."
)


class Summaries:
    """The summaries of one thread.

    Args:
        store: The file.
        models: Where the model is opened.
        walk: The thread.
    """

    def __init__(self, store: Store, models: Models, walk: Walk) -> None:
        self._store = store
        self._models = models
        self._walk = walk
        self._task: asyncio.Task[None] | None = None
        #: Whether one that is needed after a turn is begun here: not where the program ends with the turn.
        self.in_background = True

    def current(self) -> Summary | None:
        """Return the summary that serves the active branch, None where it has none."""
        return self._store.memories.summary(self._walk.thread_id, self._walk.head_node)

    # In the background

    def begin(self, model: ModelRef) -> None:
        """Write a summary of the active branch if one is needed, in a task of its own. What goes wrong there costs no turn."""
        strategy, branch = self._strategy(), self._walk.head_node
        if strategy is None or not branch or self._store.read_only or not self.in_background:
            return
        self.stop()
        self._task = asyncio.create_task(self._write_due(model, strategy, branch))

    def stop(self) -> None:
        """Give up the summary that is being written: a turn begins, or the program ends."""
        if self._task is not None:
            self._task.cancel()

    async def end(self) -> bool:
        """Give it up and wait until it has ended. Returns whether one was being written."""
        writing = self._task is not None and not self._task.done()
        self.stop()
        await self.finished()
        return writing

    async def finished(self) -> None:
        """Wait until none is being written."""
        if self._task is not None:
            await asyncio.wait([self._task])

    def _strategy(self) -> Strategy | None:
        try:
            strategy = parse_strategy(self._walk.memory.strategy()[0])
        except UsageError:
            return None
        return strategy if strategy.kind == "summary" else None

    async def _write_due(self, model: ModelRef, strategy: Strategy, node_id: str) -> None:
        # The next turn tries again; until then the messages themselves are sent.
        with suppress(Exception):
            branch, upto, last = self._due(strategy, node_id)
            if upto:
                await self._write(model, branch, upto, last)

    def _due(self, strategy: Strategy, node_id: str) -> tuple[list[Message], int, Summary | None]:
        """Return a branch, how many of its messages are to be summarised now, and the summary that it has."""
        branch = self._store.messages.path(self._walk.thread_id, node_id)
        last = self._store.memories.summary(self._walk.thread_id, node_id)
        return branch, due(branch, last.depth if last else 0, strategy), last

    # In another process, where this one ends with the turn

    @property
    def needed(self) -> bool:
        """Whether the active branch needs one now."""
        strategy, head = self._strategy(), self._walk.head_node
        return bool(strategy and head and not self._store.read_only and self._due(strategy, head)[1])

    async def write_needed(self) -> bool:
        """Write the summary that the active branch needs now, unless another process is at it. Returns whether it was written.

        Raises:
            ChatuiError: The model failed; what there was stays.
        """
        strategy, head = self._strategy(), self._walk.head_node
        if strategy is None or not head or not await self._claim():
            return False
        try:
            branch, upto, last = self._due(strategy, head)
            if upto:
                await self._write(await self._models.choose(self._walk.model()), branch, upto, last)
            return bool(upto)
        finally:
            async with self._store.database.transaction() as connection:
                await self._store.meta.set(connection, self._claimed, "")

    @property
    def _claimed(self) -> str:
        return f"summary {self._walk.thread_id}"

    async def _claim(self) -> bool:
        """Say that this process writes it; False where another one that still runs has said so."""
        async with self._store.database.transaction() as connection:
            other = self._store.meta.get(self._claimed)
            if other and alive(other):
                return False
            await self._store.meta.set(connection, self._claimed, this_process())
        return True

    # By request

    async def edit(self, text: str) -> Summary:
        """Put a person's words in place of the summary of the active branch.

        Raises:
            UsageError: It has none, or there are no words.
        """
        found = self._required()
        text = clean(text).strip()
        if not text:
            raise UsageError("A summary needs some words.", "Write them, or have it written anew.")
        await self._put(found.node_id, text, found.model, edited=True)
        return self._required()

    async def redo(self) -> Summary:
        """Write the summary of the active branch anew, from its messages alone; where it has none, of all but its last turn.

        Raises:
            UsageError: There is nothing to summarise yet.
            ChatuiError: The model failed; what there was stays.
        """
        await self.end()
        branch = self._walk.branch()
        found = self.current()
        upto = found.depth if found else _before_last(branch, 1)
        if not upto:
            raise UsageError("There is nothing to summarise yet.", "It takes two turns.")
        model = await self._models.choose(self._walk.model())
        await self._write(model, branch, upto, None)
        return self._required()

    def _required(self) -> Summary:
        found = self.current()
        if found is None:
            raise UsageError("This branch has no summary yet.", "/summary redo writes one.")
        return found

    # Writing

    async def _write(self, ref: ModelRef, branch: Sequence[Message], upto: int, last: Summary | None) -> None:
        from langchain_core.messages import HumanMessage, SystemMessage

        model = await self._models.open(ref)
        values = self._walk.settings.resolve(str(ref)).values
        # What was chosen for replies may cut a summary short; the context stays, so that no model is loaded anew.
        arguments = model.arguments(msgspec.structs.replace(values, stop=None, num_predict=None))
        room = int((room_of(model, values.num_ctx) or _UNKNOWN_CONTEXT) * _SHARE)
        text = last.text if last else ""
        for part in _parts(branch[last.depth if last else 0 : upto], room):
            asked = f"The summary so far:\n{text}\n\nWhat was said since:\n{part}" if text else part
            written: list[str] = []
            request = [SystemMessage(INSTRUCTION), HumanMessage(asked)]
            async with aclosing(model.chat.astream(request, **arguments)) as chunks:  # type: ignore[type-var]
                written.extend([clean(str(chunk.text)) async for chunk in chunks])
            if not "".join(written).strip():
                raise ChatuiError("The model wrote no summary.", "Try again, or with another model.")
            text = "".join(written).strip()
        await self._put(branch[upto - 1].node_id, text, str(ref))

    async def _put(self, node_id: str, text: str, model: str, *, edited: bool = False) -> None:
        memories = self._store.memories
        async with self._store.database.transaction() as connection:
            await memories.put_summary(connection, self._walk.thread_id, node_id, text, model=model, edited=edited)


def due(branch: Sequence[Message], covered: int, strategy: Strategy) -> int:
    """Return how many messages of a branch are to be summarised now, 0 where nothing is to be done.

    Args:
        branch: All of it, root first.
        covered: How many of its messages have a summary.
        strategy: `summary`, with or without a number of tokens.
    """
    new = branch[covered:]
    if strategy.number is None:
        if sum(message.role == "user" for message in new) <= MOST_TURNS:
            return 0
        return _before_last(branch, KEPT_TURNS)
    room = strategy.number
    for place in range(len(branch) - 1, covered - 1, -1):
        room -= estimate_text(branch[place].text)
        if room < 0:
            # From the next prompt on, so that what is sent begins with one; the last turn is never summarised.
            prompts = [at for at in range(covered, len(branch)) if branch[at].role == "user"]
            later = [at for at in prompts if at > place] or prompts[-1:]
            return later[0] if later and later[0] > covered else 0
    return 0


def _before_last(branch: Sequence[Message], turns: int) -> int:
    """Return how many messages stand before the last turns."""
    prompts = [place for place, message in enumerate(branch) if message.role == "user"]
    return prompts[-turns] if len(prompts) > turns else 0


def _parts(messages: Sequence[Message], room: int) -> list[str]:
    """Return messages as text, in parts that each have room; one that is larger than that is cut."""
    parts = [""]
    for message in messages:
        text = f"{message.role}: {message.text}"
        while estimate_text(text) > room:
            text = text[: len(text) * 3 // 4]
        if parts[-1] and estimate_text(parts[-1]) + estimate_text(text) > room:
            parts.append("")
        parts[-1] = f"{parts[-1]}\n\n{text}" if parts[-1] else text
    return parts
