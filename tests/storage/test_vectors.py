"""Vectors in the file: packed, compared exactly and roughly, by plain Python and by sqlite-vec, which must agree."""

from __future__ import annotations

import asyncio
import math
import random
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from chatui.storage import Store, vectors
from chatui.storage.vectors import Text, digest, pack, shortened, signs

MODEL = "ollama:m"
LENGTH = 64


def unit(source: random.Random, near: list[float] | None = None, noise: float = 1.0) -> list[float]:
    base = near or [0.0] * LENGTH
    return [number + source.gauss(0, noise) for number in base]


def cosine(a: list[float], b: list[float]) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True)) / math.sqrt(sum(x * x for x in a) * sum(x * x for x in b))


def fill(path: Path, made: dict[str, list[float]]) -> Store:
    """A file with a thread of anna's that has a message for each vector."""
    store = Store.open(path)

    async def write() -> None:
        async with store.database.transaction() as connection:
            await store.threads.add(connection, "told", owner="anna")
            for rank, name in enumerate(made):
                await connection.execute(
                    """INSERT INTO chatui_messages (thread_id, node_id, parent_id, depth, rank, message_id, role, text, created_at)
                       VALUES ('told', ?, '', 1, ?, ?, 'user', ?, '2026-01-01')""",
                    (name, rank, name, f"text {name}"),
                )
            rows = [(Text("chatui_embeddings", "told", name, f"text {name}"), vector) for name, vector in made.items()]
            await store.vectors.put(connection, MODEL, rows)

    asyncio.run(write())
    return store


def test_a_vector_is_kept_with_length_one_and_none_without_a_direction() -> None:
    assert len(pack([3.0, 4.0])) == 8
    assert pack([3.0, 4.0]) == pack([0.6, 0.8])
    assert signs([1.0, -1.0, 0.5, 0.0, 1.0, -2.0, 0.0, -1.0, 3.0]) == bytes([0b1, 0b01010001])
    for wrong in ([], [0.0, 0.0], [math.nan], [math.inf]):
        with pytest.raises(ValueError, match="direction"):
            pack(wrong)


def test_the_digest_is_of_what_is_looked_at() -> None:
    long = "word " * 1000
    assert digest(long) == digest(long + "and more")
    assert digest("a  b\n") == digest("a b")
    assert digest("a") != digest("b")
    assert len(shortened(long)) <= vectors.MOST_CHARACTERS


def test_few_are_compared_exactly(tmp_path: Path) -> None:
    source = random.Random(1)
    asked = unit(source)
    made = {f"n{number}": unit(source) for number in range(100)}
    made |= {f"near{number}": unit(source, asked, 0.2 + number / 10) for number in range(3)}
    store = fill(tmp_path / "chatui.db", made)
    found = store.vectors.near("anna", "asking", MODEL, asked, "?", limit=3)
    best = sorted(made, key=lambda name: -cosine(asked, made[name]))[:3]
    assert [item.node_id for item in found] == best == ["near0", "near1", "near2"]
    assert found[0].likeness == pytest.approx(cosine(asked, made["near0"]), abs=0.001)
    assert store.vectors.near("ben", "asking", MODEL, asked, "?") == []
    assert store.vectors.near("anna", "told", MODEL, asked, "?") == [], "the thread that asks is left out"
    assert store.vectors.near("anna", "asking", "ollama:other", asked, "?") == []
    assert store.vectors.near("anna", "asking", MODEL, asked[:-1], "?") == []
    asyncio.run(store.close())


def test_what_is_like_nothing_finds_nothing(tmp_path: Path) -> None:
    source = random.Random(2)
    made = {f"n{number}": [abs(number) for number in unit(source)] for number in range(40)}
    store = fill(tmp_path / "chatui.db", made)
    assert store.vectors.near("anna", "asking", MODEL, [-1.0] * LENGTH, "?") == []
    asyncio.run(store.close())


def test_of_many_the_best_are_found_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = random.Random(3)
    asked = unit(source)
    made = {f"n{number}": unit(source) for number in range(400)}
    made |= {f"near{number}": unit(source, asked, 0.4 + number / 10) for number in range(4)}
    store = fill(tmp_path / "chatui.db", made)
    exactly = store.vectors.near("anna", "asking", MODEL, asked, "?")
    monkeypatch.setattr(vectors, "EXACT", 50)
    monkeypatch.setattr(vectors, "ROUGHLY", 40)
    monkeypatch.setattr(vectors, "_load", lambda connection: False)
    roughly = store.vectors.near("anna", "asking", MODEL, asked, "?")
    assert len(roughly) == 4
    assert roughly == exactly
    asyncio.run(store.close())


def test_a_text_that_changed_is_not_found_by_its_old_vector(tmp_path: Path) -> None:
    source = random.Random(4)
    asked = unit(source)
    store = fill(tmp_path / "chatui.db", {"one": asked, "two": unit(source, asked, 0.1)})
    assert len(store.vectors.near("anna", "asking", MODEL, asked, "?")) == 2
    with sqlite3.connect(tmp_path / "chatui.db") as connection:
        connection.execute("UPDATE chatui_embeddings SET digest = x'00' WHERE node_id = 'one'")
    assert [item.node_id for item in store.vectors.near("anna", "asking", MODEL, asked, "?")] == ["two"]
    asyncio.run(store.close())


_BOTH_WAYS = """
import asyncio, random, sys
sys.path[:0] = [{folder!r}, *{paths!r}]
from pathlib import Path
from chatui.storage import Store, vectors
from tests.storage.test_vectors import MODEL, fill, unit
source = random.Random(5)
asked = unit(source)
made = {{f"n{{number}}": unit(source, asked if number % 9 == 0 else None, 1.5) for number in range(60)}}
store = fill(Path({path!r}), made)
assert store.vectors.extension(), "it was not loaded"
fast = store.vectors.near("anna", "asking", MODEL, asked, "?")
vectors._load = lambda connection: False
slow = store.vectors.near("anna", "asking", MODEL, asked, "?")
asyncio.run(store.close())
assert len(fast) == 4
assert [item.node_id for item in fast] == [item.node_id for item in slow]
assert all(abs(a.likeness - b.likeness) < 0.002 for a, b in zip(fast, slow)), (fast, slow)
print("agreed")
"""


def test_sqlite_vec_and_plain_python_agree(tmp_path: Path) -> None:
    """In whatever Python of this version here can load extensions; many are built without."""
    candidates = [sys.executable, f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"]
    probe = "import sqlite3, sys; sys.exit(not hasattr(sqlite3.connect(':memory:'), 'enable_load_extension'))"
    able = [name for name in candidates if Path(name).exists() and not subprocess.run([name, "-c", probe]).returncode]
    if not able:
        pytest.skip("no Python of this version here can load extensions into SQLite")
    root = Path(__file__).parent.parent.parent
    paths = [path for path in sys.path if "site-packages" in path]
    code = _BOTH_WAYS.format(folder=str(root), paths=paths, path=str(tmp_path / "chatui.db"))
    done = subprocess.run([able[0], "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout == "agreed\n", done.stderr
