from __future__ import annotations

import asyncio
from pathlib import Path

from textual.widgets import ProgressBar, Static

from chatui.config import Config
from chatui.errors import NoModel, Unreachable
from chatui.models import PullProgress
from chatui.tui.message import AnswerView, UserView
from chatui.tui.models import ModelPicker
from chatui.tui.welcome import WelcomeScreen
from tests.tui.conftest import Window, answer, plain, rows_of, window
from tests.tui.seed import SeedModels, thinking


async def test_a_turn_streams_and_stays(chat: Window) -> None:
    gate = asyncio.Event()
    chat.models.script = ["# Hi\n\nThis is **bo", "ld**.", gate, "\n\nAnd more."]
    await chat.write("Hello")
    await chat.until(lambda: chat.texts() == ["Hello", "Hi\nThis is bold."])
    assert chat.screen.prompt.text == ""
    live = chat.views[-1]
    gate.set()
    await chat.until(lambda: chat.screen.reply is None)
    assert chat.texts() == ["Hello", "Hi\nThis is bold.\nAnd more."]
    assert chat.views[-1] is live, "the reply that streamed becomes the message, without a flicker"
    assert [thread.title for thread in chat.library.threads()] == ["Hello"]


async def test_the_end_of_a_stream_looks_like_the_message_opened_again(chat: Window) -> None:
    source = "A [link][1] and\n\n- one\n- two\n  1. deep\n\n> quote\n\n```py\nx = 1\n```\n\n| a | b |\n|---|--:|\n| 1 | 2 |\n\n[1]: https://example.com\n"
    await chat.say("Go", *source)
    streamed = answer(chat).leaves
    await chat.screen.open(chat.screen.thread_id)
    await chat.pilot.pause()
    again = answer(chat).leaves
    assert [(leaf.kind, leaf.content.plain, leaf.first, leaf.gap) for leaf in streamed] == [
        (leaf.kind, leaf.content.plain, leaf.first, leaf.gap) for leaf in again
    ]
    assert "https://example.com" in streamed[0].content.plain


async def test_escape_stops_and_keeps_what_came(chat: Window) -> None:
    chat.models.script = ["Half of", asyncio.Event()]
    await chat.write("Hello")
    await chat.until(lambda: chat.texts()[-1:] == ["Half of"])
    await chat.press("escape")
    await chat.until(lambda: chat.screen.reply is None and chat.views[-1].message is not None)
    assert "You stopped this reply." in answer(chat).foot
    message = chat.screen.conversation.head()
    assert message is not None
    assert (message.text, message.interrupted) == ("Half of", "stopped")


async def test_what_is_sent_meanwhile_waits_and_goes_next(chat: Window) -> None:
    gate = asyncio.Event()
    chat.models.script = ["One", gate]
    await chat.write("First")
    await chat.until(lambda: chat.texts()[-1:] == ["One"])
    await chat.write("Second")
    await chat.write("Third")
    queue = chat.screen.query_one("#queue", Static)
    assert queue.display
    assert "Next: Second\nNext: Third" in plain(queue)
    await chat.press("up")
    assert chat.screen.prompt.text == "Third", "the newest comes back to be edited"
    gate.set()
    await chat.until(lambda: chat.screen.reply is None and len(chat.screen.conversation.branch()) == 4)
    assert [text for text in chat.texts() if not text.startswith("One")] == ["First", "Second"]
    assert not queue.display


async def test_waiting_messages_can_be_dropped(chat: Window) -> None:
    chat.models.script = ["One", asyncio.Event()]
    await chat.write("First")
    await chat.until(lambda: chat.texts()[-1:] == ["One"])
    await chat.write("Second")
    await chat.write("/drop")
    assert not chat.screen.query_one("#queue").display
    await chat.press("escape")
    await chat.until(lambda: chat.screen.reply is None)
    assert len(chat.screen.conversation.branch()) == 2


async def test_a_failed_reply_offers_retry(chat: Window) -> None:
    chat.models.script = ["Some", RuntimeError("the [/x] server fell over")]
    await chat.write("Hello")
    await chat.until(lambda: chat.screen.offer.display)
    assert "the [/x] server fell over" in plain(chat.screen.offer)
    assert plain(chat.screen.offer).endswith("(Tab goes here)")
    chat.models.script = ["All of it"]
    await chat.press("tab")
    assert "OFFER" in chat.status()
    await chat.press("r")
    await chat.until(lambda: chat.screen.reply is None and chat.texts()[-1:] == ["All of it"])
    assert not chat.screen.offer.display
    assert chat.badges()[-1].endswith("‹2/2›")


async def test_typing_on_leaves_an_offer_alone(chat: Window) -> None:
    chat.models.script = [RuntimeError("no")]
    await chat.write("Hello")
    await chat.until(lambda: chat.screen.offer.display)
    # None of its letters acts before one has gone there.
    await chat.press(*"reR", "z")
    assert chat.screen.prompt.text == "reRz"
    assert chat.app.focused is chat.screen.prompt
    assert chat.screen.offer.display
    await chat.press("tab", "z")
    assert chat.screen.prompt.text == "reRzz"
    assert chat.app.focused is chat.screen.prompt


async def test_edit_after_a_failure_makes_an_alternative(chat: Window) -> None:
    chat.models.script = [RuntimeError("no")]
    await chat.write("Hello")
    await chat.until(lambda: chat.screen.offer.display)
    assert plain(chat.screen.query_one("#forking", Static)) == "This starts alternative 2 of #1. Nothing is lost."
    await chat.press("tab", "e")
    assert chat.screen.prompt.text == "Hello"
    await chat.say("Hello you", "Yes?")
    assert chat.texts() == ["Hello you", "Yes?"]
    assert chat.badges()[0] == "You ‹2/2›"


async def test_a_refused_prompt_comes_back(chat: Window) -> None:
    chat.models.missing = Unreachable("No server answers.", "Start it.")
    await chat.write("Hello")
    await chat.until(lambda: chat.screen.reply is None and chat.screen.offer.display)
    assert chat.screen.prompt.text == "Hello"
    assert chat.texts() == []
    assert "No server answers." in plain(chat.screen.offer)


async def test_first_run_fetches_the_demo_model_and_lands_in_the_prompt(tmp_path: Path) -> None:
    models = SeedModels()
    models.missing = NoModel("There is no model to ask yet.")
    gate = asyncio.Event()
    models.pulled = [PullProgress("downloading", 50_000_000, 100_000_000), gate, PullProgress("checking", None, None)]
    async with window(tmp_path / "chatui.db", models) as chat:
        assert isinstance(chat.app.screen, WelcomeScreen)
        await chat.press("f")
        bar = chat.app.screen.query_one(ProgressBar)
        await chat.until(lambda: bar.percentage == 0.5)
        gate.set()
        await chat.until(lambda: chat.app.screen is chat.screen)
        assert chat.app.focused is chat.screen.prompt
        await chat.say("Hello", "Hi")
        assert chat.texts() == ["Hello", "Hi"]


async def test_first_run_can_be_cancelled_and_tried_again(tmp_path: Path) -> None:
    models = SeedModels()
    models.missing = NoModel("There is no model to ask yet.")
    models.pulled = [PullProgress("downloading", 1, 100), asyncio.Event()]
    async with window(tmp_path / "chatui.db", models) as chat:
        said = chat.app.screen.query_one("#welcome-said", Static)
        await chat.press("f")
        await chat.until(lambda: "Downloading" in plain(said))
        await chat.press("escape")
        await chat.until(lambda: "Cancelled" in plain(said))
        await chat.press("o")
        assert "ollama pull" in plain(said)
        await chat.press("t")
        await chat.until(lambda: "Still none" in plain(said))
        models.missing = None
        await chat.press("t")
        await chat.until(lambda: chat.app.screen is chat.screen)


async def test_a_prompt_without_a_model_is_not_lost(tmp_path: Path) -> None:
    models = SeedModels()
    models.missing = NoModel("There is no model to ask yet.")
    async with window(tmp_path / "chatui.db", models) as chat:
        await chat.press("escape")
        await chat.write("Hello")
        await chat.until(lambda: isinstance(chat.app.screen, WelcomeScreen))
        assert chat.screen.prompt.text == "Hello"


async def test_newline_keys_do_not_send_and_a_paste_never_does(chat: Window) -> None:
    await chat.press("a", "ctrl+j", "b", "shift+enter", "c", "alt+enter", "d")
    assert chat.screen.prompt.text == "a\nb\nc\nd"
    from textual.events import Paste

    chat.app.post_message(Paste("one\ntwo\x1b[31m\n"))
    await chat.pilot.pause()
    assert chat.screen.prompt.text == "a\nb\nc\ndone\ntwo[31m\n"
    assert chat.texts() == []


async def test_up_recalls_what_was_sent(chat: Window) -> None:
    await chat.say("First")
    await chat.say("Second")
    chat.screen.prompt.hold("being written")
    await chat.press("up")
    assert chat.screen.prompt.text == "Second"
    await chat.press("up")
    assert chat.screen.prompt.text == "First"
    await chat.press("down", "down")
    assert chat.screen.prompt.text == "being written"


async def test_thinking_is_folded_to_one_line(chat: Window) -> None:
    chat.models.script = [*thinking("let me see now"), "Done."]
    await chat.write("Hello")
    await chat.until(lambda: chat.screen.reply is None and chat.texts()[-1:] == ["Done."])
    assert answer(chat).thought.startswith("▸ Thought for 0.")
    assert "\n" not in answer(chat).thought
    await chat.press("escape", "o")
    assert answer(chat).thought.endswith("let me see now")
    assert "let me see now" in "\n".join(rows_of(chat.screen.transcript))


async def test_the_time_of_thinking_outlasts_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "chatui.db"
    async with window(path) as chat:
        chat.models.script = [*thinking("let me see now"), "Done."]
        await chat.write("Hello")
        await chat.until(lambda: chat.screen.reply is None and chat.texts()[-1:] == ["Done."])
    async with window(path) as chat:
        assert answer(chat).thought.startswith("▸ Thought for 0.")


async def test_a_model_is_picked_and_asked(chat: Window) -> None:
    await chat.press("ctrl+o")
    assert isinstance(chat.app.screen, ModelPicker)
    await chat.until(lambda: len(chat.app.screen.query_one("ModelRows").models) == 3)  # type: ignore[attr-defined]
    await chat.press("q", "w", "e", "n", "enter")
    await chat.say("Hello", "Hi")
    assert chat.badges()[-1] == "qwen3:8b"
    assert chat.library.threads()[0].model == "ollama:qwen3:8b"


async def test_ctrl_c_stops_then_says_how_to_quit_and_twice_quits(chat: Window) -> None:
    chat.models.script = ["Half", asyncio.Event()]
    await chat.write("Hello")
    await chat.until(lambda: chat.texts()[-1:] == ["Half"])
    await chat.press("ctrl+c")
    await chat.until(lambda: chat.screen.reply is None)
    chat.app._last_interrupt = -10.0
    await chat.press("ctrl+c")
    assert any("Ctrl+Q" in toast for toast in chat.toasts())
    await chat.press("ctrl+c")
    assert chat.app.return_code == 0


async def test_quit_asks_only_while_replies_stream_and_keeps_them(tmp_path: Path) -> None:
    path = tmp_path / "chatui.db"
    models = SeedModels()
    models.script = ["Half", asyncio.Event()]
    async with window(path, models) as chat:
        await chat.write("Hello")
        await chat.until(lambda: chat.texts()[-1:] == ["Half"])
        await chat.press("ctrl+q")
        await chat.press("escape")
        assert chat.app.is_running
        await chat.press("ctrl+q", "y")
        await chat.until(lambda: chat.app.return_code == 0)
    async with window(path) as chat:
        assert chat.texts() == ["Hello", "Half"]
        head = chat.screen.conversation.head()
        assert head is not None
        assert head.interrupted == "stopped"


async def test_slash_commands_complete_and_run(chat: Window) -> None:
    await chat.say("Hello")
    await chat.press("slash", "r", "e", "n")
    assert chat.screen.query_one("#menu").display
    await chat.press("tab")
    assert chat.screen.prompt.text == "/rename "
    await chat.press(*"Zoo", "enter")
    await chat.until(lambda: chat.library.threads()[0].title == "Zoo")
    await chat.write("/nonsense")
    assert any("no command /nonsense. A space" in toast for toast in chat.toasts())
    await chat.write("/stop now")
    assert any("/stop takes no text. A space before" in toast for toast in chat.toasts())
    assert chat.screen.prompt.text == "/stop now"
    await chat.write("/memry")
    assert any("no command /memry, but there is /memory. A space" in toast for toast in chat.toasts())
    assert chat.texts() == ["Hello", "Fine."]
    await chat.say(" /memry is no command", "I see.")
    assert chat.texts()[2:] == [" /memry is no command", "I see."]


async def test_a_command_on_a_message_says_that_there_is_none(chat: Window) -> None:
    commands = (
        "copy",
        "edit",
        "regenerate",
        "details",
        "next",
        "go-on",
        "continue",
        "carry",
        "thinking",
        "star",
        "find x",
    )
    for command in commands:
        chat.app.clear_notifications()
        await chat.write(f"/{command}")
        assert chat.toasts() == ["This thread has no message yet."], command
    for command, says in (("stop", "No reply streams here."), ("queue", "No message waits here."), ("drop", "No mess")):
        chat.app.clear_notifications()
        await chat.write(f"/{command}")
        assert chat.toasts()[0].startswith(says)


async def test_keys_from_the_config_file(tmp_path: Path) -> None:
    config = Config(keys={"tree.open": "ctrl+l", "no.such": "x"})
    async with window(tmp_path / "chatui.db", config=config) as chat:
        assert any("no.such" in toast for toast in chat.toasts())
        await chat.say("Hello")
        await chat.press("ctrl+t")
        assert chat.app.screen is chat.screen
        await chat.press("ctrl+l")
        assert chat.screen.travel.tree is not None
        assert chat.screen.travel.tree.pane is not None


async def test_roles_are_told_by_the_views(chat: Window) -> None:
    await chat.say("Hello")
    assert [type(view) for view in chat.views] == [UserView, AnswerView]
