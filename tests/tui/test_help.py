from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input, Static

from chatui.config import Config
from chatui.tui.chat import ChatScreen
from chatui.tui.help import HelpScreen
from chatui.tui.search import SearchScreen
from tests.tui.conftest import Window, plain, window


def first_part(chat: Window) -> str:
    page = plain(chat.app.screen.query_one("#help-page Static", Static))
    return page.partition("  ")[0]


@pytest.mark.parametrize(
    ("keys", "part"),
    [
        ("ctrl+t", "Tree"),
        ("ctrl+t slash", "Tree"),
        ("f3", "Search"),
        ("ctrl+o", "Models"),
        ("f4", "Settings"),
        ("escape T", "Timeline"),
        ("f2 r", "Threads"),
        ("f2", "Threads"),
        ("ctrl+f", "Find in this thread"),
        ("escape", "Messages"),
        ("", "Prompt"),
    ],
)
async def test_f1_opens_over_every_dialog_with_its_own_part_first(seeded: Path, keys: str, part: str) -> None:
    async with window(seeded, size=(80, 24)) as chat:
        await chat.press(*keys.split())
        below, focused = chat.app.screen, chat.app.focused
        await chat.press("f1")
        assert isinstance(chat.app.screen, HelpScreen)
        assert first_part(chat) == part
        await chat.press("escape")
        assert chat.app.screen is below
        assert chat.app.focused is focused
        await chat.press("f1", "f1")
        assert chat.app.screen is below, "its key closes it too"


async def test_f1_over_a_comparison(seeded: Path) -> None:
    async with window(seeded, size=(80, 24)) as chat:
        await chat.messages("g", "j", "=", "left", "=")
        await chat.until(lambda: not isinstance(chat.app.screen, ChatScreen))
        await chat.press("f1")
        assert first_part(chat) == "Compare"
        await chat.press("escape", "question_mark")
        assert first_part(chat) == "Compare"


async def test_a_question_mark_helps_in_lists_and_is_text_in_fields(seeded: Path) -> None:
    async with window(seeded, size=(80, 24)) as chat:
        await chat.press("ctrl+t", "question_mark")
        assert first_part(chat) == "Tree"
        await chat.press("escape", "escape", "f3", "question_mark")
        assert isinstance(chat.app.screen, SearchScreen)
        assert chat.app.screen.query_one(Input).value == "?"


async def test_the_key_of_the_config_file_opens_and_closes_it(seeded: Path) -> None:
    async with window(seeded, size=(80, 24), config=Config(keys={"help.open": "f9"})) as chat:
        await chat.press("f3", "f1")
        assert isinstance(chat.app.screen, SearchScreen)
        await chat.press("f9")
        assert first_part(chat) == "Search"
        await chat.press("f9")
        assert isinstance(chat.app.screen, SearchScreen)
