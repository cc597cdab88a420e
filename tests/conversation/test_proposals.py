from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import pytest

from chatui.config import Config, MemoryConfig
from chatui.conversation.engine import Conversation
from chatui.conversation.library import Library
from chatui.conversation.proposals import LONGEST, MOST, facts_from, parse_switch, proposes, set_proposing
from chatui.errors import UsageError
from chatui.storage import Store
from tests.conversation.conftest import Bench, in_one_step, say
from tests.scripted import ScriptedModels


@pytest.mark.parametrize(
    ("answer", "facts"),
    [
        ("- I live in Bremen.\n- I have a dog.", ["I live in Bremen.", "I have a dog."]),
        ("Here are the facts:\n\n* **I live in Bremen.**\n2. I have a dog.", ["I live in Bremen.", "I have a dog."]),
        ('["I live in Bremen.", 3, "I have a dog."]', ["I live in Bremen.", "I have a dog."]),
        ('```json\n["I live in Bremen."]\n```', ["I live in Bremen."]),
        ("<think>- I like thinking.</think>\n- I live in Bremen.", ["I live in Bremen."]),
        ("- never ends\n</think>- I live in Bremen.", ["I live in Bremen."]),
        ("- I live in Bremen.\n- The user lives in Bremen\n- i live in bremen!", ["I live in Bremen.", "The user lives in Bremen"]),
        ("- 我住在不来梅。", ["我住在不来梅。"]),
        ("- I live\x1b]0;evil\x07 in \u202eBremen.", ["I live]0;evil in Bremen."]),
        ("NONE", []),
        ("- NONE", []),
        ("- None.", []),
        ("I live in Bremen.", []),
        ("- Where do you live?", []),
        ("- Facts about the user:", []),
        ("- The conversation is about sorting.", []),
        ("- <user>How do I sort?</user>", []),
        ("- See https://example.org/x", []),
        ("- " + "very " * 60 + "long", []),
        ("- a", []),
        ("[" * 5000, []),
        ("", []),
    ],
)  # fmt: skip
def test_what_of_an_answer_is_a_fact(answer: str, facts: Sequence[str]) -> None:
    assert facts_from(answer) == facts


def test_known_ones_are_dropped_and_there_are_few() -> None:
    many = "\n".join(f"- I know the number {number}." for number in range(9))
    assert len(facts_from(many)) == MOST
    assert all(len(fact) <= LONGEST for fact in facts_from(many))
    assert facts_from("- I live in BREMEN\n- I have a dog.", ["I live in Bremen."]) == ["I have a dog."]
    assert facts_from("- The user has a dog.", ["I have a dog"]) == []


async def told(bench: Bench, text: str = "I live in Bremen. How do I sort?") -> Conversation:
    """One turn; the next request is answered with a fact."""
    conversation = bench.library.conversation()
    await say(conversation.send(text))
    bench.models.script = ("- I live", " in Bremen.\n")
    return conversation


async def test_they_are_off_unless_they_are_switched_on(bench: Bench) -> None:
    conversation = await told(bench)
    asked = len(bench.models.asked)
    assert await conversation.propose() == []
    assert len(bench.models.asked) == asked
    await set_proposing(bench.library.store, conversation.owner, True)
    rows = bench.rows()
    assert await conversation.propose() == ["I live in Bremen."]
    assert bench.rows() == rows, "it is no turn"
    assert bench.library.memories_of(conversation.owner).list() == [], "nothing is kept unasked"
    request = str(bench.models.asked[-1][0].content)
    assert "I live in Bremen. How do I sort?" in request
    assert "Hello there." not in request, "the model's own words are no facts about the user"
    await set_proposing(bench.library.store, conversation.owner, None)
    assert await conversation.propose() == []


async def test_what_is_known_or_refused_is_not_proposed(bench: Bench) -> None:
    conversation = await told(bench)
    await set_proposing(bench.library.store, conversation.owner, True)
    assert await conversation.propose(["i live in bremen"]) == []
    await conversation.memory.user.add("I live in Bremen.")
    assert await conversation.propose() == []
    assert "- I live in Bremen." in str(bench.models.asked[-1][0].content)


async def test_of_a_private_thread_nothing_is_asked(bench: Bench) -> None:
    conversation = await told(bench)
    await set_proposing(bench.library.store, conversation.owner, True)
    await conversation.memory.set_private(True)
    asked = len(bench.models.asked)
    assert await conversation.propose() == []
    assert len(bench.models.asked) == asked


async def test_a_model_that_fails_proposes_nothing_and_cancelling_ends_the_request(bench: Bench) -> None:
    conversation = await told(bench)
    await set_proposing(bench.library.store, conversation.owner, True)
    bench.models.script = ("- I li", RuntimeError("gone"))
    assert await conversation.propose() == []
    bench.models.script = (asyncio.Event(),)
    count, closed = len(bench.models.asked), len(bench.models.chat.closed)
    task = asyncio.create_task(conversation.propose())
    while len(bench.models.asked) == count:
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert len(bench.models.chat.closed) == closed + 1


async def test_in_another_programs_file_the_config_file_is_no_consent(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    await in_one_step(path, "t", ["I live in Bremen.", "Fine."])
    models = ScriptedModels(("- I live in Bremen.",))
    config = Config(memory=MemoryConfig(propose=True))
    store = Store.open(path, side_folder=tmp_path)
    library = Library(store, cast("Any", models), config)
    async for _ in library.catch_up():
        pass
    conversation = library.conversation("t")
    assert not proposes(store, config, conversation.owner)
    assert await conversation.propose() == []
    assert models.asked == []
    await set_proposing(store, conversation.owner, True)
    assert proposes(store, config, conversation.owner)
    await library.close()


def test_the_switch_is_on_or_off() -> None:
    assert parse_switch(" ON ")
    assert not parse_switch("off")
    with pytest.raises(UsageError):
        parse_switch("perhaps")
