from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from unittest.mock import Mock

import pytest
from textual.geometry import Region
from textual.strip import Strip
from textual.widgets import Static

from chatui.tui.window import MessageWindow
from tests.tui.conftest import Window, plain, rows_of, settle, window
from tests.tui.seed import SeedModels, open_library, turn

LONG = "\n\n".join(
    f"Paragraph {number}: " + "some words that fill a line and a half of it " * 3 for number in range(12)
)


@pytest.fixture(scope="module")
def long_thread(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A thread of 120 messages."""
    path = tmp_path_factory.mktemp("long") / "chatui.db"

    async def fill() -> None:
        models = SeedModels()
        library = open_library(path, models)
        conversation = library.conversation()
        for number in range(60):
            await turn(conversation, models, f"Question {number}", f"Answer {number}\n\n{LONG[:600]}")
        await library.close()

    asyncio.run(fill())
    return path


@pytest.fixture
async def long_chat(long_thread: Path) -> AsyncIterator[Window]:
    async with window(long_thread) as chat:
        yield chat


def top(chat: Window) -> tuple[str, int]:
    """The first message that can be seen, and its place on the screen."""
    for node_id, place in places(chat).items():
        view = next(view for view in chat.views if view.node_id == node_id)
        if place + view.height > 0:
            return node_id, place
    raise AssertionError("no message is on the screen")


def places(chat: Window) -> dict[str, int]:
    """The row of the screen at which each loaded message begins, less than 0 above the screen."""
    transcript = chat.screen.transcript
    found = {}
    for view in chat.views:
        if view.message:
            found[view.message.node_id] = transcript.sheet.top(view.message.depth) - round(transcript.scroll_y)
    return found


async def test_only_about_two_screens_are_loaded(long_chat: Window) -> None:
    assert 4 <= len(long_chat.views) <= 20
    assert long_chat.screen.transcript.max_scroll_y > 8 * len(long_chat.views), "the scrollbar counts the others too"
    assert long_chat.texts()[-1].startswith("Answer 59")
    assert long_chat.screen.transcript.max_scroll_y >= long_chat.screen.transcript.size.height


async def test_scrolling_up_loads_earlier_messages_and_holds_the_place(long_chat: Window) -> None:
    transcript = long_chat.screen.transcript
    seen: set[str] = set()
    most = 0
    for _ in range(400):
        seen.update(row[2:].strip() for row in rows_of(transcript) if row[2:].startswith("Question"))
        most = max(most, len(long_chat.views))
        if "Question 0" in seen and transcript.scroll_y == 0:
            break
        before = top(long_chat)
        # Whatever is loaded above, what was on the screen moves by as much as was scrolled.
        step = min(10, int(transcript.scroll_y))
        transcript.scroll_relative(y=-10, animate=False)
        await long_chat.pilot.pause()
        await long_chat.pilot.pause()
        assert places(long_chat)[before[0]] == before[1] + step
    assert {f"Question {number}" for number in range(60)} <= seen
    assert most <= 126, "those far away are dropped"


async def test_a_page_is_painted_once_whatever_is_loaded_around_it(
    long_chat: Window, monkeypatch: pytest.MonkeyPatch
) -> None:
    transcript = long_chat.screen.transcript

    def painted() -> list[str]:
        return [strip.text for strip in long_chat.screen._compositor.render_strips()]

    drawn = Mock(side_effect=transcript.render_line)
    monkeypatch.setattr(transcript, "render_line", drawn)
    loaded = set()
    for key in [*["pageup"] * 12, *["pagedown"] * 5]:
        drawn.reset_mock()
        await long_chat.press(key)
        await long_chat.pilot.pause()
        assert drawn.call_count == transcript.size.height
        loaded.add(transcript.sheet.first)
        before = painted()
        transcript.refresh()
        await long_chat.pilot.pause()
        assert painted() == before
    assert len(loaded) > 4


async def test_home_and_end_reach_both_ends(long_chat: Window) -> None:
    await long_chat.press("ctrl+home")
    await long_chat.until(lambda: "Question 0" in long_chat.texts())
    assert len(long_chat.views) < 20
    await long_chat.press("escape", "G")
    await long_chat.until(lambda: long_chat.texts()[-1].startswith("Answer 59"))
    assert long_chat.screen.transcript.following


async def test_scrolling_in_message_mode_selects_what_is_seen(long_chat: Window) -> None:
    transcript = long_chat.screen.transcript

    def seen() -> bool:
        """Whether what is selected is on the screen."""
        assert transcript.selected is not None
        top = transcript.sheet.top(transcript.selected.depth)
        return transcript.scroll_y - 5 < top < transcript.scroll_y + transcript.size.height

    await long_chat.press("escape")
    last = transcript.selected
    assert last is not None
    end = transcript.scroll_y
    await long_chat.press("pageup")
    assert transcript.scroll_y == end - transcript.size.height
    assert transcript.selected != last
    assert seen()
    await long_chat.press("pageup", "pagedown", "pagedown", "pagedown")
    assert transcript.scroll_y == end
    assert seen()
    await long_chat.press("pagedown")
    assert transcript.selected == last, "at the end the last one"
    for _ in range(12):
        transcript.scroll_relative(y=-3)  # as the wheel does
        await long_chat.pilot.pause()
    assert transcript.scroll_y < end - 10
    assert transcript.selected != last
    assert seen()
    await long_chat.press("ctrl+home", "pageup")
    assert transcript.scroll_y == 0
    assert transcript.selected is not None
    assert transcript.selected.depth == 1


async def test_a_resize_keeps_the_place(long_chat: Window) -> None:
    transcript = long_chat.screen.transcript
    transcript.scroll_relative(y=-25, animate=False)
    await long_chat.pilot.pause()
    node, place = top(long_chat)
    await long_chat.pilot.resize_terminal(90, 30)
    await long_chat.pilot.pause()
    assert places(long_chat)[node] == place


async def test_a_stream_is_followed_only_at_the_end(tmp_path: Path) -> None:
    async with window(tmp_path / "chatui.db", size=(100, 24)) as chat:
        transcript = chat.screen.transcript
        gates = [asyncio.Event() for _ in range(3)]
        chat.models.script = [LONG, gates[0], "\n\n" + LONG, gates[1], "\n\n" + LONG, gates[2]]
        await chat.write("Go")
        await chat.until(lambda: transcript.max_scroll_y > 10)
        assert transcript.scroll_y == transcript.max_scroll_y
        await chat.press("pageup")
        place, end = transcript.scroll_y, transcript.max_scroll_y
        gates[0].set()
        await chat.until(lambda: transcript.max_scroll_y > end)
        assert transcript.scroll_y == place, "the view holds still"
        assert "↓ new" in str(chat.screen.query_one("#prompt-box").border_title)
        await chat.press("ctrl+end")
        await chat.until(lambda: transcript.scroll_y == transcript.max_scroll_y)
        assert "↓ new" not in str(chat.screen.query_one("#prompt-box").border_title)
        end = transcript.max_scroll_y
        gates[1].set()
        await chat.until(lambda: transcript.max_scroll_y > end)
        assert transcript.scroll_y == transcript.max_scroll_y, "it follows again"
        gates[2].set()
        await chat.until(lambda: chat.screen.reply is None)


async def test_any_resize_while_a_reply_streams(tmp_path: Path) -> None:
    async with window(tmp_path / "chatui.db") as chat:
        gate = asyncio.Event()
        words = [f" word{number}" for number in range(300)]
        chat.models.script = [*words[:150], gate, *words[150:]]
        await chat.write("Go")
        await chat.until(lambda: "word149" in "".join(chat.texts()))
        for size in ((60, 16), (200, 50), (80, 24), (20, 8), (1, 1), (119, 23), (120, 40)):
            await chat.pilot.resize_terminal(*size)
            await chat.pilot.pause()
        gate.set()
        await chat.until(lambda: chat.screen.reply is None and "word299" in chat.texts()[-1])


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 16)])
async def test_what_is_on_the_screen_at_each_size(seeded: Path, size: tuple[int, int]) -> None:
    async with window(seeded, size=size) as chat:
        threads = chat.screen.threads
        assert threads.display == (size[0] >= 120)
        assert chat.screen.prompt.region.height >= 1
        assert chat.screen.transcript.region.height >= 6
        assert chat.screen.query_one("#keys").region.bottom == size[1]
        await chat.press("f2")
        assert threads.display
        assert threads.region.width == {120: 38, 80: 50, 60: 60}[size[0]]
        await chat.press("escape")
        assert chat.app.focused is chat.screen.prompt
        assert threads.display == (size[0] >= 120)
        for key in ("f1", "ctrl+o"):
            await chat.press(key)
            dialog = chat.app.screen.query_one(".dialog")
            assert chat.app.screen.region.contains_region(dialog.region)
            hint = dialog.query_one(".hint")
            assert dialog.region.contains_region(hint.region), "its keys can be seen"
            await chat.press("escape")


async def test_the_key_line_cuts_no_word(seeded: Path) -> None:
    for size in ((120, 40), (80, 24), (60, 16)):
        async with window(seeded, size=size) as chat:
            line = plain(chat.screen.query_one("#keys", Static))
            assert len(line) <= size[0] - 4
            assert "F1 Help" in line
            assert "Enter Send" in line


async def test_the_key_line_always_tells_where_help_is(seeded: Path) -> None:
    async with window(seeded, size=(60, 16)) as chat:
        line = chat.screen.query_one("#keys", Static)
        await chat.messages()
        assert plain(line).startswith("Esc Prompt   Enter Continue")
        assert plain(line).endswith("F1 Help")
        await chat.pilot.resize_terminal(80, 24)
        await chat.until(lambda: plain(line).endswith("t Tree   F1 Help"))


async def test_plain_draws_no_lines(seeded: Path) -> None:
    async with window(seeded, plain=True) as chat:
        text = "\n".join(
            "".join(segment.text for segment in strip) for strip in chat.screen._compositor.render_strips()
        )
        assert not set(text) & set("╭╮╰╯│─▎▌●○▸")
        assert "Answer from llama3.2:3b" in text
        assert "You" in text


async def test_a_thread_without_a_message_rests(chat: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is to be loaded there, so nothing asks for it again and again."""
    transcript = chat.screen.transcript
    asked = Mock(side_effect=transcript._extend)
    monkeypatch.setattr(transcript, "_extend", asked)
    await chat.press("ctrl+n")
    await settle(chat.pilot)
    before = asked.call_count
    for _ in range(20):
        await chat.pilot.pause()
    assert asked.call_count == before


async def test_the_first_paint_shows_the_messages(seeded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a frame later, when the first word of a size comes."""
    painted: list[list[str]] = []
    lines = MessageWindow.render_lines

    def render_lines(self: MessageWindow, crop: Region) -> list[Strip]:
        strips = lines(self, crop)
        painted.append([strip.text for strip in strips])
        return strips

    monkeypatch.setattr(MessageWindow, "render_lines", render_lines)
    async with window(seeded):
        pass
    assert any(line.strip() for line in painted[0]), painted[0]


@pytest.mark.parametrize("key", ["f", "e", "i", "t", "T"])
async def test_no_toast_lies_over_a_dialog(seeded: Path, key: str) -> None:
    async with window(seeded, size=(60, 16)) as chat:
        await chat.messages("y")
        assert chat.toasts()
        await chat.press(key)
        await chat.until(lambda: chat.app.screen is not chat.screen)
        await chat.until(lambda: not chat.toasts())
        await chat.press("ctrl+c")
        assert any("once more" in text for text in chat.toasts()), "what is said while it is open can be read"
