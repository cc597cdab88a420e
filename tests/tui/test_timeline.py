from __future__ import annotations

import json
from pathlib import Path

from textual.widgets import Static

from chatui.tui.timeline import MOST_SHOWN, StateScreen, TimelineRows, TimelineScreen, state_text
from tests.tui.conftest import Window, plain, rows_of, window


def rows(chat: Window) -> TimelineRows:
    return chat.app.screen.query_one(TimelineRows)


async def open_timeline(chat: Window) -> None:
    await chat.messages("T")
    await chat.until(lambda: isinstance(chat.app.screen, TimelineScreen))


async def test_every_checkpoint_is_a_row(chat: Window) -> None:
    await chat.say("Question", "One")
    await open_timeline(chat)
    steps = await chat.screen.conversation.upkeep.timeline()
    assert rows(chat).row_count() == len(steps)
    assert rows(chat).current.checkpoint_id == steps[-1].checkpoint_id, "the cursor is at the head"
    painted = "\n".join(rows_of(rows(chat)))
    assert "loop" in painted
    assert "model" in painted
    assert steps[-1].checkpoint_id[-6:] in painted
    assert "kB" in painted or " B" in painted
    head = plain(chat.app.screen.query_one("#timeline-head", Static))
    assert head.split() == ["step", "source", "time", "next", "ends", "with", "id", "size"]


async def test_the_state_is_json(chat: Window) -> None:
    await chat.say("Question", "One \x1b[31m")
    await open_timeline(chat)
    await chat.press("enter")
    await chat.until(lambda: isinstance(chat.app.screen, StateScreen))
    text = plain(chat.app.screen.query_one("#state Static", Static))
    state = json.loads(text)
    assert [message["data"]["content"] for message in state["messages"]] == ["Question", "One [31m"]
    await chat.press("escape", "escape")
    assert chat.app.screen is chat.screen


def test_a_state_of_megabytes_is_cut_with_a_word() -> None:
    text = state_text({"text": "x" * (MOST_SHOWN * 2)})
    assert len(text) < MOST_SHOWN + 100
    assert text.endswith("characters more")


async def test_fork_from_a_checkpoint(chat: Window) -> None:
    await chat.say("First", "One")
    await chat.say("Second", "Two")
    await open_timeline(chat)
    target = next(i for i, step in enumerate(rows(chat).steps) if step.node_id and ends_with(chat, i) == "One")
    rows(chat).cursor = target
    await chat.press("f")
    await chat.until(lambda: chat.app.screen is chat.screen and chat.texts() == ["First", "One"])
    assert "alternative 2 of #3" in plain(chat.screen.query_one("#forking", Static))


async def test_regenerate_from_a_checkpoint(chat: Window) -> None:
    await chat.say("First", "One")
    await chat.say("Second", "Two")
    await open_timeline(chat)
    rows(chat).cursor = next(i for i in range(rows(chat).row_count()) if ends_with(chat, i) == "One")
    chat.models.script = ["Other"]
    await chat.press("r")
    await chat.until(lambda: chat.screen.reply is None and chat.texts() == ["First", "Other"])
    await open_timeline(chat)
    await chat.press("g", "r")
    assert isinstance(chat.app.screen, TimelineScreen)
    assert any("nothing to answer" in toast for toast in chat.toasts())


def ends_with(chat: Window, index: int) -> str:
    node_id = rows(chat).steps[index].node_id
    return chat.screen.conversation.message(node_id).text if node_id else ""


async def test_it_fits_a_small_terminal(tmp_path: Path) -> None:
    async with window(tmp_path / "chatui.db", size=(60, 16)) as chat:
        for number in range(8):
            await chat.say(f"Question {number}", "One")
        await open_timeline(chat)
        screen = chat.app.screen
        assert screen.region.contains_region(screen.query_one(".hint").region)
        assert "you: Ques" in "\n".join(rows_of(rows(chat)))
