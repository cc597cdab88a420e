"""Vectors of messages and of what is remembered: what a text means to an embedding model, so that what is alike can be found.

A vector belongs to one message or memory, and says of which model and of which text it is; one of another model or of a text that
is gone is never compared. All have length 1, so that the cosine of two is the sum of their products.

**Comparing.** Where this Python's sqlite3 can load extensions, sqlite-vec computes every cosine. Where not, plain Python does. Of
10,000 vectors of 768 numbers that takes so long that a person would notice before each reply; so of more than `EXACT` those are
chosen first whose numbers have most often the same sign as the prompt's, a bit each, and only their cosines are computed
(benchmarks/README.md has the figures).
"""

from __future__ import annotations

import array
import hashlib
import importlib.util
import math
import operator
import sqlite3
import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import msgspec

from chatui.storage.database import Database
from chatui.storage.memories import WHOLE, Memories, is_private, memory_of, prefix_of
from chatui.storage.records import Recalled
from chatui.text import clean_line

if TYPE_CHECKING:
    import aiosqlite

#: So many characters of a text are looked at.
MOST_CHARACTERS = 2000
#: Up to so many vectors are compared exactly by plain Python; of more, the `ROUGHLY` most alike ones.
EXACT, ROUGHLY = 1000, 400
#: Texts less alike than this have nothing to do with each other, whatever the model.
LEAST = 0.3
#: Models differ in how alike unrelated texts are to them. What is found is more alike than most: by so many standard deviations
#: above the mean of those compared, where there are enough of them to tell.
_ABOVE, _ENOUGH, _FEW = 1.0, 20, 4
#: How many vectors, taken from all over, tell how alike unrelated texts are.
_SAMPLED = 128
#: How many of the most alike are looked up: some may be hidden, or of a text that is gone.
_LOOKED_UP = 48

# ?1 is the user, ?2 the model, ?3 the numbers of a vector, ?4 the thread that asks.
_OTHERS = f"""FROM chatui_embeddings e WHERE e.model = ?2 AND e.dimensions = ?3 AND e.thread_id IN (
    SELECT t.thread_id FROM chatui_threads t WHERE t.owner = ?1 AND t.thread_id <> ?4 AND t.deleted_at IS NULL
        AND NOT {is_private("t.thread_id")})"""

_MESSAGES = f"""FROM chatui_messages m JOIN chatui_threads t ON t.thread_id = m.thread_id
    LEFT JOIN chatui_embeddings e ON e.thread_id = m.thread_id AND e.node_id = m.node_id
        AND e.model = ?2 AND (?3 = 0 OR e.dimensions = ?3)
    WHERE t.owner = ?1 AND t.deleted_at IS NULL AND NOT m.hidden AND m.role IN ('user', 'assistant') AND trim(m.text) <> ''
        AND NOT {is_private("t.thread_id")}"""

# Vectors of what is not there any more, or is not to be remembered.
_LEFT = {
    "chatui_embeddings": f"""NOT EXISTS (SELECT 1 FROM chatui_messages m WHERE m.thread_id = chatui_embeddings.thread_id
            AND m.node_id = chatui_embeddings.node_id)
        OR {is_private("chatui_embeddings.thread_id")}""",
    "chatui_memory_embeddings": """NOT EXISTS (SELECT 1 FROM store s WHERE s.prefix = chatui_memory_embeddings.prefix
        AND s.key = chatui_memory_embeddings.key)""",
}


class Text(msgspec.Struct, frozen=True):
    """A text that needs a vector.

    Attributes:
        table: Where the vector belongs.
        place: The thread, or the user's namespace.
        name: The message's node, or the memory's id.
        text: Its beginning, on one line.
    """

    table: str
    place: str
    name: str
    text: str


class Vectors:
    """The vectors of one file. Reads are synchronous, and long enough to belong into a thread; writes take a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # Making them

    def lacking(self, user: str, model: str, dimensions: int = 0, *, limit: int = 64) -> list[Text]:
        """Return texts of a user that have no vector of a model: what is remembered first, then the newest messages.

        Args:
            user: Whose.
            model: The full reference of the embedding model.
            dimensions: How many numbers its vectors have; 0 where that is not known yet.
            limit: At most so many.
        """
        prefix = prefix_of(user)
        sql = f"""SELECT m.thread_id, m.node_id, substr(m.text, 1, {MOST_CHARACTERS}) {_MESSAGES} AND e.node_id IS NULL
            ORDER BY m.id DESC LIMIT ?4"""
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT key, digest FROM chatui_memory_embeddings WHERE prefix = ? AND model = ? AND (? = 0 OR dimensions = ?)",
                (prefix, model, dimensions, dimensions),
            ).fetchall()
        known = {key: bytes(digest_) for key, digest_ in rows}
        found = [
            Text("chatui_memory_embeddings", prefix, memory.memory_id, shortened(memory.text))
            for memory in Memories(self._database).of(user)
            if known.get(memory.memory_id) != digest(memory.text)
        ][:limit]
        with self._database.reading() as connection:
            messages = connection.execute(sql, (user, model, dimensions, limit - len(found))).fetchall()
        return found + [Text("chatui_embeddings", thread, node, shortened(text)) for thread, node, text in messages]

    def counts(self, user: str, model: str) -> tuple[int, int]:
        """Return how many of a user's messages have a vector of a model, and how many messages there are. Reads all of them."""
        with self._database.reading() as connection:
            sql = f"SELECT count(e.node_id), count(*) {_MESSAGES}"
            row: tuple[int, int] = connection.execute(sql, (user, model, 0)).fetchone()
        return row

    async def put(
        self, connection: aiosqlite.Connection, model: str, made: Sequence[tuple[Text, Sequence[float]]]
    ) -> None:
        """Write vectors, in place of those that were there; none of what was changed, forgotten or made private meanwhile.

        Args:
            connection: Of an open transaction.
            model: The full reference of the model that made them.
            made: The texts, each with its vector of any length above 0.
        """
        for text, vector in made:
            if not await _still_there(connection, text):
                continue
            packed = pack(vector)
            columns = {"chatui_embeddings": "thread_id, node_id", "chatui_memory_embeddings": "prefix, key"}[text.table]
            sql = f"""INSERT OR REPLACE INTO {text.table} ({columns}, model, dimensions, digest, signs, vector)
                VALUES (?, ?, ?, ?, ?, ?, ?)"""
            row = (text.place, text.name, model, len(vector), digest(text.text), signs(vector), packed)
            await connection.execute(sql, row)

    def has_leftovers(self) -> bool:
        """Say whether there are vectors of what is not there any more, or is not to be remembered."""
        with self._database.reading() as connection:
            return any(
                connection.execute(f"SELECT 1 FROM {table} WHERE {condition} LIMIT 1").fetchone()
                for table, condition in _LEFT.items()
            )

    async def sweep(self, connection: aiosqlite.Connection) -> None:
        """Remove them."""
        for table, condition in _LEFT.items():
            await connection.execute(f"DELETE FROM {table} WHERE {condition}")

    async def drop_thread(self, connection: aiosqlite.Connection, thread_id: str) -> None:
        """Remove the vectors of a thread."""
        await connection.execute("DELETE FROM chatui_embeddings WHERE thread_id = ?", (thread_id,))

    # Comparing

    def extension(self) -> str:
        """Return the version of sqlite-vec, "" where it cannot be loaded."""
        with self._database.reading() as connection:
            if not _load(connection):
                return ""
            return str(connection.execute("SELECT vec_version()").fetchone()[0])

    def near(
        self, user: str, thread_id: str, model: str, vector: Sequence[float], text: str, *, limit: int = 4
    ) -> list[Recalled]:
        """Return what other threads of a user said that is alike in meaning, the most alike first.

        Args:
            user: Whose threads.
            thread_id: The thread that asks, which is left out.
            model: The full reference of the model that made the vector.
            vector: Of what was said there.
            text: What was said there: the same words are no find.
            limit: At most so many messages.
        """
        packed = pack(vector)
        with self._database.reading() as connection:
            values = (user, model, len(vector), thread_id)
            scored = _by_extension(connection, values, packed)
            typical = scored
            if scored is None or typical is None:
                scored, typical = _by_python(connection, values, packed, signs(vector))
            least = _least([cosine for cosine, _, _ in typical])
            scored = sorted(scored, key=lambda row: -row[0])
            found: dict[str, Recalled] = {}
            for cosine, thread, node in scored[:_LOOKED_UP]:
                if cosine < least or len(found) == limit:
                    break
                recalled = _look_up(connection, thread, node, cosine)
                if recalled is not None and recalled.text != as_sent(text):
                    found.setdefault(recalled.text, recalled)
        return list(found.values())

    def likeness(self, user: str, model: str, vector: Sequence[float]) -> dict[str, float]:
        """Return how alike each thing that is remembered of a user is to a vector, by its id. What has no vector is left out."""
        packed = array.array("f", pack(vector))
        sql = "SELECT key, vector FROM chatui_memory_embeddings WHERE prefix = ? AND model = ? AND dimensions = ?"
        with self._database.reading() as connection:
            rows = connection.execute(sql, (prefix_of(user), model, len(vector))).fetchall()
        return {key: _cosine(packed, other) for key, other in rows}


async def _still_there(connection: aiosqlite.Connection, text: Text) -> bool:
    """Whether a text is as it was read, in the transaction of this connection."""
    if text.table == "chatui_memory_embeddings":
        sql = "SELECT key, prefix, value, created_at FROM store WHERE prefix = ? AND key = ?"
        async with connection.execute(sql, (text.place, text.name)) as cursor:
            row = await cursor.fetchone()
        return row is not None and shortened(memory_of(tuple(row)).text) == text.text
    sql = f"SELECT 1 FROM chatui_messages m WHERE m.thread_id = ?1 AND m.node_id = ?2 AND NOT {is_private('?1')}"
    async with connection.execute(sql, (text.place, text.name)) as cursor:
        return await cursor.fetchone() is not None


def shortened(text: str) -> str:
    """Return the part of a text that is looked at, on one line."""
    return clean_line(text[:MOST_CHARACTERS])


def as_sent(text: str) -> str:
    """Return what is sent of a message that is recalled because of its vector."""
    return clean_line(shortened(text), WHOLE)


def digest(text: str) -> bytes:
    """Return what tells a text from others."""
    return hashlib.blake2b(shortened(text).encode(), digest_size=16).digest()


def pack(vector: Sequence[float]) -> bytes:
    """Return a vector of length 1, as 32-bit numbers, the lowest byte first: sqlite-vec's form.

    Raises:
        ValueError: It has no direction.
    """
    length = math.sqrt(sum(number * number for number in vector))
    if not vector or not math.isfinite(length) or length == 0:
        raise ValueError("a vector without a direction")
    packed = array.array("f", [number / length for number in vector])
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def signs(vector: Sequence[float]) -> bytes:
    """Return a bit for each number: whether it is above 0."""
    bits = int("".join("1" if number > 0 else "0" for number in vector), 2)
    return bits.to_bytes((len(vector) + 7) // 8, "big")


def _cosine(packed: array.array[float], other: bytes) -> float:
    numbers = array.array("f", other)
    if sys.byteorder == "big":
        numbers.byteswap()
    return float(sum(map(operator.mul, packed, numbers)))


def _load(connection: sqlite3.Connection) -> bool:
    """Load sqlite-vec into a connection, where that can be done."""
    if not hasattr(connection, "enable_load_extension") or importlib.util.find_spec("sqlite_vec") is None:
        return False
    try:
        connection.execute("SELECT vec_version()")
    except sqlite3.OperationalError:
        pass
    else:
        return True
    import sqlite_vec

    try:
        connection.enable_load_extension(True)
        try:
            sqlite_vec.load(connection)
        finally:
            connection.enable_load_extension(False)
    except (sqlite3.Error, OSError):
        return False
    return True


_Scored = list[tuple[float, str, str]]


def _by_extension(connection: sqlite3.Connection, values: tuple[str, str, int, str], packed: bytes) -> _Scored | None:
    """Return the cosine of every vector, None where sqlite-vec cannot be had."""
    if not _load(connection):
        return None
    sql = f"SELECT 1 - vec_distance_cosine(e.vector, ?5), e.thread_id, e.node_id {_OTHERS}"
    return connection.execute(sql, (*values, packed)).fetchall()


def _by_python(
    connection: sqlite3.Connection, values: tuple[str, str, int, str], packed: bytes, bits: bytes
) -> tuple[_Scored, _Scored]:
    """Return the cosines of all vectors, or of those that matter where there are many; and of some that any text may have."""
    mine = array.array("f", packed)
    few = f"SELECT count(*) FROM (SELECT 1 {_OTHERS} LIMIT {EXACT + 1})"
    if connection.execute(few, values).fetchone()[0] <= EXACT:
        rows = connection.execute(f"SELECT e.vector, e.thread_id, e.node_id {_OTHERS}", values)
        scored = [(_cosine(mine, vector), thread, node) for vector, thread, node in rows]
        return scored, scored
    asked = int.from_bytes(bits, "big")
    rough = [
        ((asked ^ int.from_bytes(theirs, "big")).bit_count(), thread, node)
        for theirs, thread, node in connection.execute(f"SELECT e.signs, e.thread_id, e.node_id {_OTHERS}", values)
    ]
    sql = "SELECT vector FROM chatui_embeddings WHERE thread_id = ? AND node_id = ?"

    def exactly(rows: Iterable[tuple[int, str, str]]) -> _Scored:
        return [
            (_cosine(mine, connection.execute(sql, (thread, node)).fetchone()[0]), thread, node)
            for _, thread, node in rows
        ]

    typical = exactly(rough[:: max(1, len(rough) // _SAMPLED)])
    return exactly(sorted(rough)[:ROUGHLY]), typical


def _least(cosines: Sequence[float]) -> float:
    """Return how alike a text has to be to be found."""
    if len(cosines) < _FEW:
        return LEAST
    mean = sum(cosines) / len(cosines)
    if len(cosines) < _ENOUGH:
        return max(LEAST, mean)
    spread = math.sqrt(sum((cosine - mean) ** 2 for cosine in cosines) / len(cosines))
    return max(LEAST, mean + _ABOVE * spread)


def _look_up(connection: sqlite3.Connection, thread_id: str, node_id: str, cosine: float) -> Recalled | None:
    """Return the message of a vector, None where it is hidden or says something else by now."""
    row = connection.execute(
        f"""SELECT t.title, m.role, substr(m.text, 1, {MOST_CHARACTERS}), e.digest FROM chatui_messages m
            JOIN chatui_threads t ON t.thread_id = m.thread_id
            JOIN chatui_embeddings e ON e.thread_id = m.thread_id AND e.node_id = m.node_id
            WHERE m.thread_id = ? AND m.node_id = ? AND NOT m.hidden AND m.role IN ('user', 'assistant')""",
        (thread_id, node_id),
    ).fetchone()
    if row is None or bytes(row[3]) != digest(row[2]):
        return None
    title, role, text, _ = row
    said = as_sent(text)
    return Recalled(thread_id, node_id, role, clean_line(title), said, likeness=round(cosine, 3))
