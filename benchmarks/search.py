"""How long the first page of a search takes among 100,000 messages, beside a bare `LIKE`.

    python -m benchmarks.search [--messages 100000] [--times 40] [--file PATH]

The messages are made of words whose frequencies fall as those of a language do (Zipf), one thread in ten of Chinese-like text of
words of one to four letters. They go straight into the message index: LangGraph's rows are not what is searched. With --file the
file is kept, and used again if it is there. A search is that of the screen: from the text to fifty results with their snippets,
and whether each is on the active path of its thread. `LIKE` is the time of `SELECT id ... WHERE text LIKE '%...%'` on the same
connection, for the whole of it: unranked, and without any snippet.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, NamedTuple, cast

from chatui.config import Config
from chatui.conversation.library import Library
from chatui.storage import Store
from tests.scripted import ScriptedModels

#: Messages of a thread; every second one is an answer, and longer.
EACH = 20
VOCABULARY = 60_000
SYLLABLES = [
    start + end
    for start in "b c d f g h k l m n p r s t v w st tr pl ch sh".split()  # noqa: SIM905
    for end in "a e i o u ea ou an en in or er".split()  # noqa: SIM905
]


class Words(NamedTuple):
    """A vocabulary, the commonest first, and how the frequencies add up."""

    words: list[str]
    sums: list[float]

    def text(self, rng: random.Random, count: int, between: str) -> str:
        """Return so many words."""
        return between.join(rng.choices(self.words, cum_weights=self.sums, k=count))


def vocabulary(rng: random.Random, make: Callable[[], str], size: int) -> Words:
    words = list(dict.fromkeys(make() for _ in range(2 * size)))[:size]
    return Words(words, list(itertools.accumulate(1 / (rank + 2.7) ** 1.07 for rank in range(len(words)))))


def vocabularies(rng: random.Random) -> tuple[Words, Words]:
    """Return words with spaces between them, and words without."""
    letters = [chr(0x4E00 + number) for number in range(3500)]
    sums = list(itertools.accumulate(1 / (rank + 15) ** 0.9 for rank in range(len(letters))))

    def spaced() -> str:
        return "".join(rng.choices(SYLLABLES, k=rng.choice((1, 2, 2, 3, 3, 4))))

    def unspaced() -> str:
        return "".join(rng.choices(letters, cum_weights=sums, k=rng.choice((1, 2, 2, 2, 2, 3, 4))))

    return vocabulary(rng, spaced, VOCABULARY), vocabulary(rng, unspaced, VOCABULARY // 2)


async def fill(store: Store, messages: int, rng: random.Random, latin: Words, cjk: Words) -> int:
    """Fill the message index. Returns the bytes of text."""
    total = 0
    for start in range(0, messages // EACH, 200):
        async with store.database.transaction() as connection:
            for number in range(start, min(start + 200, messages // EACH)):
                thread = f"thread-{number:06}"
                await store.threads.add(connection, thread, owner="default", title=latin.text(rng, 5, " "))
                rows = []
                for place in range(EACH):
                    count = 1 + int(min(rng.lognormvariate(4.6 if place % 2 else 3.2, 0.8), 3000))
                    text = cjk.text(rng, count, "") if number % 10 == 0 else latin.text(rng, count, " ")
                    total += len(text.encode())
                    node, above = f"{thread}-{place}", f"{thread}-{place - 1}" if place else ""
                    role = "assistant" if place % 2 else "user"
                    rows.append((thread, node, above, place + 1, number * 100 + place, role, text))
                await connection.executemany(
                    """INSERT INTO chatui_messages (thread_id, node_id, parent_id, depth, rank, message_id, role, text, created_at)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?2, ?6, ?7, '2026-01-01T00:00:00.000Z')""",
                    rows,
                )
                # As after a turn.
                await store.threads.update(connection, thread, head_node=rows[-1][1])
    return total


async def search(library: Library, text: str) -> tuple[float, float, str]:
    """Search once. Returns the seconds until something is shown, until all is, and how many results there are."""
    began = time.perf_counter()
    first = 0.0
    async with aclosing(library.search(text)) as steps:
        async for results in steps:
            first = first or time.perf_counter() - began
            total = f"{results.total:,}{'+' if results.more else ''}"
    return first, time.perf_counter() - began, total


def like(library: Library, text: str) -> float:
    """Look for a text without an index. Returns the seconds."""
    with library._store.database.reading() as connection:
        began = time.perf_counter()
        connection.execute("SELECT id FROM chatui_messages WHERE text LIKE ?", (f"%{text}%",)).fetchall()
        return time.perf_counter() - began


def percentile(values: Sequence[float]) -> float:
    """Return the 95th percentile."""
    return sorted(values)[min(round(0.95 * len(values)), len(values) - 1)]


async def measure(library: Library, times: int, latin: Words, cjk: Words) -> None:
    words = latin.words
    queries = [
        ("rare word", words[40_000]),
        ("word", words[1_000]),
        ("common word", words[10]),
        ("commonest word", words[0]),
        ("two common words", f"{words[0]} {words[10]}"),
        ("phrase", f'"{words[0]} {words[10]}"'),
        ("beginning, 3 letters", words[0][:3].ljust(3, "a")),
        ("beginning, 4 letters", words[1_000][:4]),
        ("word and beginning", f"{words[300]} {words[20][:3]}"),
        ("CJK, 2 letters", next(word for word in cjk.words[20:] if len(word) == 2)),
        ("CJK, 4 letters", next(word for word in cjk.words[200:] if len(word) == 4)),
        ("2 letters, found", words[0][:2]),
        ("2 signs, not found", "¤§"),
        ("no such word", "qqqqqq"),
    ]
    heads = ("first", "p95", "all", "LIKE")
    print(f"{'':22}{'matches':>9}" + "".join(f"{head:>12}" for head in heads))
    for name, text in queries:
        firsts, wholes = list[float](), list[float]()
        likes = list[float]()
        for _ in range(times):
            first, whole, total = await search(library, text)
            firsts.append(first)
            wholes.append(whole)
            if len(likes) < max(times // 4, 3):
                likes.append(like(library, text.strip('"')))
        figures = (statistics.median(firsts), percentile(firsts), statistics.median(wholes), statistics.median(likes))
        print(f"{name:22}{total:>9}" + "".join(f"{figure * 1000:9.1f} ms" for figure in figures), flush=True)


async def main(messages: int, times: int, file: Path | None) -> None:
    rng = random.Random(1)
    latin, cjk = vocabularies(rng)
    with tempfile.TemporaryDirectory() as folder:
        path = file or Path(folder) / "chatui.db"
        there = path.exists()
        library = Library(Store.open(path), cast("Any", ScriptedModels()), Config())
        if not there:
            began = time.perf_counter()
            total = await fill(library._store, messages, rng, latin, cjk)
            size = library.stats().bytes
            print(
                f"{messages:,} messages, {total / 1e6:.1f} MB of text, in {time.perf_counter() - began:.0f} s: {size / 1e6:.0f} MB"
            )
        await measure(library, times, latin, cjk)
        await library.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--messages", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=40)
    parser.add_argument("--file", type=Path, help="keep the file there, and use it if it is there")
    options = parser.parse_args()
    asyncio.run(main(options.messages, options.times, options.file))
