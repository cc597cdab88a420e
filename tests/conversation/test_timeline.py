from __future__ import annotations

import json

import pytest

from chatui.conversation.tree import diverge
from chatui.errors import UnknownCheckpoint
from tests.conversation.conftest import Bench, say


async def test_the_timeline_shows_langgraph_s_own_steps(bench: Bench) -> None:
    conversation = bench.library.conversation()
    assert await conversation.upkeep.timeline() == []
    reply = await say(conversation.send("one"))
    steps = await conversation.upkeep.timeline()
    assert [(step.source, step.next) for step in steps] == [
        ("update", []),
        ("input", ["__start__"]),
        ("loop", ["model"]),
        ("loop", []),
    ]
    assert [step.parent_id for step in steps[1:]] == [step.checkpoint_id for step in steps[:-1]]
    assert (steps[-1].checkpoint_id, steps[-1].node_id) == (reply.checkpoint_id, reply.node_id)
    assert all(step.bytes > 100 and step.created_at for step in steps)


async def test_the_state_of_a_step_is_plain_data(bench: Bench) -> None:
    conversation = bench.library.conversation()
    first = await say(conversation.send("one"))
    await say(conversation.regenerate(first.node_id))
    await conversation.edit_answer(first.node_id, "mine")
    for step in await conversation.upkeep.timeline():
        state = json.loads(json.dumps(await conversation.upkeep.state(step.checkpoint_id)))
        path = conversation.path(step.node_id) if step.node_id else []
        assert [message["data"]["content"] for message in state["messages"]] == [message.text for message in path]
    with pytest.raises(UnknownCheckpoint):
        await conversation.upkeep.state("nothing")


async def test_one_can_fork_from_any_step(bench: Bench) -> None:
    conversation = bench.library.conversation()
    await say(conversation.send("one"))
    for step in await conversation.upkeep.timeline():
        await conversation.fork(step.checkpoint_id)
        await say(conversation.send(f"from {step.step}"))
    assert await bench.library.check() == []


async def test_branches_part_after_their_last_common_message(bench: Bench) -> None:
    conversation = bench.library.conversation()
    first = await say(conversation.send("one"))
    left = await say(conversation.send("left"))
    await conversation.go_to(first.node_id)
    right = await say(conversation.send("right"))
    ancestor, a, b = diverge(conversation.path(left.node_id), conversation.path(right.node_id))
    assert ancestor is not None
    assert ancestor.node_id == first.node_id
    assert ([m.text for m in a], [m.text for m in b]) == (["left", "Hello there."], ["right", "Hello there."])
    other = await say(conversation.edit(conversation.branch()[0].node_id, "uno"))
    assert diverge(conversation.path(left.node_id), conversation.path(other.node_id))[0] is None
