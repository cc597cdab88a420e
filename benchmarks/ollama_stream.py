"""A minute of a quick model: how far the screen lags behind the stream, and how long a key takes meanwhile.

    python -m benchmarks.ollama_stream [--seconds 60] [--rate 100] [--columns 120] [--rows 40]

A scripted Ollama server sends a numbered word a hundred times a second to the installed program in a pty. The lag of a word is the
time from its sending to the moment when it, or a later one, has come out of the pty. Meanwhile a letter is typed into the prompt
and taken back again, and the time until each is painted is taken. The goals are a lag of 0.3 s and, at the 95th percentile, 100 ms
from key to paint. The same keys go, in turn, to a bare Textual application with one idle field: what the machine does meets both.
The server and the reader of the ptys run in this process, the programs in others.
"""

from __future__ import annotations

import argparse
import os
import re
import select
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from benchmarks.terminal import PROGRAM, Program, home, percentile, seeded
from tests.ollama_server import OllamaServer, done, piece, stream

#: What the prompt says while it is empty, and a letter that stands nowhere else on the screen.
EMPTY, LETTER = "Write a message", "Ж"
#: Seconds between two keys.
PAUSE = 0.2
#: One idle field.
BARE = f"""
from textual.app import App, ComposeResult
from textual.widgets import Input


class Bare(App[None]):
    def compose(self) -> ComposeResult:
        yield Input(placeholder="{EMPTY}")


Bare().run()
"""
_ESCAPES = re.compile(rb"\x1b\[[0-9;?<=>]*[ -/]*[@-~]|\x1b[P\]_^].*?(\x1b\\|\x07)", re.DOTALL)
_WORD = re.compile(rb"w(\d{6})")


class Stream:
    """The reply: words with a paragraph's end here and there, each sent when its time has come.

    Args:
        count: How many words.
        rate: How many a second.

    Attributes:
        count: How many words there will be.
        sent: When each was sent, by time.perf_counter.
    """

    def __init__(self, count: int, rate: float) -> None:
        self.count = count
        self._rate = rate
        self.sent: list[float] = []

    def __iter__(self) -> Iterator[bytes]:
        head, *_ = stream()
        yield cast("bytes", head)
        began = time.perf_counter()
        for number in range(self.count):
            # By the clock, so that a late word makes no later one late.
            time.sleep(max(began + number / self._rate - time.perf_counter(), 0))
            # Every hundredth word is code, every fortieth ends a paragraph, as in a real reply.
            text = f"`w{number:06}` " if number % 100 == 50 else f"w{number:06} "
            self.sent.append(time.perf_counter())
            yield piece(text + ("\n\n" if number % 40 == 39 else ""))
        yield done()
        yield b"0\r\n\r\n"


class Watcher:
    """What has come out of a pty: which word is the newest, and whether a key was answered."""

    def __init__(self, master: int, sent: list[float]) -> None:
        self.master = master
        self._sent = sent
        self._seen = b""
        self._wanted: tuple[bytes, float] | None = None
        self._typed = False
        self.newest = -1
        self.lags: list[float] = []
        self.keys: list[float] = []

    def press(self) -> None:
        """Type the letter, or take it back again."""
        self._typed = not self._typed
        self._seen = b""
        self._wanted = (LETTER if self._typed else EMPTY).encode(), time.perf_counter()
        os.write(self.master, LETTER.encode() if self._typed else b"\x7f")

    @property
    def waits(self) -> bool:
        """Whether a key was not answered yet."""
        return self._wanted is not None

    def take(self) -> None:
        """Read what is there."""
        data = os.read(self.master, 1 << 16)
        now = time.perf_counter()
        # An escape or a word may be cut by the end of what was read.
        self._seen = (self._seen + data)[-(1 << 17) :]
        text = _ESCAPES.sub(b"", self._seen)
        for found in _WORD.finditer(text):
            number = int(found[1])
            if number > self.newest:
                self.lags += [now - self._sent[word] for word in range(self.newest + 1, number + 1)]
                self.newest = number
        if self._wanted is not None and self._wanted[0] in text:
            self.keys.append(now - self._wanted[1])
            self._wanted = None
        if self._wanted is None:
            self._seen = self._seen[-256:]


def measure(folder: Path, seconds: float, rate: float, columns: int, rows: int) -> None:
    """Run the program through one reply, and print the figures."""
    words = Stream(int(seconds * rate), rate)
    file = seeded(folder, 0)
    size = {"columns": columns, "rows": rows}
    with OllamaServer() as server:
        server.chats.append(cast("Any", words))
        environment = {**home(folder), "OLLAMA_HOST": server.url, "CHATUI_DB": str(file)}
        with (
            Program([sys.executable, "-c", BARE], environment, **size) as bare,
            Program([PROGRAM], environment, **size) as program,
        ):
            bare.until(EMPTY)
            program.until(EMPTY)
            # The stack is loaded after the first paint: what is measured is the stream.
            program.read_for(6)
            used = program.cpu_seconds()
            program.write("Go on.\r")
            watcher, beside = Watcher(program.master, words.sent), Watcher(bare.master, words.sent)
            follow(words, watcher, beside, seconds * 3 + 30)
            used = program.cpu_seconds() - used
    if watcher.newest < 0 or not watcher.keys:
        raise SystemExit("Nothing of the stream was painted.")
    took = words.sent[-1] - words.sent[0]
    print(
        f"stream   {len(words.sent):,} tokens in {took:.1f} s, {len(words.sent) / took:.0f} a second, {columns}x{rows}"
    )
    print(f"cpu      {used:.1f} s, the keys' share included")
    for name, values in (("lag", watcher.lags), ("key", watcher.keys), ("bare key", beside.keys)):
        print(
            f"{name:8} median {statistics.median(values) * 1000:.0f} ms, 95th percentile "
            f"{percentile(values, 0.95) * 1000:.0f} ms, longest {max(values) * 1000:.0f} ms ({len(values):,} measured)"
        )


def follow(words: Stream, watcher: Watcher, beside: Watcher, limit: float) -> None:
    """Read both programs until the stream is painted, and press keys in turn meanwhile."""
    pressed, turn = time.perf_counter(), [watcher, beside]
    deadline = pressed + limit
    while watcher.newest < words.count - 1 and time.perf_counter() < deadline:
        for master in select.select([one.master for one in turn], [], [], 0.05)[0]:
            next(one for one in turn if one.master == master).take()
        now = time.perf_counter()
        streams = words.sent and now - words.sent[-1] < 1
        if streams and not watcher.waits and not beside.waits and now - pressed > PAUSE:
            pressed = now
            turn.reverse()
            turn[0].press()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--columns", type=int, default=120)
    parser.add_argument("--rows", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        measure(Path(temporary), options.seconds, options.rate, options.columns, options.rows)
