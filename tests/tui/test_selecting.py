"""Selecting text with the mouse: over several messages, over the edge of what is loaded, without the screen's line breaks."""

from __future__ import annotations

from pathlib import Path

from textual.geometry import Offset
from textual.selection import Selection

from chatui.tui.selecting import LINES
from tests.tui.conftest import Window, rows_of, window
from tests.tui.test_layout import long_thread  # noqa: F401

LONG = "These words fill more than one row of a screen of sixty columns, so that they have to be broken somewhere."


def row_of(chat: Window, text: str) -> tuple[int, int]:
    """Where a text stands in the transcript, as an offset from the widget's corner."""
    transcript = chat.screen.transcript
    padding = transcript.styles.padding
    for y, row in enumerate(rows_of(transcript)):
        if text in row:
            return padding.left + row.index(text), padding.top + y
    raise AssertionError(f"{text!r} is not on the screen")


async def drag(chat: Window, begin: tuple[int, int], end: tuple[int, int]) -> str | None:
    await chat.pilot.mouse_down("#transcript", offset=begin)
    await chat.pilot.hover("#transcript", offset=end)
    await chat.pilot.mouse_up("#transcript", offset=end)
    await chat.pilot.pause()
    return chat.screen.get_selected_text()


async def test_what_is_copied_has_no_breaks_of_the_screen(tmp_path: Path) -> None:
    async with window(tmp_path / "chatui.db", size=(60, 24)) as chat:
        await chat.say("First question", LONG + "\n\n- one\n- two\n\n```py\nx = 1\n```")
        start, end = row_of(chat, "question"), row_of(chat, "x = 1")
        selected = await drag(chat, start, (end[0] + 4, end[1]))
        assert selected is not None
        assert selected.startswith("question\n")
        assert LONG in selected, "wrapped on the screen, whole when copied"
        assert "• one\n• two\n\nx = 1" in selected
        # Wider or narrower, the same is selected: its places are counted in the text.
        await chat.pilot.resize_terminal(100, 30)
        await chat.pilot.pause()
        assert chat.screen.get_selected_text() == selected


async def test_part_of_a_wrapped_line(tmp_path: Path) -> None:
    async with window(tmp_path / "chatui.db", size=(60, 24)) as chat:
        await chat.say("Q", LONG)
        start, end = row_of(chat, "fill"), row_of(chat, "somewhere")
        assert start[1] < end[1]
        assert await drag(chat, start, (end[0] + 3, end[1])) == LONG[LONG.index("fill") : LONG.index("somewhere") + 4]


async def test_what_is_selected_stays_while_others_are_loaded(long_thread: Path) -> None:  # noqa: F811
    async with window(long_thread) as chat:
        transcript = chat.screen.transcript
        last = transcript.sheet.length
        begin = Offset(0, (last - 60) * LINES)
        transcript.screen.selections = {transcript: Selection(begin, Offset(3, last * LINES))}
        while transcript.sheet.first > last - 60:
            transcript.scroll_page_up(animate=False)
            await chat.pilot.pause()
        assert transcript.sheet.last == last
        text = chat.screen.get_selected_text()
        assert text is not None
        assert [line for line in text.split("\n") if line.startswith("Question")] == [
            f"Question {number}" for number in range(30, 60) if 2 * number + 1 >= last - 60
        ]
        assert text.endswith("\nlla"), "the first letters of the last message's label"


async def test_two_clicks_take_a_line_and_no_more(tmp_path: Path) -> None:
    async with window(tmp_path / "chatui.db", size=(60, 24)) as chat:
        await chat.say("Q", LONG + "\n\nAnother paragraph.")
        for times in (2, 3):
            await chat.pilot.click("#transcript", offset=row_of(chat, "fill"), times=times)
            await chat.pilot.pause()
            assert chat.screen.get_selected_text() == LONG
            chat.screen.clear_selection()
