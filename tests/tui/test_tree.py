from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from textual.widgets import Static

from chatui.conversation.tree import Message, depth_first
from chatui.tui.tree import TreeRows, lay_out, subtree
from chatui.tui.tree_view import TreeScreen, TreeView
from tests.tui.conftest import Window, plain, rows_of, window


def head_text(window: Window) -> str:
    head = window.screen.conversation.head()
    return head.text if head else ""


def rows(chat: Window) -> TreeRows:
    return chat.app.screen.query_one(TreeRows)


def painted(chat: Window) -> list[str]:
    return [row.strip() for row in rows_of(rows(chat)) if row.strip()]


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 16)])
async def test_the_tree_opens_on_the_head_and_goes_anywhere(seeded: Path, size: tuple[int, int]) -> None:
    async with window(seeded, size=size) as chat:
        await chat.press("ctrl+t")
        assert isinstance(chat.app.screen, TreeScreen) == (size[0] < 120)
        current = rows(chat).current
        assert current is not None
        assert current.message.text == head_text(chat)
        await chat.press("home")
        shown = painted(chat)
        assert shown[0].startswith("● you: How do I sort")
        assert shown[1].startswith("├─○ Sort twice")
        assert shown[2].startswith("│ ○ you: Show me code")
        await chat.press("home", "down", "left")
        assert "+2" in painted(chat)[1]
        await chat.press("right", "down", "down", "space")
        preview = chat.app.screen.query_one("#preview")
        assert preview.display
        assert chat.app.screen.region.contains_region(preview.region)
        assert "`rows.sort" in plain(preview.query_one(Static))
        assert rows(chat).region.height >= 2
        await chat.press("enter")
        assert chat.app.screen is chat.screen
        assert chat.app.focused is chat.screen.prompt
        assert head_text(chat).startswith("`rows.sort")
        assert [text[:8] for text in chat.texts()] == ["How do I", "Sort twi", "Show me ", "rows.sor"]


async def test_the_pane_stays_and_closes(seeded: Path) -> None:
    async with window(seeded) as chat:
        await chat.press("ctrl+t")
        pane = chat.screen.query_one(TreeView)
        assert pane.has_focus_within
        assert "TREE" in chat.status()
        await chat.press("f1")
        assert plain(chat.app.screen.query_one("#help-page Static", Static)).startswith("Tree")
        await chat.press("escape")
        assert chat.screen.threads.region.right <= chat.screen.transcript.region.x
        assert chat.screen.transcript.region.right <= pane.region.x
        assert pane.region.right == 120
        await chat.press("escape")
        assert pane.display
        assert chat.app.focused is chat.screen.prompt
        await chat.press("tab", "tab")
        assert pane.has_focus_within, "round the panes: messages, tree, threads"
        await chat.press("tab", "tab", "ctrl+n")
        assert pane.display, "it is remembered over threads"
        assert "No message yet" in plain(pane.query_one("#tree-empty", Static))
        await chat.press("ctrl+t", "ctrl+t")
        assert chat.screen.travel.tree is not None
        assert chat.screen.travel.tree.pane is None
        assert chat.app.focused is chat.screen.prompt


async def test_resizing_hides_the_pane_and_brings_it_back(seeded: Path) -> None:
    async with window(seeded) as chat:
        await chat.press("ctrl+t", "escape")
        await chat.pilot.resize_terminal(80, 24)
        await chat.until(lambda: not chat.screen.query_one(TreeView).display)
        await chat.press("ctrl+t")
        assert isinstance(chat.app.screen, TreeScreen)
        await chat.press("escape")
        await chat.pilot.resize_terminal(120, 40)
        await chat.until(lambda: chat.screen.query_one(TreeView).display)


async def test_the_pane_lives_while_a_reply_streams(chat: Window) -> None:
    await chat.say("First", "One")
    await chat.press("ctrl+t", "escape")
    gate = asyncio.Event()
    chat.models.script = ["Half", gate, " whole"]
    await chat.write("Second")
    await chat.until(lambda: any("you: Second" in row and "writing" in row for row in painted(chat)))
    gate.set()
    await chat.until(lambda: any(row.startswith("● Half whole") and "here" in row for row in painted(chat)))
    current = rows(chat).current
    assert current is not None
    assert current.message.text == "Half whole", "a cursor on the head follows it"
    await chat.messages("m")
    await chat.until(lambda: any("★ Half whole" in row for row in painted(chat)))
    chat.models.script = ["Other"]
    await chat.messages("r")
    await chat.until(lambda: any("├─○ ★ Half whole" in row for row in painted(chat)))


async def test_filters_search_and_one_subtree(seeded: Path) -> None:
    async with window(seeded, size=(100, 30)) as chat:
        answer = next(message for message in chat.screen.conversation.tree() if message.text.startswith("Sort twice"))
        await chat.screen.conversation.upkeep.name(answer.node_id, "short one")
        await chat.press("ctrl+t")
        view = chat.app.screen.query_one(TreeView)
        await chat.press("o")
        assert [row[:8] for row in painted(chat)] == ["● you: H", "├─○ you:", "└─● you:"]
        assert "only prompts" in str(view.border_subtitle)
        await chat.press("o")
        assert len(painted(chat)) == 4, "the two alternatives, and the two ends"
        await chat.press("o")
        assert painted(chat)[0].startswith("○ short one: Sort twice")
        await chat.press("o", "home", "down", "z")
        assert [row[:6] for row in painted(chat)] == ["○ shor", "○ you:", "○ `row"]
        assert "subtree" in str(view.border_subtitle)
        await chat.press("z")
        assert len(painted(chat)) == 7
        await chat.press("slash", *"missing")
        assert len(painted(chat)) == 1
        await chat.press("enter")
        assert chat.app.focused is rows(chat)
        await chat.press("escape")
        assert len(painted(chat)) == 7, "Escape takes back the search first"
        current = rows(chat).current
        assert current is not None
        assert "missing" in current.message.text, "and the cursor stays on what was found"
        await chat.press("slash", *"zzz")
        assert "No message has these words" in plain(view.query_one("#tree-empty", Static))
        await chat.press("enter", "escape", "escape")
        assert chat.app.screen is chat.screen


def many(count: int) -> list[Message]:
    """A thread of `count` messages that forks at every twentieth."""
    messages: list[Message] = []
    for index in range(count):
        parent = None if index == 0 else f"n{index - 1}" if index % 20 else f"n{index - 20}"
        messages.append(
            Message(
                node_id=f"n{index}",
                parent_id=parent,
                checkpoint_id=None,
                message_id=f"m{index}",
                role="assistant" if index % 2 else "user",
                text=f"Message {index} " + "word " * 50,
                created_at="2026-01-01T00:00:00Z",
                depth=index + 1,
            )
        )
    return depth_first(messages)


async def test_a_tree_of_two_thousand_messages_opens_at_once(chat: Window) -> None:
    messages = many(2000)
    began = time.perf_counter()
    screen = TreeScreen(messages, "n1999", "Large")
    await chat.app.push_screen(screen)
    await chat.pilot.pause()
    seconds = time.perf_counter() - began
    current = rows(chat).current
    assert current is not None
    assert current.message.node_id == "n1999"
    assert len(list(rows(chat).walk_children())) == 0, "no widget a row"
    assert seconds < 2, "well under the time of two thousand widgets"
    await chat.press("home", "left")
    assert rows(chat).row_count() == 1


def test_only_forks_indent() -> None:
    nodes = lay_out(many(60))
    # A fork below the first message: its first branch of nineteen, and the second, which forks again at its first.
    assert [node.guides for node in nodes[:3]] == ["", "├─", "│ "]
    assert [node.guides for node in nodes[19:22]] == ["│ ", "└─", "  ├─"]
    assert {node.guides for node in nodes[22:40]} == {"  │ "}
    assert {node.guides for node in nodes[41:]} == {"    "}


def test_a_filter_hangs_rows_from_what_is_drawn_above() -> None:
    nodes = lay_out(many(60), lambda message: message.role == "user")
    assert all(node.message.role == "user" for node in nodes)
    assert nodes[0].below == len(nodes) - 1
    assert [node.guides for node in nodes[:3]] == ["", "├─", "│ "]


def test_a_subtree_is_a_message_and_all_below_it() -> None:
    messages = many(60)
    inside = subtree(messages, "n20")
    assert inside[0].node_id == "n20"
    assert {message.node_id for message in inside} == {f"n{number}" for number in range(20, 60)}


async def test_the_pane_is_remembered(seeded: Path) -> None:
    async with window(seeded) as chat:
        assert not shown_tree(chat)
        await chat.press("ctrl+t")
        assert shown_tree(chat)
    async with window(seeded) as chat:
        assert shown_tree(chat)
        assert chat.app.focused is chat.screen.prompt, "it is there and takes no key"
        assert rows(chat).nodes
        await chat.press("ctrl+t", "t")
        assert not shown_tree(chat)
    async with window(seeded) as chat:
        assert not shown_tree(chat)


async def test_the_pane_comes_back_when_there_is_room(seeded: Path) -> None:
    async with window(seeded) as chat:
        await chat.press("ctrl+t")
    async with window(seeded, size=(80, 24)) as chat:
        assert not shown_tree(chat)
        await chat.say("Quite new", "Yes.")
        # What was written is seen, so that nothing but the resize makes it look again.
        await chat.until(lambda: not chat.library.changed())
        await chat.pilot.resize_terminal(130, 40)
        await chat.until(lambda: shown_tree(chat))
        await chat.until(lambda: any(node.message.text == "Quite new" for node in rows(chat).nodes))


def shown_tree(chat: Window) -> bool:
    return chat.screen.travel.tree is not None and chat.screen.travel.tree.pane is not None
