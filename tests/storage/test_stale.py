"""What the index of a thread lacks is found, whether few or many rows of the file are newer than what it has."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks import seed
from chatui.conversation.state import fold_messages
from chatui.storage import Store, tables


def write(path: Path, thread: seed.Thread) -> None:
    """Write the rows that were made since the last call, as another program does."""
    with closing(sqlite3.connect(path)) as connection:
        seed.store(connection, thread)
        connection.commit()
    thread.checkpoints.clear()
    thread.writes.clear()


def made(thread_id: str) -> tuple[seed.Thread, seed.Place]:
    thread = seed.Thread(thread_id, random.Random(thread_id), datetime.now(UTC), kind="chatui", user="default")
    return thread, thread.say(thread.root, f"The first of {thread_id}", "An answer")


@pytest.mark.parametrize("newer", [3, tables._NEAR + 100])
async def test_what_another_program_wrote_in_an_old_thread_is_found(tmp_path: Path, newer: int) -> None:
    path = tmp_path / "chatui.db"
    await seed.seed(path, threads=0)
    old, place = made("old")
    write(path, old)
    await seed.fill_index(path, ["old"])
    other, end = made("other")
    while len(other.checkpoints) < newer:
        end = other.say(end, "More", "And more")
    write(path, other)

    store = Store.open(path)
    index = store.index(fold_messages)
    try:
        assert store.stale("old") == []
        assert store.stale("other") == ["other"]
        assert store.stale() == ["other"]

        old.say(place, "The second", "Another answer")
        write(path, old)
        assert store.stale("old") == ["old"]
        assert [len(step.new) for step in index.plan("old").steps] == [0, 1, 1]
        await index.catch_up("old")
        assert store.stale("old") == []
        assert [message.text for message in store.messages.tree("old", "")] == [
            "The first of old",
            "An answer",
            "The second",
            "Another answer",
        ]

        with closing(sqlite3.connect(path)) as connection:
            connection.execute(
                """DELETE FROM checkpoints WHERE rowid IN (
                    SELECT rowid FROM checkpoints WHERE thread_id = 'old' ORDER BY rowid DESC LIMIT 3)"""
            )
            connection.commit()
        assert store.stale("old") == ["old"], "rows that were removed are noticed"
        await index.catch_up("old")
        assert store.stale("old") == []
        assert len(store.messages.tree("old", "")) == 2
    finally:
        await store.close()


async def test_a_turn_looks_at_no_row_of_its_thread_that_is_indexed(tmp_path: Path) -> None:
    path = tmp_path / "chatui.db"
    await seed.seed(path, threads=1, messages=400, size=40)
    store = Store.open(path)
    try:
        (thread,) = store.threads.page()
        with store.database.reading() as connection:
            condition, values = tables.newer(connection, thread.thread_id)
            sql = f"EXPLAIN QUERY PLAN SELECT checkpoint FROM checkpoints WHERE {condition}"
            (step,) = connection.execute(sql, values).fetchall()
        assert "INTEGER PRIMARY KEY (rowid>?)" in step[3]
    finally:
        await store.close()
