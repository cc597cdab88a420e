from __future__ import annotations

from textual.widgets import Static

from chatui.tui.dialogs import Facts
from tests.tui.conftest import Window, plain


async def copied(chat: Window) -> tuple[str, str]:
    """A thread of two turns with two answers to the second, copied up to its first answer. Returns both ids."""
    await chat.say("First", "One")
    await chat.say("Second", "Two")
    original = chat.screen.thread_id
    await chat.messages("g", "j", "f", "enter")
    await chat.until(lambda: chat.screen.thread_id != original and chat.texts() == ["First", "One"])
    return original, chat.screen.thread_id


def line(chat: Window) -> str:
    notice = chat.screen.query_one("#forking", Static)
    return plain(notice) if notice.display else ""


async def test_a_copy_tells_where_it_comes_from_and_leads_there(chat: Window) -> None:
    original, copy = await copied(chat)
    assert line(chat) == "Copied from “First” at #2. /origin goes there."
    assert "copied at #2" in chat.status()
    await chat.messages("i")
    assert isinstance(chat.app.screen, Facts)
    facts = plain(chat.app.screen.query_one(".dialog VerticalScroll Static", Static))
    assert "Copied from “First” at #2." in facts
    await chat.press("escape", "escape")
    await chat.write("/origin")
    await chat.until(lambda: chat.screen.thread_id == original)
    assert chat.texts() == ["First", "One", "Second", "Two"], "what was on the screen there stays there"
    selected = chat.screen.transcript.selected
    assert selected is not None
    assert selected.text == "One"
    assert chat.app.focused is chat.screen.transcript
    assert line(chat) == ""
    await chat.write("/origin")
    assert any("no copy" in toast for toast in chat.toasts())
    await chat.screen.open(copy)
    await chat.say("More", "Yes")
    assert line(chat) == "", "once one goes on, the line has done its work"
    assert "copied at #2" in chat.status()


async def test_the_way_to_the_origin_goes_to_its_branch(chat: Window) -> None:
    original, copy = await copied(chat)
    await chat.screen.open(original)
    chat.models.script = ["Else"]
    await chat.messages("g", "r")
    await chat.until(lambda: chat.screen.reply is None and chat.texts() == ["First", "Else"])
    await chat.screen.open(copy)
    await chat.write("/origin")
    await chat.until(lambda: chat.screen.thread_id == original and chat.texts() == ["First", "One", "Second", "Two"])


async def test_an_origin_that_is_gone_is_told(chat: Window) -> None:
    original, copy = await copied(chat)
    await chat.screen.open(original)
    await chat.messages("g", "j", "x", "y")
    await chat.until(lambda: chat.texts() == ["First"])
    await chat.screen.open(copy)
    assert line(chat) == "Copied from “First” at #2, which is deleted. /origin goes there."
    await chat.write("/origin")
    await chat.until(lambda: any("#2 is deleted here. u " in toast for toast in chat.toasts()))
    await chat.messages("u")
    await chat.until(lambda: chat.texts() == ["First", "One", "Second", "Two"])
    await chat.library.delete(original)
    await chat.screen.open(copy)
    assert line(chat) == "Copied from “First”, which is deleted."
    await chat.write("/origin")
    assert any(f"chatui restore {original}" in toast for toast in chat.toasts())
    await chat.library.purge(original)
    await chat.screen.open(copy)
    assert line(chat) == "Copied from a thread that was purged."
    await chat.write("/origin")
    assert any("nothing of it is left" in toast for toast in chat.toasts())
    assert chat.screen.thread_id == copy
