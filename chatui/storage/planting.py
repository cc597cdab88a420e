"""Putting whole trees of messages into LangGraph's tables at once, as an import needs it: thousands of threads, no model asked.

The rows are those that LangGraph's saver writes for the turns of our graph, written in bulk and in the caller's transaction, with
their part of the message index: so a thread is there whole or not at all.

What a DeltaChannel holds at a checkpoint is what was written under its ancestors. So no two children may build on the writes of
one row: a message goes under a row of its own (`input` for a prompt, `fork` for anything else), and only the one answer of a new
prompt goes under the prompt's row itself, as in a turn. Where something was already written under a row that gets another child,
the row between them holds the whole list, as LangGraph's own forks do.

A message is known again by its node id, which is made of its place and content: planting the same tree again adds nothing.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import ormsgpack
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langgraph.checkpoint.serde.types import _DeltaSnapshot

from chatui.storage.channels import DEFAULT_CHANNEL
from chatui.storage.checkpoints import serializer
from chatui.storage.index import Index, Node, Plan, Step, node_id, row
from chatui.storage.tables import metadata_of

if TYPE_CHECKING:
    import aiosqlite

#: LangGraph writes the whole list after so many steps, however few of them added something.
_MOST_STEPS = 5000
#: 100 ns intervals from the epoch of UUIDs to that of Unix.
_UUID_EPOCH = 0x01B21DD213814000
_COUNTERS = "counters_since_delta_snapshot"
_TO_MODEL = "branch:to:model"


class Seedling(msgspec.Struct, frozen=True):
    """A message to be planted.

    Attributes:
        message: The message, with an id that no other message of its branch has.
        parent: The place of the message it follows in the list that is planted, which is before its own; None for a first one.
        created_at: Its time, ISO 8601 in UTC.
        model: Who said it, None for what no model said.
    """

    message: BaseMessage
    parent: int | None
    created_at: str
    model: str | None = None


def nodes_of(seedlings: Sequence[Seedling]) -> list[str]:
    """Return the node that each message of a tree has in our index."""
    nodes: list[str] = []
    for seedling in seedlings:
        nodes.append(node_id("" if seedling.parent is None else nodes[seedling.parent], seedling.message))
    return nodes


class Planted(msgspec.Struct, frozen=True):
    """What became of a list of seedlings.

    Attributes:
        nodes: The node of each, in their order.
        checkpoints: The checkpoint that ends with each.
        new: How many were not there before.
    """

    nodes: list[str]
    checkpoints: list[str]
    new: int


class _Place(msgspec.Struct):
    """A checkpoint, and what the next one takes over from it."""

    checkpoint_id: str | None
    step: int = -2
    updates: int = 0
    supersteps: int = 0
    versions: dict[str, Any] = {}
    seen: dict[str, Any] = {}
    values: dict[str, Any] = {}
    #: Whether a message is written under it.
    used: bool = False


class Plot:
    """The rows to be of one thread. `sow` reads and prepares, `write` writes.

    Args:
        index: What keeps the message index.
        connection: Of an open transaction, which sees everything that was planted before.
        thread_id: The thread; a new one, or one that was planted before.
        owner: The user that a new thread belongs to.
        frequency: After so many added messages the whole list is written.
    """

    def __init__(
        self, index: Index, connection: aiosqlite.Connection, thread_id: str, *, owner: str, frequency: int
    ) -> None:
        self._index = index
        self._connection = connection
        self._thread_id = thread_id
        self._owner = owner
        self._frequency = frequency
        self._serde = serializer()
        self._random = random.Random(thread_id)  # noqa: S311 - parts of versions and ids, no secrets
        self._rowid = 0
        self._ticks = 0
        self._checkpoints: list[tuple[Any, ...]] = []
        self._writes: list[tuple[Any, ...]] = []
        self._steps: list[Step] = []
        self._known: dict[str, str | None] = {}
        #: Of each new checkpoint: the one it follows, and what it adds, packed.
        self._added: dict[str, tuple[str | None, Any]] = {}

    async def sow(self, seedlings: Sequence[Seedling]) -> Planted:
        """Prepare the rows of those messages that are not there yet.

        Args:
            seedlings: The messages of the tree, each behind the one that it follows.
        """
        await self._read()
        nodes = nodes_of(seedlings)
        first: dict[str, int] = {}
        for number, node in enumerate(nodes):
            first.setdefault(node, number)
        new = {number for node, number in first.items() if node not in self._known}
        places: dict[int | None, _Place] = {}
        siblings: dict[int | None, int] = {}
        for number in new:
            siblings[seedlings[number].parent] = siblings.get(seedlings[number].parent, 0) + 1
        checkpoints = [self._known.get(node) or "" for node in nodes]
        for number, seedling in enumerate(seedlings):
            if number not in new:
                # There already, or the same as one before it in the list.
                checkpoints[number] = checkpoints[first[nodes[number]]]
                continue
            parent = seedling.parent
            if parent not in places:
                places[parent] = await self._place(checkpoints[parent]) if parent is not None else await self._root()
            alone = siblings[parent] == 1 and parent in new
            places[number] = self._grow(places[parent], seedling, nodes, number, alone)
            checkpoints[number] = str(places[number].checkpoint_id)
        return Planted(nodes, checkpoints, len(new))

    async def write(self) -> None:
        """Write what was prepared, and its part of the index."""
        if not self._checkpoints:
            return
        await self._connection.executemany(
            """INSERT INTO checkpoints (rowid, thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint,
                   metadata) VALUES (?, ?, '', ?, ?, ?, ?, ?)""",
            self._checkpoints,
        )
        await self._connection.executemany(
            """INSERT INTO writes (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value)
               VALUES (?, '', ?, ?, ?, ?, ?, ?, ?)""",
            self._writes,
        )
        rows = [row(self._thread_id, node, step) for step in self._steps for node in step.new]
        plan = Plan(self._thread_id, DEFAULT_CHANNEL, self._owner, None, self._steps, rows)
        await self._index.apply(self._connection, plan)

    async def _read(self) -> None:
        """Read what the thread has, and where the next row goes."""
        sql = "SELECT node_id, checkpoint_id FROM chatui_messages WHERE thread_id = ?"
        async with self._connection.execute(sql, (self._thread_id,)) as cursor:
            self._known = {node: checkpoint async for node, checkpoint in cursor}
        async with self._connection.execute("SELECT coalesce(max(rowid), 0) FROM checkpoints") as cursor:
            found = await cursor.fetchone()
        self._rowid = found[0] if found else 0

    async def _root(self) -> _Place:
        """The checkpoint of the empty conversation: each of our threads begins with one that holds no text at all."""
        sql = "SELECT checkpoint_id FROM chatui_checkpoints WHERE thread_id = ? AND node_id = '' LIMIT 1"
        async with self._connection.execute(sql, (self._thread_id,)) as cursor:
            found = await cursor.fetchone()
        if found is not None:
            return await self._place(found[0])
        return _Place(None)

    async def _place(self, checkpoint_id: str) -> _Place:
        """A checkpoint that is there already."""
        sql = """SELECT c.type, c.checkpoint, c.metadata, EXISTS (
                SELECT 1 FROM writes w WHERE w.thread_id = c.thread_id AND w.checkpoint_ns = ''
                AND w.checkpoint_id = c.checkpoint_id AND w.channel = ?)
            FROM checkpoints c WHERE c.thread_id = ? AND c.checkpoint_ns = '' AND c.checkpoint_id = ?"""
        async with self._connection.execute(sql, (DEFAULT_CHANNEL, self._thread_id, checkpoint_id)) as cursor:
            found = await cursor.fetchone()
        if found is None:
            raise ValueError("a message of this thread has no checkpoint")
        kind, blob, metadata, used = found
        checkpoint, facts = self._serde.loads_typed((kind, blob)), metadata_of(metadata)
        updates, supersteps = (facts.get(_COUNTERS) or {}).get(DEFAULT_CHANNEL, (0, 0))
        waiting = {_TO_MODEL: None} if _TO_MODEL in (checkpoint.get("channel_values") or {}) else {}
        return _Place(
            checkpoint_id=checkpoint_id,
            step=facts.get("step", 0),
            updates=updates,
            supersteps=supersteps,
            versions=checkpoint.get("channel_versions") or {},
            seen=checkpoint.get("versions_seen") or {},
            values=waiting,
            used=bool(used),
        )

    def _grow(self, parent: _Place, seedling: Seedling, nodes: Sequence[str], number: int, alone: bool) -> _Place:
        """Prepare the rows of one message.

        Args:
            parent: The checkpoint that it follows.
            seedling: The message.
            nodes: The nodes of all.
            number: Which of them it is.
            alone: Whether it is all that follows a message which is new too.
        """
        time = seedling.created_at
        above = "" if seedling.parent is None else nodes[seedling.parent]
        if parent.checkpoint_id is None:
            self._put(parent, "update", {}, time, "", [])
        model = {"model": seedling.model} if seedling.model else {}
        packed, message = self._pack(seedling.message), seedling.message
        node = [Node(nodes[number], above, message)]
        answers = isinstance(message, AIMessage)
        if isinstance(message, HumanMessage):
            return self._prompt(parent, packed, node, time, above, model)
        place = parent
        if parent.used or not (answers and alone and _TO_MODEL in parent.values):
            place = self._put(self._copy(parent), "fork", dict(parent.values), time, above, [], metadata=model)
        self._write(place, "model", [(DEFAULT_CHANNEL, [packed])])
        place.used = True
        version = self._version(place)
        versions = {DEFAULT_CHANNEL: version, **({_TO_MODEL: version} if _TO_MODEL in place.versions else {})}
        seen = place.seen
        if answers and _TO_MODEL in place.versions:
            seen = {**seen, "model": {_TO_MODEL: place.versions[_TO_MODEL]}}
        end = self._copy(place, versions=versions, seen=seen, adds=True)
        values = {} if answers else dict(place.values)
        return self._put(end, "loop", values, time, nodes[number], node, [DEFAULT_CHANNEL], model, packed)

    def _prompt(
        self, parent: _Place, packed: Any, node: list[Node], time: str, above: str, model: dict[str, str]
    ) -> _Place:
        """The two rows of a prompt: the one that takes it in, and the one that ends with it and waits for the model."""
        begun = self._version(parent)
        seen = {"__input__": {}, **parent.seen}
        taken = self._copy(parent, versions={"__start__": begun}, seen=seen)
        values: dict[str, Any] = {"__start__": {DEFAULT_CHANNEL: [packed]}}
        taken = self._put(taken, "input", values, time, above, [], ["__start__"], model)
        self._write(taken, "__start__", [(DEFAULT_CHANNEL, [packed]), (_TO_MODEL, None)])
        version = self._version(taken)
        versions = dict.fromkeys(("__start__", DEFAULT_CHANNEL, _TO_MODEL), version)
        seen = {**seen, "__start__": {"__start__": begun}}
        end = self._copy(taken, versions=versions, seen=seen, adds=True)
        updated = [_TO_MODEL, DEFAULT_CHANNEL]
        return self._put(end, "loop", {_TO_MODEL: None}, time, node[0].node_id, node, updated, model, packed)

    def _copy(
        self,
        place: _Place,
        *,
        versions: dict[str, Any] | None = None,
        seen: dict[str, Any] | None = None,
        adds: bool = False,
    ) -> _Place:
        """What follows a checkpoint, not yet put down."""
        return _Place(
            checkpoint_id=place.checkpoint_id,
            step=place.step,
            updates=place.updates + adds,
            supersteps=place.supersteps,
            versions={**place.versions, **(versions or {})},
            seen=place.seen if seen is None else seen,
            values=place.values,
            used=place.used,
        )

    def _put(
        self,
        place: _Place,
        source: str,
        values: dict[str, Any],
        time: str,
        node: str,
        new: list[Node],
        updated: Collection[str] | None = None,
        metadata: dict[str, str] | None = None,
        packed: Any = None,
    ) -> _Place:
        """Put a checkpoint down below the one that `place` names, and let `place` be it."""
        place.step += 1
        place.values = {_TO_MODEL: None} if _TO_MODEL in values else {}
        facts: dict[str, Any] = {"source": source, "step": place.step, "parents": {}}
        if source != "update":
            place.supersteps += 1
            forked = place.used and source in ("fork", "input")
            if forked or place.updates >= self._frequency or place.supersteps >= _MOST_STEPS:
                values = {DEFAULT_CHANNEL: _DeltaSnapshot(self._whole(place.checkpoint_id, packed)), **values}
                place.updates = place.supersteps = 0
            else:
                facts[_COUNTERS] = {DEFAULT_CHANNEL: [place.updates, place.supersteps]}
        parent, place.checkpoint_id, place.used = place.checkpoint_id, self._uuid6(time, place.step), False
        self._added[place.checkpoint_id] = parent, packed
        kind, blob = self._serde.dumps_typed(
            {
                "v": 4,
                "ts": datetime.fromisoformat(time).astimezone(UTC).isoformat(),
                "id": place.checkpoint_id,
                "channel_values": values,
                "channel_versions": place.versions,
                "versions_seen": place.seen,
                "updated_channels": sorted(updated) if updated is not None else None,
            }
        )
        facts |= {"user_id": self._owner, **(metadata or {})}
        self._rowid += 1
        encoded = msgspec.json.encode(facts)
        self._checkpoints.append((self._rowid, self._thread_id, place.checkpoint_id, parent, kind, blob, encoded))
        self._steps.append(Step(self._rowid, place.checkpoint_id, node, new, time))
        return place

    def _whole(self, at: str | None, packed: Any) -> list[Any]:
        """The messages up to a checkpoint and one more; what an earlier import put down is read."""
        added = [packed] if packed is not None else []
        while at in self._added:
            at, packed = self._added[at]
            if packed is not None:
                added.append(packed)
        state = self._index.state(self._thread_id, at)[DEFAULT_CHANNEL] if at is not None else []
        return [self._pack(message) for message in state] + added[::-1]

    def _write(self, place: _Place, node: str, writes: Sequence[tuple[str, Any]]) -> None:
        """Add what a node wrote, under the checkpoint that it ran from."""
        task = str(uuid.UUID(int=self._random.getrandbits(128), version=4))
        for number, (channel, value) in enumerate(writes):
            blob = self._serde.dumps_typed(value)
            names = (self._thread_id, place.checkpoint_id, task, f"~__pregel_pull, {node}", number, channel)
            self._writes.append((*names, *blob))

    def _pack(self, message: BaseMessage) -> Any:
        """Serialize a message once; it is in several rows."""
        return ormsgpack.unpackb(self._serde.dumps_typed(message)[1], ext_hook=ormsgpack.Ext)

    def _version(self, place: _Place) -> str:
        number = max((int(str(version).partition(".")[0]) for version in place.versions.values()), default=0) + 1
        return f"{number:032}.{self._random.random():016}"

    def _uuid6(self, time: str, step: int) -> str:
        """An id as LangGraph makes it at a time; each is later than the one before it."""
        ticks = int(datetime.fromisoformat(time).timestamp() * 1_000_000) * 10 + _UUID_EPOCH
        self._ticks = ticks = max(ticks, self._ticks + 1)
        # The random part is of the moment: an id that an earlier import gave must not come again.
        number = ticks >> 12 << 80 | (ticks & 0xFFF) << 64 | (step & 0x3FFF) << 48 | uuid.uuid4().int & (1 << 48) - 1
        number = number & ~(0xC000 << 48) | 0x8000 << 48
        return str(uuid.UUID(int=number & ~(0xF000 << 64) | 6 << 76))
