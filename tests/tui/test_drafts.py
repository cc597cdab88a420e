"""What was typed and not sent is kept: for each thread, over switching, quitting and a crash."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from textual.widgets import Static

from chatui.storage.partials import _start_time, this_process
from tests.tui.conftest import Window, plain, window


async def test_a_draft_of_a_new_thread_is_there_again(seeded: Path) -> None:
    async with window(seeded) as chat:
        await chat.press("ctrl+n")
        chat.screen.prompt.hold("brand new words")
        new = chat.screen.thread_id
        await chat.press("f2", *"bread", "enter")
        assert chat.screen.prompt.text == ""
        await chat.press("ctrl+n")
        assert (chat.screen.thread_id, chat.screen.prompt.text) == (new, "brand new words")
        await chat.press("ctrl+n")
        assert chat.screen.prompt.text == "brand new words"
        await chat.press("ctrl+q")
    async with window(seeded, new=True) as chat:
        assert chat.screen.prompt.text == "brand new words"
        chat.screen.prompt.focus()
        await chat.press("enter")
        await chat.until(lambda: chat.screen.reply is None and len(chat.screen.conversation.tree()) == 2)
        await chat.press("ctrl+n")
        assert (chat.screen.prompt.text, chat.texts()) == ("", []), "it was sent"
    async with window(seeded, new=True) as chat:
        assert chat.screen.prompt.text == ""


async def test_the_newest_draft_of_the_user_is_taken(chat: Window) -> None:
    for user, text in (("default", "An old one"), ("default", "A new one"), ("ann", "Of another user")):
        chat.library.switch_user(user)
        await chat.library.conversation().keep_draft(text)
    chat.library.switch_user(None)
    await chat.press("ctrl+n")
    assert chat.screen.prompt.text == "A new one"
    await chat.say("Sent instead")
    await chat.press("ctrl+n")
    assert chat.screen.prompt.text == "An old one"


async def test_a_draft_that_another_running_window_holds_is_left_to_it(
    chat: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The program that runs the tests stands for it.
    theirs = f"{this_process().split()[0]} {os.getppid()} {_start_time(os.getppid())}"
    monkeypatch.setattr("chatui.storage.drafts.this_process", lambda: theirs)
    await chat.library.conversation().keep_draft("Of the other window")
    monkeypatch.undo()
    await chat.press("ctrl+n")
    assert chat.screen.prompt.text == ""
    monkeypatch.setattr("chatui.storage.drafts.alive", lambda process: process != theirs)
    await chat.press("ctrl+n")
    assert chat.screen.prompt.text == "Of the other window", "that window is closed now"


async def test_what_waits_to_be_sent_is_named_on_quitting_and_waits_again(tmp_path: Path) -> None:
    async with window(tmp_path / "chatui.db") as chat:
        chat.models.script = ["One", asyncio.Event()]
        await chat.write("First")
        await chat.until(lambda: chat.texts()[-1:] == ["One"])
        for text in ("Second", "Third", "Fourth"):
            await chat.write(text)
        await chat.press("up")
        assert chat.screen.prompt.text == "Fourth"
        assert chat.screen.conversation.waiting() == ["Second", "Third"], "a crash would leave them"
        await chat.press("ctrl+q")
        said = " ".join(plain(static) for static in chat.app.screen.query(Static))
        assert "2 messages wait to be sent, and will wait there again." in said
        await chat.press("y")
    async with window(tmp_path / "chatui.db") as chat:
        assert "Waiting: Second\nWaiting: Third" in plain(chat.screen.query_one("#queue", Static))
        assert chat.screen.prompt.text == "Fourth"
        chat.screen.prompt.hold("")
        chat.screen.prompt.focus()
        await chat.press("enter")
        await chat.until(lambda: chat.screen.reply is None and len(chat.screen.conversation.branch()) == 6)
        assert [message.text for message in chat.screen.conversation.branch()][2::2] == ["Second", "Third"]
    async with window(tmp_path / "chatui.db") as chat:
        assert chat.screen.conversation.waiting() == []
        assert not chat.screen.chat.replies.waiting


async def test_what_was_dropped_waits_no_more(chat: Window) -> None:
    chat.models.script = ["One", asyncio.Event()]
    await chat.write("First")
    await chat.until(lambda: chat.texts()[-1:] == ["One"])
    await chat.write("Second")
    assert chat.screen.conversation.waiting() == ["Second"]
    await chat.write("/drop")
    assert chat.screen.conversation.waiting() == []
    await chat.press("escape")
    await chat.until(lambda: chat.screen.reply is None)


@pytest.mark.parametrize("stays", [True, False])
async def test_a_draft_outlasts_the_sending_of_what_waits(chat: Window, stays: bool) -> None:
    gate = asyncio.Event()
    chat.models.script = ["One", gate]
    await chat.write("First")
    await chat.until(lambda: chat.texts()[-1:] == ["One"])
    conversation = chat.screen.conversation
    await chat.write("Second")
    chat.screen.prompt.hold("being written")
    await chat.screen.drafts.keep()
    if not stays:
        await chat.screen.open(None)
    gate.set()
    await chat.until(lambda: not chat.app.replies.threads() and len(conversation.branch()) == 4)
    assert conversation.draft() == "being written"
