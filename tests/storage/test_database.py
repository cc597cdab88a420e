from __future__ import annotations

import asyncio
import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from chatui.errors import DatabaseError, DatabaseTooNew, NotADatabase, ReadOnlyDatabase
from chatui.storage import Store
from chatui.storage.words import register


def test_a_new_file_is_private(tmp_path: Path) -> None:
    path = tmp_path / "new" / "folder" / "chatui.db"
    Store.open(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_its_companions_are_private_too(tmp_path: Path) -> None:
    path = tmp_path / "chatui.db"
    store = Store.open(path)
    async with store.database.transaction() as connection:
        await store.threads.add(connection, "t", owner="default")
    companions = [path.with_name("chatui.db-wal"), path.with_name("chatui.db-shm")]
    assert [stat.S_IMODE(file.stat().st_mode) for file in companions] == [0o600, 0o600]
    await store.close()


def test_a_file_that_others_can_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "chatui.db"
    Store.open(path)
    path.chmod(0o644)
    Store.open(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_it_is_safe_against_power_loss_and_readable_while_written(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "chatui.db")
    writer = await store.database.writer()
    async with writer.execute("PRAGMA journal_mode") as cursor:
        assert await cursor.fetchone() == ("wal",)
    async with writer.execute("PRAGMA synchronous") as cursor:
        assert await cursor.fetchone() == (2,)
    await store.close()


@pytest.mark.parametrize("content", [b"just some text, no database", b"SQLite format 3\0" + b"\xff" * 4096])
def test_what_is_no_database_is_left_as_it_was(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(NotADatabase) as caught:
        Store.open(path)
    assert str(path) in caught.value.title
    assert path.read_bytes() == content


def test_a_folder_is_no_database(tmp_path: Path) -> None:
    with pytest.raises(NotADatabase):
        Store.open(tmp_path)


def test_a_missing_file_is_not_made_read_only(tmp_path: Path) -> None:
    with pytest.raises(NotADatabase):
        Store.open(tmp_path / "chatui.db", read_only=True)
    assert not (tmp_path / "chatui.db").exists()


@pytest.mark.parametrize("how", ["option", "mode"])
async def test_a_read_only_file_reads_and_does_not_change(tmp_path: Path, how: str) -> None:
    path = tmp_path / "chatui.db"
    store = Store.open(path)
    async with store.database.transaction() as connection:
        await store.threads.add(connection, "t", owner="default", title="Kept")
    await store.close()
    if how == "mode":
        path.chmod(0o444)
    before = path.read_bytes()
    store = Store.open(path, read_only=how == "option")
    assert [thread.title for thread in store.threads.page()] == ["Kept"]
    with pytest.raises(ReadOnlyDatabase):
        async with store.database.transaction():
            pass
    await store.close()
    assert path.read_bytes() == before


def test_a_later_version_s_file_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "chatui.db"
    Store.open(path)
    connection = sqlite3.connect(path)
    connection.execute("INSERT INTO chatui_migrations VALUES ('m999_from_the_future', '')")
    connection.commit()
    connection.close()
    with pytest.raises(DatabaseTooNew, match="m999"):
        Store.open(path)


def test_a_file_of_an_older_chatui_gets_what_it_lacks(tmp_path: Path) -> None:
    path = tmp_path / "chatui.db"
    Store.open(path)
    connection = sqlite3.connect(path)
    register(connection)
    connection.execute("INSERT INTO chatui_threads (thread_id, created_at, updated_at) VALUES ('t', '', '')")
    connection.execute(
        """INSERT INTO chatui_messages (thread_id, node_id, parent_id, depth, rank, message_id, role, text, created_at)
           VALUES ('t', 'n', '', 1, 1, 'm', 'assistant', 'Kept', '')"""
    )
    # As the file was before the last step.
    connection.execute("ALTER TABLE chatui_messages DROP COLUMN sent")
    connection.execute("ALTER TABLE chatui_messages DROP COLUMN reasoning_seconds")
    connection.execute("DELETE FROM chatui_migrations WHERE name = 'm003_sent'")
    connection.commit()
    connection.close()
    message = Store.open(path).messages.get("t", "n")
    assert message is not None
    assert (message.text, message.sent, message.reasoning_seconds) == ("Kept", None, None)


async def test_a_failed_transaction_leaves_nothing(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "chatui.db")
    with pytest.raises(DatabaseError):
        async with store.database.transaction() as connection:
            await store.threads.add(connection, "t", owner="default")
            await connection.execute("INSERT INTO no_such_table VALUES (1)")
    assert store.threads.page() == []
    async with store.database.transaction() as connection:
        await store.threads.add(connection, "t", owner="default")
    assert len(store.threads.page()) == 1
    await store.close()


async def test_a_statement_that_was_not_committed_does_not_block_the_next(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "chatui.db")
    writer = await store.database.writer()
    # As a call of LangGraph's saver leaves it that is cancelled between its insert and its commit.
    await writer.execute("INSERT INTO chatui_meta VALUES ('left', 1)")
    async with store.database.transaction() as connection:
        await connection.execute("INSERT INTO chatui_meta VALUES ('right', 2)")
    with store.database.reading() as reader:
        assert len(reader.execute("SELECT * FROM chatui_meta").fetchall()) == 2
    await store.close()


async def test_changes_by_another_connection_are_noticed(tmp_path: Path) -> None:
    here, there = Store.open(tmp_path / "chatui.db"), Store.open(tmp_path / "chatui.db")
    assert not here.database.changed()
    assert not here.database.changed()
    async with there.database.transaction() as connection:
        await there.threads.add(connection, "t", owner="default")
    assert here.database.changed()
    assert not here.database.changed()
    await here.close()
    await there.close()


def _writing_threads() -> int:
    return sum("_connection_worker_thread" in thread.name for thread in threading.enumerate())


async def test_a_saver_and_a_transaction_at_once_open_one_writer(tmp_path: Path) -> None:
    """A second one would be closed by nobody, and its thread keep the process from ending."""
    store = Store.open(tmp_path / "chatui.db")
    before = _writing_threads()

    async def write() -> None:
        async with store.database.transaction() as connection:
            await store.threads.add(connection, "t", owner="default")

    await asyncio.gather(store.saver(), write())
    assert _writing_threads() == before + 1
    await store.close()


async def test_opening_the_writer_that_is_cancelled_leaves_no_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, before = asyncio.Event(), set(threading.enumerate())
    held = []  # as a traceback does: it is not left to its deletion

    async def never(connection: object) -> None:
        held.append(connection)
        reached.set()
        await asyncio.Event().wait()

    monkeypatch.setattr("chatui.storage.words.register_writer", never)
    store = Store.open(tmp_path / "chatui.db")
    opening = asyncio.create_task(store.saver())
    await reached.wait()
    (thread,) = set(threading.enumerate()) - before
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    await asyncio.to_thread(thread.join, 10)
    assert not thread.is_alive()
    await store.close()
