from __future__ import annotations

from collections.abc import AsyncIterator
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
    assert store.threads.users() == ["anna", "bob"]


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
