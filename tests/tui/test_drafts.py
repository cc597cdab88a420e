"""What was typed and not sent is kept: for each thread, over switching, quitting and a crash."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chatui.storage.partials import _start_time, this_process
from tests.tui.conftest import Window, window


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
