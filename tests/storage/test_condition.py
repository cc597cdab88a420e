"""What can be said of a file and of SQLite without changing either."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from chatui.errors import DatabaseTooOld
from chatui.storage import Store, features


def listing(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


async def test_traceless_reading_leaves_nothing_beside_the_file(tmp_path: Path) -> None:
    await Store.open(tmp_path / "chatui.db").close()
    before = listing(tmp_path)
    assert list(before) == ["chatui.db"]
    store = Store.open(tmp_path / "chatui.db", read_only=True, traceless=True)
    assert store.stats().threads == 0
    assert store.damage(60) == []
    await store.close()
    assert listing(tmp_path) == before


async def test_traceless_reading_sees_what_another_window_has_just_written(tmp_path: Path) -> None:
    writing = Store.open(tmp_path / "chatui.db")
    async with writing.database.transaction() as connection:
        await writing.threads.add(connection, "t", owner="default")
    assert (tmp_path / "chatui.db-wal").stat().st_size > 0
    store = Store.open(tmp_path / "chatui.db", read_only=True, traceless=True)
    assert store.stats().threads == 1
    await store.close()
    await writing.close()


async def test_damage_is_found_and_looking_for_it_ends_in_time(tmp_path: Path) -> None:
    path = tmp_path / "chatui.db"
    await Store.open(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE filler (text)")
        connection.executemany("INSERT INTO filler VALUES (?)", [("x" * 3000,)] * 2000)
    connection.close()
    store = Store.open(path, read_only=True)
    assert store.damage(60) == []
    assert store.damage(0) is None
    assert store.stats().threads == 0, "the connection goes on afterwards"
    await store.close()
    content = bytearray(path.read_bytes())
    content[-4096 * 20 : -4096 * 10] = b"\xff" * (4096 * 10)
    path.write_bytes(content)
    store = Store.open(path, read_only=True)
    assert store.damage(60)
    await store.close()


async def test_a_file_of_an_older_chatui_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "chatui.db"
    await Store.open(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("DELETE FROM chatui_migrations WHERE name = 'm006_settings'")
    connection.close()
    with pytest.raises(DatabaseTooOld):
        Store.open(path, read_only=True)


def test_what_sqlite_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert features.present() == {"FTS5": True, "JSON": True}
    monkeypatch.setitem(features._PROBES, "FTS5", "CREATE VIRTUAL TABLE probe USING no_such_module (text)")
    assert features.present() == {"FTS5": False, "JSON": True}
