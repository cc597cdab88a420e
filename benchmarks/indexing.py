"""Whether a key waits while another program's file is indexed in the background.

    python -m benchmarks.indexing [--threads 1000] [--messages 20] [--keep FOLDER]

The file is a `MessagesState`'s: each of its checkpoints holds the whole list. chatui opens it in a pty (120x40) with nothing
indexed; a letter is typed into the prompt every 100 ms until all threads are indexed, and the time from the key to the frame
that shows it is taken. Beside it stand as many letters typed into the same program afterwards, with nothing left to index.
"""

from __future__ import annotations

import argparse
import shutil
import sqlite3
import statistics
import tempfile
import time
from contextlib import closing
from pathlib import Path

from benchmarks.terminal import PROGRAM, Program, home, percentile, seeded

#: The first of many letters that nothing else on the screen has; each is typed once.
FIRST = 0x4E00
#: Letters after which the prompt is emptied.
LINE = 30
PAUSE = 0.1


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=1000)
    parser.add_argument("--messages", type=int, default=20)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = seeded(options.keep or Path(folder), options.threads, messages=options.messages, kind="plain")
        path = Path(folder) / "theirs.db"
        shutil.copyfile(source, path)
        run(path, Path(folder), options.threads)


def run(path: Path, folder: Path, threads: int) -> None:
    with Program([PROGRAM, "--db", str(path), "-m", "ollama:none"], home(folder)) as program:
        program.until("Enter")
        began = time.perf_counter()
        filling: list[float] = []
        while (done := indexed(folder)) < threads:
            filling.append(typed(program, len(filling)))
            program.read_for(PAUSE)
            if time.perf_counter() - began > 600:
                raise SystemExit(f"Only {done} of {threads} threads were indexed in ten minutes.")
        seconds = time.perf_counter() - began
        program.read_for(2)
        idle = []
        for number in range(max(len(filling), 20)):
            idle.append(typed(program, len(filling) + number))
            program.read_for(PAUSE)
    print(f"{threads:,} threads indexed in {seconds:.1f} s, {len(filling)} keys meanwhile")
    for name, values in (("while indexing", filling), ("afterwards", idle)):
        figures = f"median {statistics.median(values) * 1000:5.0f} ms, 95% {percentile(values, 0.95) * 1000:5.0f} ms"
        print(f"key to paint, {name:<15} {figures}, most {max(values) * 1000:5.0f} ms")


def typed(program: Program, number: int) -> float:
    """Type a letter and wait until it is painted. Returns the seconds to the paint."""
    if number and number % LINE == 0:
        program.write("\x15")
        program.until("rite a message")
    letter = chr(FIRST + number)
    began = program.write(letter)
    return program.until(letter) - began


def indexed(folder: Path) -> int:
    """How many threads the side file has."""
    for side in folder.glob(".cache/**/*.db"):
        with closing(sqlite3.connect(f"file:{side}?mode=ro", uri=True)) as connection:
            count: int = connection.execute("SELECT count(*) FROM chatui_threads WHERE indexed_rowid > 0").fetchone()[0]
            return count
    return 0


if __name__ == "__main__":
    main()
