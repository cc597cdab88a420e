"""One turn: a prompt is saved, a model is asked, its reply streams and is saved.

The turn runs in a task of its own and puts events into a queue. So whoever reads them may stop reading, and what came is still
saved; and stopping is cancelling that one task.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any

import msgspec
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.messages.ai import UsageMetadata, add_usage

from chatui.conversation import carrying, context, memory
from chatui.conversation.events import (
    Asked,
    End,
    Failed,
    Finished,
    Note,
    ReasoningPiece,
    Started,
    Stopped,
    TextPiece,
    Waiting,
)
from chatui.conversation.graph import MODEL, Graph, at, build_graph
from chatui.conversation.parameters import Resolved
from chatui.conversation.tree import Interruption, Message, Partial, Sent
from chatui.conversation.waiting import Wait, told_seconds
from chatui.errors import ChatuiError, ConnectionLost, ContextTooLong, EmptyReply, Stalled
from chatui.models import ModelRef, Models
from chatui.storage.channels import Shape
from chatui.storage.database import explain
from chatui.storage.index import FACTS
from chatui.storage.records import now
from chatui.text import clean

if TYPE_CHECKING:
    from chatui.conversation.ledger import Ledger
    from chatui.models import OpenModel

#: What happens in one turn.
TurnEvent = Started | Asked | Note | Waiting | TextPiece | ReasoningPiece | Finished | Stopped | Failed
#: Seconds between two writes of what has come so far.
SAVE_EVERY = 0.4


class Prompt(msgspec.Struct, frozen=True):
    """What a turn begins with.

    Attributes:
        message: The user message: a new one, or an old one that is answered again.
        checkpoint_id: The checkpoint it follows.
        shape: The state that is continued there.
        parameters: What the model is asked with, the system prompt among them.
        model: Who is asked.
        begun: The beginning of the reply, where a cut one is gone on with.
        remembered: The memory strategy, and what there is to send besides the branch.
        seek: Adds to it what takes a model to find; gives that, and a sentence to tell or "".
    """

    message: HumanMessage
    checkpoint_id: str
    shape: Shape
    parameters: Resolved
    model: ModelRef
    begun: str = ""
    remembered: memory.Remembered = memory.Remembered()
    seek: Callable[[], Awaitable[tuple[memory.Remembered, str]]] | None = None


class _Reply:
    """What has come of a reply so far."""

    def __init__(self, message_id: str, model: str, begun: str) -> None:
        self.message_id = message_id
        self.model = model
        self.texts: list[str] = [begun] if begun else []
        self.thoughts: list[str] = []
        self.metadata: dict[str, Any] = {}
        self.usage: UsageMetadata | None = None
        self.created_at = now()
        self.began = time.monotonic()
        self.first_token: float | None = None
        self.first_thought: float | None = None
        self.thought_seconds: float | None = None
        self.sent: Sent | None = None

    @property
    def text(self) -> str:
        return "".join(self.texts)

    @property
    def reasoning(self) -> str:
        return "".join(self.thoughts)

    def add(self, chunk: AIMessageChunk) -> list[TextPiece | ReasoningPiece]:
        """Take a chunk in and return what it shows. Merging chunks whole would cost more with each of them."""
        pieces: list[TextPiece | ReasoningPiece] = []
        self.metadata.update(chunk.response_metadata)
        if chunk.usage_metadata:  # what it adds: a whole reply's is their sum
            self.usage = add_usage(self.usage, chunk.usage_metadata)
        thought = chunk.additional_kwargs.get("reasoning_content")
        if isinstance(thought, str) and (thought := clean(thought)):
            self.first_thought = self.first_thought or time.monotonic()
            self.thoughts.append(thought)
            pieces.append(ReasoningPiece(thought))
        if text := clean(str(chunk.text)):
            if self.thought_seconds is None and self.first_thought is not None:
                self.thought_seconds = time.monotonic() - self.first_thought
            self.texts.append(text)
            pieces.append(TextPiece(text))
        if pieces and self.first_token is None:
            self.first_token = time.monotonic() - self.began
        return pieces

    def message(self, interrupted: Interruption | None) -> AIMessage:
        """Return the reply as a message, with our facts in its metadata, where no provider's API ever gets to see them."""
        thought_seconds = self.thought_seconds
        if thought_seconds is None and self.first_thought is not None:
            # It was cut while it thought.
            thought_seconds = time.monotonic() - self.first_thought
        facts = {
            "model": self.model,
            "created_at": self.created_at,
            "seconds": round(time.monotonic() - self.began, 3),
            "first_token_seconds": None if self.first_token is None else round(self.first_token, 3),
            "reasoning_seconds": None if thought_seconds is None else round(thought_seconds, 3),
            # Plain data: the serializer gives nothing else back.
            "sent": msgspec.to_builtins(self.sent),
            "interrupted": interrupted,
        }
        return AIMessage(
            content=self.text,
            id=self.message_id,
            additional_kwargs={"reasoning_content": self.reasoning} if self.thoughts else {},
            response_metadata={
                **_plain(self.metadata),
                FACTS: {key: value for key, value in facts.items() if value is not None},
            },
            usage_metadata=self.usage,
        )


def _plain(metadata: dict[str, Any]) -> dict[str, Any]:
    """What of a provider's metadata the strict serializer gives back as it was: plain data."""
    return {key: value for key, value in metadata.items() if isinstance(value, str | int | float | bool | dict)}


class Turn:
    """One turn of one thread. Use it once: iterate `events`.

    Args:
        ledger: Where the turn is written down.
        models: Where the model is opened.
        prompt: What it begins with.
    """

    def __init__(self, ledger: Ledger, models: Models, prompt: Prompt) -> None:
        self._ledger = ledger
        self._models = models
        self._prompt = prompt
        self._remembered = prompt.remembered
        self._events: asyncio.Queue[TurnEvent | Exception] = asyncio.Queue()
        self._reply = _Reply(f"reply-{uuid.uuid4()}", str(prompt.model), prompt.begun)
        self._graph: Graph | None = None
        self._asked_at: str | None = None  # the checkpoint that ends with the prompt
        self._opened: OpenModel | None = None
        self._task: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[int | None] | None = None
        #: Whether it was told to stop.
        self.stopped = False

    async def events(self) -> AsyncGenerator[TurnEvent]:
        """Run the turn. Closing the generator early stops it; what came is saved then too.

        Raises:
            ChatuiError: The prompt could not be saved, or the turn was stopped before that; nothing was written.
        """
        if self.stopped:
            raise ChatuiError("The turn was stopped.")
        task = self._task = asyncio.create_task(self._run())
        # One that is stopped before its first step says nothing itself.
        task.add_done_callback(lambda _: self._events.put_nowait(ChatuiError("The turn was stopped.")))
        try:
            while True:
                event = await self._events.get()
                if isinstance(event, Exception):
                    raise event
                yield event
                if isinstance(event, End):
                    return
        finally:
            task.cancel()
            # Saving goes on even if the one who waits is cancelled once more.
            with suppress(asyncio.CancelledError):
                await task

    @property
    def opened(self) -> OpenModel | None:
        """The model that was asked, None until it is there."""
        return self._opened

    def stop(self) -> None:
        """Stop the turn; `events` then ends with `Stopped`, or raises if it had not begun."""
        self.stopped = True
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        """Run the graph and say how it ended. Never raises."""
        thread_id, prompt = self._ledger.thread_id, self._prompt
        end: str | None = None
        error: Exception | None = None
        stopped = False
        try:
            self._graph = build_graph(self._answer, await self._ledger.saver(), prompt.shape)
            config = at(thread_id, prompt.checkpoint_id, user_id=self._ledger.owner, model=str(prompt.model))
            steps = self._graph.astream(
                {prompt.shape.channel: [prompt.message]}, config, stream_mode="checkpoints", durability="sync"
            )
            async with aclosing(steps) as stream:  # type: ignore[type-var]
                async for step in stream:
                    end = step["config"]["configurable"]["checkpoint_id"]
        except asyncio.CancelledError:
            stopped = True
        except Exception as caught:  # whatever it is, the user is told and what came is kept
            error = caught
        # A second stop, or the end of the program, must not interrupt the saving.
        settling = asyncio.create_task(self._settle(end, error, stopped))
        while not settling.done():
            with suppress(asyncio.CancelledError):
                await asyncio.shield(settling)

    async def _answer(self, messages: Sequence[BaseMessage], checkpoint_id: str) -> AIMessage:
        """The model node: the prompt is on disk, and `checkpoint_id` ends with it."""
        reply, prompt = self._reply, self._prompt
        saved = await self._ledger.prompt_saved(checkpoint_id, self._partial(checkpoint_id))
        self._asked_at = checkpoint_id
        self._put(Started(saved, reply.message_id, reply.model))
        self._opened = model = await self._models.open(prompt.model)
        if prompt.seek is not None:
            self._remembered, told = await prompt.seek()
            self._put(Note(told)) if told else None
        for remark in context.remarks(model, prompt.parameters):
            self._put(Note(remark))
        saving = asyncio.create_task(self._save_often(checkpoint_id))
        try:
            await self._ask(model, messages)
        finally:
            saving.cancel()
            if self._looking is not None:
                self._looking.cancel()
            # Not only told to end, but ended: a late write must not bring back a partial that was dropped.
            await asyncio.wait([saving])
        ending = model.ending(reply.metadata)
        if ending == "lost":
            raise ConnectionLost(
                "The connection to the model was lost in the middle of the reply.", "What came is kept; try again."
            )
        if not reply.texts and not reply.thoughts:
            raise EmptyReply(f"{clean(reply.model)} sent an empty reply.", "Try again, or ask another model.")
        return reply.message("length" if ending == "length" else None)

    async def _ask(self, model: OpenModel, branch: Sequence[BaseMessage]) -> None:
        """Choose what to send and ask the model; with fewer messages where it says that it has no room for them."""
        prompt = self._prompt
        room = budget = context.room_of(model, prompt.parameters.values.num_ctx, prompt.parameters.last)
        stored, branch = branch, carrying.without_attachments(branch, model.carries)
        # A model goes on with an answer that stands last.
        begun = [AIMessage(prompt.begun)] if prompt.begun else []
        refused: ContextTooLong | None = None
        before = len(branch) + 1
        for _ in range(context.ATTEMPTS):
            selection = memory.select(
                branch,
                system_prompt=prompt.parameters.values.system_prompt or "",
                context_length=budget,
                remembered=self._remembered,
                refused=refused is not None,
            )
            if refused is not None:
                if len(selection.messages) >= before:
                    raise refused
                self._put(Note(f"{refused.title} The model is asked again with fewer messages."))
            before = len(selection.messages)
            sent = [*selection.messages, *begun]
            tokens = selection.estimated_tokens + memory.estimate_tokens(begun)
            summarised = branch[: selection.remembered.covered]
            for remark in carrying.remarks(model, stored, sent) if refused is None else ():
                self._put(Note(remark))
            if not_sent := context.left_out(branch, [*summarised, *selection.messages]):
                self._put(Note(not_sent))
            self._put(Asked(len(sent), selection.left_out, tokens, room))
            if prompt.begun and refused is None:
                self._put(TextPiece(prompt.begun))
            self._reply.sent = memory.told(selection, branch, extra=begun, room=room)
            try:
                await self._stream(model, carrying.tools_as_text(sent, model.tools))
            except Exception as error:
                plain = self._plain_error(error)
                budget = context.smaller(plain, tokens) if isinstance(plain, ContextTooLong) else None
                if not isinstance(plain, ContextTooLong) or budget is None or self._reply.first_token is not None:
                    raise
                refused, room = plain, plain.room
            else:
                await self._look_back(model, branch, sent)
                return
        if refused is not None:
            raise refused

    async def _look_back(self, model: OpenModel, branch: Sequence[BaseMessage], sent: Sequence[BaseMessage]) -> None:
        """Write down which context the reply had, and say so if the server dropped messages by itself."""
        told = self._reply.sent
        if told is None:
            return
        room = told.context_length
        if self._looking is not None:
            room = await self._looking or room
        read = self._reply.usage["input_tokens"] if self._reply.usage else None
        dropped = context.cut(sent, estimated=told.estimated_tokens, read=read, room=room)
        seconds = told_seconds(self._reply.metadata)
        self._reply.sent = msgspec.structs.replace(told, context_length=room, cut=dropped, **seconds)
        if dropped and read:
            self._put(
                Note(context.cut_note(dropped, branch=branch, sent=sent, read=read, estimated=told.estimated_tokens))
            )

    async def _stream(self, model: OpenModel, messages: list[BaseMessage]) -> None:
        """Ask the model, and pass on what comes, watching that something does."""
        reply = self._reply
        reply.began = time.monotonic()
        limit = model.first_token_seconds
        arguments = model.arguments(self._prompt.parameters.values)
        async with (
            Wait((id(self._models), reply.model), model, self._put) as wait,
            aclosing(model.chat.astream(messages, **arguments)) as chunks,  # type: ignore[type-var]
        ):
            while True:
                try:
                    async with asyncio.timeout(limit) as watchdog:
                        chunk = await anext(chunks)
                except StopAsyncIteration:
                    return
                except TimeoutError:
                    if not watchdog.expired():
                        raise
                    raise Stalled(
                        f"Nothing came from {clean(reply.model)} for {limit:.0f} s.",
                        "What came is kept; try again, or stop the model on its server.",
                    ) from None
                limit = model.idle_seconds
                if self._looking is None and model.in_force is not None:
                    # Now that it is loaded its server knows, and will have said so by the end of the reply.
                    self._looking = asyncio.create_task(context.in_force(model.in_force))
                wait.came()
                for piece in reply.add(chunk):
                    self._put(piece)

    async def _save_often(self, checkpoint_id: str) -> None:
        """Put what has come down again and again, so that a crash loses half a second of it at the most."""
        written = (0, 0)
        while True:
            await asyncio.sleep(SAVE_EVERY)
            size = (len(self._reply.texts), len(self._reply.thoughts))
            if size != written:
                # A lock that another process holds costs this one time only; the end of the turn reports what lasts.
                with suppress(ChatuiError):
                    await self._ledger.put_partial(self._partial(checkpoint_id))
                    written = size

    def _partial(self, checkpoint_id: str) -> Partial:
        reply = self._reply
        return Partial(
            thread_id=self._ledger.thread_id,
            checkpoint_id=checkpoint_id,
            message_id=reply.message_id,
            model=reply.model,
            text=reply.text,
            reasoning=reply.reasoning,
            started_at=reply.created_at,
            updated_at=now(),
        )

    async def _settle(self, end: str | None, error: Exception | None, stopped: bool) -> None:
        """Save what came, move the head, and put the last event."""
        try:
            if error is None and not stopped and end is not None:
                self._put(Finished(await self._ledger.reply_saved(end, self._reply.message_id)))
                return
            if self._asked_at is None:
                # Nothing was written down: the caller still has the prompt.
                self._events.put_nowait(self._plain_error(error) if error else ChatuiError("The turn was stopped."))
                return
            message = await self._keep(error, stopped)
        except Exception as caught:
            self._put(Failed(self._plain_error(error or caught), None))
            return
        self._put(Stopped(message) if stopped or error is None else Failed(self._plain_error(error), message))

    async def _keep(self, error: Exception | None, stopped: bool) -> Message | None:
        """Save what came of a reply that is not complete, as an answer that says so."""
        reply = self._reply
        if self._asked_at is None or self._graph is None:
            return None
        if not reply.texts and not reply.thoughts:
            await self._ledger.drop_partial(reply.message_id)
            return None
        lost = error is not None and isinstance(self._plain_error(error), ConnectionLost)
        why: Interruption = "stopped" if stopped else "lost" if lost else "failed"
        config = await self._graph.aupdate_state(
            at(self._ledger.thread_id, self._asked_at, user_id=self._ledger.owner, model=reply.model),
            {self._prompt.shape.channel: [reply.message(why)]},
            as_node=MODEL,
        )
        return await self._ledger.reply_saved(config["configurable"]["checkpoint_id"], reply.message_id)

    def _plain_error(self, error: Exception) -> ChatuiError:
        if isinstance(error, ChatuiError):
            return error
        if isinstance(error, sqlite3.Error):
            return explain(error, self._ledger.path)
        if self._opened is not None:
            return self._opened.explain(error, began=bool(self._reply.texts))
        return ChatuiError(f"The turn failed: {clean(str(error)) or type(error).__name__}.", "Try again.")

    def _put(self, event: TurnEvent) -> None:
        self._events.put_nowait(event)
