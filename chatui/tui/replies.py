"""The replies that run, whoever looks at them: one object a thread, with what has come so far and what waits to be sent.

A reply goes on when its thread is left, so it belongs to the application and not to a widget. Screens read its text as often
as they paint, and are told only of its beginning and its end.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from textual.worker import Worker

from chatui.conversation.engine import Conversation
from chatui.conversation.events import (
    Alternative,
    Asked,
    End,
    Event,
    Failed,
    Finished,
    Note,
    ReasoningPiece,
    Started,
    Stopped,
    TextPiece,
    Waiting,
    WaitsFor,
)
from chatui.errors import ChatuiError
from chatui.text import clean_line

#: Makes a turn: called once more where the same turn is tried again.
Turn = Callable[[], AsyncGenerator[Event]]


#: What is said while nothing has come.
WAITS: dict[WaitsFor | None, str] = {
    None: "Waiting for the model",
    "loading": "Loading the model",
    "starting": "Loading the model, or reading the prompt",
    "queued": "Queued behind another request",
    "first token": "Waiting for the first token",
}


class Refused:
    """A turn that never began: nothing was written. `error` says why, `text` is what should return to the prompt."""

    def __init__(self, error: ChatuiError, text: str) -> None:
        self.error = error
        self.text = text


class Reply:
    """One reply that streams.

    Attributes:
        conversation: Its thread.
        turn: Makes the turn.
        prompt_text: What was sent, "" where an old prompt is answered again.
        answers: All that were asked for at once, this among them.
        started: The first event, None until the prompt is saved.
        asked: That the model is there and was asked, None until then.
        waits_for: What it waits for before anything has come, as far as known.
        notes: What a person should know of it, as sentences.
        end: The last event; where several were asked for at once, it may come before those of the others.
        version: Grows with every piece, so that a painter sees whether there is anything to do.
    """

    def __init__(self, conversation: Conversation, turn: Turn, prompt_text: str, answers: Answers) -> None:
        self.conversation = conversation
        self.turn = turn
        self.prompt_text = prompt_text
        self.answers = answers
        self.started: Started | None = None
        self.asked: Asked | None = None
        self.waits_for: WaitsFor | None = None
        self.notes: list[str] = []
        self.end: End | None = None
        self.version = 0
        self.pieces = 0
        self._texts: list[str] = []
        self._thoughts: list[str] = []
        self.began = time.monotonic()
        self.first_piece: float | None = None
        self.first_text: float | None = None
        self.ended: float | None = None

    @property
    def sign(self) -> str:
        """`‹1/3›` for one of several that were asked for at once, else ""."""
        count = len(self.answers.replies)
        return f"‹{self.answers.replies.index(self) + 1}/{count}›" if count > 1 else ""

    @property
    def state(self) -> str:
        """What it does now, in words."""
        match self.end:
            case Failed(error=error):
                return f"Failed: {clean_line(error.title, 200)}"
            case Stopped():
                return "Stopped"
            case Finished():
                return "Finished"
        if self.started is None or self.first_piece is None:
            # The demo model is loaded before it is asked.
            loads = self.started and not self.asked and self.started.model.startswith("embedded:")
            return WAITS["loading" if loads else self.waits_for]
        return "Writing" if self.first_text else "Thinking"

    @property
    def text(self) -> str:
        """What has come of the reply."""
        self._texts[:] = ["".join(self._texts)]
        return self._texts[0]

    @property
    def reasoning(self) -> str:
        """What has come of the model's thinking."""
        self._thoughts[:] = ["".join(self._thoughts)]
        return self._thoughts[0]

    @property
    def elapsed(self) -> float:
        """Seconds since it was asked for, to its end."""
        return (self.ended or time.monotonic()) - self.began

    @property
    def thought_seconds(self) -> float | None:
        """Seconds from the first thought to the first word of the answer, or to now; None without thoughts."""
        if not self._thoughts or self.first_piece is None:
            return None
        return (self.first_text or self.ended or time.monotonic()) - self.first_piece

    @property
    def speed(self) -> float | None:
        """Pieces a second, which is about tokens a second; None before there is enough to tell."""
        seconds = (self.ended or time.monotonic()) - (self.first_piece or time.monotonic())
        return self.pieces / seconds if self.pieces > 4 and seconds > 0.5 else None

    def take(self, event: Event) -> None:
        """Take an event in."""
        match event:
            case Started():
                self.started = event
            case Asked():
                self.asked = event
            case Waiting(what=what):
                self.waits_for = what
            case Note(text=text):
                self.notes.append(text)
            case TextPiece(text=text):
                self._texts.append(text)
                self.first_text = self.first_text or time.monotonic()
            case ReasoningPiece(text=text):
                self._thoughts.append(text)
            case Finished() | Stopped() | Failed():
                self.end = event
                self.ended = time.monotonic()
        if isinstance(event, TextPiece | ReasoningPiece):
            self.first_piece = self.first_piece or time.monotonic()
            self.pieces += 1
        self.version += 1


class Answers:
    """The replies that were asked for at once: one, or several alternatives.

    Attributes:
        replies: They.
        shown: Which of them a person looks at.
    """

    def __init__(self, conversation: Conversation, turn: Turn, prompt_text: str, count: int) -> None:
        self.replies = [Reply(conversation, turn, prompt_text, self) for _ in range(count)]
        self.shown = 0

    @property
    def current(self) -> Reply:
        """The one that a person looks at."""
        return self.replies[self.shown]

    @property
    def writing(self) -> int:
        """How many have not ended."""
        return sum(reply.end is None for reply in self.replies)

    def step(self, step: int) -> bool:
        """Look at another one. Returns whether there is one in that direction."""
        place = self.shown + step
        if not 0 <= place < len(self.replies):
            return False
        self.shown = place
        return True


#: Told of `Started`, `Asked` and `Note`, of the three last events (as an `Alternative` where others go on), and of a refused turn.
Listener = Callable[[Reply, Event | Refused], None]


class Replies:
    """All running replies, and the messages that wait for one to end.

    Args:
        run: Starts a worker, as `App.run_worker` does.
        listener: Whom to tell.
        ready: Set once what a turn needs has been imported, in a thread. To import the same here meanwhile may fail: modules that
            import each other would wait for each other.
    """

    def __init__(self, run: Callable[..., Worker[None]], listener: Listener, ready: asyncio.Event) -> None:
        self._run = run
        self._listener = listener
        self._ready = ready
        self._running: dict[str, Answers] = {}
        self._workers: dict[str, Worker[None]] = {}
        self.waiting: dict[str, list[str]] = {}

    def of(self, thread_id: str) -> Reply | None:
        """Return the reply that streams in a thread; of several, the one that a person looks at."""
        answers = self._running.get(thread_id)
        return answers.current if answers else None

    def threads(self) -> set[str]:
        """Return the threads in which a reply streams."""
        return set(self._running)

    def start(self, conversation: Conversation, turn: Turn, prompt_text: str = "", *, count: int = 1) -> Reply:
        """Run a turn in the background."""
        answers = Answers(conversation, turn, prompt_text, count)
        thread_id = conversation.thread_id
        self._running[thread_id] = answers
        self._workers[thread_id] = self._run(self._follow(answers), group="replies", exit_on_error=False)
        return answers.current

    async def _follow(self, answers: Answers) -> None:
        reply = answers.current
        thread_id = reply.conversation.thread_id
        last: Event | Refused | None = None
        try:
            await self._ready.wait()
            async with aclosing(reply.turn()) as events:
                async for event in events:
                    if isinstance(event, Alternative):
                        one = answers.replies[event.index]
                        one.take(event.event)
                        if isinstance(event.event, End):
                            self._listener(one, event)
                        elif isinstance(event.event, Started | Asked | Note):
                            self._listener(one, event.event)
                    elif isinstance(event, End):
                        last = event
                    else:
                        reply.take(event)
                        if isinstance(event, Started | Asked | Note):
                            self._listener(reply, event)
        except ChatuiError as error:
            last = self._unable(answers, error)
        except Exception as error:
            what = clean_line(f"{type(error).__name__}: {error}", 200)
            last = self._unable(answers, ChatuiError(f"A fault of chatui itself: {what}.", "Try again."))
        finally:
            self._running.pop(thread_id, None)
            self._workers.pop(thread_id, None)
        if last is not None:
            self._listener(answers.current, last)

    @staticmethod
    def _unable(answers: Answers, error: ChatuiError) -> Event | Refused:
        began = any(reply.started for reply in answers.replies)
        return Failed(error, None) if began else Refused(error, answers.current.prompt_text)

    async def stop(self, thread_id: str) -> None:
        """Stop the replies of a thread, if any stream; what came is kept."""
        if answers := self._running.get(thread_id):
            reply = answers.current
            if all(one.started is None for one in answers.replies):
                self._workers[thread_id].cancel()
                self._listener(reply, Refused(ChatuiError("Stopped before anything was sent."), reply.prompt_text))
            else:
                await reply.conversation.stop()

    async def stop_all(self) -> None:
        """Stop every reply and wait until what came is saved."""
        workers = list(self._workers.values())
        for thread_id in list(self._running):
            await self.stop(thread_id)
        for worker in workers:
            # A worker that was cancelled before it began raises; it has nothing to save.
            if not worker.is_cancelled:
                await worker.wait()
