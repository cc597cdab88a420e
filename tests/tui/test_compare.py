from __future__ import annotations

from pathlib import Path

from textual.widgets import Static

from chatui.conversation.compare import compare
from chatui.conversation.tree import Message
from chatui.tui.compare import Columns, CompareScreen
from tests.tui.conftest import Window, plain, rows_of, window


async def two_branches(chat: Window) -> None:
    """Question, and below it One (with More, Deep) and Two; the head is Two."""
    await chat.say("Question", "The red fox runs")
    await chat.say("More", "Deep")
    chat.models.script = ["The blue fox runs"]
    await chat.messages("g", "j", "r")
    await chat.until(lambda: chat.screen.reply is None and chat.texts() == ["Question", "The blue fox runs"])


async def compare_both(chat: Window) -> CompareScreen:
    await chat.messages("G", "=")
    assert "Comparing the branch that ends with #2" in plain(chat.screen.query_one("#forking", Static))
    await chat.press("left", "=")
    await chat.until(lambda: isinstance(chat.app.screen, CompareScreen) and bool(rows_of(columns(chat))))
    screen = chat.app.screen
    assert isinstance(screen, CompareScreen)
    return screen


def columns(chat: Window) -> Columns:
    return chat.app.screen.query_one(Columns)


async def test_two_branches_stand_side_by_side_and_either_goes_on(chat: Window) -> None:
    await two_branches(chat)
    await compare_both(chat)
    rows = rows_of(columns(chat))
    assert "Both begin with #1" in rows[0]
    both = next(row for row in rows if "fox" in row)
    assert both.index("The blue fox runs") < both.index(" │ ") < both.index("The red fox runs")
    assert any("This branch has ended" in row and "You" in row for row in rows)
    assert "▸ 1" in plain(chat.app.screen.query_one("#compare-head", Static))
    await chat.press("right", "enter")
    await chat.until(lambda: chat.app.screen is chat.screen)
    assert chat.texts() == ["Question", "The red fox runs", "More", "Deep"]
    assert not chat.screen.query_one("#forking").display
    assert chat.app.focused is chat.screen.prompt
    await compare_again(chat)
    await chat.press("2")
    await chat.until(lambda: chat.texts() == ["Question", "The blue fox runs"])


async def compare_again(chat: Window) -> None:
    await chat.messages("g", "j", "=", "right", "=")
    await chat.until(lambda: isinstance(chat.app.screen, CompareScreen))


async def test_words_that_differ_are_marked_by_more_than_colour(chat: Window) -> None:
    await two_branches(chat)
    await compare_both(chat)
    marked = [
        segment.text
        for y in range(columns(chat).size.height)
        for segment in columns(chat).render_line(y)
        if segment.style and segment.style.underline and segment.style.bold
    ]
    assert marked == ["blue", "red"]


async def test_plain_marks_with_signs(tmp_path: Path) -> None:
    async with window(tmp_path / "chatui.db", plain=True) as chat:
        await two_branches(chat)
        await compare_both(chat)
        assert any("The [[blue]] fox runs" in row for row in rows_of(columns(chat)))


async def test_narrow_terminals_stack_them(tmp_path: Path) -> None:
    async with window(tmp_path / "chatui.db", size=(80, 24)) as chat:
        await two_branches(chat)
        screen = await compare_both(chat)
        rows = [row.strip() for row in rows_of(columns(chat))]
        assert rows.index("The blue fox runs") < rows.index("The red fox runs")
        assert screen.region.contains_region(screen.query_one(".hint").region)
        await chat.pilot.resize_terminal(120, 40)
        await chat.until(lambda: any("blue fox" in row and "red fox" in row for row in rows_of(columns(chat))))


async def test_the_same_branch_twice_is_a_sentence(chat: Window) -> None:
    await chat.say("Question", "One")
    await chat.messages("=", "=")
    assert any("the same branch" in toast for toast in chat.toasts())
    await chat.say("More", "Two")
    await chat.messages("=", "g", "j", "enter")
    await chat.messages("=")
    assert any("nothing parts them" in toast for toast in chat.toasts())
    assert chat.app.screen is chat.screen


async def test_the_first_branch_is_forgotten_with_its_thread(chat: Window) -> None:
    await chat.say("Question", "One")
    await chat.messages("=")
    assert chat.screen.query_one("#forking").display
    await chat.press("ctrl+n")
    assert not chat.screen.query_one("#forking").display


def message(number: int, text: str) -> Message:
    return Message(
        node_id=f"n{number}", parent_id=None, checkpoint_id=None, message_id=f"m{number}", role="user", text=text
    )


async def test_hostile_text_and_long_branches(chat: Window) -> None:
    a = [message(number, f"[/x] \x1b[31mred {number} [b]天気[/b] " + "word " * 40) for number in range(200)]
    b = [message(number + 1000, f"[/x] blue {number} " + "word " * 40) for number in range(200)]
    await chat.app.push_screen(CompareScreen(compare(a, b), "[/x]"))
    await chat.until(lambda: columns(chat).virtual_size.height > 800)
    assert not any("\x1b" in row for row in rows_of(columns(chat)))
    assert "They part at the start" in rows_of(columns(chat))[0]
    await chat.press("n", "n")
    assert columns(chat).scroll_y > 0
    await chat.press("N")
    assert columns(chat).scroll_y < 5
