from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.widgets import Input, Static

from chatui.tui.codeblocks import CodeBlocks
from chatui.tui.copyout import CopyOut
from chatui.tui.dialogs import AskLine, Confirm
from tests.tui.conftest import Window, answer, plain, rows_of, window


def leaves(chat: Window) -> set[str]:
    tree = chat.screen.conversation.tree()
    parents = {message.parent_id for message in tree}
    return {message.text for message in tree if message.node_id not in parents}


class Three:
    """A script whose answers A, B and C each wait before their end."""

    def __init__(self, chat: Window) -> None:
        self.gates: dict[str, asyncio.Event] = {}
        chat.models.script = self._script

    def _script(self, messages: object) -> list[str | asyncio.Event]:
        name = "ABC"[len(self.gates)]
        self.gates[name] = asyncio.Event()
        return [name, self.gates[name], "."]


def foot(chat: Window) -> str:
    return answer(chat).foot


async def test_several_answers_stream_and_the_arrows_go_between_them(chat: Window) -> None:
    await chat.say("Question", "One")
    three = Three(chat)
    await chat.messages("3")
    assert "3 ×" in chat.status()
    await chat.press("r")
    await chat.until(lambda: len(three.gates) == 3 and chat.badges()[-1] == "llama3.2:3b ‹1/3›")
    await chat.until(lambda: "3 of 3 still write" in foot(chat) and len(chat.texts()[-1]) == 1)
    assert "×" not in chat.status(), "a number counts once"
    assert "#2 ‹1/3›" in chat.status()
    seen = [chat.texts()[-1]]
    await chat.press("left")
    assert chat.badges()[-1] == "llama3.2:3b ‹1/3›", "there is none before the first"
    for place in (2, 3):
        await chat.press("right")
        await chat.until(lambda place=place: chat.badges()[-1] == f"llama3.2:3b ‹{place}/3›")  # type: ignore[misc]
        seen.append(chat.texts()[-1])
    assert sorted(seen) == ["A", "B", "C"]
    assert chat.texts()[:-1] == ["Question"]
    await chat.press("left")
    middle = seen[1]
    # Another one ends first, and the one on the screen stays there.
    three.gates[seen[2]].set()
    await chat.until(lambda: "2 of 3 still write" in foot(chat))
    assert chat.texts() == ["Question", middle]
    await chat.press("right")
    await chat.until(lambda: foot(chat).startswith("Finished"))
    assert chat.texts() == ["Question", f"{seen[2]}."]
    await chat.press("left")
    live = chat.views[-1]
    for gate in three.gates.values():
        gate.set()
    await chat.until(lambda: chat.screen.reply is None and chat.texts() == ["Question", f"{middle}."])
    await chat.until(lambda: chat.badges()[1].endswith("/4›"))
    assert chat.views[-1] is live, "the one that is looked at becomes the message, without a flicker"
    head = chat.screen.conversation.head()
    assert head is not None
    assert head.text == f"{middle}."
    assert len(chat.screen.conversation.tree()) == 5
    chat.models.script = ["More"]
    await chat.press("2", "k", "r")
    await chat.until(lambda: chat.screen.reply is None and len(chat.screen.conversation.tree()) == 6)


async def test_escape_stops_all_of_several_answers(chat: Window) -> None:
    await chat.say("Question", "One")
    three = Three(chat)
    await chat.messages("3", "r")
    await chat.until(lambda: len(three.gates) == 3 and "3 of 3 still write" in foot(chat))
    await chat.press("right")
    await chat.until(lambda: chat.texts()[-1] in three.gates)
    shown = chat.texts()[-1]
    await chat.press("escape", "escape")
    await chat.until(lambda: chat.screen.reply is None and chat.texts() == ["Question", shown])
    kept = {message.text: message.interrupted for message in chat.screen.conversation.tree() if message.depth == 2}
    assert kept == {"One": None, "A": "stopped", "B": "stopped", "C": "stopped"}


async def test_the_first_that_finishes_is_shown_where_nobody_looked(chat: Window) -> None:
    await chat.say("Question", "One")
    thread = chat.screen.thread_id
    three = Three(chat)
    await chat.messages("3", "r")
    await chat.until(lambda: len(three.gates) == 3 and "3 of 3 still write" in foot(chat))
    await chat.screen.open(None)
    three.gates["B"].set()
    conversation = chat.library.conversation(thread)
    await chat.until(lambda: "B." in {message.text for message in conversation.tree()})
    await chat.screen.open(thread)
    await chat.until(lambda: "2 of 3 still write" in foot(chat))
    await chat.screen.open(None)
    for gate in three.gates.values():
        gate.set()
    await chat.until(lambda: not conversation.running)
    await chat.screen.open(thread)
    assert chat.texts() == ["Question", "B."]


async def test_one_of_several_answers_fails(chat: Window) -> None:
    await chat.say("Question", "One")
    left: Iterator[str | BaseException] = iter(["A", RuntimeError("the [/x] server fell over")])
    chat.models.script = lambda messages: [next(left)]
    await chat.messages("2", "r")
    await chat.until(lambda: chat.screen.reply is None and chat.texts() == ["Question", "A"])
    assert any("/2› in “Question” failed." in toast and "the [/x] server fell over" in toast for toast in chat.toasts())
    assert not chat.screen.offer.display


async def test_the_slash_command_takes_a_count(chat: Window) -> None:
    await chat.say("Question", "One")
    await chat.write("/regenerate 2")
    await chat.until(lambda: chat.screen.reply is None and len(chat.screen.conversation.tree()) == 4)


async def test_go_on_with_a_reply_that_was_stopped(chat: Window) -> None:
    chat.models.script = ["Half", asyncio.Event()]
    await chat.write("Question")
    await chat.until(lambda: chat.texts() == ["Question", "Half"])
    await chat.press("escape")
    await chat.until(lambda: chat.screen.reply is None)
    assert "+ goes on" in answer(chat).foot
    chat.models.script = [" and whole"]
    await chat.messages("+")
    await chat.until(lambda: chat.screen.reply is None and chat.texts() == ["Question", "Half and whole"])
    assert chat.badges()[1].endswith("‹2/2›")
    await chat.press("+")
    assert any("cut off" in toast for toast in chat.toasts()), "a whole reply has nothing to go on with"


async def test_star_and_name_show_on_the_message(chat: Window) -> None:
    await chat.say("Question", "One")
    await chat.messages("m", "b")
    assert isinstance(chat.app.screen, AskLine)
    await chat.press(*"Short", "enter")
    await chat.until(lambda: chat.badges()[1] == "llama3.2:3b ★ Short")
    await chat.press("b")
    assert chat.app.screen.query_one(Input).value == "Short", "the name is there to be changed"
    await chat.press("escape", "m")
    await chat.until(lambda: chat.badges()[1] == "llama3.2:3b Short")
    await chat.press("b", "ctrl+u", "enter")
    await chat.until(lambda: chat.badges()[1] == "llama3.2:3b")


async def test_delete_says_how_many_and_undo_works_after_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "chatui.db"
    async with window(path) as chat:
        await chat.say("First", "One")
        await chat.say("Second", "Two")
        await chat.messages("k", "x")
        assert isinstance(chat.app.screen, Confirm)
        assert "2 messages" in plain(chat.app.screen.query_one(".dialog Static", Static))
        await chat.press("enter")
        assert len(chat.texts()) == 4, "Enter is no"
        await chat.press("x", "y")
        await chat.until(lambda: chat.texts() == ["First", "One"])
        await chat.press("u")
        await chat.until(lambda: chat.texts() == ["First", "One", "Second", "Two"])
        await chat.press("g", "j", "x", "y")
        await chat.until(lambda: chat.texts() == ["First"])
    async with window(path) as chat:
        assert chat.texts() == ["First"]
        await chat.messages("u")
        await chat.until(lambda: chat.texts() == ["First", "One", "Second", "Two"])
        await chat.press("u")
        assert any("No message is deleted" in toast for toast in chat.toasts())


async def test_all_messages_can_be_deleted_and_brought_back(chat: Window) -> None:
    await chat.say("First", "One")
    await chat.messages("g", "x", "y")
    await chat.until(lambda: chat.texts() == [])
    assert chat.app.focused is chat.screen.prompt
    assert any("/undo-delete-message" in toast for toast in chat.toasts())
    await chat.write("/undo-delete-message")
    await chat.until(lambda: chat.texts() == ["First", "One"])


@pytest.mark.parametrize(
    ("downs", "texts", "count"),
    [
        (0, ["First", "One"], 2),
        (1, ["First", "One", "Second", "Three"], 5),
        (2, ["First", "One", "Second", "Three"], 6),
    ],
)
async def test_copy_out(chat: Window, downs: int, texts: list[str], count: int) -> None:
    """The path alone, with what is below, or the whole tree; the copy is opened and is independent."""
    await chat.say("First", "Zero")
    chat.models.script = ["One"]
    await chat.messages("r")
    await chat.until(lambda: chat.screen.reply is None and chat.texts() == ["First", "One"])
    await chat.press("escape")
    await chat.say("Second", "Two")
    chat.models.script = ["Three"]
    await chat.messages("G", "r")
    await chat.until(lambda: chat.screen.reply is None and chat.texts()[-1] == "Three")
    original = chat.screen.thread_id
    await chat.press("g", "j", "f")
    assert isinstance(chat.app.screen, CopyOut)
    assert chat.app.screen.query_one(Input).value == "First (copy)"
    await chat.press(*["down"] * downs, "enter")
    await chat.until(lambda: chat.screen.thread_id != original and chat.app.screen is chat.screen)
    await chat.until(lambda: len(chat.screen.conversation.tree()) == count)
    assert chat.texts()[:2] == texts[:2]
    assert len(chat.library.threads()) == 2
    await chat.say("Only here", "Yes")
    await chat.screen.open(original)
    assert "Only here" not in {message.text for message in chat.screen.conversation.tree()}


async def test_carry_a_text_into_the_prompt_with_its_origin(chat: Window) -> None:
    await chat.say("Question", "One\n\nTwo")
    chat.screen.prompt.hold("Look:")
    await chat.messages("c")
    assert chat.screen.prompt.text == "Look:\n\nFrom “Question”, #2, llama3.2:3b:\n> One\n>\n> Two\n\n"
    assert chat.app.focused is chat.screen.prompt


CODE = "A:\n\n```python\nfirst = 1\n```\n\nB:\n\n```\nsecond\n  = 2\n```\n"


async def test_copy_one_of_the_blocks_of_code(chat: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[str] = []
    monkeypatch.setattr(chat.app, "copy_to_clipboard", copied.append)
    await chat.say("Question", CODE)
    await chat.messages("Y")
    assert isinstance(chat.app.screen, CodeBlocks)
    assert "first = 1" in rows_of(chat.app.screen.query_one("#code-rows"))[0]
    await chat.press("down", "enter")
    await chat.press("Y", "1")
    assert copied == ["second\n  = 2", "first = 1"]
    await chat.press("k", "Y")
    assert any("no block of code" in toast for toast in chat.toasts())
    await chat.press("escape")
    await chat.say("Again", "```\nalone\n```")
    await chat.messages("Y")
    assert copied[-1] == "alone", "of one there is nothing to choose"


async def test_a_file_that_is_only_read_says_so(tmp_path: Path) -> None:
    from chatui.config import Config
    from chatui.conversation.library import Library
    from chatui.storage import Store
    from chatui.tui.app import ChatApp
    from tests.tui.seed import SeedModels

    path = tmp_path / "chatui.db"
    async with window(path) as chat:
        await chat.say("Question", "One")
    models = SeedModels()
    library = Library(Store.open(path, read_only=True), models, Config())  # type: ignore[arg-type]
    app = ChatApp(library, Config())
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await app.stack_ready.wait()
        await pilot.pause()
        reader = Window(app, pilot, library, models)
        assert "read-only" in reader.status()
        await reader.write("More")
        await reader.until(lambda: reader.screen.prompt.text == "More")
        assert "opened read-only" in plain(reader.screen.query_one("#offer", Static))
        assert reader.texts() == ["Question", "One"]
        await reader.press("escape", "m")
        assert any("read-only" in toast for toast in reader.toasts())
    await library.close()


async def test_the_selected_message_is_marked_in_message_mode_and_nowhere_else(seeded: Path) -> None:
    async with window(seeded) as chat:
        marked = []
        for key in ("escape", "up", "escape", "escape"):
            await chat.press(key)
            view = chat.screen.transcript.selected_view
            assert view is not None
            marked.append(view.selected)
        assert marked == [True, True, False, True]
