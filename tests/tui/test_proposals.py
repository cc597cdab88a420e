"""Proposed facts on the screen: offered quietly, accepted, edited, dismissed, never in the way; and which recall is in force."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from langchain_core.messages import BaseMessage
from textual.widgets import Input, Static

from chatui.config import Config, MemoryConfig
from tests.scripted import by_topic
from tests.tui.conftest import Window, plain, window
from tests.tui.seed import SeedModels

ON = Config(memory=MemoryConfig("recall", "ollama:nomic-embed-text", propose=True))


def scripted(*facts: str, answer: Any = None) -> SeedModels:
    """Models that answer turns with a word, and requests for facts with these."""
    models = SeedModels()
    proposed = answer or ("\n".join(f"- {fact}" for fact in facts),)

    def script(messages: list[BaseMessage]) -> Any:
        return proposed if "List what it says about the user" in str(messages[-1].content) else ("Fine.",)

    models.script = script
    models.embeds = by_topic
    return models


async def turn(chat: Window, text: str) -> None:
    count = len(chat.screen.conversation.tree())
    await chat.write(text)
    await chat.until(lambda: chat.screen.reply is None and len(chat.screen.conversation.tree()) == count + 2)


def offered(chat: Window, text: str) -> Callable[[], bool]:
    return lambda: chat.screen.offer.display and text in plain(chat.screen.offer)


def remembered(chat: Window) -> list[str]:
    return [memory.text for memory in chat.screen.conversation.memory.user.list()]


async def test_a_fact_is_offered_and_typing_goes_on(tmp_path: Path) -> None:
    async with window(tmp_path / "chatui.db", scripted("I live in Bremen."), config=ON) as chat:
        await turn(chat, "I live in Bremen. Hello!")
        await chat.until(offered(chat, "I live in Bremen."))
        assert chat.screen.prompt.has_focus
        # The letters of its answers are letters.
        await chat.press("a", "d", "e")
        assert chat.screen.prompt.text == "ade"
        assert remembered(chat) == []
        await chat.press("backspace", "backspace", "backspace")
        chat.screen.prompt_focus()
        await chat.press("a")
        assert chat.screen.prompt.text == "a", "nor does it get the focus when a pane is closed"
        chat.screen.prompt.hold("")
        await chat.press("tab", "a")
        await chat.until(lambda: remembered(chat) == ["I live in Bremen."])
        assert not chat.screen.offer.display
        await chat.until(lambda: chat.screen.prompt.has_focus)
        found = chat.screen.conversation.memory.user.list()[0]
        assert found.source_thread_id == chat.screen.thread_id
        # It is known now.
        await turn(chat, "Still in Bremen.")
        await chat.app.workers.wait_for_complete([w for w in chat.app.workers if w.group == "proposals"])
        assert not chat.screen.offer.display


async def test_edit_and_dismiss_by_commands_and_what_was_refused_stays_away(tmp_path: Path) -> None:
    models = scripted("I live in Bremen.", "I have a dog.")
    async with window(tmp_path / "chatui.db", models, config=ON) as chat:
        await turn(chat, "I live in Bremen and have a dog.")
        await chat.until(offered(chat, "(1 of 2)? I live in Bremen."))
        await chat.write("/proposed perhaps")
        assert "answers no proposal" in chat.toasts()[-1]
        await chat.write("/proposed dismiss")
        await chat.until(offered(chat, "? I have a dog."))
        await chat.write("/proposed edit")
        await chat.until(lambda: len(chat.app.screen_stack) > 1 and bool(chat.app.screen.query(Input)))
        assert chat.app.screen.query_one(Input).value == "I have a dog."
        chat.app.screen.query_one(Input).value = "I have an old dog."
        await chat.press("enter")
        await chat.until(lambda: remembered(chat) == ["I have an old dog."])
        await chat.until(lambda: not chat.screen.offer.display)
        await turn(chat, "Once more.")
        await chat.until(offered(chat, "? I have a dog."))
        assert "Bremen" not in plain(chat.screen.offer)


async def test_a_turn_and_another_thread_go_before_it(tmp_path: Path) -> None:
    models = scripted(answer=(asyncio.Event(),))
    async with window(tmp_path / "chatui.db", models, config=ON) as chat:
        await turn(chat, "I live in Bremen.")
        await chat.until(lambda: len(models.asked) == 2)
        await turn(chat, "More.")
        await chat.until(lambda: len(models.asked) == 4)
        assert len(models.chat.closed) == 3, "the first request was given up"
        models.script = scripted("I live in Bremen.").script
        await turn(chat, "And more.")
        await chat.until(offered(chat, "I live in Bremen."))
        thread = chat.screen.thread_id
        await chat.press("ctrl+n")
        await chat.until(offered(chat, "I live in Bremen."))
        await chat.screen.open(thread)
        await chat.write("/private")
        await chat.until(lambda: "not remembered" in chat.toasts()[-1])
        await chat.screen.open(thread)
        assert not chat.screen.offer.display


async def test_the_switch_and_the_recall_are_told_and_set(chat: Window) -> None:
    await chat.write("/propose")
    await chat.until(lambda: "No facts are proposed" in chat.toasts()[-1])
    await chat.write("/propose on")
    await chat.until(lambda: "Nothing is kept before you accept it" in chat.toasts()[-1])
    await chat.write("/proposed")
    await chat.until(lambda: "Nothing is proposed now" in chat.toasts()[-1])
    await chat.write("/recall")
    await chat.until(lambda: "/memory tokens:auto,recall does it, by full text" in chat.toasts()[-1])
    await chat.write("/recall openai:gpt-5")
    await chat.until(lambda: any("no embeddings" in toast for toast in chat.toasts()))
    await chat.write("/memory recall")
    await chat.until(lambda: "tokens:auto,recall. Other threads are recalled by full text." in chat.toasts()[-1])
    await chat.write("/recall nomic-embed-text")
    await chat.until(lambda: "recalled by embeddings of ollama:nomic-embed-text" in chat.toasts()[-1])


async def test_the_details_tell_how_and_what_was_recalled(tmp_path: Path) -> None:
    async with window(tmp_path / "chatui.db", scripted(), config=ON) as chat:
        await turn(chat, "My puppy is called Bruno.")
        await chat.screen.conversation.recall.finished()
        await chat.press("ctrl+n")
        await turn(chat, "Which pet have I got?")
        await chat.messages("G", "i")
        text = " ".join(str(chat.app.screen.query_one("VerticalScroll Static", Static).visual).split())
        assert "by embeddings of ollama:nomic-embed-text, and by full text: 1 message (about" in text
        assert "alike): My puppy is called Bruno." in text
