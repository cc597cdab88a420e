"""Another program's file of an older form: read in place, and changed only where the person agrees."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from textual.widgets import Static

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
