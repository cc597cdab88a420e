"""How the list of threads stands ten thousand of them: until it is on the screen, and from a key in its filter to the paint.

    python -m benchmarks.threads [--runs 5] [--threads 10000] [--keep FOLDER]

Each program runs in a pty of 120x40. Visible: the title of the newest thread and the number of threads are painted. Filter: words
are typed letter by letter; the time is from the key to the paint of the new number of threads. Beside it stands bare Textual: an
Input above an OptionList that holds the titles alone, read from a text file, and is filled anew at each key.
"""

from __future__ import annotations

import sqlite3
import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from benchmarks.terminal import PROGRAM, WORD, Program, home, in_turn, line, painted, percentile, seeded, start

WORDS = ("lighthouse", "the river", "how does", "compass", "explain", "zzz", "t17m", "meadow shows", "glacier", "why")
NEWEST = "The newest question"
BARE = """
import sys
from pathlib import Path
from textual.app import App, ComposeResult
from textual.widgets import Input, OptionList, Static


class Bare(App[None]):
    CSS = "OptionList { height: 1fr; }"

    def compose(self) -> ComposeResult:
        self.titles = Path(sys.argv[1]).read_text(encoding="utf-8").splitlines()
        yield Input()
        yield OptionList(*self.titles, markup=False)
        yield Static(f" 1 / {len(self.titles):,} ", id="count")

    def on_input_changed(self, event: Input.Changed) -> None:
        wanted = event.value.lower()
        found = [title for title in self.titles if wanted in title.lower()]
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(found)
        self.query_one("#count", Static).update(f" 1 / {len(found):,} ")


Bare().run()
"""


def run(folder: Path, files: Path, runs: int, threads: int) -> None:
    environment = home(folder)
    few, many = (seeded(files, count, messages=4) for count in (10, threads))
    titles = titles_of(many)
    listed = folder / "titles.txt"
    listed.write_text("\n".join(titles), encoding="utf-8")
    chatui = [PROGRAM, "--db", str(many)]
    bare = [sys.executable, "-c", BARE, str(listed)]
    names = "10 threads", f"{threads:,} threads", f"bare OptionList, {threads:,}"
    print("Threads visible")
    seconds = in_turn(
        runs,
        {
            names[0]: lambda: painted([PROGRAM, "--db", str(few)], environment, NEWEST, count(10), WORD),
            names[1]: lambda: painted(chatui, environment, NEWEST, count(threads), WORD),
            names[2]: lambda: painted(bare, environment, NEWEST, count(threads)),
        },
    )
    for name in names:
        line(name, seconds[name])
    pairs = [more / less for more, less in zip(seconds[names[1]], seconds[names[0]], strict=True)]
    line(f"{names[1]} : 10", pairs, "x")

    print("\nFrom a key in the filter to its paint")
    for name, command, way in (("chatui", chatui, "\x1bOQ"), ("bare OptionList", bare, "")):
        times = list(filtered(command, environment, way, titles))
        print(
            f"{name:<34}{statistics.median(times) * 1000:8.1f} ms   95% {percentile(times, 0.95) * 1000:.1f} ms, "
            f"most {max(times) * 1000:.1f} ms ({len(times)} keys, {threads:,} threads)",
            flush=True,
        )


def titles_of(path: Path) -> list[str]:
    """The titles as the list has them, the newest first."""
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT title FROM chatui_threads ORDER BY updated_at DESC")]


def count(threads: int) -> str:
    """How both programs tell the number of threads."""
    return f"1 / {threads:,}"


def filtered(command: list[str], environment: dict[str, str], start: str, titles: list[str]) -> Iterator[float]:
    """Type the words into a program's filter; yields the seconds from each key that changes the number to its paint."""
    lowered = [title.lower() for title in titles]
    number: Callable[[str], int] = lambda text: sum(text in title for title in lowered)  # noqa: E731
    with Program(command, environment) as program:
        program.until(count(len(titles)))
        # What is loaded behind the first paint is none of the filter's business.
        program.read_for(6)
        program.write(start)
        for word in WORDS:
            shown = len(titles)
            for length in range(1, len(word) + 1):
                found = number(word[:length])
                program.read_for(0.05)
                began = program.write(word[length - 1])
                if found not in (shown, 0):
                    yield program.until(count(found)) - began
                    shown = found
            program.read_for(0.3)
            program.write("\x15")
            program.until(count(len(titles)))


if __name__ == "__main__":
    start(run)
