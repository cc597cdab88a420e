from __future__ import annotations

from pathlib import Path

import pytest
from langchain_core.messages import AIMessageChunk
from textual.widgets import Input, Static, TextArea

from chatui.conversation.events import Started
from chatui.errors import ContextTooLong
from chatui.tui.settings import Presets, SettingsScreen
from tests.tui.conftest import Window, plain, rows_of, window
from tests.tui.seed import MODEL, OTHER


def dialog(chat: Window) -> SettingsScreen:
    assert isinstance(chat.app.screen, SettingsScreen)
    return chat.app.screen


def about(chat: Window) -> str:
    return plain(dialog(chat).query_one("#settings-about", Static))


def row(chat: Window, title: str) -> str:
    return next(line for line in rows_of(dialog(chat)._rows) if line.strip().startswith(title))


async def put(chat: Window, text: str) -> None:
    """Change the value under the cursor."""
    await chat.press("enter")
    chat.app.screen.query_one(Input).value = text
    await chat.press("enter")


async def go(chat: Window, title: str) -> None:
    await chat.press("home")
    while title not in rows_of(dialog(chat)._rows)[dialog(chat)._rows.cursor - dialog(chat)._rows.scroll_offset.y]:
        await chat.press("down")


async def test_a_value_is_set_for_the_thread_its_model_and_its_user(chat: Window) -> None:
    await chat.press("f4")
    await go(chat, "Temperature")
    await put(chat, "0.3")
    assert row(chat, "Temperature").split() == ["Temperature", "0.3", "thread"]
    await chat.press("right")
    assert row(chat, "Temperature").split()[1:] == ["-", "model's", "own"]
    await put(chat, "0.4")
    assert row(chat, "Temperature").split() == ["Temperature", "0.4", "model"]
    await chat.press("right")
    await put(chat, "0.5")
    assert row(chat, "Temperature").split() == ["Temperature", "0.5", "user"]
    await chat.press("right")
    assert row(chat, "Temperature").split() == ["Temperature", "0.3", "thread"]
    await chat.press("escape")
    await chat.say("Hello")
    assert chat.models.chat.asked_with[-1]["temperature"] == 0.3
    # Taken away one after the other, the next one's is in force.
    for left, source in ((0.4, "model"), (0.5, "user"), (None, "model's")):
        await chat.press("f4")
        await go(chat, "Temperature")
        await chat.press("x") if left == 0.4 else await chat.press(*["right"] * (1 if left == 0.5 else 2), "x")
        await chat.press(*["left"] * {0.4: 0, 0.5: 1, None: 2}[left])
        assert row(chat, "Temperature").split()[2] == source
        await chat.press("escape")
        await chat.say("Again")
        assert chat.models.chat.asked_with[-1].get("temperature") == left


async def test_a_wrong_value_is_refused_in_a_sentence(chat: Window) -> None:
    await chat.press("f4")
    await go(chat, "Top p")
    await put(chat, "[red]7[/]")
    assert about(chat).startswith("top_p must be a number from 0 to 1, not [red]7[/].")
    assert row(chat, "Top p").split()[2:] == ["-", "model's", "own"]
    await chat.press("down")
    assert "must be" not in about(chat)


async def test_the_system_prompt_is_edited_in_lines_and_sent(chat: Window) -> None:
    await chat.press("f4", "enter")
    chat.app.screen.query_one(TextArea).text = "Be brief.\nBe kind."
    await chat.press("ctrl+s")
    assert "Be brief. Be kind." in row(chat, "System prompt")
    await chat.press("escape")
    await chat.say("Hello")
    assert str(chat.models.asked[-1][0].text) == "Be brief.\nBe kind."
    assert len(chat.screen.conversation.branch()) == 2, "it is no message"


async def test_presets_are_saved_chosen_and_forgotten(chat: Window) -> None:
    await chat.press("f4", "p")
    assert "There is no preset yet" in about(chat)
    await chat.press("s")
    assert "Nothing is set here yet" in about(chat)
    await go(chat, "Seed")
    await put(chat, "7")
    await chat.press("s")
    chat.app.screen.query_one(Input).value = "Exact"
    await chat.press("enter")
    assert "Saved as “Exact”" in about(chat)
    await chat.press("escape", "ctrl+n", "f4")
    assert row(chat, "Seed").split()[1] == "-"
    await chat.press("p")
    assert isinstance(chat.app.screen, Presets)
    assert "Exact  seed 7" in rows_of(chat.app.screen._rows)[0]
    await chat.press("enter")
    assert row(chat, "Seed").split() == ["Seed", "7", "thread"]
    await chat.press("p", "x")
    assert dialog(chat)
    assert chat.screen.conversation.settings.presets() == {}


async def test_what_is_set_for_the_thread_becomes_a_default(chat: Window) -> None:
    await chat.press("f4", "M")
    assert about(chat) == "Nothing is set for this thread yet."
    await go(chat, "Seed")
    await put(chat, "7")
    await chat.press("M")
    assert about(chat) == "1 value of this thread: now the default of llama3.2:3b too."
    assert chat.library.conversation().settings.of("model", MODEL) == {"seed": 7}
    await chat.press("U")
    assert chat.library.conversation().settings.of("user") == {"seed": 7}


async def test_it_is_said_that_a_model_cannot_think(chat: Window) -> None:
    await chat.press("f4")
    await go(chat, "Thinking")
    await put(chat, "high")
    await chat.until(lambda: about(chat) == "llama3.2:3b cannot think before it answers; it is not asked to.")
    await chat.press("escape")
    await chat.screen.action_do("model.pick", OTHER)
    await chat.press("f4")
    await go(chat, "Thinking")
    await put(chat, "low")
    await chat.app.workers.wait_for_complete([worker for worker in chat.app.workers if worker.group != "replies"])
    assert "cannot think" not in about(chat)


async def test_another_context_announces_the_reload(chat: Window) -> None:
    await chat.press("f4")
    await go(chat, "Context")
    await put(chat, "16,384")
    assert "loaded anew" in about(chat)
    await chat.press("left")
    assert "loaded anew" not in about(chat)


async def test_taking_the_context_away_announces_the_reload_too_and_so_does_a_preset(chat: Window) -> None:
    await chat.press("f4")
    await go(chat, "Context")
    await put(chat, "16384")
    await chat.press("s")
    chat.app.screen.query_one(Input).value = "Long"
    await chat.press("enter")
    await chat.press("x")
    assert about(chat).startswith("From the next message on the model is loaded anew")
    await chat.press("p", "enter")
    assert about(chat) == (
        "“Long” is set for this thread. From the next message on the model is loaded anew, for the other context."
    )
    await chat.press("escape")
    await chat.write("/settings num_ctx default")
    assert any("left to the defaults" in toast and "loaded anew" in toast for toast in chat.toasts())


async def test_a_thread_keeps_its_context_and_says_so(chat: Window) -> None:
    await chat.say("Hello")
    await chat.press("f4")
    await go(chat, "Context")
    assert row(chat, "Context").split()[2:] == ["-", "first", "reply"]
    await chat.press("right", "right")
    await put(chat, "2048")
    assert about(chat).startswith("This thread keeps the context that it began with")
    await chat.press("right")
    assert row(chat, "Context").split()[2:] == ["-", "first", "reply"]
    # Set here, and taken away again, it follows the default.
    await put(chat, "1024")
    await chat.press("x")
    assert row(chat, "Context").split()[2:] == ["2048", "user"]


async def test_slash_commands_set_without_the_dialog(chat: Window) -> None:
    await chat.write("/settings top_k 12")
    assert "top_k: 12, in this thread." in chat.toasts()
    await chat.write("/system Answer in French.")
    assert chat.screen.conversation.settings.of("thread") == {"top_k": 12, "system_prompt": "Answer in French."}
    await chat.write("/settings top_k much")
    assert any("top_k must be a whole number" in toast for toast in chat.toasts())
    await chat.write("/settings warmth 3")
    assert any('no parameter "warmth"' in toast for toast in chat.toasts())
    await chat.write("/settings seed")
    assert "Seed" in under_cursor(chat)


def under_cursor(chat: Window) -> str:
    from chatui.conversation.parameters import FIELDS

    return FIELDS[dialog(chat)._rows.cursor].title


async def test_it_works_on_a_small_screen(tmp_path: Path) -> None:
    async with window(tmp_path / "chatui.db", size=(60, 16)) as chat:
        await chat.press("f4", "end")
        box = dialog(chat).query_one("#settings-dialog").region
        assert box.bottom <= 16
        assert row(chat, "Stop at")
        hint = dialog(chat).query_one(".hint", Static)
        assert "Esc Close" in plain(hint)
        assert hint.region.bottom <= box.bottom


@pytest.mark.parametrize("size", [(120, 40), (60, 16)])
async def test_what_is_not_sent_stands_above_the_prompt(tmp_path: Path, size: tuple[int, int]) -> None:
    async with window(tmp_path / "chatui.db", size=size) as chat:
        for number in range(4):
            await chat.say(f"{number} " + "word " * 200)
        chat.models.model.context_length = 600
        await chat.say("And now?")
        shown = plain(chat.screen.query_one("#notes", Static))
        sent = chat.screen.conversation.branch()[-1].sent
        assert sent is not None
        assert sent.left_out > 0
        assert shown == f"{sent.left_out} older messages are not sent: #1 to #{sent.left_out}."
        await chat.press("ctrl+n")
        assert not chat.screen.query_one("#notes").display


async def test_it_stands_there_before_the_reply_comes(tmp_path: Path) -> None:
    import asyncio

    async with window(tmp_path / "chatui.db") as chat:
        for number in range(4):
            await chat.say(f"{number} " + "word " * 200)
        chat.models.model.context_length = 600
        gate = asyncio.Event()
        chat.models.script = [gate, AIMessageChunk(content="Late.")]
        await chat.write("And now?")
        await chat.until(lambda: chat.screen.reply is not None and chat.screen.reply.asked is not None)
        assert "older messages are not sent" in plain(chat.screen.query_one("#notes", Static))
        assert isinstance(chat.screen.reply and chat.screen.reply.started, Started)
        gate.set()
        await chat.until(lambda: chat.screen.reply is None)


async def test_a_prompt_that_has_no_room_offers_the_way_out(chat: Window) -> None:
    chat.models.script = [ContextTooLong("It does not fit.", "Send less.", need=280, room=128)]
    await chat.write("A very long prompt")
    await chat.until(lambda: chat.screen.reply is None and chat.screen.offer.display)
    assert [choice.title for choice in chat.screen.offer.choices][:2] == ["Retry", "Set num_ctx"]
    chat.screen.offer.focus()
    await chat.press("s")
    await chat.until(lambda: isinstance(chat.app.screen, SettingsScreen))
    assert under_cursor(chat) == "Context (num_ctx)"


async def test_the_gauge_is_estimated_while_one_writes_and_exact_afterwards(tmp_path: Path) -> None:
    async with window(tmp_path / "chatui.db") as chat:
        await chat.say("Hello you")
        usage = chat.screen.conversation.branch()[-1].usage
        assert usage is not None
        assert f"· {usage.total_tokens}/8,192 tokens" in chat.status()
        chat.screen.prompt.hold("word " * 80)
        await chat.screen.drafts.keep()
        await chat.pilot.pause()
        assert f"· ~{usage.total_tokens + 100}/8,192 tokens" in chat.status()
    async with window(tmp_path / "chatui.db") as chat:
        # After the next start too.
        chat.screen.prompt.hold("")
        chat.screen.show_state()
        await chat.pilot.pause()
        assert f"· {usage.total_tokens}/8,192 tokens" in chat.status()
