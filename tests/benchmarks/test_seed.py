"""Seeded files are what the real graph writes: the benchmarks stand on that."""

from __future__ import annotations

import random
import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, MessagesState, StateGraph

from benchmarks import seed as seeding
from benchmarks import texts
from benchmarks.seed import Thread, seed
from chatui.config import Config
from chatui.conversation.events import Finished
from chatui.conversation.graph import at, build_graph
from chatui.conversation.library import Library
from chatui.conversation.state import SNAPSHOT_FREQUENCY
from chatui.storage import Store
from chatui.storage.checkpoints import serializer
from tests.conversation.conftest import Bench, run

TURNS = [("One?", "First."), ("Two?", "Second."), ("Two, then?", "Another second.")]


async def _never(messages: object, checkpoint_id: str) -> Any:
    raise AssertionError("no model is asked")


def _rows(path: Path, thread_id: str) -> list[Any]:
    """A thread's rows without what differs from run to run: ids, times, the random half of versions, our clocks' seconds."""
    serde = serializer()
    places: dict[str | None, object] = {None: None}

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            left_out = {"id", "ts", "usage_metadata", "seconds", "first_token_seconds", "created_at"}
            return {key: plain(item) for key, item in value.items() if key not in left_out}
        if isinstance(value, list | tuple):
            return [plain(item) for item in value]
        if hasattr(value, "model_dump"):
            return plain(value.model_dump())
        return value.partition(".")[0] if isinstance(value, str) and value.startswith("0" * 20) else value

    with closing(sqlite3.connect(path)) as connection:
        checkpoints = connection.execute(
            """SELECT checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata FROM checkpoints
               WHERE thread_id = ? ORDER BY rowid""",
            (thread_id,),
        ).fetchall()
        writes = connection.execute(
            """SELECT checkpoint_id, task_path, idx, channel, type, value FROM writes WHERE thread_id = ?
               ORDER BY rowid""",
            (thread_id,),
        ).fetchall()
    found = []
    for number, (checkpoint_id, parent, kind, blob, metadata) in enumerate(checkpoints):
        places[checkpoint_id] = number
        found.append((places[parent], kind, plain(serde.loads_typed((kind, blob))), msgspec.json.decode(metadata)))
    for checkpoint_id, *names, kind, blob in writes:
        found.append((places[checkpoint_id], *names, kind, plain(serde.loads_typed((kind, blob)))))
    return found


def _make(path: Path, kind: seeding.FileKind, shape: list[tuple[int, tuple[str, str]]]) -> None:
    """Seed the thread "seeded": each turn follows the turn of a number, 0 being the root."""
    thread = Thread("seeded", random.Random(1), datetime.now(UTC), kind=kind, user="default")
    ends = [thread.root]
    for after, (prompt, reply) in shape:
        ends.append(thread.say(ends[after], prompt, reply))
    with closing(sqlite3.connect(path)) as connection:
        seeding.store(connection, thread)
        connection.commit()


async def test_rows_are_those_of_the_graph(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "real.db")
    conversation = bench.library.conversation()
    for number, (prompt, reply) in enumerate(TURNS):
        bench.models.script = [reply]
        if number == 2:
            await conversation.back()
        events = await run(conversation.send(prompt, model=seeding.MODEL))
        assert isinstance(events[-1], Finished)
    await bench.library.close()

    _make(bench.path, "chatui", [(0, TURNS[0]), (1, TURNS[1]), (1, TURNS[2])])

    def ours(rows: list[Any]) -> str:
        # What a model's server says of itself is its own, and a seeded reply was asked for with nothing.
        return re.sub(r", 'sent': \{(?:[^{}]|\{[^{}]*\})*\}", "", repr(rows).replace(", 'done_reason': 'stop'", ""))

    assert ours(_rows(bench.path, "seeded")) == ours(_rows(bench.path, conversation.thread_id))


async def test_plain_rows_are_those_of_messages_state(tmp_path: Path) -> None:
    path = tmp_path / "plain.db"
    answers = iter([reply for _, reply in TURNS[:2]])
    metadata = {"done": True, "done_reason": "stop", "model": seeding.MODEL.partition(":")[2]}

    def model(state: Any) -> dict[str, Any]:
        return {"messages": [AIMessage(next(answers), response_metadata=metadata)]}

    builder = StateGraph(MessagesState)
    builder.add_node("model", model)
    builder.add_edge(START, "model")
    builder.add_edge("model", END)
    async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
        graph = builder.compile(checkpointer=saver)
        for prompt, _ in TURNS[:2]:
            said = {"messages": [HumanMessage(prompt)]}
            config: Any = {"configurable": {"thread_id": "real", "user_id": "default"}}
            await graph.ainvoke(cast("Any", said), config)
    _make(path, "plain", [(0, TURNS[0]), (1, TURNS[1])])
    assert _rows(path, "seeded") == _rows(path, "real")


@pytest.mark.parametrize(("messages", "branches"), [(24, 3), (SNAPSHOT_FREQUENCY + 800, 2)])
async def test_a_seeded_thread_is_sound_and_goes_on(tmp_path: Path, messages: int, branches: int) -> None:
    bench = Bench(tmp_path / "chatui.db")
    await bench.library.close()
    ids = await seed(bench.path, threads=2, messages=messages, branches=branches, size=120)
    library = await bench.reopen()
    try:
        assert await library.check() == []
        assert library.stale() == 0
        assert [thread.thread_id for thread in library.threads()] == ids
        thread = library.threads()[0]
        assert (thread.message_count, thread.branch_count) == (messages, branches)
        assert library.last_viewed() == thread

        store = Store.open(bench.path)
        graph = build_graph(_never, await store.saver())
        conversation = library.conversation(ids[0])
        tree = conversation.tree()
        above = {message.parent_id for message in tree}
        leaves = [message for message in tree if message.node_id not in above]
        assert len(leaves) == branches
        for leaf in leaves:
            state = await graph.aget_state(at(ids[0], leaf.checkpoint_id))
            path = conversation.path(leaf.node_id)
            assert [message.text for message in state.values["messages"]] == [message.text for message in path]
            assert state.next == ()
        await store.close()

        events = await run(conversation.send("And then?"))
        assert isinstance(events[-1], Finished)
        asked = [message.text for message in bench.models.asked[-1]]
        assert asked[-1] == "And then?"
        assert asked[-2] == conversation.branch()[-3].text
        assert await library.check() == []
    finally:
        await library.close()


@pytest.mark.parametrize("kind", ["foreign", "plain"])
async def test_another_programs_file(tmp_path: Path, kind: seeding.FileKind) -> None:
    path = tmp_path / "theirs.db"
    await seed(path, threads=3, messages=6, branches=1, kind=kind, user="ann")
    with closing(sqlite3.connect(path)) as connection:
        assert not connection.execute("SELECT name FROM sqlite_master WHERE name LIKE 'chatui%'").fetchall()
    models = Bench(tmp_path / "other.db").models
    library = Library(Store.open(path), cast("Any", models), Config())
    try:
        assert library.side is not None
        assert library.stale() == 3
        async for _ in library.catch_up():
            pass
        assert [(thread.title, thread.user, thread.message_count) for thread in library.threads()] == [
            (f"Thread {number}", "ann", 6) for number in range(3)
        ]
        assert await library.check() == []
    finally:
        await library.close()


def test_branching_keeps_the_number_of_messages() -> None:
    for messages, branches in ((2, 1), (20, 1), (20, 2), (24, 5), (5000, 7), (2, 9)):
        shape = seeding.branching(messages, branches)
        assert sum(own for _, own in shape) == messages // 2
        assert len(shape) == min(branches, messages // 2)
        assert all(shared < shape[0][1] or shared == 0 for shared, _ in shape)


@pytest.mark.parametrize("kind", texts.KINDS)
def test_texts_have_their_size_and_their_mark(kind: texts.Kind) -> None:
    rng = random.Random(3)
    for size in (10, 400, 8000):
        for text in (texts.question(kind, size, rng, "t1m2"), texts.answer(kind, size, rng, "t1m2")):
            assert text.count("t1m2") == 1
            assert size <= len(text) < size + 400
