"""What an answer says of itself: what it waits for, and afterwards its figures."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import msgspec
import pytest
from langchain_core.messages import AIMessageChunk
from langchain_core.messages.ai import UsageMetadata
from textual.widgets import Static

from chatui.conversation import waiting
from chatui.conversation.tree import Message, Sent, Usage
from chatui.tui import figures
from chatui.tui.replies import WAITS
from tests.ollama_server import DATA, OllamaServer
from tests.tui.conftest import Window, answer, ollama_window, plain, rows_of, window
from tests.tui.seed import MODEL, OTHER


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_PATIENCE", 0)
    monkeypatch.setattr(waiting, "_LOOK_EVERY", 0.01)


async def test_the_live_answer_says_what_it_waits_for(chat: Window) -> None:
    gate, loaded = asyncio.Event(), [False]
    model = chat.models.model

    async def is_loaded() -> bool:
        return loaded[0]

    model.loaded, model.is_loaded = False, is_loaded
    chat.models.script = [gate, "Done."]
    await chat.write("Hello")
    await chat.until(lambda: "Loading the model ·" in answer(chat).foot)
    await chat.until(lambda: any("Loading the model · " in row for row in rows_of(chat.screen.transcript)))
    loaded[0] = True
    await chat.until(lambda: WAITS["starting"] in answer(chat).foot)
    model.loaded = True
    await chat.until(lambda: WAITS["first token"] in answer(chat).foot)
    gate.set()
    await chat.until(lambda: chat.screen.reply is None)
    assert answer(chat).foot == ""


async def test_a_reply_behind_another_is_queued(chat: Window) -> None:
    first, second = asyncio.Event(), asyncio.Event()
    chat.models.script = ["One", first]
    await chat.write("Hello")
    await chat.until(lambda: chat.texts()[-1:] == ["One"])
    await chat.press("ctrl+n")
    chat.models.script = [second, "Two"]
    await chat.write("Hello")
    await chat.until(lambda: "Queued behind another request" in answer(chat).foot)
    first.set()
    await chat.until(lambda: "Waiting for the first token" in answer(chat).foot)
    second.set()
    await chat.until(lambda: chat.screen.reply is None)


async def test_the_figures_outlast_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "chatui.db"
    usage = UsageMetadata(input_tokens=1200, output_tokens=34, total_tokens=1234)
    gate = asyncio.Event()
    async with window(path) as chat:
        last = AIMessageChunk(content="", usage_metadata=usage, response_metadata={"done": True})
        # Writing has to take a moment: a speed is told of what took one.
        chat.models.script = ["A", gate, " and B", last]
        await chat.write("Hello")
        await chat.until(lambda: chat.texts()[-1:] == ["A"])
        await asyncio.sleep(0.1)
        gate.set()
        await chat.until(lambda: chat.screen.reply is None)
    async with window(path) as chat:
        message = answer(chat).message
        assert message is not None
        assert message.first_token_seconds is not None
        assert "first token 0." in chat.status()
        assert " tok/s" in chat.status()
        await chat.messages("i")
        await chat.until(lambda: chat.app.screen is not chat.screen)
        facts = plain(chat.app.screen.query_one("VerticalScroll Static", Static))
        assert " in all; " in facts
        assert "to the first token" in facts


async def test_messages_keep_the_names_of_their_models(tmp_path: Path) -> None:
    async with window(tmp_path / "chatui.db") as chat:
        await chat.say("One", "First.")
        await chat.press("ctrl+o")
        await chat.until(lambda: len(chat.app.screen.query_one("ModelRows").models) == 3)  # type: ignore[attr-defined]
        await chat.press(*"qwen", "enter")
        await chat.say("Two", "Second.")
        assert chat.badges()[1::2] == ["llama3.2:3b", "qwen3:8b"]
    async with window(tmp_path / "chatui.db") as chat:
        assert [view.message.model for view in chat.views[1::2] if view.message] == [MODEL, OTHER]
        assert chat.badges()[1::2] == ["llama3.2:3b", "qwen3:8b"]


def counted() -> Message:
    """An answer of 40 tokens that took 6 s, the first 4 s of them without a token."""
    return Message(
        node_id="n",
        parent_id=None,
        checkpoint_id=None,
        message_id="m",
        role="assistant",
        text="x",
        usage=Usage(10, 40, 50),
        seconds=6.0,
        first_token_seconds=4.0,
    )


def test_the_speed_counts_from_the_first_token() -> None:
    message = counted()
    assert figures.speed(message) == 20
    assert figures.tokens(message) == "10 in, 40 out, 50 in all; 20 a second"
    # A server that leaves the prompt out has not counted it.
    partly = msgspec.structs.replace(message, usage=Usage(0, 40, 40), sent=Sent(messages=1, estimated_tokens=12))
    assert figures.used(partly) == (52, False)
    assert figures.used(message) == (50, True)
    assert figures.tokens(partly) == "40 out, the prompt was not counted; 20 a second"
    assert figures.first_token(message) == "first token 4.0 s"


def test_the_speed_is_the_servers_own_where_it_tells_it() -> None:
    """Tokens a second are eval_count / eval_duration: what was waited for before, and the way here, do not count."""
    message = msgspec.structs.replace(counted(), sent=Sent(messages=1, writing_seconds=0.5, written_tokens=40))
    assert figures.speed(message) == 80


async def test_the_figures_of_a_real_reply(tmp_path: Path) -> None:
    """A real server's reply as it was recorded: 8 tokens in 4.08 s, and 2.90 s for loading the model."""
    last = json.loads((DATA / "chat_stream.ndjson").read_text().splitlines()[-1])
    with OllamaServer() as server:
        async with ollama_window(tmp_path / "chatui.db", server) as chat:
            await chat.write("What is the capital of France?")
            await chat.until(lambda: chat.screen.reply is None and len(chat.views) == 2)
            message = answer(chat).message
            assert message is not None
            assert message.text == "The capital of France is Paris."
            rate = figures.speed(message)
            assert rate == pytest.approx(last["eval_count"] / last["eval_duration"] * 1e9)
            assert message.sent is not None
            assert message.sent.load_seconds == pytest.approx(last["load_duration"] / 1e9)
            await chat.until(lambda: "2.0 tok/s" in chat.status())
            assert "first token 0." in chat.status()
            await chat.messages("i")
            await chat.until(lambda: chat.app.screen is not chat.screen)
            facts = plain(chat.app.screen.query_one("VerticalScroll Static", Static))
            assert "16 in, 8 out, 24 in all; 2.0 a second" in facts
            assert "to the first token (2.9 to load the model)" in facts
