"""Another program's file of an older form: read in place, and changed only where the person agrees."""

from __future__ import annotations

import shutil
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from textual._context import active_app
from textual.widgets import Static

from chatui.conversation.library import Library
from chatui.tui.app import ChatApp
from chatui.tui.dialogs import Confirm
from tests.tui.conftest import Window, plain, window

DATA = Path(__file__).parents[1] / "data" / "imports" / "langgraph-0.4.8_sqlite-2.0.10"


@pytest.fixture
def older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # What is ours lies beside it, in the cache.
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    source = next(path for path in DATA.iterdir() if path.suffix in {".db", ".sqlite"})
    path = tmp_path / source.name
    shutil.copy(source, path)
    return path


def content(path: Path) -> bytes:
    return path.read_bytes()


async def refuse(chat: Window) -> None:
    await chat.until(lambda: isinstance(chat.app.screen, Confirm))
    assert "in an older form" in plain(chat.app.screen.query_one(".dialog Static", Static))
    await chat.press("escape")
    await chat.until(lambda: chat.app.screen is chat.screen)


async def test_a_turn_asks_before_it_changes_the_file(older: Path) -> None:
    before = content(older)
    async with window(older) as chat:
        await chat.screen.open(chat.library.threads()[0].thread_id)
        count = len(chat.screen.conversation.tree())
        assert count
        chat.models.script = ["An answer"]
        await chat.write("One more")
        await refuse(chat)
        assert chat.screen.prompt.text == "One more", "the text is there again"
        assert content(older) == before
        await chat.press("enter")
        await chat.until(lambda: isinstance(chat.app.screen, Confirm))
        await chat.press("y")
        await chat.until(lambda: chat.screen.reply is None and len(chat.screen.conversation.tree()) == count + 2)
        await chat.until(lambda: chat.texts()[-2:] == ["One more", "An answer"])
        assert chat.screen.prompt.text == ""
        await chat.write("And more")
        await chat.until(lambda: chat.screen.reply is None and len(chat.screen.conversation.tree()) == count + 4)


async def test_other_writes_ask_too_and_are_done_after(older: Path) -> None:
    async with window(older) as chat:
        await chat.screen.open(chat.library.threads()[0].thread_id)
        count = len(chat.screen.conversation.tree())
        await chat.messages("G", "e", "X", "ctrl+s")
        await refuse(chat)
        assert len(chat.screen.conversation.tree()) == count
        await chat.messages("G", "e", "X", "ctrl+s")
        await chat.until(lambda: isinstance(chat.app.screen, Confirm))
        await chat.press("y")
        await chat.until(lambda: len(chat.screen.conversation.tree()) == count + 1)
        head = chat.screen.conversation.head()
        assert head is not None
        assert head.text.startswith("X")


async def test_the_first_opening_shows_the_thread_that_was_used_last(older: Path) -> None:
    async with window(older) as chat:
        last = chat.library.last_used()
        assert last is not None
        assert chat.screen.thread_id == last.thread_id
        assert chat.texts()
        await chat.screen.open(None)
    async with window(older, new=True) as chat:
        assert chat.texts() == []
    async with window(older) as chat:
        assert chat.screen.thread_id == last.thread_id


@pytest.mark.parametrize("act", ["type", "new", "list"])
async def test_nothing_is_opened_over_what_a_person_does_meanwhile(
    older: Path, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    catch_up = Library.catch_up

    async def slowly(library: Library, **options: Any) -> AsyncGenerator[tuple[int, int]]:
        """Index the file while a person does something."""
        app = active_app.get()
        assert isinstance(app, ChatApp)
        if act == "type":
            app.chat_screen.prompt.hold("A question")
        else:
            await app.chat_screen.action_do({"new": "thread.new", "list": "thread.list"}[act])
            await app._animator.wait_for_idle()
        async for step in catch_up(library, **options):
            yield step

    monkeypatch.setattr(Library, "catch_up", slowly)
    async with window(older) as chat:
        assert chat.library.threads()
        assert chat.screen.conversation.thread() is None
        assert chat.screen.prompt.text == ("A question" if act == "type" else "")


async def test_a_new_thread_stays_where_one_was_asked_for(older: Path) -> None:
    async with window(older, new=True) as chat:
        assert chat.library.threads()
        assert chat.screen.conversation.thread() is None


async def test_users_memories_and_exports_of_another_program_s_file_leave_it_alone(older: Path, tmp_path: Path) -> None:
    before = content(older)
    async with window(older) as chat:
        users = chat.library.users()
        everyone = len(chat.library.threads())
        assert everyone == sum(user.threads for user in users) > 0
        await chat.write(f"/user {users[0].user}")
        await chat.until(lambda: chat.library.user == users[0].user)
        assert len(chat.screen.threads.rows.threads) == users[0].threads
        await chat.write("/remember I live in Bremen.")
        await chat.until(lambda: len(chat.screen.conversation.memory.user.list()) == 1)
        await chat.write("/memories")
        await chat.press("x", "y")
        await chat.until(lambda: chat.screen.conversation.memory.user.list() == [])
        await chat.press("escape")
        await chat.write(f"/export {tmp_path / 'all.md'}")
        await chat.press("enter")
        await chat.until(lambda: (tmp_path / "all.md").exists())
    assert content(older) == before
