"""What the benchmarks share: a home of their own, seeded files, programs in a pty, and what a process has used."""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import os
import pty
import re
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

#: The installed program.
PROGRAM = str(Path(sys.executable).parent / "chatui")
#: What the last message of `last_thread` and bare Textual paint.
WORD = "Zanzibar"
#: A bare Textual application that paints one word.
BARE = f"""
from textual.app import App, ComposeResult
from textual.widgets import Static


class Bare(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("{WORD}")


Bare().run()
"""
_ESCAPES = re.compile(rb"\x1b\[[0-9;?<=>]*[ -/]*[@-~]|\x1b[P\]_^].*?(\x1b\\|\x07)", re.DOTALL)


def home(folder: Path) -> dict[str, str]:
    """Return an environment whose home is a folder, with nothing of the real one in it and no model server."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("CHATUI_", "XDG_", "OLLAMA_"))
    }
    # Compiled as they are once installed: pip compiles what it installs.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    return {
        **environment,
        "HOME": str(folder),
        "OLLAMA_HOST": "http://127.0.0.1:9",
        "TERM": "xterm-256color",
        "LC_ALL": "C.UTF-8",
    }


def seeded(folder: Path, threads: int, **options: Any) -> Path:
    """Return a seeded file in a folder, made unless it is there; its thread that is viewed last ends with `WORD`.

    Args:
        folder: Where it lies. The same arguments give the same name.
        threads: How many threads, the last one included; 0 for an empty file.
        options: Of `benchmarks.seed.seed`.
    """
    from benchmarks.seed import seed

    kind = options.get("kind", "chatui")
    name = "-".join([kind, str(threads), *(f"{key}{value}" for key, value in sorted(options.items()) if key != "kind")])
    path = folder / f"{name}.db"
    if path.exists():
        return path
    print(f"(making {path.name}: {threads:,} threads)", file=sys.stderr, flush=True)
    making = path.with_suffix(".making")
    for file in folder.glob(making.name + "*"):
        file.unlink()
    if threads > 1:
        asyncio.run(seed(making, threads=threads - 1, **options))
    if threads:
        asyncio.run(last_thread(making, kind))
    else:
        from chatui.storage import Store

        asyncio.run(Store.open(making).close())
    making.rename(path)
    return path


async def last_thread(path: Path, kind: Any = "chatui") -> str:
    """Add a thread of one turn that was viewed last, its reply ending with `WORD`. Returns its id."""
    from benchmarks.seed import single

    return await single(path, "last", [("The newest question", f"All about **{WORD}**.")], kind=kind)


def start(run: Callable[[Path, Path, int, int], None]) -> None:
    """Run a benchmark with what its command line says.

    Args:
        run: Is given a folder to work in, the one that files are kept in, how many runs, and how many threads.
    """
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=10_000)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder), options.keep or Path(folder), options.runs, options.threads)


class Program:
    """A program in a pty of its own. Use it as a context manager; it is killed at the end.

    Args:
        command: What is run.
        environment: Its environment.
        columns: The terminal's width.
        rows: Its height.

    Attributes:
        began: When it was started, by time.perf_counter.
        master: Our end of the pty.
    """

    def __init__(
        self, command: Sequence[str], environment: dict[str, str], *, columns: int = 120, rows: int = 40
    ) -> None:
        self._name = command[0]
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self._seen = b""
        self.began = time.perf_counter()
        self._process = subprocess.Popen(
            command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
        )
        os.close(slave)

    def __enter__(self) -> Program:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self.master)

    def until(self, *words: str, seconds: float = 60) -> float:
        """Read until all words were written since the last call, and return the time by time.perf_counter.

        A word is to be one run of cells of one style: escapes come between others.
        """
        wanted = [word.encode() for word in words]
        deadline = time.perf_counter() + seconds
        while not all(word in self._seen for word in wanted):
            left = deadline - time.perf_counter()
            if left <= 0 or not select.select([self.master], [], [], left)[0]:
                text = _ESCAPES.sub(b" ", self._seen).decode(errors="replace")
                raise SystemExit(
                    f"{self._name} did not paint {words} in {seconds:.0f} s: {' '.join(text.split())[-600:]}"
                )
            self._seen += os.read(self.master, 65536)
        now = time.perf_counter()
        self._seen = b""
        return now

    def read_for(self, seconds: float) -> None:
        """Read, and forget, what the program writes for some time."""
        deadline = time.perf_counter() + seconds
        while (left := deadline - time.perf_counter()) > 0:
            if select.select([self.master], [], [], left)[0]:
                os.read(self.master, 65536)
        self._seen = b""

    def write(self, text: str) -> float:
        """Type something, and return the time before, by time.perf_counter."""
        began = time.perf_counter()
        os.write(self.master, text.encode())
        return began

    def mebibytes(self) -> float:
        """Return how much memory is resident now (Linux only)."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise SystemExit("This system does not tell how much memory a process has.")

    def cpu_seconds(self) -> float:
        """Return the processor time that it has used so far, its own and the system's for it (Linux only)."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def settled_mebibytes(self) -> float:
        """Return the resident memory once it has not grown for two seconds."""
        size, since = self.mebibytes(), time.perf_counter()
        while time.perf_counter() - since < 2:
            self.read_for(0.2)
            if (now := self.mebibytes()) > size:
                size, since = now, time.perf_counter()
        return size


def painted(command: Sequence[str], environment: dict[str, str], *words: str) -> float:
    """Start a program in a pty and return the seconds until it has painted the words."""
    with Program(command, environment) as program:
        return program.until(*words) - program.began


def cpu_seconds(command: Sequence[str], environment: dict[str, str]) -> float:
    """Run a program and return the processor time that it took, its own and the system's for it."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    return usage.ru_utime + usage.ru_stime


def in_turn(runs: int, measured: dict[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Measure several things in turn, each once unmeasured first, so that what the machine does meets all of them.

    Args:
        runs: How many times each.
        measured: What gives one figure.
    """
    for measure in measured.values():
        measure()
    figures: dict[str, list[float]] = {name: [] for name in measured}
    for _ in range(runs):
        for name, measure in measured.items():
            figures[name].append(measure())
    return figures


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value that a share of all values does not exceed, as 0.95."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def line(name: str, values: Sequence[float], unit: str = "s", scale: float = 1.0) -> None:
    """Print a median with the figures it came from."""
    shown = ", ".join(f"{value * scale:.2f}" for value in values)
    print(f"{name:<34}{statistics.median(values) * scale:8.2f} {unit}   ({shown})", flush=True)
