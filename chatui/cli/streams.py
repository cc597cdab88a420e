"""Standard output and its like where they are closed, full, or a pipe that nobody reads any more."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TextIO, cast

from chatui.errors import ChatuiError


def fill() -> bool:
    """Open on nothing each standard stream that came closed, as with `>&-`.

    Python has None there, and the next file that is opened would get its number.

    Returns:
        Whether standard output came closed.
    """
    closed = sys.stdout is None
    # In the order of their numbers: what is opened gets the lowest that is free.
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - as long as the program
    return closed


def drop(stream: TextIO) -> None:
    """Point a stream that cannot be written nowhere, so that Python's own flush at exit says nothing about it."""
    # One that has no number, as a test's, is never flushed by Python.
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class OutputLost(ChatuiError):
    """Standard output takes no more: its disk is full, mostly."""

    def __init__(self, error: OSError) -> None:
        reason = error.strerror or type(error).__name__
        super().__init__(f"Standard output cannot be written: {reason}.", "What was printed is not whole there.")


class _Checked:
    """A stream that says of an error that it was its own. Closed pipes stay what they are."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with _told():
            return self._stream.write(text)

    def flush(self) -> None:
        with _told():
            self._stream.flush()


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        drop(sys.stdout)
        raise OutputLost(error) from error


@contextmanager
def checked() -> Iterator[None]:
    """Let what is printed meanwhile raise `OutputLost` where standard output takes no more."""
    stream = sys.stdout
    sys.stdout = cast("TextIO", _Checked(stream))
    try:
        yield
    finally:
        sys.stdout = stream


def end_output() -> OutputLost | None:
    """Write out what still waits for standard output, and drop it where that fails.

    Returns:
        Why it could not be written. None where it was, or where its reader has enough, as in `| head`.
    """
    try:
        with _told():
            sys.stdout.flush()
    except BrokenPipeError:
        drop(sys.stdout)
    except OutputLost as lost:
        return lost
    return None
