from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input, Static, TextArea

from chatui.tui.dialogs import AskLine, Confirm, EditText
from chatui.tui.memories import MemoriesScreen
from tests.tui.conftest import Window, plain, rows_of, window


def dialog(chat: Window) -> MemoriesScreen:
    assert isinstance(chat.app.screen, MemoriesScreen)
    return chat.app.screen


def rows(chat: Window) -> list[str]:
    """The texts of the list, without their ages."""
    return [line.strip().rsplit(" ", 1)[0].strip() for line in rows_of(dialog(chat)._rows) if line.strip()]


def about(chat: Window) -> str:
    return plain(dialog(chat).query_one("#memory-about", Static))


async def until_left(chat: Window, count: int) -> None:
    await chat.until(lambda: isinstance(chat.app.screen, MemoriesScreen) and len(rows(chat)) == count)


async def add(chat: Window, text: str) -> None:
    await chat.press("a")
    assert isinstance(chat.app.screen, AskLine)
    chat.app.screen.query_one(Input).value = text
    await chat.press("enter")
    await chat.until(lambda: isinstance(chat.app.screen, MemoriesScreen) and text in about(chat))


async def test_memories_are_added_changed_forgotten_and_brought_back(chat: Window) -> None:
    await chat.say("A thread")
    await chat.write("/memories")
    assert "Nothing is remembered yet." in about(chat)
    for text in ("I live in Bremen.", "[b]My dog is Rex.[/b]", "I like tea."):
        await add(chat, text)
    assert rows(chat) == ["I live in Bremen.", "[b]My dog is Rex.[/b]", "I like tea."]
    assert "from “A thread”" in about(chat)
    await chat.press("home", "enter")
    assert isinstance(chat.app.screen, EditText)
    chat.app.screen.query_one(TextArea).load_text("I live in Kiel.")
    await chat.press("ctrl+s")
    await chat.until(lambda: isinstance(chat.app.screen, MemoriesScreen) and "Kiel" in about(chat))
    await chat.press("down", "x")
    assert isinstance(chat.app.screen, Confirm)
    await chat.press("enter")
    assert len(rows(chat)) == 3, "Enter is no"
    await chat.press("x", "y")
    await chat.until(lambda: isinstance(chat.app.screen, MemoriesScreen) and "Forgotten" in about(chat))
    assert rows(chat) == ["I live in Kiel.", "I like tea."]
    await chat.press("u")
    await chat.until(lambda: len(rows(chat)) == 3)
    assert rows(chat)[-1] == "[b]My dog is Rex.[/b]"
    await chat.press("u")
    assert "Nothing was forgotten" in about(chat)
    texts = [memory.text for memory in chat.screen.conversation.memory.user.list()]
    assert texts == ["I live in Kiel.", "I like tea.", "[b]My dog is Rex.[/b]"]
    for left in (2, 1, 0):
        await chat.press("x", "y")
        await until_left(chat, left)
    # The keys act without a row too.
    await chat.press("u")
    await chat.until(lambda: len(rows(chat)) == 1)
    await chat.press("x", "y")
    await until_left(chat, 0)
    await chat.press("escape")
    await chat.until(lambda: chat.app.screen is chat.screen)


async def test_the_filter_and_the_way_to_the_thread_it_came_from(chat: Window) -> None:
    await chat.say("Where it came from")
    source = chat.screen.thread_id
    await chat.write("/remember I live in Bremen.")
    await chat.screen.open(None)
    await chat.write("/remember I like tea.")
    await chat.write("/memories")
    await chat.press("slash", *"bremen")
    await chat.until(lambda: rows(chat) == ["I live in Bremen."])
    await chat.press("escape")
    assert len(rows(chat)) == 2
    await chat.press("slash", *"xyz")
    assert "Nothing here has this." in about(chat)
    await chat.press("escape", "escape", "end")
    assert "from no thread" in about(chat)
    await chat.press("o")
    assert "no thread" in about(chat)
    await chat.press("home", "o")
    await chat.until(lambda: chat.app.screen is chat.screen and chat.screen.thread_id == source)


async def test_a_thread_that_is_deleted_or_gone_is_told(chat: Window) -> None:
    await chat.say("Soon away")
    source = chat.screen.thread_id
    await chat.write("/remember I live in Bremen.")
    await chat.library.delete(source)
    await chat.write("/memories")
    assert "which is deleted" in about(chat)
    await chat.press("escape")
    await chat.screen.open(None)
    await chat.library.purge(source)
    await chat.write("/memories")
    assert "from a thread that is gone" in about(chat)


async def test_a_private_thread_adds_none(chat: Window) -> None:
    await chat.say("Hello")
    await chat.write("/private")
    await chat.write("/memories")
    await chat.press("a")
    chat.app.screen.query_one(Input).value = "A secret."
    await chat.press("enter")
    await chat.until(lambda: "not to be remembered" in about(chat))
    assert chat.screen.conversation.memory.user.list() == []


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40)])
async def test_it_fits_every_screen(tmp_path: Path, size: tuple[int, int]) -> None:
    async with window(tmp_path / "chatui.db", size=size) as chat:
        memory = chat.screen.conversation.memory.user
        for number in range(30):
            await memory.add(f"{number} " + "a long thing to remember " * 20)
        await chat.write("/memories")
        await chat.press("end")
        dialog_box = dialog(chat).query_one("#memories-dialog")
        assert dialog_box.region.y >= 0
        assert dialog_box.region.bottom <= size[1]
        assert dialog_box.content_region.contains_region(dialog(chat).query_one(".hint").region)
        assert rows(chat)[-1].startswith("29 a long")


@pytest.fixture
def frozen(seeded: Path) -> Path:
    seeded.chmod(0o400)
    return seeded


async def test_a_file_that_is_read_only_is_only_read(frozen: Path) -> None:
    async with window(frozen) as chat:
        await chat.write("/memories")
        await chat.press("a")
        chat.app.screen.query_one(Input).value = "Something"
        await chat.press("enter")
        await chat.until(lambda: "read-only" in about(chat))
