"""How soon chatui paints, what it holds in memory then, and what `chatui --help` costs, against bare Textual in turn.

    python -m benchmarks.startup [--runs 5] [--threads 10000] [--keep FOLDER]

Painted means: a word of the last message of the thread that was viewed last has reached the terminal (in an empty database: what
the empty panes say), after the threads and that message were read. Bare Textual paints one word in one widget. Memory is that of
the process once its imports are done and it has not grown for two seconds; beside it stands bare Textual with the same libraries
imported. `--keep` keeps the seeded files, so that the next run need not make them.
"""

from __future__ import annotations

import statistics
import sys
from pathlib import Path

from benchmarks.terminal import BARE, PROGRAM, WORD, Program, cpu_seconds, home, in_turn, line, painted, seeded, start

#: The libraries that chatui imports behind its first paint.
STACK = "import aiosqlite, httpx, langchain_core.messages, langgraph.graph, langgraph.checkpoint.sqlite.aio\n"


def run(folder: Path, files: Path, runs: int, threads: int) -> None:
    environment = home(folder)
    empty = [PROGRAM, "--db", str(seeded(files, 0))]
    full = [PROGRAM, "--db", str(seeded(files, threads, messages=4))]
    bare = [sys.executable, "-c", BARE]
    names = "bare Textual", "chatui, empty", f"chatui, {threads:,} threads"
    seconds = in_turn(
        runs,
        {
            names[0]: lambda: painted(bare, environment, WORD),
            names[1]: lambda: painted(empty, environment, "Enter sends it", "No threads yet"),
            names[2]: lambda: painted(full, environment, WORD),
        },
    )
    print("First paint")
    for name in names:
        line(name, seconds[name])
    for name in names[1:]:
        # Of each pair that ran one after the other: the machine's speed differs from minute to minute.
        pairs = [mine / theirs for mine, theirs in zip(seconds[name], seconds[names[0]], strict=True)]
        line(f"{name} : bare", pairs, "x")

    print("\nMemory after the start")
    memory = in_turn(
        max(1, runs // 2),
        {
            "bare Textual": lambda: resident(bare, environment, WORD),
            "bare Textual and the libraries": lambda: resident([sys.executable, "-c", STACK + BARE], environment, WORD),
            "chatui": lambda: resident(full, environment, WORD),
        },
    )
    for name, values in memory.items():
        line(name, values, "MiB")
    ratio = statistics.median(memory["chatui"]) / statistics.median(memory["bare Textual and the libraries"])
    print(f"{'chatui : bare and libraries':<34}{ratio:8.2f} x")

    print("\nProcessor time")
    for arguments in (["--help"], ["ask", "--help"], ["--db", full[2], "threads", "--json", "--limit", "20"]):
        name = " ".join(["chatui", *arguments[2 if arguments[0] == "--db" else 0 :]])
        line(name, [cpu_seconds([PROGRAM, *arguments], environment) for _ in range(runs)])


def resident(command: list[str], environment: dict[str, str], word: str) -> float:
    """Start a program, and return its memory in MiB once it has painted and settled."""
    with Program(command, environment) as program:
        program.until(word)
        return program.settled_mebibytes()


if __name__ == "__main__":
    start(run)
