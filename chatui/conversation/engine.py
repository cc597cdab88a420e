"""A conversation: one thread as a person talks in it. Send, regenerate, edit, stop, go on.

Every turn is the same act: a user message follows a message of the tree, and is answered. To send is to follow the head; to
edit is to follow what the old message followed; to regenerate is to say the same message once more at the same place, which
is the same node of the tree and gets one more answer. No existing checkpoint is ever changed, and "the latest" is never
asked for: LangGraph's latest is whatever was written last on any branch, by a clock that may be set back.

LangGraph is imported at the first turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

import msgspec

from chatui.config import Config
from chatui.conversation.events import Event, Finished, Stopped
from chatui.conversation.tree import Message, Partial
from chatui.conversation.walk import Walk
from chatui.errors import ChatuiError, UsageError
from chatui.models import Models, OpenModel, parse_ref
from chatui.storage import Store

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage, HumanMessage

    from chatui.conversation.attachments import Attachment
    from chatui.conversation.ledger import Ledger
    from chatui.conversation.places import Places
    from chatui.conversation.recall import Recall
    from chatui.conversation.summaries import Summaries
    from chatui.conversation.turn import Turn
    from chatui.conversation.upkeep import Upkeep

#: How many alternatives may be asked for at once.
MOST_ALTERNATIVES = 9


class Conversation(Walk):
    """One thread.

    Args:
        store: The file.
        models: Where models are opened.
        config: For defaults.
        thread_id: The thread; a new id for a thread that is made with its first message.
        owner: The user that a new thread belongs to.
        recall: Gives the recall of the file, which all its conversations share; None for one of its own.
    """

    def __init__(
        self,
        store: Store,
        models: Models,
        config: Config,
        thread_id: str,
        owner: str,
        recall: Callable[[], Recall] | None = None,
    ) -> None:
        super().__init__(store, config, thread_id, owner)
        self._models = models
        self._shared_recall = recall
        self._own_recall: Recall | None = None
        self._lock = asyncio.Lock()
        self._turns: list[Turn] = []
        self._answered_by: OpenModel | None = None
        self._kept_ledger: Ledger | None = None
        self._summaries: Summaries | None = None

    @property
    def running(self) -> bool:
        """Whether a turn runs now."""
        return bool(self._turns)

    def interrupted(self) -> Partial | None:
        """Return the reply that a crash cut off in this thread, None where there is none."""
        return None if self.running else self._store.partials.abandoned(self.thread_id)

    @property
    def summaries(self) -> Summaries:
        """The summaries of this thread's branches, and the one that is being written."""
        if self._summaries is None:
            from chatui.conversation.summaries import Summaries

            self._summaries = Summaries(self._store, self._models, self)
        return self._summaries

    @property
    def recall(self) -> Recall:
        """The search of the user's other threads, and the vectors that are being made for it."""
        if self._shared_recall is not None:
            return self._shared_recall()
        if self._own_recall is None:
            from chatui.conversation.recall import Recall

            self._own_recall = Recall(self._store, self._models, self._config)
        return self._own_recall

    @property
    def upkeep(self) -> Upkeep:
        """Stars, names, deleting, purging and copying out."""
        from chatui.conversation.upkeep import Upkeep

        return Upkeep(self._store, self, lambda node_id: self._places().address(node_id))

    async def give_title(self) -> bool:
        """Ask a model for the thread's title if it has none but its first prompt's beginning. Returns whether it got one.

        It takes no lock and is no turn: cancel it before the next one.
        """
        from chatui.conversation.titles import give_title

        return await give_title(self._store, self._models, self._config, self, self._answered_by)

    async def propose(self, refused: Iterable[str] = ()) -> list[str]:
        """Ask the model that answered for facts about the user that are worth keeping, where that is switched on.

        It takes no lock and is no turn: cancel it before the next one. Nothing is kept of what it returns.

        Args:
            refused: What the user did not want to be remembered.
        """
        from chatui.conversation.proposals import propose

        return await propose(self._store, self._models, self._config, self, self._answered_by, refused)

    # Turns: async generators of events; iterate them inside contextlib.aclosing

    async def send(
        self, text: str, *, model: str | None = None, attachments: Sequence[Attachment] = ()
    ) -> AsyncGenerator[Event]:
        """Say something at the head, and stream the reply.

        After a prompt that was never answered, the new one becomes its alternative: models take two user messages in a row badly.

        Args:
            text: What to say.
            model: Who answers; the thread's model, else the configured one, else what is there.
            attachments: Files that go with it.

        Raises:
            Unsupported: There is an image among them, and the model is known to see none.
            ChatuiError: The prompt could not be saved; nothing was written.
        """
        async with self._lock:
            await self._catch_up()
            head = self.head()
            follows = head.parent_id if head is not None and head.role == "user" else self.head_node
            async with aclosing(self._say(text, follows, model, attachments)) as events:
                async for event in events:
                    yield event

    async def edit(
        self, node_id: str, text: str, *, model: str | None = None, attachments: Sequence[Attachment] = ()
    ) -> AsyncGenerator[Event]:
        """Say something else in place of a user message, as a new alternative, and stream the reply.

        The attachments whose lines are still in the text stay.
        """
        async with self._lock:
            await self._catch_up()
            message = self.message(node_id)
            if message.role != "user":
                raise UsageError("Only a prompt can be edited and sent again.", "Edit the text of an answer instead.")
            async with aclosing(self._say(text, message.parent_id, model, attachments)) as events:
                async for event in events:
                    yield event

    async def regenerate(
        self, node_id: str, *, model: str | None = None, count: int = 1, watched: Callable[[], int | None] | None = None
    ) -> AsyncGenerator[Event]:
        """Answer a prompt once more, as a new alternative.

        Args:
            node_id: An answer, or the prompt itself.
            model: Who answers.
            count: How many alternatives to ask for at once. From two on what happens to each comes as an `Alternative`, and one
                last event when all have ended.
            watched: Asked then which of several a person looks at, from 0: that one becomes the head. None where nobody looks:
                the first that finished does.
        """
        async with self._lock:
            await self._catch_up()
            prompt = self._prompt_of(self.message(node_id))
            original = await self._places().original(prompt)
            count = max(1, min(count, MOST_ALTERNATIVES))
            async with aclosing(
                self._turn_at(original, prompt.parent_id, model, count=count, watched=watched)
            ) as events:
                async for event in events:
                    yield event

    async def go_on(self, node_id: str) -> AsyncGenerator[Event]:
        """Go on with an answer that was cut off. The whole of it becomes a new alternative; the cut one stays.

        Args:
            node_id: The answer. The same model goes on.
        """
        async with self._lock:
            await self._catch_up()
            answer = self.message(node_id)
            if answer.role != "assistant" or not answer.text:
                raise UsageError("Only an answer can be gone on with.", "Send a message instead.")
            prompt = self._prompt_of(answer)
            original = await self._places().original(prompt)
            async with aclosing(self._turn_at(original, prompt.parent_id, answer.model, begun=answer.text)) as events:
                async for event in events:
                    yield event

    def _prompt_of(self, message: Message) -> Message:
        """The prompt that a message answers; a prompt is its own."""
        at: Message | None = message
        while at is not None and at.role != "user":
            at = self.message(at.parent_id) if at.parent_id else None
        if at is None:
            raise UsageError("There is no prompt above this message.", "Go to a later message.")
        return at

    async def stop(self) -> None:
        """Stop the replies that stream; their generator ends with `Stopped`, and what came is kept."""
        for turn in self._turns:
            turn.stop()

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

    # Messages as LangChain has them, for programs that keep theirs here

    async def originals(self) -> list[BaseMessage]:
        """Return the messages of the active branch as they were stored, root first."""
        async with self._lock:
            await self._catch_up()
            head = self.head()
            return [] if head is None else self._places().originals(head)

    async def images(self, node_id: str) -> dict[str, bytes]:
        """Return the images of a message, by the line that stands for each in its text. A turn that runs is not waited for."""
        from chatui.conversation.attachments import images_of

        originals = await asyncio.to_thread(self._places().originals, self.message(node_id))
        return images_of(originals[-1])

    async def add(self, messages: Sequence[BaseMessage]) -> None:
        """Put messages at the head, one step each, so that each can be forked from. No model is asked.

        Args:
            messages: Each with an id that no other message of the branch has.
        """
        async with self._lock:
            await self._catch_up()
            for message in messages:
                await self._places().add(message, self.head_node)

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

    async def _say(
        self, text: str, follows: str | None, model: str | None, attachments: Sequence[Attachment]
    ) -> AsyncGenerator[Event]:
        from chatui.conversation.attachments import carry_over, said
        from chatui.conversation.places import user_message

        what = await carry_over(self._store, self._places(), self.thread_id, follows, said(text, attachments))
        async with aclosing(self._turn_at(user_message(what.content, what.names), follows, model)) as events:
            async for event in events:
                yield event

    async def _turn_at(
        self,
        message: HumanMessage,
        follows: str | None,
        model: str | None,
        *,
        begun: str = "",
        count: int = 1,
        watched: Callable[[], int | None] | None = None,
    ) -> AsyncGenerator[Event]:
        """Run a turn, or several of the same prompt at once. The lock is held."""
        from chatui.conversation.turn import Prompt, Turn
        from chatui.storage.attached import image_count

        ref = parse_ref(model) if model else await self._models.choose(self.model())
        if image_count(message):
            from chatui.conversation.attachments import check_sees

            await check_sees(self._models, ref)
        checkpoint_id = await self._places().address(follows)
        shape = self._ledger().shape(checkpoint_id)
        parameters = self.settings.resolve(str(ref))
        self.summaries.stop()
        said = str(message.text)
        remembered = await asyncio.to_thread(self.memory.for_turn, follows or "", said)
        seek = self.recall.seeker(self.owner, self.thread_id, said, remembered)
        prompt = Prompt(message, checkpoint_id, shape, parameters, ref, begun, remembered, seek)
        self._turns = [Turn(self._ledger(), self._models, prompt) for _ in range(count)]
        happening = self._turns[0].events() if count == 1 else self._at_once(watched)
        self.recall.turn_began()
        replied: Message | None = None
        try:
            async with aclosing(happening) as events:
                async for event in events:
                    replied = event.message if isinstance(event, Finished | Stopped) else None
                    yield event
        finally:
            opened = self._turns[0].opened
            self._answered_by = opened or self._answered_by
            self._turns = []
            self.recall.turn_ended(self.owner)
        if replied is not None and opened is not None and "num_ctx" in opened.takes:
            # Whatever keeps it from being written down costs no reply.
            with suppress(ChatuiError):
                await self.settings.keep_context(
                    str(ref), parameters, replied.sent.context_length if replied.sent else None
                )
        self.summaries.begin(ref)

    async def _at_once(self, watched: Callable[[], int | None] | None) -> AsyncGenerator[Event]:
        """Run the turns beside each other; at the end one of their answers becomes the head."""
        from chatui.conversation.alternatives import Alternatives

        alternatives = Alternatives(self._turns)
        whole = False
        try:
            async with aclosing(alternatives.events()) as events:
                async for event in events:
                    yield event
            whole = True
        finally:
            if not whole:
                # Nobody waits for the end. The row has the one that ended last.
                self._head_node = None
        end = alternatives.chosen(watched() if watched else None)
        if end.message is not None:
            # Another window may have deleted it meanwhile.
            with suppress(UsageError):
                await self.go_to(end.message.node_id)
                # How many alternatives there are is known only now.
                end = msgspec.structs.replace(end, message=self.message(end.message.node_id))
        yield end

    def _moved(self, node_id: str) -> None:
        # While several answers are written none of them is the branch yet: here the prompt stays the head. In the row it is the
        # answer that ended last, for the case that the program ends.
        if len(self._turns) > 1:
            message = self._store.messages.get(self.thread_id, node_id, deleted=True)
            if message is not None and message.role != "user":
                return
        super()._moved(node_id)

    async def _catch_up(self) -> None:
        """Index what another program wrote in this thread since."""
        if self._store.stale(self.thread_id):
            await self._ledger().catch_up()

    def _ledger(self) -> Ledger:
        if self._kept_ledger is None:
            from chatui.conversation.ledger import Ledger

            self._kept_ledger = Ledger(self._store, self.thread_id, self.owner, lambda: self.head_node, self._moved)
        return self._kept_ledger

    def _places(self) -> Places:
        from chatui.conversation.places import Places

        return Places(self._store, self._ledger())
