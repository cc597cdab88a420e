"""How long the comparing of vectors for recall takes, by each way there is.

    python -m benchmarks.recall [--vectors 10000] [--numbers 768] [--times 15]

One user's messages have vectors at random, a few of them near the prompt's. A search is that of a turn: from the prompt's vector to
four messages with their texts. `exactly` computes the cosine of each in plain Python; `by signs` is what plain Python does where
there are many; sqlite-vec is measured where this Python's sqlite3 can load extensions. Found: of the four that are nearest.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from chatui.storage import Store, vectors
from chatui.storage.records import Recalled
from chatui.storage.vectors import Text

MODEL = "ollama:benchmark"


async def fill(store: Store, count: int, numbers: int, asked: list[float], rng: random.Random) -> None:
    """Write a thread with so many messages and their vectors."""
    near = {rng.randrange(count) for _ in range(12)}
    async with store.database.transaction() as connection:
        await store.threads.add(connection, "told", owner="anna")
        for number in range(count):
            text = f"message {number} " + "of the usual length, more or less, " * 8
            await connection.execute(
                """INSERT INTO chatui_messages (thread_id, node_id, parent_id, depth, rank, message_id, role, text, created_at)
                   VALUES ('told', ?1, '', 1, ?2, ?1, 'user', ?3, '2026-01-01')""",
                (f"n{number}", number, text),
            )
            vector = [rng.gauss(0, 1) + (value if number in near else 0) for value in asked]
            await store.vectors.put(
                connection, MODEL, [(Text("chatui_embeddings", "told", f"n{number}", text), vector)]
            )


def measure(times: int, search: Callable[[], list[Recalled]]) -> tuple[float, float, list[str]]:
    """Return the median and the longest time of a search in milliseconds, and what it found."""
    taken, found = [], list[Recalled]()
    for _ in range(times):
        began = time.perf_counter()
        found = search()
        taken.append((time.perf_counter() - began) * 1000)
    return statistics.median(taken), max(taken), [item.node_id for item in found]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=int, default=10_000)
    parser.add_argument("--numbers", type=int, default=768)
    parser.add_argument("--times", type=int, default=15)
    options = parser.parse_args()
    rng = random.Random(1)
    asked = [rng.gauss(0, 1) for _ in range(options.numbers)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chatui.db"
        store = Store.open(path)
        asyncio.run(fill(store, options.vectors, options.numbers, asked, rng))

        def search() -> list[Recalled]:
            return store.vectors.near("anna", "asking", MODEL, asked, "?")

        print(f"{options.vectors:,} vectors of {options.numbers} numbers, {path.stat().st_size / 1e6:.0f} MB")
        version = store.vectors.extension()
        load, few = vectors._load, vectors.EXACT
        ways: dict[str, tuple[bool, int]] = {"exactly": (False, options.vectors), "by signs": (False, few)}
        if version:
            ways[f"sqlite-vec {version}"] = (True, few)
        best: list[str] = []
        for name, (loaded, exact) in ways.items():
            vectors._load = load if loaded else lambda connection: False
            vectors.EXACT = exact
            median, longest, found = measure(options.times, search)
            best = best or found
            same = len(set(found) & set(best))
            print(f"{name:20} median {median:6.1f} ms, at most {longest:6.1f} ms; found {same} of {len(best)}")
        if not version:
            print("sqlite-vec            this Python's sqlite3 cannot load extensions")
        asyncio.run(store.close())


if __name__ == "__main__":
    main()
