from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import pytest

from chatui.errors import AmbiguousThread, UnknownThread
from chatui.storage import Store


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store.open(tmp_path / "chatui.db")
    async with store.database.transaction() as connection:
        for number, (thread_id, owner, title) in enumerate(
            [("aa11", "anna", "100% sure"), ("aa22", "bob", "Trip to Rome"), ("bb33", "anna", "trip to Oslo")]
        ):
            await store.threads.add(connection, thread_id, owner=owner, title=title)
            await store.threads.update(connection, thread_id, updated_at=f"2026-01-0{number + 1}T00:00:00.000Z")
    yield store
    await store.close()


def ids(store: Store, **options: object) -> list[str]:
    return [thread.thread_id for thread in store.threads.page(**options)]  # type: ignore[arg-type]


async def test_the_list_is_by_last_use_with_pinned_ones_first(store: Store) -> None:
    assert ids(store) == ["bb33", "aa22", "aa11"]
    async with store.database.transaction() as connection:
        await store.threads.update(connection, "aa11", pinned=1)
    assert ids(store) == ["aa11", "bb33", "aa22"]
    assert ids(store, limit=1, offset=1) == ["bb33"]
    assert ids(store, owner="anna") == ["aa11", "bb33"]
    assert [owner for owner, _, _ in store.threads.counts()] == ["anna", "bob"]


async def test_the_filter_takes_its_text_literally(store: Store) -> None:
    assert ids(store, text="TRIP") == ["bb33", "aa22"]
    assert ids(store, text="100%") == ["aa11"]
    assert ids(store, text="%") == ["aa11"]
    assert store.threads.count(text="_") == 0


async def test_deleted_and_archived_ones_are_apart(store: Store) -> None:
    async with store.database.transaction() as connection:
        await store.threads.update(connection, "aa11", deleted_at="2026-01-01T00:00:00.000Z")
        await store.threads.update(connection, "aa22", archived=1)
    assert ids(store) == ["bb33"]
    assert ids(store, archived=True) == ["bb33", "aa22"]
    assert ids(store, deleted=True) == ["aa11"]


async def test_a_thread_is_found_by_id_prefix_and_title(store: Store) -> None:
    assert store.threads.find("aa11").thread_id == "aa11"
    assert store.threads.find("bb").thread_id == "bb33"
    assert store.threads.find("trip to rome").thread_id == "aa22"
    with pytest.raises(AmbiguousThread):
        store.threads.find("aa")
    for name in ("zz", "", "%"):
        with pytest.raises(UnknownThread):
            store.threads.find(name)
    async with store.database.transaction() as connection:
        await store.threads.update(connection, "aa11", deleted_at="2026-01-01T00:00:00.000Z")
    assert store.threads.find("aa").thread_id == "aa22", "a deleted one makes a prefix ambiguous"


async def test_what_was_viewed_last_is_remembered_without_a_clock(store: Store) -> None:
    last = store.threads.last_viewed()
    assert last is not None
    assert last.thread_id == "bb33"
    async with store.database.transaction() as connection:
        await store.threads.mark_viewed(connection, "aa22")
        await store.threads.mark_viewed(connection, "aa11")
    last = store.threads.last_viewed()
    assert last is not None
    assert last.thread_id == "aa11"


async def test_titles_come_out_clean(store: Store) -> None:
    async with store.database.transaction() as connection:
        await store.threads.update(connection, "aa11", title="\x1b]0;owned\x07two\nlines \u202e")
    thread = store.threads.get("aa11")
    assert thread is not None
    assert thread.title == "]0;ownedtwo lines"


async def chain(store: Store, thread_id: str, depth: int) -> None:
    """Index one long branch, with an alternative at its end."""
    nodes = [(f"n{at}", f"n{at - 1}" if at > 1 else "", at) for at in range(1, depth + 1)]
    async with store.database.transaction() as connection:
        await connection.executemany(
            f"""INSERT INTO chatui_messages (thread_id, node_id, parent_id, depth, rank, message_id, role, text, created_at)
                VALUES ('{thread_id}', ?1, ?2, ?3, ?3, ?1, 'user', '', '')""",
            [*nodes, ("alternative", f"n{depth - 1}", depth)],
        )


def _step(ticks: Iterator[int]) -> int:
    next(ticks)
    return 0


@pytest.mark.parametrize(("target", "left"), [("n{0}", "n{1}"), ("alternative", "n{0}"), ("n{1}", "n{0}")])
async def test_moving_the_head_costs_what_it_moves(store: Store, target: str, left: str) -> None:
    """A turn, a switch and a step back cost as much at the end of a long branch as at that of a short one."""
    steps = {}
    for thread_id, depth in (("aa11", 20), ("aa22", 2000)):
        await chain(store, thread_id, depth)
        node_id, viewed = target.format(depth, depth - 1), left.format(depth, depth - 1)
        async with store.database.transaction() as connection:
            await store.threads.set_head(connection, thread_id, None, viewed, left="")
        ticks = itertools.count()
        async with store.database.transaction() as connection:
            # SQLite counts its own steps; a callable that gives 0 lets it go on.
            await connection.set_progress_handler(partial(_step, ticks), 1)
            await store.threads.set_head(connection, thread_id, None, node_id, left=viewed)
            await connection.set_progress_handler(None, 0)  # type: ignore[arg-type]
        steps[depth] = next(ticks)
        assert store.threads.head(thread_id) == (None, node_id)
        assert store.messages.descend(thread_id, "") == (node_id if target != "n{1}" else viewed)
    assert 0 < steps[2000] < 1.5 * steps[20], steps


@pytest.mark.parametrize("lost", ["node", "left", "stored"])
async def test_a_head_that_is_no_longer_in_the_index_ends_nothing(store: Store, lost: str) -> None:
    """Another window may have purged it."""
    await chain(store, "aa11", 20)
    heads = {"stored": "n20", "left": "alternative", "node": "n10"} | {lost: "gone"}
    async with store.database.transaction() as connection:
        await store.threads.set_head(connection, "aa11", None, heads["stored"], left="")
        await store.threads.set_head(connection, "aa11", None, heads["node"], left=heads["left"])
    assert store.threads.head("aa11") == (None, heads["node"])
    assert store.messages.descend("aa11", "n10") == ("alternative" if lost != "left" else "n20")
