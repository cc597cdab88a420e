from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from langchain_core.messages import BaseMessage

from tests.tui.conftest import Window, window
from tests.tui.seed import SeedModels


def scripted(title: Any) -> SeedModels:
    """Models that answer turns with a word, and requests for a title with a script."""
    models = SeedModels()

    def script(messages: list[BaseMessage]) -> Any:
        return title if "Write a title" in str(messages[-1].content) else ("Fine.",)

    models.script = script
    return models


async def turn(chat: Window, text: str) -> None:
    count = len(chat.screen.conversation.tree())
    await chat.write(text)
    await chat.until(lambda: chat.screen.reply is None and len(chat.screen.conversation.tree()) == count + 2)


async def test_the_list_shows_the_title_when_it_comes(tmp_path: Path) -> None:
    async with window(tmp_path / "chatui.db", scripted(("A fine title",)), titles=True) as chat:
        await turn(chat, "Hello")
        await chat.until(lambda: "A fine title" in chat.status())
        thread = chat.screen.threads.rows.current
        assert thread is not None
        assert thread.title == "A fine title"
        assert len(chat.screen.conversation.tree()) == 2


async def test_neither_a_turn_nor_quitting_waits_for_a_title(tmp_path: Path) -> None:
    models = scripted((asyncio.Event(),))
    async with window(tmp_path / "chatui.db", models, titles=True) as chat:
        await turn(chat, "Hello")
        await chat.until(lambda: len(models.asked) == 2)
        assert chat.screen.reply is None
        await turn(chat, "More")
        assert len(models.chat.closed) >= 3, "the request was given up"
        await chat.until(lambda: len(models.asked) == 4)
        await chat.press("ctrl+q")
    assert len(models.chat.closed) == 4
