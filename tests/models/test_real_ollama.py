"""A few things that only a real Ollama can show. Run with CHATUI_TEST_OLLAMA=http://HOST:11434; skipped without.

The smallest model that is installed there and can chat is asked; CHATUI_TEST_OLLAMA_MODEL names another.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import pytest
from langchain_core.messages import HumanMessage

from chatui.config import Config, OllamaConfig, Parameters
from chatui.conversation.engine import Conversation
from chatui.conversation.events import Failed, Note, Stopped, TextPiece
from chatui.conversation.library import Library
from chatui.errors import ContextTooLong, UnknownModel
from chatui.models import ModelRef, Models, parse_ref
from chatui.storage import Store
from tests.conversation.conftest import run, say
from tests.models.asking import ask

# Read before a test has an environment of its own.
HOST, MODEL = os.environ.get("CHATUI_TEST_OLLAMA"), os.environ.get("CHATUI_TEST_OLLAMA_MODEL")

pytestmark = [
    pytest.mark.ollama,
    pytest.mark.skipif(not HOST, reason="CHATUI_TEST_OLLAMA names no real Ollama server"),
]
CONFIG = Config(ollama=OllamaConfig(host=HOST), title="off")
SHORT = Parameters(num_ctx=512, num_predict=16, temperature=0.0, seed=1)


@pytest.fixture
async def models() -> AsyncIterator[Models]:
    models = Models(CONFIG)
    yield models
    await models.close()


@pytest.fixture
async def ref(models: Models) -> ModelRef:
    if MODEL:
        return parse_ref(MODEL)
    chatting = [model for model in await models.list() if model.model.startswith("ollama:") and model.can_chat]
    if not chatting:
        pytest.skip(f"{HOST} has no model that can chat: `ollama pull smollm2:135m` gets a small one")
    return parse_ref(min(chatting, key=lambda model: model.size or 0).model)


@pytest.fixture
async def conversation(models: Models, ref: ModelRef, tmp_path: Path) -> AsyncIterator[Conversation]:
    library = Library(Store.open(tmp_path / "chatui.db"), models, CONFIG)
    conversation = library.conversation()
    await conversation.settings.change("thread", num_ctx=512, num_predict=16, temperature=0.0, seed=1)
    yield conversation
    await library.close()


async def test_what_is_installed_tells_its_abilities_and_its_context(models: Models, ref: ModelRef) -> None:
    opened = await models.open(ref)
    assert opened.longest
    shown = await models.show(ref)
    assert "completion" in shown["capabilities"]
    assert shown["context_length"] == opened.longest


async def test_a_turn_has_text_usage_and_times(conversation: Conversation, ref: ModelRef) -> None:
    reply = await say(conversation.send("Say hello.", model=str(ref)))
    assert reply.text or reply.reasoning
    assert reply.usage is not None
    assert 0 < reply.usage.output_tokens <= 16
    assert reply.sent is not None
    assert reply.sent.writing_seconds
    assert reply.sent.context_length == 512, "what was asked for is in force"


async def test_a_prompt_without_room_is_refused_and_never_truncated(models: Models, ref: ModelRef) -> None:
    opened = await models.open(ref)
    with pytest.raises(ContextTooLong) as caught:
        try:
            async for _ in opened.chat.astream([HumanMessage("fox and hound " * 1000)], **opened.arguments(SHORT)):
                pass
        except Exception as error:
            raise opened.explain(error, began=False) from error
    assert caught.value.room == 512
    assert (caught.value.need or 0) > 512


async def test_a_long_history_is_cut_by_chatui_and_said(conversation: Conversation, ref: ModelRef) -> None:
    await conversation.memory.set_strategy("tokens:auto")
    for number in range(4):
        await say(conversation.send(f"{number}: " + "fox and hound " * 30, model=str(ref)))
    events = await run(conversation.send("And now?", model=str(ref)))
    assert any("not sent" in event.text for event in events if isinstance(event, Note))


async def test_stopping_leaves_the_server_free_for_the_next(conversation: Conversation, ref: ModelRef) -> None:
    await conversation.settings.change("thread", num_predict=4000)
    ends = []
    async with aclosing(conversation.send("Count from 1 to 500.", model=str(ref))) as events:
        async for event in events:
            ends.append(event)
            if isinstance(event, TextPiece):
                await conversation.stop()
    assert isinstance(ends[-1], Stopped | Failed) or len(ends) > 2
    await conversation.settings.change("thread", num_predict=4)
    async with asyncio.timeout(120):
        await say(conversation.send("Hello", model=str(ref)))


async def test_a_model_that_cannot_think_is_not_asked_to(models: Models, ref: ModelRef) -> None:
    """The server answers 400 where it is."""
    thinking = Parameters(num_ctx=512, num_predict=16, thinking="on")
    assert await ask(models, ref, thinking)


async def test_an_unknown_model_is_named(models: Models) -> None:
    with pytest.raises(UnknownModel):
        await models.open(parse_ref("ollama:no-such-model-at-all"))
