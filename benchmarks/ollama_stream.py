"""A minute of a quick model: how far the screen lags behind the stream, and how long a key takes meanwhile.

    python -m benchmarks.ollama_stream [--seconds 60] [--rate 100] [--columns 120] [--rows 40]

A scripted Ollama server sends a numbered word a hundred times a second to the installed program in a pty. The lag of a word is the
time from its sending to the moment when it, or a later one, has come out of the pty. Meanwhile a letter is typed into the prompt
and taken back again, and the time until each is painted is taken. The goals are a lag of 0.3 s and, at the 95th percentile, 100 ms
from key to paint. The server and the reader of the pty run in this process, chatui in one of its own.
"""

from __future__ import annotations

import argparse
import os
import re
import select
import statistics
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
PAUSE = 0.35
_ESCAPES = re.compile(rb"\x1b\[[0-9;?<=>]*[ -/]*[@-~]|\x1b[P\]_^].*?(\x1b\\|\x07)", re.DOTALL)
_WORD = re.compile(rb"w(\d{6})")


class Stream:
    """The reply: words with a paragraph's end here and there, each sent when its time has come.

    Args:
        count: How many words.
        rate: How many a second.

    Attributes:
        sent: When each was sent, by time.perf_counter.
    """

    def __init__(self, count: int, rate: float) -> None:
        self._count = count
        self._rate = rate
        self.sent: list[float] = []

    def __iter__(self) -> Iterator[bytes]:
        head, *_ = stream()
        yield cast("bytes", head)
        began = time.perf_counter()
        for number in range(self._count):
            # By the clock, so that a late word makes no later one late.
            time.sleep(max(began + number / self._rate - time.perf_counter(), 0))
            # Every hundredth word is code, every fortieth ends a paragraph, as in a real reply.
            text = f"`w{number:06}` " if number % 100 == 50 else f"w{number:06} "
            self.sent.append(time.perf_counter())
            yield piece(text + ("\n\n" if number % 40 == 39 else ""))
        yield done()
        yield b"0\r\n\r\n"


class Watcher:
    """What has come out of the pty: which word is the newest, and whether a key was answered."""

    def __init__(self, master: int, words: Stream) -> None:
        self._master = master
        self._words = words
        self._seen = b""
        self._wanted: tuple[bytes, float] | None = None
        self.newest = -1
        self.lags: list[float] = []
        self.keys: list[float] = []

    def press(self, key: bytes, wanted: str) -> None:
        """Type a key whose answer is some text."""
        self._seen = b""
        self._wanted = wanted.encode(), time.perf_counter()
        os.write(self._master, key)

    @property
    def waits(self) -> bool:
        """Whether a key was not answered yet."""
        return self._wanted is not None

    def read(self, seconds: float) -> None:
        """Read what comes within some time."""
        if not select.select([self._master], [], [], seconds)[0]:
            return
        data = os.read(self._master, 1 << 16)
        now = time.perf_counter()
        # An escape or a word may be cut by the end of what was read.
        self._seen = (self._seen + data)[-(1 << 17) :]
        text = _ESCAPES.sub(b"", self._seen)
        for found in _WORD.finditer(text):
            number = int(found[1])
            if number > self.newest:
                self.lags += [now - self._words.sent[word] for word in range(self.newest + 1, number + 1)]
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
    with OllamaServer() as server:
        server.chats.append(cast("Any", words))
        environment = {**home(folder), "OLLAMA_HOST": server.url, "CHATUI_DB": str(file)}
        with Program([PROGRAM], environment, columns=columns, rows=rows) as program:
            program.until(EMPTY)
            # The stack is loaded after the first paint: what is measured is the stream.
            program.read_for(6)
            used = program.cpu_seconds()
            program.write("Go on.\r")
            watcher = Watcher(program.master, words)
            pressed, letter = time.perf_counter(), False
            deadline = time.perf_counter() + seconds * 3 + 30
            while watcher.newest < int(seconds * rate) - 1 and time.perf_counter() < deadline:
                watcher.read(0.05)
                now = time.perf_counter()
                if words.sent and not watcher.waits and now - pressed > PAUSE and now - words.sent[-1] < 1:
                    pressed, letter = now, not letter
                    watcher.press(LETTER.encode() if letter else b"\x7f", LETTER if letter else EMPTY)
            used = program.cpu_seconds() - used
    if watcher.newest < 0 or not watcher.keys:
        raise SystemExit("Nothing of the stream was painted.")
    took = words.sent[-1] - words.sent[0]
    print(
        f"stream   {len(words.sent):,} tokens in {took:.1f} s, {len(words.sent) / took:.0f} a second, {columns}x{rows}"
    )
    for name, values in (("lag", watcher.lags), ("key", watcher.keys)):
        print(
            f"{name:8} median {statistics.median(values) * 1000:.0f} ms, 95th percentile "
            f"{percentile(values, 0.95) * 1000:.0f} ms, longest {max(values) * 1000:.0f} ms ({len(values):,} measured)"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--columns", type=int, default=120)
    parser.add_argument("--rows", type=int, default=40)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        measure(Path(temporary), options.seconds, options.rate, options.columns, options.rows)
