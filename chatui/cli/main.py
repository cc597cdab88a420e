"""Where `chatui` starts. With no command it goes to the TUI by the shortest way; typer is imported only for a command."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

from chatui.cli import commands, options, streams
from chatui.cli.options import Options
from chatui.errors import ChatuiError, UnknownThread, UsageError
from chatui.text import clean


def run() -> NoReturn:
    """Run the command line of this process and leave with its exit code."""
    code = main(sys.argv[1:])
    lost = streams.end_output()
    sys.exit(code if lost is None else report(lost))


def main(arguments: list[str]) -> int:
    """Run one command line.

    Args:
        arguments: What follows `chatui`.

    Returns:
        The exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted.
    """
    closed = streams.fill()
    for stream in (sys.stdout, sys.stderr):
        # A character that the terminal's encoding lacks is no reason to fail.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    try:
        return _dispatch(options.parse(arguments, commands.NAMES), closed)
    except ChatuiError as error:
        return report(error)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of our output has enough, as in `chatui threads | head -1`.
        streams.drop(sys.stdout)
        return 0
    except Exception as error:
        if debugging():
            raise
        what = f"{type(error).__name__}: {clean(str(error))}".rstrip(": ").rstrip(".")
        say(f"A fault of chatui itself: {what}. Please report it, with what CHATUI_DEBUG=1 prints.")
        return 1


def report(error: ChatuiError) -> int:
    """Print an error as a sentence, after its traceback where that was asked for, and return its exit code."""
    if debugging():
        import traceback

        traceback.print_exception(error)
    say(str(error))
    return error.exit_code


def say(sentence: str) -> None:
    """Print a sentence for the person, apart from the output."""
    try:
        print(f"chatui: {clean(sentence)}", file=sys.stderr, flush=True)
    except OSError:
        # There is nobody to tell.
        streams.drop(sys.stderr)


def debugging() -> bool:
    """Whether tracebacks are wanted."""
    return os.environ.get("CHATUI_DEBUG", "") not in ("", "0")


def _dispatch(line: Options, closed: bool) -> int:
    if line.command is None and not (line.version or line.help):
        return _open(line)
    if closed:
        # Before anything is done: the reply of a model would be lost.
        raise ChatuiError("Standard output is closed.", "Send it somewhere, as with > FILE or > /dev/null.")
    with streams.checked():
        return _run(line)


def _run(line: Options) -> int:
    if line.version:
        from chatui import __version__

        print(f"chatui {__version__}")
        return 0
    if line.command is None:
        print(commands.page(), end="")
        return 0
    from chatui.cli.session import Session
    from chatui.cli.typer_app import run_command

    gc.enable()
    return run_command(line.command, ["--help"] if line.help else line.rest, Session(line))


def _open(line: Options) -> int:
    """Open the TUI. Only what its first paint needs is imported here."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or sys.__stderr__ is None:
        raise UsageError(
            "chatui needs a terminal.", "In a pipe or a script use `chatui ask`; `chatui --help` lists the rest."
        )
    from chatui.cli.session import Session
    from chatui.models import parse_ref

    session = Session(line)
    if line.model is not None:
        parse_ref(line.model)
    library = session.open()
    try:
        thread = library.find(line.thread).thread_id if line.thread else None
    except UnknownThread as error:
        error.advice += options.suggest(line.thread or "", commands.NAMES)
        raise
    if line.continue_:
        last = library.last_used()
        thread = last.thread_id if last else None
    from chatui.tui.app import run as run_tui

    code = run_tui(
        library, session.config, thread=thread, new=line.new, model=line.model, theme=line.theme, plain=line.plain
    )
    if library.unsummarised:
        from chatui.cli.behind import go_on

        for thread_id in library.unsummarised:
            go_on(session, "memory", "summarise", thread_id)
    return code
