from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from chatui.storage import Store
from chatui.storage.removal import remove_thread


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = Store.open(tmp_path / "chatui.db")
    yield store
    await store.close()


async def test_each_thing_has_settings_of_its_own(store: Store) -> None:
    async with store.database.transaction() as connection:
        await store.settings.change(connection, "thread", "a", temperature=0.5, stop=["é", "天"])
        await store.settings.change(connection, "user", "a", temperature=1)
        assert await store.settings.change(connection, "thread", "a", temperature=0.7) == {
            "temperature": 0.7,
            "stop": ["é", "天"],
        }
    assert store.settings.get("thread", "a") == {"temperature": 0.7, "stop": ["é", "天"]}
    assert store.settings.get("user", "a") == {"temperature": 1}
    assert store.settings.get("file") == {}


async def test_none_takes_a_key_away(store: Store) -> None:
    async with store.database.transaction() as connection:
        await store.settings.change(connection, "file", favourites=["x"], name="a", kind="b")
        assert await store.settings.change(connection, "file", favourites=None) == {"name": "a", "kind": "b"}
        await store.settings.change(connection, "file", name=None, kind=None)
        async with connection.execute("SELECT count(*) FROM chatui_settings") as cursor:
            assert await cursor.fetchone() == (0,)


async def test_a_purged_thread_leaves_none(store: Store) -> None:
    await (await store.saver()).setup()
    async with store.database.transaction() as connection:
        await store.settings.change(connection, "thread", "a", system_prompt="secret")
        await store.settings.change(connection, "user", "a", system_prompt="kept")
        await remove_thread(connection, "a")
    assert store.settings.get("thread", "a") == {}
    assert store.settings.get("user", "a") == {"system_prompt": "kept"}
