from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from chatui.config import Config, DisplayConfig
from chatui.conversation.tree import Message
from chatui.tui.message import AnswerView
from tests.tui.conftest import answer, rows_of, window
from tests.tui.seed import thinking


def test_a_reply_of_thinking_only_says_so() -> None:
    message = partial(Message, node_id="n", parent_id="p", checkpoint_id="c", message_id="m", role="assistant")
    view = AnswerView(message(text="", reasoning="Hm.", reasoning_seconds=12.0))
    assert view.thought.startswith("▸ Thought for 12 s")
    assert "gave no answer" in view.foot
    assert AnswerView(message(text="42", reasoning="Hm.")).foot == ""


async def test_thinking_is_open_at_first_where_the_config_says_so_and_o_folds_one(tmp_path: Path) -> None:
    for shown, sign in (("open", "▾"), ("folded", "▸")):
        config = Config(display=DisplayConfig(thinking=shown))  # type: ignore[arg-type]
        async with window(tmp_path / "chatui.db", config=config) as chat:
            if not chat.views:
                chat.models.script = [*thinking("Let me see."), "Forty-two."]
                await chat.write("Hello")
                await chat.until(lambda: chat.screen.reply is None and len(chat.views) == 2)
            assert answer(chat).thought.startswith(sign)
            assert any(row.strip("▌ ").startswith(f"{sign} Thought") for row in rows_of(chat.screen.transcript))
            await chat.messages("o")
            assert answer(chat).thought.startswith("▸" if shown == "open" else "▾")


async def test_thinking_that_streams_is_shown_as_the_config_says(tmp_path: Path) -> None:
    gate = asyncio.Event()
    async with window(tmp_path / "chatui.db", config=Config(display=DisplayConfig(thinking="open"))) as chat:
        chat.models.script = [*thinking("Let me see."), gate, "Done."]
        await chat.write("Hello")
        await chat.until(lambda: answer(chat).thought.endswith("\nLet me see."))
        gate.set()
        await chat.until(lambda: chat.screen.reply is None)
        assert answer(chat).thought.endswith("\nLet me see.")
