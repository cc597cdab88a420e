"""`chatui ask`: one turn, streamed to standard output as source text."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import sys
from contextlib import AbstractAsyncContextManager, aclosing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chatui.cli import output, streams
from chatui.cli.branches import node_at, resolve
from chatui.cli.main import report, say
from chatui.cli.session import Session, find, required_last
from chatui.cli.threads import Json, Yes
from chatui.errors import UsageError
from chatui.text import clean_line

if TYPE_CHECKING:
    from chatui.conversation.attachments import Attachment
    from chatui.conversation.engine import Conversation
    from chatui.conversation.events import Event
    from chatui.conversation.library import Library
    from chatui.conversation.tree import Message

INTERRUPTED = 130
#: Seconds that are spent on embeddings behind the reply.
_MOMENT = 1.0


def ask(
    context: typer.Context,
    text: Annotated[
        str | None,
        typer.Argument(metavar="TEXT", help="What to ask. What is piped in follows it.", show_default=False),
    ] = None,
    thread: Annotated[
        str | None, typer.Option("-t", "--thread", metavar="THREAD", help="Go on in this thread, not in a new one.")
    ] = None,
    continue_: Annotated[
        bool, typer.Option("-c", "--continue", help="Go on in the thread that was used last.")
    ] = False,
    at: Annotated[
        str | None, typer.Option("--at", metavar="CHECKPOINT", help="Go on there: an id that `chatui tree` shows.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("-m", "--model", metavar="REF", help="The model, as in ollama:llama3.2.")
    ] = None,
    system: Annotated[
        str | None, typer.Option("-s", "--system", metavar="TEXT", help="The thread's system prompt from now on.")
    ] = None,
    image: Annotated[
        list[Path] | None,
        typer.Option(
            "--image", metavar="FILE", help="Send this image with it. Give it again for more.", show_default=False
        ),
    ] = None,
    json: Json = False,
    no_save: Annotated[bool, typer.Option("--no-save", help="Leave nothing behind in the database.")] = False,
    yes: Yes = False,
) -> int:
    """Ask one thing, and print the reply as it comes.

    The turn makes a new thread unless -t or -c names one. Ctrl+C stops the reply and keeps what came.
    """
    if thread is not None and continue_:
        raise UsageError("Of --thread and --continue only one can be given.", "`chatui ask --help` tells more.")
    if at is not None and thread is None and not continue_:
        raise UsageError("--at needs a thread.", "Name it with -t, or give -c for the one that was used last.")
    session: Session = context.obj
    _check_model(model)
    written, named = _named(text)
    files = [*_images(image or []), *named]
    prompt = _prompt(written, needed=not files)

    async def run() -> int:
        known = thread is not None or continue_
        opened: AbstractAsyncContextManager[Library]
        opened = session.unsaved(copy=known) if no_save else session.library(make=not known)
        async with opened as library:
            if known:
                found = await find(library, thread) if thread is not None else required_last(library)
                conversation = library.conversation(found.thread_id)
            else:
                conversation = library.conversation()
            checkpoint = resolve(conversation, at) if at is not None else None
            if checkpoint is not None:
                node_at(conversation, checkpoint)
            # Before anything is written: a model that is not to be had, and a checkpoint that is not there.
            chosen = str(await library.models.choose(conversation.model())) if model is None else model
            if yes and not library.read_only:
                await library.allow_schema_change()
            if checkpoint is not None:
                await conversation.fork(checkpoint)
            if system is not None:
                await conversation.set_system_prompt(system)
            # This program ends with the turn, and nobody should wait for more than the reply.
            conversation.summaries.in_background = False
            turn = _Turn(conversation, json=json, saved=not no_save, named=known)
            code = await turn.run(prompt, chosen, files)
            if code == 0 and not no_save and conversation.summaries.needed:
                from chatui.cli.behind import go_on

                go_on(session, "memory", "summarise", conversation.thread_id)
            # All is printed; what recall needs of it is mostly made in a moment.
            if code == 0 and not no_save and not await conversation.recall.finished(_MOMENT):
                from chatui.cli.behind import go_on

                go_on(session, "-u", conversation.owner, "memory", "recall", "--make")
            return code

    return asyncio.run(run())


class _Turn:
    """One turn and its way to standard output.

    Args:
        conversation: Where it is said.
        json: Whether one JSON object is printed at the end in place of the text.
        saved: Whether it is kept, so that its ids mean something.
        named: Whether the thread was there before.
    """

    def __init__(self, conversation: Conversation, *, json: bool, saved: bool, named: bool) -> None:
        self._conversation = conversation
        self._json = json
        self._saved = saved
        self._named = named
        self._last = "\n"
        self._began = False
        self._late: list[str] = []
        self._closed = False
        self._interrupted = False
        self._waiting = _Waiting() if not json else None

    async def run(self, prompt: str, model: str, files: list[Attachment]) -> int:
        """Send the prompt and return the exit code."""
        code = 0
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def interrupt() -> None:
            # Once: stop, and keep what came. Twice, or before anything could be kept: leave.
            if self._interrupted or not self._conversation.running:
                task.cancel()
            self._interrupted = True
            stopping.append(loop.create_task(self._conversation.stop()))

        stopping: list[asyncio.Task[None]] = []
        # Not every system lets a loop handle signals; asyncio's own handling of Ctrl+C keeps what came too, but says nothing.
        with suppress(NotImplementedError):
            loop.add_signal_handler(signal.SIGINT, interrupt)
        try:
            async with aclosing(self._conversation.send(prompt, model=model, attachments=files)) as events:
                async for event in events:
                    code = await self._take(event)
        except asyncio.CancelledError:
            say("Interrupted before anything was sent.")
            return INTERRUPTED
        finally:
            if self._waiting:
                self._waiting.end()
            with suppress(NotImplementedError):
                loop.remove_signal_handler(signal.SIGINT)
        return code

    async def _take(self, event: Event) -> int:
        """Show one event; return the exit code that it means if it is the last."""
        from chatui.conversation.events import Failed, Finished, Note, Started, Stopped, TextPiece

        match event:
            case Started():
                if self._waiting:
                    self._waiting.begin(event.model)
            case Note() if self._began:
                # Not into the middle of a line.
                self._late.append(event.text)
            case Note():
                if self._waiting:
                    self._waiting.end()
                say(event.text)
            case TextPiece():
                self._began = True
                await self._print(event.text)
            case Finished():
                await self._finish(event.message)
                if event.message.reasoning and not event.message.text.strip():
                    say("The model thought, and gave no answer. Ask again, or see what it thought with --json.")
                if event.message.interrupted == "length":
                    say("The reply was cut off by the limit of tokens.")
            case Stopped():
                await self._finish(event.message)
                if not self._closed:
                    say(f"Interrupted; {self._kept('what came' if event.message else 'the prompt')}.")
                    return INTERRUPTED
            case Failed():
                await self._finish(None)
                code = report(event.error)
                say(f"{self._kept('the prompt and what came' if event.message else 'the prompt')}.".capitalize())
                return code
        return 0

    def _kept(self, what: str) -> str:
        if not self._saved:
            return "nothing was saved, as --no-save asks"
        return f"{what} {'are' if ' and ' in what else 'is'} kept in the thread {self._conversation.thread_id}"

    async def _print(self, text: str) -> None:
        if self._json or self._closed:
            return
        if self._waiting:
            self._waiting.end()
        self._last = text
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except BrokenPipeError:
            # The reader has enough, as in `| head`: the model need not go on, and what came is kept.
            self._closed = True
            streams.drop(sys.stdout)
            await self._conversation.stop()

    async def _finish(self, message: Message | None) -> None:
        """End the output with what is left to say."""
        if not self._json:
            if not self._last.endswith("\n"):
                await self._print("\n")
        elif message is not None:
            output.print_json(self._result(message))
        for note in self._late:
            say(note)

    def _result(self, message: Message) -> dict[str, Any]:
        return {
            "thread_id": self._conversation.thread_id if self._saved or self._named else None,
            "checkpoint_id": message.checkpoint_id if self._saved else None,
            "model": message.model,
            "text": message.text,
            "reasoning": message.reasoning,
            "usage": message.usage,
            "seconds": message.seconds,
        }


class _Waiting:
    """A word on the terminal while a model loads, gone when its reply begins. Nothing where either stream is no terminal."""

    def __init__(self) -> None:
        self._on = sys.stdout.isatty() and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._shown = False

    def begin(self, model: str) -> None:
        """Say who is asked."""
        if self._on:
            columns = os.get_terminal_size(sys.stderr.fileno()).columns
            sys.stderr.write(clean_line(f"Asking {model} ...", max(columns - 1, 1)))
            sys.stderr.flush()
            self._shown = True

    def end(self) -> None:
        """Take it back."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._shown = False


def _check_model(model: str | None) -> None:
    """Refuse a reference that cannot be one before anything is opened."""
    if model is not None:
        from chatui.models import parse_ref

        parse_ref(model)


def _images(paths: list[Path]) -> list[Attachment]:
    """Read the images before anything is opened.

    Raises:
        UsageError: One of them cannot be sent.
    """
    if not paths:
        return []
    from chatui.conversation.attachments import read

    return [read(path, image=True) for path in paths]


def _named(text: str | None) -> tuple[str | None, list[Attachment]]:
    """Read the files that the text names as @name; what is piped in names none.

    Raises:
        UsageError: One of them cannot be sent.
    """
    if text is None or "@" not in text:
        return text, []
    from chatui.conversation.attachments import find_files

    return find_files(text, Path())


def _prompt(text: str | None, *, needed: bool = True) -> str:
    """Return what is asked: the text, what was piped in, or both with an empty line between.

    Raises:
        UsageError: There is neither, and one is needed.
    """
    parts = [text or "", _piped()]
    prompt = "\n\n".join(part for part in parts if part.strip())
    if not prompt and needed:
        raise UsageError("There is nothing to ask.", 'Give the text, as in `chatui ask "Say hello"`, or pipe it in.')
    return prompt


def _piped() -> str:
    """Return what stands in standard input, if it is a pipe, a file or a socket."""
    if sys.stdin is None or sys.stdin.closed:
        return ""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (OSError, ValueError):
        return ""
    # A terminal would wait for a person, and /dev/null has nothing to say.
    if not (stat.S_ISFIFO(mode) or stat.S_ISREG(mode) or stat.S_ISSOCK(mode)):
        return ""
    return sys.stdin.buffer.read().decode("utf-8", "replace").rstrip("\n")
