from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest
from textual.widgets import Static

from chatui.conversation.tree import Message
from chatui.storage.messages import Messages
from chatui.tui.dialogs import EditText, Facts
from chatui.tui.models import ModelPicker
from tests.tui.conftest import Window, plain, window


def checkpoints(window: Window) -> list[tuple[object, ...]]:
    with sqlite3.connect(window.library._store.path) as connection:
        return connection.execute("SELECT * FROM checkpoints ORDER BY checkpoint_id").fetchall()


def head_text(window: Window) -> str:
    head = window.screen.conversation.head()
    return head.text if head else ""


async def test_regenerate_and_go_between_the_alternatives(chat: Window) -> None:
    await chat.say("Question", "One")
    await chat.say("More", "Deep")
    chat.models.script = ["Two"]
    await chat.press("escape", "k", "k", "r")
    await chat.until(lambda: chat.screen.reply is None and chat.texts() == ["Question", "Two"])
    assert chat.badges()[1] == "llama3.2:3b ‹2/2›"
    before = checkpoints(chat)
    await chat.press("left")
    # It lands on what was viewed last below the other alternative.
    assert chat.texts() == ["Question", "One", "More", "Deep"]
    assert chat.badges()[1] == "llama3.2:3b ‹1/2›"
    selected = chat.screen.transcript.selected
    assert selected is not None
    assert selected.text == "One", "the cursor stays at the fork"
    await chat.press("l")
    assert chat.texts() == ["Question", "Two"]
    assert checkpoints(chat) == before


async def test_regenerate_with_another_model(chat: Window) -> None:
    await chat.say("Question", "One")
    chat.models.script = ["Two"]
    await chat.press("escape", "R")
    assert isinstance(chat.app.screen, ModelPicker)
    await chat.until(lambda: len(chat.app.screen.query_one("ModelRows").models) == 3)  # type: ignore[attr-defined]
    await chat.press("q", "w", "e", "n", "enter")
    await chat.until(lambda: chat.screen.reply is None and chat.texts() == ["Question", "Two"])
    assert chat.badges()[1] == "qwen3:8b ‹2/2›"


async def test_edit_and_resend(chat: Window) -> None:
    await chat.say("Question", "One")
    chat.screen.prompt.hold("a draft")
    await chat.press("escape", "k", "e")
    assert chat.screen.prompt.text == "Question"
    await chat.press("escape")
    assert chat.screen.prompt.text == "a draft", "Escape gives back what was being written"
    await chat.press("escape", "k", "e")
    await chat.say("Other question", "Two")
    assert chat.texts() == ["Other question", "Two"]
    assert chat.badges()[0] == "You ‹2/2›"
    assert chat.screen.prompt.text == "a draft"


async def test_edit_an_answer(chat: Window) -> None:
    await chat.say("Question", "One")
    await chat.press("escape", "e")
    assert isinstance(chat.app.screen, EditText)
    await chat.press("X", "ctrl+s")
    await chat.until(lambda: chat.texts() == ["Question", "XOne"])
    assert chat.badges()[1].endswith("‹2/2›")


async def test_continue_from_an_answer_says_what_it_starts(chat: Window) -> None:
    await chat.say("First", "One")
    await chat.say("Second", "Two")
    await chat.press("escape", "g", "j", "enter")
    assert chat.app.focused is chat.screen.prompt
    assert chat.texts() == ["First", "One"]
    line = chat.screen.query_one("#forking", Static)
    assert plain(line) == "This starts alternative 2 of #3. Nothing is lost."
    here = chat.screen.thread_id
    await chat.press("ctrl+n")
    await chat.until(lambda: not line.display)
    await chat.screen.open(here)
    await chat.until(lambda: line.display)
    assert plain(line) == "This starts alternative 2 of #3. Nothing is lost."
    await chat.say("Third", "Three")
    assert not line.display
    assert chat.texts() == ["First", "One", "Third", "Three"]
    assert chat.badges()[2] == "You ‹2/2›"
    assert "fork at #3" in chat.status()


async def test_continue_from_a_prompt_gives_its_text_back(chat: Window) -> None:
    await chat.say("First", "One")
    await chat.say("Second", "Two")
    await chat.press("escape", "k", "enter")
    assert chat.screen.prompt.text == "Second"
    assert head_text(chat) == "One"
    await chat.press("escape", "g", "enter")
    assert chat.texts() == []
    assert (
        plain(chat.screen.query_one("#forking", Static))
        == "This starts alternative 2 of #1. Nothing is lost: /forward goes back."
    )
    before = "This is before the first message: /forward goes back to it."
    for command in ("/find One", "/copy"):
        chat.app.clear_notifications()
        await chat.write(command)
        assert chat.toasts() == [before]
    chat.app.clear_notifications()
    await chat.press("escape")
    assert chat.toasts() == [before]
    await chat.write("/forward")
    assert chat.texts() == ["First", "One"]


async def test_closing_the_tree_goes_back_to_where_it_was_asked_for(chat: Window) -> None:
    await chat.say("First", "One")
    await chat.press("escape", "t")
    await chat.until(lambda: "TREE" in chat.status())
    await chat.press("t")
    assert "MESSAGES" in chat.status()
    await chat.press("escape", "ctrl+t", "q")
    assert "PROMPT" in chat.status()


async def test_comparing_ends_with_escape(chat: Window) -> None:
    await chat.say("First", "One")
    await chat.messages("=")
    line = chat.screen.query_one("#forking", Static)
    assert plain(line).startswith("Comparing the branch that ends with #2")
    await chat.press("escape")
    assert not line.display


async def test_back_and_forward_write_nothing(chat: Window) -> None:
    await chat.say("First", "One")
    await chat.say("Second", "Two")
    before = checkpoints(chat)
    await chat.press("escape", "ctrl+z")
    assert chat.texts() == ["First", "One"]
    await chat.press("ctrl+y")
    assert chat.texts() == ["First", "One", "Second", "Two"]
    assert checkpoints(chat) == before


async def test_jump_between_forks(seeded: Path) -> None:
    async with window(seeded) as chat:
        await chat.press("escape", "left_square_bracket")
        selected = chat.screen.transcript.selected
        assert selected is not None
        assert (selected.depth, selected.alternatives) == (2, 2)


async def test_copy_takes_the_source_and_details_tell_the_rest(seeded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with window(seeded) as chat:
        copied: list[str] = []
        monkeypatch.setattr(chat.app, "copy_to_clipboard", copied.append)
        await chat.press("escape", "y")
        assert copied == [head_text(chat)]
        assert "```python" in copied[0]
        await chat.press("i")
        assert isinstance(chat.app.screen, Facts)
        facts = plain(chat.app.screen.query_one(".dialog VerticalScroll Static", Static))
        assert "ollama:llama3.2:3b" in facts
        assert "Checkpoint" in facts


async def test_moving_reads_no_whole_tree_and_no_whole_branch(chat: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    await chat.say("First", "One")
    await chat.say("Second", "Two")
    chat.models.script = ["Other"]
    await chat.messages("r")
    await chat.until(lambda: chat.screen.reply is None and chat.texts()[-1] == "Other")
    path = Messages.path

    def some(messages: Messages, *place: str, last: int | None = None, skip: int = 0) -> list[Message]:
        assert last is not None, "a whole branch was read"
        return path(messages, *place, last=last, skip=skip)

    monkeypatch.setattr(Messages, "tree", lambda *_: pytest.fail("a whole tree was read"))
    monkeypatch.setattr(Messages, "path", some)
    await chat.press("left")
    assert chat.texts()[-1] == "Two"
    await chat.press("g", "j", "enter")
    assert plain(chat.screen.query_one("#forking", Static)) == "This starts alternative 2 of #3. Nothing is lost."
    await chat.press("up")
    assert chat.screen.prompt.text == "First"
    chat.screen.prompt.hold("")
    await chat.messages("ctrl+z")
    assert (
        plain(chat.screen.query_one("#forking", Static))
        == "This starts alternative 2 of #1. Nothing is lost: /forward goes back."
    )
    assert chat.app.focused is chat.screen.prompt
    assert any("/forward" in toast for toast in chat.toasts())
    await chat.write("/forward")
    await chat.messages("ctrl+y")
    assert chat.texts() == ["First", "One", "Second", "Two"]


async def test_details_tell_what_was_sent(chat: Window) -> None:
    def facts() -> dict[str, str]:
        assert isinstance(chat.app.screen, Facts)
        text = plain(chat.app.screen.query_one(".dialog VerticalScroll Static", Static))
        # What goes on to a next line stands below its beginning.
        lines = re.sub(r"\n +", " ", text).split("\n")
        return {name: value.strip() for name, _, value in (line.partition(" ") for line in lines)}

    await chat.screen.conversation.set_system_prompt("Be brief.")
    chat.models.model.context_length = 400
    await chat.say("word " * 200, "One")
    await chat.say("word " * 100, "Two")
    await chat.messages("i")
    assert facts()["Sent"] == "1 message and the system prompt, about 138 of 400 tokens; the 2 oldest were left out"
    await chat.press("escape", "k", "i")
    assert "Sent" not in facts(), "a prompt is sent by a person"
    await chat.press("escape", "j", "e", "X", "ctrl+s")
    await chat.until(lambda: chat.texts()[-1] == "XTwo")
    await chat.press("i")
    assert facts()["Sent"] == "not recorded"


async def test_details_fit_a_small_terminal(seeded: Path) -> None:
    async with window(seeded, size=(60, 16)) as chat:
        await chat.messages("i")
        hint = chat.app.screen.query_one(".hint")
        assert plain(chat.app.screen.query_one(".hint", Static)) == "Esc Close"
        assert chat.app.screen.query_one(".dialog").content_region.contains_region(hint.region)
        assert hint.region.height == 1


async def test_a_message_without_an_alternative_says_where_there_are_some(chat: Window) -> None:
    await chat.say("Question", "One")
    await chat.messages("right")
    assert any("[ and ] go to those" in toast for toast in chat.toasts())


async def test_moving_waits_while_a_reply_streams(chat: Window) -> None:
    import asyncio

    await chat.say("First", "One")
    chat.models.script = ["Half", asyncio.Event()]
    await chat.write("Second")
    await chat.until(lambda: chat.texts()[-1:] == ["Half"])
    await chat.press("tab", "g", "r")
    assert chat.texts() == ["First", "One", "Second", "Half"]
    assert any("Esc" in toast for toast in chat.toasts())
    await chat.press("tab", "tab")
    assert chat.app.focused is chat.screen.prompt, "round the panes: messages, threads, prompt"
    await chat.press("escape")
    await chat.until(lambda: chat.screen.reply is None)


async def test_help_shows_the_keys_in_force(chat: Window) -> None:
    await chat.press("f1")
    page = plain(chat.app.screen.query_one("#help-page Static", Static))
    for word in ("Ctrl+J", "Continue", "/rename [title]", "Fold", "Ctrl+Q"):
        assert word in page
    await chat.press("escape")
    await chat.press("ctrl+p")
    await chat.press(*"details")
    await chat.until(lambda: chat.app.screen.query_one("CommandList").option_count >= 1)  # type: ignore[attr-defined]
