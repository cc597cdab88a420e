"""The installed program in a real pty, its screen kept by pyte. Waiting is reading until the screen shows something."""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

import pyte

PROGRAM = Path(sys.executable).parent / "chatui"

KEYS = {
    "enter": "\r",
    "escape": "\x1b",
    "tab": "\t",
    "backspace": "\x7f",
    "space": " ",
    "up": "\x1b[A",
    "down": "\x1b[B",
    "right": "\x1b[C",
    "left": "\x1b[D",
    "home": "\x1b[H",
    "end": "\x1b[F",
    "f1": "\x1bOP",
    "f2": "\x1bOQ",
}

# What pyte would print as text or trip over: keyboard protocols, queries, device control strings.
_FOREIGN = re.compile(
    r"\x1b\[[<=>][0-9;]*[A-Za-z]|\x1b\[\?[0-9;]*\$?[A-Zabcdefgijkmnopqrstuvwxyz]|\x1b[P_^].*?\x1b\\", re.DOTALL
)
_ASKS_FOR_FRAMES, _FRAME_BEGINS, _FRAME_ENDS = b"\x1b[?2026$p", b"\x1b[?2026h", b"\x1b[?2026l"
# An escape sequence whose end has not come yet.
_UNFINISHED = re.compile(r"\x1b(\[[0-9;<=>?$]*|[P_^\]][^\x07\x1b]*\x1b?)?$")


class Terminal:
    """One program in a terminal of its own.

    Args:
        arguments: What follows `chatui`; `program` for another program.
        columns: The terminal's width.
        rows: The terminal's height.
        environment: Put over this process's, None values taken out.
        program: What is run.
        own: Whether the terminal is that of the program's session, so that Ctrl+C, a change of size and a hang-up reach it as
            signals.

    Attributes:
        raw: Every byte that the program wrote to the terminal.
    """

    def __init__(
        self,
        *arguments: str,
        columns: int = 100,
        rows: int = 30,
        environment: dict[str, str] | None = None,
        program: Sequence[str] = (str(PROGRAM),),
        own: bool = True,
    ) -> None:
        self.raw = bytearray()
        self._screen = pyte.Screen(columns, rows)
        self._stream = pyte.Stream(self._screen)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self._in_frame = False
        self._master, slave = pty.openpty()
        self._set_size(columns, rows)
        variables = {
            **os.environ,
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LANG": "C.UTF-8",
            **(environment or {}),
        }
        for name in ("COLUMNS", "LINES", "TMUX", "NO_COLOR"):
            variables.pop(name, None)
        self.process = subprocess.Popen(
            [*program, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=variables,
            start_new_session=True,
            preexec_fn=(lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)) if own else None,
        )
        os.close(slave)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self._master >= 0:
            os.close(self._master)

    # What is seen

    @property
    def text(self) -> str:
        """The screen's lines, spaces at their ends left out."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    def wait_for(self, wanted: str | Callable[[str], bool], timeout: float = 60) -> str:
        """Read until the screen shows a text, or a condition on its text holds; return the screen then.

        Args:
            wanted: The text, on one line of the screen, or a condition.
            timeout: Seconds.
        """
        shown = (lambda text: wanted in text) if isinstance(wanted, str) else wanted
        until = time.monotonic() + timeout
        while self._in_frame or not shown(self.text):
            if not self._read(until - time.monotonic()):
                what = repr(wanted) if isinstance(wanted, str) else "what was waited for"
                raise AssertionError(f"The screen never showed {what} (exit code {self.process.poll()}):\n{self.text}")
        return self.text

    def poll(self, condition: Callable[[str], bool], timeout: float = 60) -> None:
        """Read until a condition holds that does not show on the screen, looking again whether something is read or not."""
        until = time.monotonic() + timeout
        while not condition(self.text):
            if time.monotonic() > until:
                raise AssertionError(f"It never came true:\n{self.text}")
            self._read(0.05)

    def wait_gone(self, text: str, timeout: float = 60) -> str:
        """Read until the screen no longer shows a text."""
        return self.wait_for(lambda screen: text not in screen, timeout)

    def wait_exit(self, timeout: float = 60) -> int:
        """Read until the program has ended; return its exit code."""
        until = time.monotonic() + timeout
        while self._read(until - time.monotonic()):
            pass
        return self.process.wait(max(until - time.monotonic(), 1))

    # What is done

    def type(self, text: str) -> None:
        """Type a text, as a person does, without a bracketed paste."""
        os.write(self._master, text.encode())

    def press(self, *keys: str) -> None:
        """Press keys: names of `KEYS`, "ctrl+x", or single characters."""
        for key in keys:
            if key.startswith("ctrl+"):
                os.write(self._master, bytes([ord(key[-1]) & 0x1F]))
            else:
                os.write(self._master, KEYS.get(key, key).encode())

    def resize(self, columns: int, rows: int) -> None:
        """Change the terminal's size."""
        self._screen.resize(rows, columns)
        self._set_size(columns, rows)

    def hang_up(self) -> None:
        """Close the terminal, as when its window is closed or the connection is lost."""
        os.close(self._master)
        self._master = -1

    def kill(self) -> None:
        """End the program as a crash would: SIGKILL, nothing saved any more."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self, seconds: float) -> bool:
        """Take in what the program writes next. False when the time is over, or the program has closed its terminal."""
        ready, _, _ = select.select([self._master], [], [], max(seconds, 0))
        if not ready:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:
            # Linux says so when the last one who had the other side open is gone.
            return False
        if not data:
            return False
        self.raw += data
        # Answering as modern terminals do makes Textual mark where a frame begins and ends, and no half of one is looked at.
        if _ASKS_FOR_FRAMES in data:
            os.write(self._master, b"\x1b[?2026;2$y")
        recent = self.raw[-len(data) - len(_FRAME_ENDS) :]
        begins, ends = recent.rfind(_FRAME_BEGINS), recent.rfind(_FRAME_ENDS)
        if begins != ends:
            self._in_frame = begins > ends
        text = self._held + self._decoder.decode(data)
        unfinished = _UNFINISHED.search(text)
        cut = unfinished.start() if unfinished else len(text)
        self._held = text[cut:]
        self._stream.feed(_FOREIGN.sub("", text[:cut]))
        return True
