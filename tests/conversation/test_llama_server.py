"""The OpenAI-compatible path against a real server: llama.cpp's own, with the demo model's weights."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from chatui.config import Config, HostConfig, Parameters
from chatui.conversation.events import Asked, Failed, Finished, Note, Stopped, TextPiece
from chatui.conversation.library import Library
from chatui.errors import ContextTooLong, Unauthorized
from chatui.models import Models, parse_ref
from chatui.storage import Store
from tests.conversation.conftest import run, say

pytestmark = pytest.mark.embedded

CONTEXT = 512
#: Tokens of a reply.
LIMIT = 12
KEY = "sk-l0cal"
SENTENCE = "The quick brown fox jumps over the lazy dog and is never seen again. "


@pytest.fixture(scope="module")
def address(demo_weights: Path) -> Iterator[str]:
    """Where the server listens; it is a process of its own, as with a user."""
    weights = next(demo_weights.glob("*.gguf"))
    script = Path(__file__).parent.parent / "llama_server.py"
    with subprocess.Popen(
        [sys.executable, str(script), str(weights), "smol", str(CONTEXT), KEY],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as server:
        try:
            assert server.stdout is not None
            line = server.stdout.readline().strip()
            assert line.startswith("http://127.0.0.1:"), server.communicate()
            yield line
        finally:
            server.kill()


@pytest.fixture
def config(address: str, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.setenv("LOCAL_KEY", KEY)
    host = HostConfig(url=address, provider="openai", api_key_env="LOCAL_KEY")
    short = Parameters(num_predict=LIMIT, temperature=0.0, seed=1)
    return Config(model="openai@local:smol", hosts={"local": host}, parameters=short)


@asynccontextmanager
async def opened(config: Config, folder: Path) -> AsyncIterator[Library]:
    library = Library(Store.open(folder / "chatui.db"), Models(config), config)
    try:
        yield library
    finally:
        await library.close()


@pytest.fixture
async def library(config: Config, tmp_path: Path) -> AsyncIterator[Library]:
    async with opened(config, tmp_path) as library:
        yield library


async def test_a_reply_streams_and_is_counted(library: Library) -> None:
    conversation = library.conversation()
    events = await run(conversation.send("Say hello."))
    pieces = [one.text for one in events if isinstance(one, TextPiece)]
    assert len(pieces) > 1
    last = events[-1]
    assert isinstance(last, Finished), last
    assert last.message.text == "".join(pieces)
    assert last.message.model == "openai@local:smol"
    usage = last.message.usage
    assert usage is not None
    assert 0 < usage.output_tokens <= LIMIT
    assert usage.input_tokens > 5
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    assert last.message.sent is not None
    assert last.message.sent.context_length == CONTEXT
    # And the thread goes on from there.
    again = await say(conversation.send("And again."))
    assert again.usage is not None
    assert again.usage.input_tokens > usage.total_tokens


async def test_a_reply_that_was_cut_by_the_limit_says_so(library: Library) -> None:
    reply = await say(library.conversation().send("Count from 1 to 500, with commas."))
    assert reply.interrupted == "length"
    assert reply.usage is not None
    assert reply.usage.output_tokens == LIMIT


async def test_stopping_keeps_what_came_and_the_server_goes_on_answering(config: Config, tmp_path: Path) -> None:
    endless = Config(model=config.model, hosts=config.hosts)
    async with opened(endless, tmp_path) as library:
        conversation = library.conversation()
        events: list[Any] = []
        async for one in conversation.send("Write a very long story about a fox."):
            events.append(one)
            if sum(isinstance(event, TextPiece) for event in events) == 3:
                await conversation.stop()
        assert isinstance(events[-1], Stopped)
        partial = events[-1].message
        assert partial is not None
        assert partial.interrupted == "stopped"
        assert partial.text == "".join(one.text for one in events if isinstance(one, TextPiece))
        assert conversation.branch()[-1].text == partial.text
        other = library.conversation()
        asked = [one async for one in other.send("Say hello.") if isinstance(one, TextPiece | Finished)]
        assert isinstance(asked[-1], Finished)
        assert asked[-1].message.text


async def test_its_models_are_listed(config: Config) -> None:
    models = Models(config)
    found = {model.model: model for model in await models.list()}
    mine = found["openai@local:smol"]
    assert (mine.context_length, mine.parameters) == (CONTEXT, "134.52M")
    assert mine.size
    shown = await models.show(parse_ref("openai@local:smol"))
    assert shown["context_length"] == CONTEXT
    await models.close()


async def test_of_an_overlong_history_it_is_told_what_is_not_sent(library: Library) -> None:
    conversation = library.conversation()
    for turn in range(3):
        await say(conversation.send(f"{turn}: {SENTENCE * 10}"))
    events = await run(conversation.send("Say hello."))
    assert isinstance(events[-1], Finished), events[-1]
    asked = [one for one in events if isinstance(one, Asked)][-1]
    assert asked.left_out > 0
    assert any(isinstance(one, Note) and "not sent: #1" in one.text for one in events)
    usage = events[-1].message.usage
    assert usage is not None
    assert usage.total_tokens <= CONTEXT


async def test_a_prompt_that_is_too_long_by_itself_is_refused_in_a_sentence(library: Library) -> None:
    events = await run(library.conversation().send(SENTENCE * 60))
    failed = events[-1]
    assert not any(isinstance(one, Note) for one in events), "there are no fewer messages to ask with"
    assert isinstance(failed, Failed), failed
    assert isinstance(failed.error, ContextTooLong)
    assert "do not fit into the context of openai@local:smol" in failed.error.title
    assert failed.error.room == CONTEXT
    assert failed.error.need is not None
    assert failed.error.need > CONTEXT
    assert failed.error.advice


async def test_a_wrong_key_is_named_by_its_variable(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_KEY", "sk-wrong")
    with pytest.raises(Unauthorized, match="does not accept the API key") as caught:
        await Models(config).open(parse_ref("openai@local:smol"))
    assert "LOCAL_KEY" in caught.value.advice
    assert "sk-wrong" not in str(caught.value)


async def test_the_same_server_as_anthropic_counts_the_prompt_too(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It speaks that as well, and tells the prompt's tokens at the beginning of the stream alone."""
    monkeypatch.setenv("LOCAL_KEY", KEY)
    host = HostConfig(url=address, provider="anthropic", api_key_env="LOCAL_KEY")
    config = Config(model="anthropic@local:smol", hosts={"local": host}, parameters=Parameters(num_predict=8))
    async with opened(config, tmp_path) as library:
        replies = [await say(library.conversation().send("Say hello.")) for _ in range(4)]
    counted = []
    for reply in replies:
        assert reply.text
        assert reply.usage is not None
        assert 0 < reply.usage.output_tokens <= 8
        counted.append(reply.usage.input_tokens)
    # Now and then it leaves the beginning out, and with it the count.
    assert sum(count > 5 for count in counted) >= 2
    assert set(counted) <= {0, max(counted)}
