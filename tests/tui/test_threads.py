from __future__ import annotations

import asyncio
from pathlib import Path
from unittest.mock import Mock

import pytest
from textual.widgets import Input

from chatui.tui.labels import age
from chatui.tui.message import AnswerView
from chatui.tui.threads import PAGE
from tests.tui.conftest import Window, rows_of, settle, window
from tests.tui.seed import SeedModels, open_library, turn


def titles(chat: Window) -> list[str]:
    return [thread.title for thread in chat.screen.threads.rows.threads]


async def test_rows_tell_title_age_model_count_and_leaves(seeded: Path) -> None:
    async with window(seeded) as chat:
        rows = rows_of(chat.screen.threads.rows)
        assert rows[0].split() == ["▴", "Names", "for", "a", "cat", "6d"]
        assert rows[1].split() == ["llama3.2:3b", "2"]
        assert rows[3].split() == ["›", "Sort", "by", "two", "keys", "now"]
        assert rows[4].split() == ["llama3.2:3b", "⑂2", "7"]
        assert chat.screen.threads.border_subtitle == "2 / 9"


async def test_the_cursor_stands_on_a_thread_that_was_just_made(seeded: Path) -> None:
    async with window(seeded) as chat:
        rows = chat.screen.threads.rows
        await chat.press("ctrl+n")
        await chat.say("Quite new", "Yes.")
        await chat.until(lambda: rows.current is not None and rows.current.thread_id == chat.screen.thread_id)
        original = chat.screen.thread_id
        await chat.messages("f", "enter")
        await chat.until(lambda: chat.screen.thread_id != original)
        await chat.until(lambda: rows.current is not None and rows.current.thread_id == chat.screen.thread_id)


async def test_the_filter_lays_nothing_out_again(seeded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Laying the whole screen out for each key was half of the time until its paint."""
    async with window(seeded) as chat:
        await chat.press("f2")
        await settle(chat.pilot)
        laid = Mock(side_effect=chat.screen._refresh_layout)
        monkeypatch.setattr(chat.screen, "_refresh_layout", laid)
        before = titles(chat)
        await chat.press("n", "a")
        await settle(chat.pilot)
        assert 0 < len(titles(chat)) < len(before)
        assert laid.call_count == 0


async def test_filter_and_open(seeded: Path) -> None:
    async with window(seeded) as chat:
        await chat.press("f2", *"lis")
        assert titles(chat) == ["Trip to Lisbon in March"]
        await chat.press("enter")
        assert chat.texts()[-1].startswith("Half of it.")
        assert chat.app.focused is chat.screen.prompt
        await chat.press("f2", "x", "y", "z")
        assert "No title contains this." in rows_of(chat.screen.threads.rows)[0]
        await chat.press("escape")
        assert len(titles(chat)) == 9


async def test_after_a_restart_the_thread_that_was_viewed_last_is_open(seeded: Path) -> None:
    async with window(seeded) as chat:
        await chat.press("f2", *"bread", "enter")
    async with window(seeded) as chat:
        assert chat.texts()[0].startswith("My sourdough")


async def test_rename_delete_and_undo(seeded: Path) -> None:
    async with window(seeded) as chat:
        await chat.press("f2", "down", "down", "r")
        line = chat.app.screen.query_one(Input)
        assert line.value == "Bread that does not rise"
        line.value = "Bread [/x]"
        await chat.press("enter")
        await chat.until(lambda: "Bread [/x]" in titles(chat))
        await chat.press("x")
        await chat.until(lambda: "Bread [/x]" not in titles(chat))
        await chat.press("u")
        await chat.until(lambda: "Bread [/x]" in titles(chat))
        await chat.press("p")
        await chat.until(lambda: sum(thread.pinned for thread in chat.screen.threads.rows.threads) == 2)


async def test_deleting_the_open_thread_leaves_a_new_one(seeded: Path) -> None:
    async with window(seeded) as chat:
        await chat.write("/delete")
        assert chat.texts() == []
        await chat.write("/undo")
        assert "Sort by two keys" in titles(chat)


async def test_a_new_thread_is_saved_with_its_first_message(seeded: Path) -> None:
    async with window(seeded) as chat:
        await chat.press("ctrl+n")
        assert chat.screen.query_one("#empty").display
        assert len(chat.library.threads()) == 9
        await chat.say("Something new")
        assert len(chat.library.threads()) == 10


async def many(path: Path, count: int) -> None:
    """Make a file of one thread with a turn and many that have none yet; "Thread 0" is the oldest of these."""
    models = SeedModels()
    library = open_library(path, models)
    await turn(library.conversation(), models, "Hello", "Hi")
    store = library._store
    async with store.database.transaction() as connection:
        for number in range(count):
            name = f"thread-{number}"
            await store.threads.add(connection, name, owner="default", title=f"Thread {number}")
            time = f"2020-01-01T{number // 3600:02}:{number // 60 % 60:02}:{number % 60:02}.000Z"
            await store.threads.update(connection, name, updated_at=time)
    await library.close()


async def test_only_the_threads_round_the_screen_are_read(tmp_path: Path) -> None:
    path = tmp_path / "chatui.db"
    await many(path, 20 * PAGE)
    async with window(path) as chat:
        rows = chat.screen.threads.rows
        assert len(rows.threads) == PAGE
        assert chat.screen.threads.border_subtitle == f"1 / {20 * PAGE + 1:,}"
        await chat.press("f2", "down", "end")
        await chat.until(lambda: rows.current is not None and rows.current.title == "Thread 0")
        assert len(rows.threads) == PAGE
        assert chat.screen.threads.border_subtitle == f"{20 * PAGE + 1:,} / {20 * PAGE + 1:,}"
        assert any("Thread 0" in row for row in rows_of(rows))
        seen = []
        for _ in range(PAGE):
            await chat.press("up")
            assert rows.current is not None
            assert any(rows.current.title in row for row in rows_of(rows))
            seen.append(rows.current.title)
        assert seen == [f"Thread {number}" for number in range(1, PAGE + 1)]
        await chat.press("enter")
        assert chat.screen.thread_id == f"thread-{PAGE}"


async def test_the_cursor_stays_on_its_thread_where_the_list_changes(tmp_path: Path) -> None:
    path = tmp_path / "chatui.db"
    await many(path, 10 * PAGE)
    async with window(path) as chat:
        rows = chat.screen.threads.rows
        await chat.press("f2", "down", *["pagedown"] * 30)
        current = rows.current
        assert current is not None
        assert rows.cursor > 2 * PAGE
        other = open_library(path, SeedModels())
        await other.pin("thread-0")
        await chat.until(lambda: rows.total == 10 * PAGE + 1 and rows.thread_at(rows.cursor) == current)
        # It is the last used now: the cursor goes to the top with it.
        store = other._store
        async with store.database.transaction() as connection:
            await store.threads.update(connection, current.thread_id, updated_at="2090-01-01T00:00:00.000Z")
        await chat.until(lambda: rows.cursor == 1)
        assert rows.current is not None
        assert rows.current.thread_id == current.thread_id
        await other.close()
        await chat.press("enter")
        assert chat.screen.thread_id == current.thread_id


async def test_the_open_thread_is_marked_wherever_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "chatui.db"
    await many(path, 10 * PAGE)
    async with window(path, thread="thread-5") as chat:
        rows = chat.screen.threads.rows
        await chat.until(lambda: rows.current is not None and rows.current.title == "Thread 5")
        await chat.until(lambda: any("› Thread 5" in row for row in rows_of(rows)))
        await chat.press("f2", *"thread 59")
        await chat.until(lambda: rows.current is not None and rows.current.title == "Thread 599")
        assert chat.screen.threads.border_subtitle == "1 / 11"
        await chat.press("escape")
        await chat.until(lambda: rows.total == 10 * PAGE + 1)


async def test_a_reply_goes_on_while_one_is_elsewhere(seeded: Path) -> None:
    async with window(seeded) as chat:
        here = chat.screen.thread_id
        gate = asyncio.Event()
        chat.models.script = ["Half", gate, " and whole."]
        await chat.write("Go on")
        await chat.until(lambda: chat.texts()[-1:] == ["Half"])
        await chat.press("f2", *"bread", "enter")
        assert chat.texts()[0].startswith("My sourdough")
        assert chat.app.replies.threads() == {here}
        await chat.press("f2", *["backspace"] * 5)
        assert any("●" in row for row in rows_of(chat.screen.threads.rows)), "its row has a dot"
        await chat.screen.open(here)
        assert chat.texts()[-1] == "Half"
        assert isinstance(chat.views[-1], AnswerView)
        await chat.screen.open(chat.library.find("Bread that does not rise").thread_id)
        gate.set()
        await chat.until(lambda: not chat.app.replies.threads())
        await chat.screen.open(here)
        assert chat.texts()[-1] == "Half and whole."


async def test_two_threads_stream_at_once(seeded: Path) -> None:
    async with window(seeded) as chat:
        gate = asyncio.Event()
        chat.models.script = ["One", gate]
        await chat.write("Here")
        await chat.until(lambda: chat.texts()[-1:] == ["One"])
        await chat.press("ctrl+n")
        chat.models.script = ["Two", gate]
        await chat.write("There")
        await chat.until(lambda: chat.texts() == ["There", "Two"])
        assert len(chat.app.replies.threads()) == 2
        gate.set()
        await chat.until(lambda: not chat.app.replies.threads())


async def test_a_draft_is_kept_for_each_thread(seeded: Path) -> None:
    async with window(seeded) as chat:
        chat.screen.prompt.hold("half a thought")
        await chat.press("f2", *"bread", "enter")
        assert chat.screen.prompt.text == ""
        await chat.screen.open(chat.library.find("Sort by two keys").thread_id)
        assert chat.screen.prompt.text == "half a thought"
        await chat.press("ctrl+q")
    async with window(seeded) as chat:
        assert chat.screen.prompt.text == "half a thought"


async def test_another_window_is_seen(seeded: Path) -> None:
    async with window(seeded) as chat:
        models = SeedModels()
        other = open_library(seeded, models)
        await turn(other.conversation(), models, "From the other window", "Yes")
        await other.close()
        await chat.until(lambda: "From the other window" in titles(chat))


def test_ages() -> None:
    from datetime import UTC, datetime

    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert age("2026-11-23T11:59:30.000Z", now) == "now"
    assert age("2026-11-23T11:15:00.000Z", now) == "45m"
    assert age("2026-11-23T02:00:00.000Z", now) == "10h"
    assert age("2026-11-20T12:00:00.000Z", now) == "3d"
    assert age("2026-03-14T12:00:00.000Z", now) == "14 Mar"
    assert age("2024-03-14T12:00:00.000Z", now) == "Mar 2024"
    assert age("nonsense", now) == ""
