"""How soon chatui paints, against bare Textual in turn; and what `chatui --help` costs.

    python benchmarks/startup.py [RUNS]

Painted means: a word of the last message of the thread that was viewed last has reached the terminal, after the threads and that
message were read from a database of 200 threads. Bare Textual paints one word.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, cast

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

WORD = "Zanzibar"
BARE = f"""
from textual.app import App, ComposeResult
from textual.widgets import Static


class Bare(App[None]):
    def compose(self) -> ComposeResult:
        yield Static("{WORD}")


Bare().run()
"""
PROGRAM = str(Path(sys.executable).parent / "chatui")


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        environment = {
            **os.environ,
            "HOME": folder,
            "XDG_DATA_HOME": str(home / "data"),
            "XDG_CONFIG_HOME": str(home / "config"),
            "XDG_CACHE_HOME": str(home / "cache"),
            "OLLAMA_HOST": "http://127.0.0.1:9",
            "TERM": "xterm-256color",
        }
        # Both as they are once installed: pip compiles what it installs.
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        database = home / "data" / "chatui" / "chatui.db"
        asyncio.run(fill(database))
        commands = {"bare Textual": [sys.executable, "-c", BARE], "chatui": [PROGRAM]}
        for command in commands.values():
            painted(command, environment)  # once unmeasured: compiles, and warms the disk's cache
        seconds: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(runs):
            for name, command in commands.items():
                seconds[name].append(painted(command, environment))
        medians = {name: statistics.median(values) for name, values in seconds.items()}
        for name, values in seconds.items():
            print(
                f"{name:<16}{medians[name]:6.2f} s to first paint   ({', '.join(f'{value:.2f}' for value in values)})"
            )
        print(f"{'ratio':<16}{medians['chatui'] / medians['bare Textual']:6.2f}")
        for arguments in (["--help"], ["ask", "--help"], ["threads", "--json"]):
            cpu = statistics.median(cpu_seconds([PROGRAM, *arguments], environment) for _ in range(runs))
            print(f"{'chatui ' + ' '.join(arguments):<22}{cpu:6.2f} s of CPU")


async def fill(path: Path, count: int = 200) -> None:
    """Make a database of threads with one turn each."""
    from chatui.config import Config
    from chatui.conversation.library import Library
    from chatui.storage import Store
    from tests.scripted import ScriptedModels

    library = Library(Store.open(path), cast("Any", ScriptedModels([f"All about **{WORD}**."])), Config())
    for number in range(count):
        async with aclosing(library.conversation().send(f"Question {number}")) as events:
            async for _ in events:
                pass
    await library.close()


def painted(command: Sequence[str], environment: dict[str, str]) -> float:
    """Start a program in a pty and return the seconds until it has painted the word."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    began = time.perf_counter()
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
    )
    os.close(slave)
    seen = b""
    try:
        while WORD.encode() not in seen:
            if not select.select([master], [], [], 60)[0]:
                raise SystemExit(f"{command[0]} painted nothing in a minute: {seen[-2000:]!r}")
            seen += os.read(master, 65536)
        return time.perf_counter() - began
    finally:
        process.kill()
        process.wait()
        os.close(master)


def cpu_seconds(command: Sequence[str], environment: dict[str, str]) -> float:
    """Run a program and return the processor time that it took, its own and the system's for it."""
    process = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed")
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
