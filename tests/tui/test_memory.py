from __future__ import annotations

from textual.widgets import Static, TextArea

from tests.tui.conftest import Window


async def test_the_strategy_is_set_and_the_details_say_what_was_sent(chat: Window) -> None:
    await chat.say("one")
    await chat.say("two")
    await chat.write("/memory window:nine")
    assert "above 0" in chat.toasts()[-1]
    await chat.write("/memory window:1")
    await chat.until(lambda: "window:1" in chat.toasts()[-1])
    await chat.write("/remember I live in Bremen.")
    await chat.until(lambda: "Bremen" in chat.toasts()[-1])
    await chat.say("three")
    thread = chat.screen.conversation.thread()
    assert thread is not None
    assert thread.memory == "window:1"
    await chat.messages("G", "i")
    shown = chat.app.screen.query_one("VerticalScroll Static", Static).visual
    text = " ".join(str(shown).split())
    assert "window:1: #5" in text
    assert "I live in Bremen." in text


async def test_a_summary_is_written_anew_read_and_edited(chat: Window) -> None:
    await chat.say("one")
    await chat.say("two")
    chat.models.script = ("Notes.",)
    await chat.write("/summary redo")
    await chat.until(lambda: chat.screen.conversation.summaries.current() is not None)
    await chat.write("/summary")
    area = chat.app.screen.query_one(TextArea)
    assert area.text == "Notes."
    area.load_text("My own.")
    await chat.press("ctrl+s")
    found = chat.screen.conversation.summaries.current()
    assert found is not None
    assert (found.text, found.edited, found.depth) == ("My own.", True, 2)
