"""The screen with Ollama behind it: over the scripted server, with the answers of real ones."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Static

from chatui.tui.models import ModelPicker
from tests.conversation.test_context import WORDS, loaded, overflow, replied
from tests.ollama_server import (
    HANGS_UP_WITHIN,
    OllamaServer,
    answer,
    chunk,
    cut_off,
    done,
    dropped,
    piece,
    quickest,
    recorded,
    stream,
    tags,
)
from tests.pictures import png
from tests.tui.conftest import Window, ollama_window, plain, rows_of
from tests.tui.conftest import answer as last_answer


@pytest.fixture
def server() -> Iterator[OllamaServer]:
    with OllamaServer() as server:
        server.answers["GET", "/api/ps"] = loaded(4096)
        yield server


@pytest.fixture
async def chat(server: OllamaServer, tmp_path: Path) -> AsyncIterator[Window]:
    async with ollama_window(tmp_path / "chatui.db", server) as opened:
        yield opened


async def turn(chat: Window, text: str) -> None:
    """One turn, to its end, whichever that is."""
    before = len(chat.screen.conversation.tree())
    await chat.write(text)
    await chat.until(lambda: chat.screen.reply is None and len(chat.screen.conversation.tree()) > before)


async def grow(chat: Window, server: OllamaServer, turns: int) -> None:
    """Put so many turns of about 170 tokens each into the thread, each read by the server."""
    for number in range(turns):
        server.chats.append(replied(170 * (number + 1)))
        await turn(chat, f"{number}: {WORDS * 10}")


def notes(chat: Window) -> str:
    return plain(chat.screen.query_one("#notes", Static))


def painted(chat: Window, words: str) -> bool:
    """Whether a widget above the prompt has painted something."""
    widget = chat.screen.query_one("#notes", Static)
    return bool(widget.display) and words in " ".join(" ".join(row.split()) for row in rows_of(widget))


def offered(chat: Window) -> list[str]:
    return [choice.title for choice in chat.screen.offer.choices]


# Which messages were not sent stands on the screen


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 16)])
async def test_a_history_that_the_server_refuses_with_400_says_on_the_screen_which_messages_were_not_sent(
    server: OllamaServer, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with ollama_window(tmp_path / "chatui.db", server, size=size) as chat:
        await grow(chat, server, 6)
        server.chats += [overflow(1040, 600), replied(400)]
        await turn(chat, "And now?")
        sent = chat.screen.conversation.branch()[-1].sent
        assert sent is not None
        assert sent.left_out > 0
        assert len(server.asked[-1]["messages"]) == 13 - sent.left_out
        line = f"{sent.left_out} older messages are not sent: #1 to #{sent.left_out}."
        assert line in notes(chat)
        assert "1040 tokens, there is room for 600" in notes(chat)
        await chat.until(lambda: painted(chat, line))
        # In another thread it is not said, and back here it is.
        thread = chat.screen.thread_id
        await chat.press("ctrl+n")
        assert not chat.screen.query_one("#notes").display
        await chat.screen.open(thread)
        await chat.until(lambda: painted(chat, line))


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 16)])
async def test_a_history_that_the_server_truncates_in_silence_says_on_the_screen_which_messages_were_dropped(
    server: OllamaServer, tmp_path: Path, size: tuple[int, int]
) -> None:
    """An older server answers 200 and counts fewer tokens than it was sent: nothing else tells."""
    async with ollama_window(tmp_path / "chatui.db", server, size=size) as chat:
        await grow(chat, server, 5)
        server.answers["GET", "/api/ps"] = answer(404, "404 page not found", "text/plain")
        server.chats.append(replied(200))
        await turn(chat, "And now?")
        assert len(server.asked[-1]["messages"]) == 11, "all were sent"
        line = "The server cut the history by itself: about 7 messages, #1 to #7."
        assert line in notes(chat)
        await chat.until(lambda: painted(chat, line))


async def test_a_prompt_that_alone_is_too_long_offers_a_larger_context(chat: Window, server: OllamaServer) -> None:
    server.chats.append(overflow(280, 128))
    await turn(chat, WORDS * 17)
    await chat.until(lambda: chat.screen.offer.display)
    assert "280 tokens, there is room for 128" in plain(chat.screen.offer)
    assert "Set num_ctx" in offered(chat)


async def test_an_image_that_a_model_cannot_see_is_told_on_the_screen(
    chat: Window, server: OllamaServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cat.png").write_bytes(png())
    monkeypatch.chdir(tmp_path)
    server.answers["GET", "/api/tags"] = tags("smol:latest", capabilities=["completion", "vision"])
    server.answers["POST", "/api/show"] = answer(200, {"capabilities": ["completion", "vision"]})
    await turn(chat, "What is @cat.png")
    server.answers["GET", "/api/tags"] = tags("smol:latest", capabilities=["completion"])
    await turn(chat, "Sure?")
    assert notes(chat).startswith("ollama:smol cannot take cat.png")
    await chat.until(lambda: painted(chat, "only its name is sent."))
    assert not any(message.get("images") for message in server.asked[-1]["messages"])


# Escape closes the connection


async def hangs_up(chat: Window, server: OllamaServer) -> float:
    """Press Escape, and return the seconds until the server saw the client go."""
    began = time.monotonic()
    pressed = asyncio.create_task(chat.pilot.press("escape"))
    assert await asyncio.to_thread(server.hung_up.wait, 5), "the server was never left"
    seconds = time.monotonic() - began
    await pressed
    return seconds


async def test_escape_while_the_model_loads_closes_the_connection(chat: Window, server: OllamaServer) -> None:
    """Not even the head of the answer has come: the server sends none before the model is loaded."""
    server.answers["GET", "/api/ps"] = loaded(None)

    async def attempt() -> float:
        server.chats.append([threading.Event(), *stream("never")])
        asked = len(server.asked)
        await chat.write("Hello")
        await chat.until(lambda: len(server.asked) > asked)
        await chat.until(lambda: "Loading the model" in last_answer(chat).foot)
        seconds = await hangs_up(chat, server)
        await chat.until(lambda: chat.screen.reply is None)
        assert [message.text for message in chat.screen.conversation.branch()] == ["Hello"]
        return seconds

    assert await quickest(attempt, server) < HANGS_UP_WITHIN


async def test_escape_in_the_middle_of_a_reply_closes_the_connection_and_keeps_what_came(
    chat: Window, server: OllamaServer
) -> None:
    async def attempt() -> float:
        server.chats.append(stream("Half an answer", threading.Event()))
        await chat.write("Hello")
        await chat.until(lambda: chat.screen.reply is not None and chat.texts()[-1:] == ["Half an answer"])
        seconds = await hangs_up(chat, server)
        await chat.until(lambda: chat.screen.reply is None)
        last = chat.screen.conversation.branch()[-1]
        assert (last.text, last.interrupted) == ("Half an answer", "stopped")
        return seconds

    assert await quickest(attempt, server) < HANGS_UP_WITHIN


async def test_escape_while_a_model_thinks_closes_the_connection_and_keeps_the_thinking(
    chat: Window, server: OllamaServer
) -> None:
    server.answers["GET", "/api/tags"] = tags("smol:latest", capabilities=["completion", "thinking"])
    server.chats.append(stream(piece("", thinking="Hm, "), threading.Event()))
    await chat.write("Hello")
    await chat.until(lambda: chat.screen.reply is not None and chat.screen.reply.reasoning == "Hm, ")
    await hangs_up(chat, server)
    await chat.until(lambda: chat.screen.reply is None)
    last = chat.screen.conversation.branch()[-1]
    assert (last.reasoning, last.text, last.interrupted) == ("Hm, ", "", "stopped")


async def test_escape_in_the_middle_of_a_pull_closes_the_connection(chat: Window, server: OllamaServer) -> None:
    progress = {"status": "pulling b551", "digest": "b551", "total": 100, "completed": 40}
    server.answers["POST", "/api/pull"] = [*stream()[:1], chunk(progress), threading.Event()]
    await chat.press("ctrl+o")
    await chat.until(lambda: isinstance(chat.app.screen, ModelPicker) and chat.app.screen._loaded)
    await chat.press(*"tiny")
    said = chat.app.screen.query_one("#model-said", Static)

    async def attempt() -> float:
        await chat.press("enter")
        await chat.until(lambda: "40%" in plain(said) and "goes on" not in plain(said))
        seconds = await hangs_up(chat, server)
        await chat.until(lambda: "goes on" in plain(said))
        return seconds

    assert await quickest(attempt, server) < HANGS_UP_WITHIN


async def test_quitting_closes_the_connection_of_a_reply(server: OllamaServer, tmp_path: Path) -> None:
    server.chats.append(stream("Half", threading.Event()))
    async with ollama_window(tmp_path / "chatui.db", server) as chat:
        await chat.write("Hello")
        await chat.until(lambda: chat.texts()[-1:] == ["Half"])
    assert await asyncio.to_thread(server.hung_up.wait, 5)


# What goes wrong


async def test_a_server_that_goes_away_costs_neither_the_program_nor_the_prompt(tmp_path: Path) -> None:
    with OllamaServer() as server:
        async with ollama_window(tmp_path / "chatui.db", server) as chat:
            await turn(chat, "Hello")
            server.stop()
            await chat.write("Still there?")
            await chat.until(lambda: chat.screen.reply is None and chat.screen.offer.display)
            assert f"Cannot reach Ollama at {server.url}" in plain(chat.screen.offer)
            assert "ollama serve" in plain(chat.screen.offer)
            assert offered(chat)[:2] == ["Retry", "Another model"]
            texts = [message.text for message in chat.screen.conversation.branch()]
            assert "Still there?" in [*texts, chat.screen.prompt.text]


@pytest.mark.parametrize(
    ("reply", "why", "words"),
    [
        (cut_off("Half"), "lost", "connection to the model was lost"),
        (dropped("Half"), "lost", "was lost in the middle"),
        (stream("Half", ending=chunk({"error": "llama runner process has terminated"})), "failed", "has terminated"),
        (stream("Half", ending=done("length")), "length", ""),
    ],
    ids=["no done", "dropped", "runner died", "limit"],
)
async def test_what_came_of_a_reply_that_is_not_whole_is_kept_and_says_why(
    chat: Window, server: OllamaServer, reply: Any, why: str, words: str
) -> None:
    server.chats.append(reply)
    await turn(chat, "Hello")
    await chat.until(lambda: len(chat.views) == 2 and chat.views[-1].message is not None)
    message = chat.views[-1].message
    assert message is not None
    assert (message.text, message.interrupted) == ("Half", why)
    assert last_answer(chat).foot
    if words:
        await chat.until(lambda: words in plain(chat.screen.offer))
        assert "Retry" in offered(chat)


async def test_a_model_that_is_not_installed_is_fetched_and_answers(chat: Window, server: OllamaServer) -> None:
    """A 404 while a thread is open: its model was removed on the server."""
    await turn(chat, "Hello")
    there = server.answers["GET", "/api/tags"]
    server.answers["GET", "/api/tags"] = tags("other:latest")
    await turn(chat, "And now?")
    await chat.until(lambda: chat.screen.offer.display)
    assert "has no model smol" in plain(chat.screen.offer)
    assert offered(chat)[0] == "Fetch it"
    gate = threading.Event()
    steps = [chunk({"status": "pulling b551", "total": 100, "completed": 40}), gate, chunk({"status": "success"})]
    server.answers["POST", "/api/pull"] = [*stream()[:1], *steps, b"0\r\n\r\n"]
    chat.screen.offer.focus()
    await chat.press("f")
    await chat.until(lambda: isinstance(chat.app.screen, ModelPicker))
    said = chat.app.screen.query_one("#model-said", Static)
    await chat.until(lambda: "40%" in plain(said))
    server.answers["GET", "/api/tags"] = there
    gate.set()
    await chat.until(lambda: "is here" in plain(said))
    await chat.press("enter")
    await chat.until(lambda: chat.screen.reply is None and len(chat.screen.conversation.branch()) == 4)
    assert chat.screen.conversation.branch()[-1].text == "The capital of France is Paris."


@pytest.mark.parametrize(
    ("reply", "words", "offer"),
    [
        (recorded("chat_tools400"), "cannot use tools", "Another model"),
        (recorded("think400"), "cannot think aloud", "Another model"),
        (answer(401, {"error": "unauthorized"}), "OLLAMA_API_KEY", "Retry"),
        (answer(500, {"error": "model requires more system memory (9 GiB) than is available"}), "9 GiB", "Set num_ctx"),
        (answer(200, "<html>[/x]</html>", "text/html"), "not an Ollama reply", "Retry"),
    ],
    ids=["tools", "thinking", "key", "memory", "page"],
)
async def test_a_fault_is_a_sentence_on_the_screen_with_what_to_do(
    chat: Window, server: OllamaServer, reply: Any, words: str, offer: str
) -> None:
    server.chats.append(reply)
    await turn(chat, "Hello")
    await chat.until(lambda: chat.screen.offer.display)
    assert words in plain(chat.screen.offer)
    assert offer in offered(chat)
    # And trying again works.
    chat.screen.offer.focus()
    await chat.press("r")
    await chat.until(lambda: chat.screen.reply is None and len(chat.screen.conversation.branch()) == 2)


async def test_a_name_that_no_model_can_have_is_not_offered_to_be_fetched(chat: Window, server: OllamaServer) -> None:
    server.chats.append(answer(400, {"error": "invalid model name"}))
    await turn(chat, "Hello")
    await chat.until(lambda: chat.screen.offer.display)
    assert "not a valid name" in plain(chat.screen.offer)
    assert "Fetch it" not in offered(chat)
