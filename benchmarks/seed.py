"""Makes files with many or long threads quickly, for benchmarks and for trying things by hand.

    python -m benchmarks.seed PATH [--threads 100] [--messages 20] [--branches 1] [--size 400] [--text mixed]
                              [--foreign | --plain] [--user NAME] [--seed 0]

The rows are those that LangGraph's saver writes for a turn of chatui's graph (`tests/benchmarks/test_seed.py` holds them against
real ones), written by SQL in bulk instead of by running the graph; then the code that always fills the message index fills it.
A hundred thousand messages take about a minute. `--foreign` leaves all that is chatui's out, as if another program had written the
file; `--plain` is that too, with the whole list in each checkpoint, as `MessagesState` keeps it. An existing file gets the threads
added. The newest thread is the one that was viewed last.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sqlite3
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import ormsgpack
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langgraph.checkpoint.serde.types import _DeltaSnapshot
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

from benchmarks import texts
from chatui.conversation.state import SNAPSHOT_FREQUENCY, fold_messages
from chatui.storage import Store
from chatui.storage.checkpoints import serializer
from chatui.storage.index import FACTS

#: What the file is: chatui's own, the same rows without anything of ours, or those of a `MessagesState`.
FileKind = Literal["chatui", "foreign", "plain"]

MODEL = "ollama:llama3.2:3b"
#: Between two threads' last messages, and between two messages.
APART, PACE = timedelta(minutes=47), timedelta(seconds=20)
#: Threads whose rows, or index, go into one transaction.
_BATCH = 200
#: 100 ns intervals from the epoch of UUIDs to that of Unix.
_UUID_EPOCH = 0x01B21DD213814000


@dataclass(frozen=True)
class Place:
    """The end of a turn, where another can follow.

    Attributes:
        checkpoint_id: The checkpoint that ends with the turn's reply; "" before the first row of a plain thread.
        step: LangGraph's number of it.
        updates: How many times the messages were written since the last snapshot.
        supersteps: How many steps there were since.
        versions: LangGraph's versions of the channels.
        seen: Which of them its nodes have seen.
        messages: The branch up to here, packed.
    """

    checkpoint_id: str
    step: int
    updates: int
    supersteps: int
    versions: dict[str, str]
    seen: dict[str, dict[str, str]]
    messages: tuple[ormsgpack.Ext, ...]


class Thread:
    """One thread in the making: rows for both of LangGraph's tables.

    Args:
        thread_id: Its id.
        rng: Where ids and versions come from.
        began: The time of its first message.
        kind: What the file is.
        user: The owner.
        title: For the metadata of another program's thread; "" for none.
    """

    def __init__(
        self, thread_id: str, rng: random.Random, began: datetime, *, kind: FileKind, user: str, title: str = ""
    ) -> None:
        self.thread_id = thread_id
        self.checkpoints: list[tuple[Any, ...]] = []
        self.writes: list[tuple[Any, ...]] = []
        self._rng = rng
        self._time = began
        self._plain = kind == "plain"
        self._facts = {"user_id": user, **({"title": title} if title else {})}
        self._serde = serializer()
        self.root = Place("", -2, 0, 0, {}, {}, ())
        if not self._plain:
            # We begin each thread with a checkpoint that holds no text at all.
            self.root = self._put(Place("", -1, 0, 0, {}, {}, ()), "update", {}, None, {})

    def say(self, after: Place, prompt: str, reply: str) -> Place:
        """Add a turn, and return its end.

        Args:
            after: The turn it follows; `root` for a first one.
            prompt: What the user says.
            reply: What the model answers.
        """
        time = self._now()
        asked = self._pack(HumanMessage(prompt, id=f"prompt-{self._uuid()}", response_metadata=self._said(time)))
        answered = self._pack(self._answer(prompt, reply, time))
        plain = {} if self._plain else {"model": MODEL}

        begun = self._version(after)
        values: dict[str, Any] = {"__start__": {"messages": [asked]}}
        seen = {"__input__": {}, **after.seen}
        step = self._put(after, "input", values, ["__start__"], plain, {"__start__": begun}, seen)
        self._write(step, "__start__", [("messages", [asked]), ("branch:to:model", None)])

        applied = self._version(step)
        seen = {**seen, "__start__": {"__start__": begun}}
        new = dict.fromkeys(("__start__", "messages", "branch:to:model"), applied)
        updated = ["branch:to:model", "messages"]
        step = self._put(step, "loop", {"branch:to:model": None}, updated, plain, new, seen, asked)
        self._write(step, "model", [("messages", [answered])])

        ended = self._version(step)
        seen = {**seen, "model": {"branch:to:model": applied}}
        new = dict.fromkeys(("messages", "branch:to:model"), ended)
        return self._put(step, "loop", {}, ["messages"], plain, new, seen, answered)

    def _answer(self, prompt: str, reply: str, time: str) -> AIMessage:
        counted = {"input_tokens": len(prompt) // 4, "output_tokens": len(reply) // 4}
        metadata: dict[str, Any] = {"done": True, "done_reason": "stop"}
        if self._plain:
            metadata["model"] = MODEL.partition(":")[2]
        else:
            facts = {"model": MODEL, "created_at": time, "seconds": 2.5, "first_token_seconds": 0.25}
            metadata[FACTS] = facts
        usage: Any = {**counted, "total_tokens": sum(counted.values())}
        return AIMessage(reply, id=f"reply-{self._uuid()}", response_metadata=metadata, usage_metadata=usage)

    def _said(self, time: str) -> dict[str, Any]:
        return {} if self._plain else {FACTS: {"created_at": time}}

    def _put(
        self,
        parent: Place,
        source: str,
        values: dict[str, Any],
        updated: list[str] | None,
        metadata: dict[str, str],
        versions: dict[str, str] | None = None,
        seen: dict[str, dict[str, str]] | None = None,
        message: ormsgpack.Ext | None = None,
    ) -> Place:
        """Add a checkpoint below another, with the message that its step wrote."""
        step = parent.step + 1
        messages = parent.messages if message is None else (*parent.messages, message)
        updates, supersteps = parent.updates + (message is not None), parent.supersteps + 1
        facts: dict[str, Any] = {"source": source, "step": step, "parents": {}}
        if self._plain:
            if messages:
                values = {"messages": list(messages), **values}
        else:
            if updates >= SNAPSHOT_FREQUENCY:
                values = {"messages": _DeltaSnapshot(list(messages)), **values}
                updates = supersteps = 0
            if source != "update" and (updates, supersteps) != (0, 0):
                facts["counters_since_delta_snapshot"] = {"messages": [updates, supersteps]}
            elif source == "update":
                supersteps = 0
        time = self._time.astimezone(UTC)
        checkpoint_id = self._uuid6(time, step)
        place = Place(
            checkpoint_id, step, updates, supersteps, {**parent.versions, **(versions or {})}, seen or {}, messages
        )
        blob = self._serde.dumps_typed(
            {
                "v": 4,
                "ts": time.isoformat(),
                "id": checkpoint_id,
                "channel_values": values,
                "channel_versions": place.versions,
                "versions_seen": place.seen,
                "updated_channels": updated,
            }
        )
        facts |= {**self._facts, **metadata}
        row = (self.thread_id, "", checkpoint_id, parent.checkpoint_id or None, *blob)
        self.checkpoints.append((*row, json.dumps(facts, ensure_ascii=False).encode()))
        return place

    def _write(self, place: Place, node: str, writes: Sequence[tuple[str, Any]]) -> None:
        """Add what a node wrote, under the checkpoint that it ran from."""
        task = self._uuid()
        for index, (channel, value) in enumerate(writes):
            blob = self._serde.dumps_typed(value)
            path = f"~__pregel_pull, {node}"
            self.writes.append((self.thread_id, "", place.checkpoint_id, task, path, index, channel, *blob))

    def _pack(self, message: BaseMessage) -> ormsgpack.Ext:
        """Serialize a message once; it is in several rows."""
        packed: ormsgpack.Ext = ormsgpack.unpackb(self._serde.dumps_typed(message)[1], ext_hook=ormsgpack.Ext)
        return packed

    def _version(self, place: Place) -> str:
        number = max((int(version.partition(".")[0]) for version in place.versions.values()), default=0) + 1
        return f"{number:032}.{self._rng.random():016}"

    def _now(self) -> str:
        self._time += PACE
        return self._time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self._rng.getrandbits(128), version=4))

    def _uuid6(self, time: datetime, step: int) -> str:
        """An id as LangGraph makes it at a time; the few rows of one turn are a tick apart."""
        since = int(time.timestamp() * 1_000_000) * 10 + _UUID_EPOCH + len(self.checkpoints)
        number = since >> 12 << 80 | (since & 0xFFF) << 64 | (step & 0x3FFF) << 48 | self._rng.getrandbits(48)
        number = number & ~(0xC000 << 48) | 0x8000 << 48
        return str(uuid.UUID(int=number & ~(0xF000 << 64) | 6 << 76))


def branching(messages: int, branches: int) -> list[tuple[int, int]]:
    """Divide the turns of a thread among its branches.

    The first branch is the longest; the others part from it at places evenly spread over it.

    Args:
        messages: All messages of the thread: two a turn.
        branches: How many leaves it is to have; fewer where there are not so many turns.

    Returns:
        For each branch: how many turns of the first it shares, and how many of its own follow.
    """
    turns = max(1, messages // 2)
    branches = max(1, min(branches, turns))
    side = max(1, turns // (2 * branches)) if branches > 1 else 0
    main = turns - (branches - 1) * side
    return [(0, main), *((main * number // branches, side) for number in range(1, branches))]


async def seed(
    path: Path,
    *,
    threads: int = 100,
    messages: int = 20,
    branches: int = 1,
    size: int = 400,
    text: texts.Kind = "mixed",
    kind: FileKind = "chatui",
    user: str = "default",
    seed: int = 0,
    last: datetime | None = None,
    told: Callable[[str, int, int], None] | None = None,
) -> list[str]:
    """Make a file, or add to it.

    Args:
        path: The file.
        threads: How many threads.
        messages: How many messages in each, all branches counted.
        branches: How many leaves each has.
        size: Characters of a reply; a prompt has about a quarter.
        text: What the messages are made of. Each holds a mark like `t17m3`: message 3 (from 0, branch after branch) of
            thread 17 (from 0, the newest first) of this call.
        kind: What the file is.
        user: The owner.
        seed: The same gives the same texts; ids differ with the number of threads that the file has.
        last: The time of the newest thread's last message; None for now.
        told: Called with what is being done, how many threads are done, and how many there are.

    Returns:
        The threads' ids, the newest first.
    """
    async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
        if kind == "chatui":
            await Store.open(path).close()
        await saver.setup()
    shape = branching(messages, branches)
    turns = sum(own for _, own in shape)
    last = last or datetime.now(UTC)
    told = told or (lambda what, done, total: None)
    ids: list[str] = []
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA synchronous=OFF")
        present = connection.execute("SELECT count(DISTINCT thread_id) FROM checkpoints").fetchone()[0]
        # The oldest first, as they would have been written.
        for number in reversed(range(threads)):
            rng = random.Random(f"{seed} {number}")
            ids.append(str(uuid.UUID(int=random.Random(f"{seed} {present} {number}").getrandbits(128), version=4)))
            title = f"Thread {number}" if kind != "chatui" else ""
            thread = Thread(ids[-1], rng, last - APART * number - PACE * turns, kind=kind, user=user, title=title)
            _talk(thread, shape, rng, text, size, f"t{number}")
            store(connection, thread)
            if len(ids) % _BATCH == 0:
                connection.commit()
                told("rows", len(ids), threads)
        connection.commit()
        told("rows", threads, threads)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    if kind == "chatui":
        await fill_index(path, ids, told)
    return ids[::-1]


def _talk(
    thread: Thread, shape: Sequence[tuple[int, int]], rng: random.Random, text: texts.Kind, size: int, mark: str
) -> None:
    """Put the turns of all branches into a thread."""
    main = [thread.root]
    number = 0
    for shared, own in shape:
        at = main[shared]
        for _ in range(own):
            prompt = texts.question(text, size // 4, rng, f"{mark}m{number}")
            at = thread.say(at, prompt, texts.answer(text, size, rng, f"{mark}m{number + 1}"))
            number += 2
            if shared == 0 and len(main) <= shape[0][1]:
                main.append(at)


async def single(path: Path, thread_id: str, turns: Iterable[tuple[str, str]], *, kind: FileKind = "chatui") -> str:
    """Make a file with one thread of one branch, or add it. Returns its id.

    Args:
        path: The file.
        thread_id: The thread's id.
        turns: Prompts and replies.
        kind: What the file is.
    """
    await seed(path, threads=0, kind=kind)
    thread = Thread(thread_id, random.Random(1), datetime.now(UTC), kind=kind, user="default")
    at = thread.root
    for prompt, reply in turns:
        at = thread.say(at, prompt, reply)
    with closing(sqlite3.connect(path)) as connection:
        store(connection, thread)
        connection.commit()
    if kind == "chatui":
        await fill_index(path, [thread_id])
    return thread_id


def store(connection: sqlite3.Connection, thread: Thread) -> None:
    """Write a thread's rows. The caller commits."""
    connection.executemany(
        """INSERT INTO checkpoints (thread_id, checkpoint_ns, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata)
           VALUES (?, ?, ?, ?, ?, ?, ?)""",
        thread.checkpoints,
    )
    connection.executemany(
        """INSERT INTO writes (thread_id, checkpoint_ns, checkpoint_id, task_id, task_path, idx, channel, type, value)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        thread.writes,
    )


async def fill_index(path: Path, ids: Sequence[str], told: Callable[[str, int, int], None] | None = None) -> None:
    """Index threads, many in one transaction, and set each one's head and model as its last turn would have.

    Args:
        path: A file of chatui's.
        ids: The threads, the one to be viewed last at the end.
        told: As in `seed`.
    """
    store = Store.open(path)
    index = store.index(fold_messages)
    try:
        for start in range(0, len(ids), _BATCH):
            async with store.database.transaction() as connection:
                for thread_id in ids[start : start + _BATCH]:
                    plan = index.plan(thread_id)
                    await index.apply(connection, plan)
                    end = plan.steps[-1]
                    await store.threads.update(connection, thread_id, model=MODEL)
                    await store.threads.set_head(connection, thread_id, end.checkpoint_id, end.node_id, left="")
            if told:
                told("index", min(start + _BATCH, len(ids)), len(ids))
    finally:
        await store.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seed", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("path", type=Path, metavar="PATH", help="the file; threads are added to one that is there")
    parser.add_argument("--threads", type=int, default=100)
    parser.add_argument("--messages", type=int, default=20, help="of each thread, all branches counted")
    parser.add_argument("--branches", type=int, default=1, help="leaves of each thread")
    parser.add_argument("--size", type=int, default=400, help="characters of a reply; a prompt has a quarter")
    parser.add_argument("--text", choices=texts.KINDS, default="mixed")
    parser.add_argument("--user", default="default")
    parser.add_argument("--seed", type=int, default=0)
    kinds = parser.add_mutually_exclusive_group()
    kinds.add_argument("--foreign", dest="kind", action="store_const", const="foreign", default="chatui")
    kinds.add_argument("--plain", dest="kind", action="store_const", const="plain")
    options = vars(parser.parse_args())
    began = time.perf_counter()

    def told(what: str, done: int, total: int) -> None:
        print(f"\r{what}: {done:,} of {total:,} threads ({time.perf_counter() - began:.0f} s)", end="", flush=True)

    path = options.pop("path")
    asyncio.run(seed(path, **options, told=told))
    size = sum(file.stat().st_size for file in path.parent.glob(path.name + "*"))
    print(f"\r{path}: {size / 1e6:.1f} MB in {time.perf_counter() - began:.1f} s" + " " * 20)


if __name__ == "__main__":
    main()
