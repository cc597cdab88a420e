"""Another program's threads are indexed behind the screen, which goes on meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from benchmarks.seed import seed
from chatui.config import Config
from chatui.storage.index import Index
from chatui.tui.app import ChatApp
from tests.tui.conftest import Window
from tests.tui.seed import SeedModels, open_library


async def test_the_index_fills_in_the_background(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "theirs.db"
    await seed(path, threads=12, messages=4, kind="plain")
    gate, begun = asyncio.Event(), []
    catch_up = Index.catch_up

    async def stopping(self: Index, thread_id: str, **options: Any) -> None:
        begun.append(thread_id)
        if len(begun) == 5:
            await gate.wait()
        await catch_up(self, thread_id, **options)

    monkeypatch.setattr(Index, "catch_up", stopping)
    monkeypatch.setattr("chatui.tui.app.TOLD_EVERY", 0)
    models = SeedModels()
    library = open_library(path, models)
    app = ChatApp(library, Config())
    try:
        async with app.run_test(size=(120, 40)) as pilot:
            chat = Window(app, pilot, library, models)
            await chat.until(lambda: "indexing 4 of 12 threads" in chat.status())
            await chat.until(lambda: len(chat.screen.threads.rows.threads) == 4)
            await chat.press(*"hello")
            assert chat.screen.prompt.text == "hello"
            assert [thread.title for thread in library.threads()] == [f"Thread {number}" for number in range(4)]
            gate.set()
            await chat.until(lambda: len(chat.screen.threads.rows.threads) == 12)
            await chat.until(lambda: "indexing" not in chat.status())
            assert chat.screen.prompt.text == "hello"
    finally:
        await library.close()


async def test_a_list_that_did_not_change_is_not_painted_again(seeded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    models = SeedModels()
    library = open_library(seeded, models)
    app = ChatApp(library, Config())
    try:
        async with app.run_test(size=(120, 40)) as pilot:
            chat = Window(app, pilot, library, models)
            await chat.until(lambda: bool(chat.screen.threads.rows.threads))
            painted = []
            rows = chat.screen.threads.rows
            monkeypatch.setattr(rows, "refresh", lambda *args, **options: painted.append(args))
            store = library._store
            async with store.database.transaction() as connection:
                await store.drafts.keep(connection, "elsewhere", "default", "a draft changes no row of the list")
            chat.screen.refresh_threads()
            assert painted == []
            await library.pin(rows.threads[3].thread_id)
            chat.screen.refresh_threads()
            assert painted
    finally:
        await library.close()
