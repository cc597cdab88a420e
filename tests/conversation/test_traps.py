"""What LangGraph does that one does not expect, each seen to go wrong where it is done the simple way.

More of them stand beside what they are about: the clock, siblings without rows and stops in test_engine.py, copies and ghosts in
test_upkeep.py, crashes in test_crash.py, the reducer in test_state.py, other processes in test_processes.py.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, RemoveMessage

from chatui.conversation.engine import Conversation
from chatui.conversation.events import TextPiece
from chatui.conversation.graph import MODEL, Graph, at, build_graph
from chatui.errors import UnknownCheckpoint
from tests.conversation.conftest import Bench, run, say
from tests.conversation.test_crash import leave_partial
from tests.storage.test_serializer import Stranger


async def never(messages: Sequence[BaseMessage], checkpoint_id: str) -> AIMessage:
    raise AssertionError("no model is asked")


async def plain_graph(bench: Bench) -> Graph:
    """Our graph as a program of its own would use it."""
    return build_graph(never, await bench.library._store.saver())


def remove_rows(bench: Bench, conversation: Conversation, checkpoint_id: str | None) -> None:
    """Remove a checkpoint as another program may, so that nothing of it is noticed: newer ones stay."""
    connection = sqlite3.connect(bench.path)
    with connection:
        for table in ("checkpoints", "writes"):
            values = (conversation.thread_id, checkpoint_id)
            connection.execute(f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_id = ?", values)
    connection.close()


async def test_a_turn_at_a_checkpoint_that_is_gone_is_refused(bench: Bench) -> None:
    """LangGraph starts an empty conversation there, without a word."""
    conversation = bench.library.conversation()
    first = await say(conversation.send("one"))
    last = await say(conversation.send("two"))
    prompt = conversation.message(last.parent_id or "")
    await conversation.go_to(first.node_id)
    remove_rows(bench, conversation, first.checkpoint_id)
    remove_rows(bench, conversation, prompt.checkpoint_id)
    before, asked = bench.rows(), len(bench.models.asked)
    with pytest.raises(UnknownCheckpoint):
        await run(conversation.send("three"))
    with pytest.raises(UnknownCheckpoint):
        await conversation.edit_answer(last.node_id, "mine")
    assert bench.rows() == before
    assert len(bench.models.asked) == asked


async def test_the_head_is_not_set_to_a_checkpoint_that_is_gone(bench: Bench) -> None:
    conversation = bench.library.conversation()
    first = await say(conversation.send("one"))
    last = await say(conversation.send("two"))
    assert first.checkpoint_id is not None
    remove_rows(bench, conversation, first.checkpoint_id)
    with pytest.raises(UnknownCheckpoint):
        await conversation.fork(first.checkpoint_id)
    assert conversation.head_node == last.node_id


async def test_the_head_is_not_set_to_a_checkpoint_of_which_the_index_knows_nothing(bench: Bench) -> None:
    conversation = bench.library.conversation()
    first = await say(conversation.send("one"))
    graph = await plain_graph(bench)
    config = at(conversation.thread_id, first.checkpoint_id)
    made = await graph.aupdate_state(config, {"messages": [HumanMessage("theirs", id="t")]}, as_node=MODEL)
    checkpoint_id = made["configurable"]["checkpoint_id"]
    with pytest.raises(UnknownCheckpoint):
        await conversation.fork(checkpoint_id)
    async for _ in bench.library.catch_up():
        pass
    message = await conversation.fork(checkpoint_id)
    assert message is not None
    assert message.text == "theirs"


async def test_a_reply_that_a_crash_cut_off_is_not_saved_where_its_prompt_is_gone(bench: Bench) -> None:
    conversation = bench.library.conversation()
    await say(conversation.send("one"))
    prompt = conversation.branch()[0]
    await say(conversation.send("two"))

    await leave_partial(bench.library, conversation, prompt, "Half")
    remove_rows(bench, conversation, prompt.checkpoint_id)
    before = bench.rows()
    with pytest.raises(UnknownCheckpoint):
        await conversation.keep_interrupted()
    assert bench.rows() == before


@pytest.mark.parametrize("act", ["finish", "stop", "edit", "keep"])
async def test_an_answer_leaves_nothing_to_do(bench: Bench, act: str) -> None:
    """Without `as_node` an added answer is followed by the model: a plain graph would answer a second time."""
    conversation = bench.library.conversation()
    reply = await say(conversation.send("one"))
    if act == "stop":
        async with aclosing(conversation.regenerate(reply.node_id)) as events:
            async for event in events:
                if isinstance(event, TextPiece):
                    await conversation.stop()
    elif act == "edit":
        await conversation.edit_answer(reply.node_id, "mine")
    elif act == "keep":
        await leave_partial(bench.library, conversation, conversation.branch()[0], "Half")
        await conversation.keep_interrupted()
    head = conversation.head()
    assert head is not None
    assert (head.role, head.depth) == ("assistant", 2)
    state = await (await plain_graph(bench)).aget_state(at(conversation.thread_id, head.checkpoint_id))
    assert state.next == ()


async def test_a_prompt_waits_for_its_answer(bench: Bench) -> None:
    conversation = bench.library.conversation()
    bench.models.script = [RuntimeError("boom")]
    await run(conversation.send("one"))
    head = conversation.head()
    assert head is not None
    state = await (await plain_graph(bench)).aget_state(at(conversation.thread_id, head.checkpoint_id))
    assert state.next == (MODEL,)


async def test_a_text_that_is_replaced_under_the_same_id_is_another_message(bench: Bench) -> None:
    """A node is its place and its content: an id alone may stand for two texts."""
    conversation = bench.library.conversation()
    first = await say(conversation.send("one"))
    last = await say(conversation.send("two"))
    graph = await plain_graph(bench)
    config = at(conversation.thread_id, last.checkpoint_id)
    replaced = AIMessage("Other words.", id=first.message_id)
    made = await graph.aupdate_state(config, {"messages": [replaced]}, as_node=MODEL)
    removed = await graph.aupdate_state(config, {"messages": [RemoveMessage(id=first.message_id)]}, as_node=MODEL)
    async for _ in bench.library.catch_up():
        pass
    for config, texts in (
        (at(conversation.thread_id, last.checkpoint_id), ["one", "Hello there.", "two", "Hello there."]),
        (made, ["one", "Other words.", "two", "Hello there."]),
        (removed, ["one", "two", "Hello there."]),
    ):
        node = conversation.at(config["configurable"]["checkpoint_id"])
        assert node is not None
        assert [message.text for message in conversation.path(node)] == texts
        state = await graph.aget_state(config)
        assert [message.text for message in state.values["messages"]] == texts
    assert await bench.library.check() == []


async def test_langgraph_writes_nothing_in_the_middle_of_a_transaction_of_ours(bench: Bench) -> None:
    """Its saver writes through the same connection: under a lock of its own, its commit would be ours too."""
    conversation = bench.library.conversation()
    reply = await say(conversation.send("one"))
    graph = await plain_graph(bench)
    store = bench.library._store
    theirs = {"messages": [HumanMessage("theirs", id="t")]}
    writing = None
    with pytest.raises(RuntimeError):
        async with store.database.transaction() as connection:
            await store.threads.add(connection, "ours", owner="default")
            config = at(conversation.thread_id, reply.checkpoint_id)
            writing = asyncio.create_task(graph.aupdate_state(config, theirs, as_node=MODEL))
            done, _ = await asyncio.wait([writing], timeout=1)
            assert not done, "it did not wait"
            raise RuntimeError
    assert writing is not None
    made = await writing
    assert store.threads.get("ours") is None, "what was rolled back is there"
    assert store.has_checkpoint(conversation.thread_id, made["configurable"]["checkpoint_id"])


@pytest.mark.filterwarnings("ignore")
async def test_nothing_that_a_file_names_is_constructed_by_a_turn(bench: Bench) -> None:
    """The saver and the index read what other programs wrote; by default LangGraph calls the classes that it names."""
    from langgraph.checkpoint.serde.jsonplus import JsonPlusSerializer

    conversation = bench.library.conversation()
    reply = await say(conversation.send("one"))
    connection = sqlite3.connect(bench.path)
    with connection:
        where = "thread_id = ? AND checkpoint_id = ?"
        place = (conversation.thread_id, reply.checkpoint_id)
        kind, blob = connection.execute(f"SELECT type, checkpoint FROM checkpoints WHERE {where}", place).fetchone()
        checkpoint: dict[str, Any] = JsonPlusSerializer().loads_typed((kind, blob))
        checkpoint["channel_values"]["other"] = Stranger("boo")
        kind, blob = JsonPlusSerializer().dumps_typed(checkpoint)
        connection.execute(f"UPDATE checkpoints SET type = ?, checkpoint = ? WHERE {where}", (kind, blob, *place))
    connection.close()
    Stranger.made = False
    assert JsonPlusSerializer().loads_typed((kind, blob))["channel_values"]["other"] == Stranger("boo")
    assert Stranger.made, "the file does not hold what this test is about"
    Stranger.made = False
    conversation = (await bench.reopen()).conversation(conversation.thread_id)
    await say(conversation.send("two"))
    await conversation.upkeep.state(reply.checkpoint_id or "")
    async for _ in bench.library.reindex():
        pass
    await conversation.upkeep.copy_out(reply.node_id)
    assert not Stranger.made
