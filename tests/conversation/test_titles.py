from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

import pytest

from chatui.config import Config
from chatui.conversation.library import Library
from chatui.conversation.titles import LONGEST, title_from
from chatui.storage import Store
from tests.conversation.conftest import Bench, say

if TYPE_CHECKING:
    from chatui.conversation.engine import Conversation


@pytest.mark.parametrize(
    ("answer", "title"),
    [
        ("Sorting by two keys", "Sorting by two keys"),
        ('"Sorting by two keys."\n', "Sorting by two keys"),
        ("**Title:** Sorting by two keys", "Sorting by two keys"),
        ('Title: "Sorting by two keys"', "Sorting by two keys"),
        ("# Sorting by two keys\n\nThis conversation is about ...", "Sorting by two keys"),
        ("Here is a title for it:\n\n“Sorting by two keys”", "Sorting by two keys"),
        ("<think>The user wants\na title.</think>\n\nSorting", "Sorting"),
        ("a title it is.</think>Sorting", "Sorting"),
        ("<think>and it never ends", ""),
        ("Titel: Eine Reise nach Rom", "Eine Reise nach Rom"),
        ("标题：两个键的排序", "两个键的排序"),
        ("```\nSorting\n```", "Sorting"),
        ("Use `sorted` twice", "Use sorted twice"),
        ("A\x1b]0;evil\x07 title\u202e", "A]0;evil title"),
        ("", ""),
        ("...", ""),
        ("Untitled", ""),
        ("I cannot write a title, because " + "the conversation is long " * 6, ""),
    ],
)
def test_what_of_an_answer_is_the_title(answer: str, title: str) -> None:
    assert title_from(answer) == title


def test_a_long_title_is_cut() -> None:
    title = title_from("word " * 20)
    assert len(title) <= LONGEST
    assert title.endswith("…")


async def exchange(bench: Bench, prompt: str = "How do I sort?") -> Conversation:
    """One whole turn in a new thread; the next request is one for a title."""
    conversation = bench.library.conversation()
    await say(conversation.send(prompt))
    bench.models.script = ("“Sorting”",)
    return conversation


def title_of(conversation: Conversation) -> str:
    thread = conversation.thread()
    assert thread is not None
    return thread.title


async def test_a_title_comes_and_is_no_turn(bench: Bench) -> None:
    conversation = await exchange(bench)
    assert title_of(conversation) == "How do I sort?"
    rows, head = bench.rows(), conversation.head()
    assert await conversation.give_title()
    assert title_of(conversation) == "Sorting"
    assert (bench.rows(), conversation.head()) == (rows, head)
    asked = str(bench.models.asked[-1][0].content)
    assert "How do I sort?" in asked
    assert "Hello there." in asked
    assert not await conversation.give_title(), "it has one"
    assert len(bench.models.asked) == 2


async def test_it_survives_another_turn_and_a_restart(bench: Bench) -> None:
    conversation = await exchange(bench)
    assert await conversation.give_title()
    await say(conversation.send("Again"))
    library = await bench.reopen()
    async for _ in library.reindex():
        pass
    assert library.thread(conversation.thread_id).title == "Sorting"


async def test_never_over_a_name_that_a_person_gave(bench: Bench) -> None:
    conversation = await exchange(bench)
    gate = asyncio.Event()
    bench.models.script = ("Sorting", gate)
    asking = asyncio.create_task(conversation.give_title())
    while len(bench.models.asked) < 2:
        await asyncio.sleep(0)
    await bench.library.rename(conversation.thread_id, "Mine")
    gate.set()
    await asking
    assert title_of(conversation) == "Mine"
    assert not await conversation.give_title()
    assert len(bench.models.asked) == 2, "nobody is asked any more"


@pytest.mark.parametrize("script", [("",), (RuntimeError("gone"),), ("Sure! " * 100,)])
async def test_a_useless_answer_keeps_what_is_there(bench: Bench, script: Any) -> None:
    conversation = await exchange(bench)
    bench.models.script = script
    assert not await conversation.give_title()
    assert title_of(conversation) == "How do I sort?"


async def test_cancelling_ends_the_request(bench: Bench) -> None:
    conversation = await exchange(bench)
    bench.models.script = (asyncio.Event(),)
    asking = asyncio.create_task(conversation.give_title())
    while len(bench.models.asked) < 2:
        await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert len(bench.models.chat.closed) == 2
    assert title_of(conversation) == "How do I sort?"


async def test_the_model_that_answered_is_asked_as_it_is_open(bench: Bench) -> None:
    conversation = await exchange(bench)
    bench.models.failing = RuntimeError("opened anew")
    assert await conversation.give_title()


async def test_a_later_exchange_is_too_late(bench: Bench) -> None:
    conversation = await exchange(bench)
    for _ in range(3):
        await say(conversation.send("And then?"))
    assert not await conversation.give_title()


@pytest.mark.parametrize("config", [Config(title="off"), Config(title_model="ollama:small")])
async def test_the_config(bench: Bench, config: Config) -> None:
    conversation = await exchange(bench)
    library = Library(Store.open(bench.path), cast("Any", bench.models), config)
    try:
        given = await library.conversation(conversation.thread_id).give_title()
        assert given is (config.title == "auto")
        if given:
            assert str(bench.models.model.ref) == "ollama:small"
    finally:
        await library.close()
