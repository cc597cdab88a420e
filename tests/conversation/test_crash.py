"""What a process that ends in the middle of a reply leaves behind, and what becomes of it."""

from __future__ import annotations

import asyncio
import signal
import socket
import sqlite3
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from chatui.conversation.engine import Conversation
from chatui.conversation.library import Library
from chatui.conversation.tree import Message, Partial
from chatui.errors import UsageError
from chatui.storage.partials import alive, this_process
from chatui.storage.records import now
from tests.conversation.conftest import Bench, run, say

REPOSITORY = Path(__file__).parents[2]


def wait_for(condition: Callable[[], bool], seconds: float = 30) -> float:
    """Ask again and again until it holds; returns the seconds it took."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, "waited too long"
        time.sleep(0.01)
    return time.monotonic() - began


async def crash(bench: Bench) -> None:
    """Kill a process of its own while it streams, once what came is on disk."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.conversation.crashing",
        str(bench.path),
        cwd=REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    # Nothing where it ended by itself: the test fails then, and does not wait.
    assert await process.stdout.readline() == b"streaming\n", "the turn never streamed"

    def saved() -> bool:
        connection = sqlite3.connect(bench.path)
        try:
            return ("Half of the reply",) in connection.execute("SELECT text FROM chatui_partials").fetchall()
        finally:
            connection.close()

    # Twice a second at the least, and some time for a slow disk.
    assert await asyncio.to_thread(wait_for, saved, 10) < 5
    assert not bench.library.threads()[0].interrupted, "a reply that still streams is no crash"
    process.send_signal(signal.SIGKILL)
    await process.wait()


@pytest.fixture
async def crashed(bench: Bench) -> Conversation:
    await crash(bench)
    library = await bench.reopen()
    thread = library.threads()[0]
    assert thread.interrupted
    conversation = library.conversation(thread.thread_id)
    assert [message.text for message in conversation.branch()] == ["What is lost?"]
    partial = conversation.interrupted()
    assert partial is not None
    assert (partial.text, partial.model) == ("Half of the reply", "ollama:scripted")
    return conversation


async def test_the_reply_can_be_kept(bench: Bench, crashed: Conversation) -> None:
    message = await crashed.keep_interrupted()
    assert (message.text, message.interrupted) == ("Half of the reply", "crashed")
    assert crashed.head_node == message.node_id
    assert crashed.interrupted() is None
    await say(crashed.send("And then?"))
    assert [message.text for message in crashed.branch()][:3] == ["What is lost?", "Half of the reply", "And then?"]
    assert await bench.library.check() == []


async def test_the_reply_can_be_retried_and_what_came_stays(bench: Bench, crashed: Conversation) -> None:
    reply = await say(crashed.retry_interrupted())
    assert (reply.alternative, reply.alternatives) == (2, 2)
    assert [message.text for message in crashed.tree()] == ["What is lost?", "Half of the reply", "Hello there."]
    assert crashed.interrupted() is None


async def test_the_reply_can_be_discarded(bench: Bench, crashed: Conversation) -> None:
    await crashed.discard_interrupted()
    assert crashed.interrupted() is None
    assert [message.text for message in crashed.branch()] == ["What is lost?"]
    with pytest.raises(UsageError):
        await crashed.discard_interrupted()


async def leave_partial(
    library: Library, conversation: Conversation, prompt: Message, text: str, message_id: str = "half"
) -> None:
    """Leave what came of a reply, as a process that has ended does."""
    partial = Partial(
        thread_id=conversation.thread_id,
        checkpoint_id=prompt.checkpoint_id or "",
        message_id=message_id,
        model="ollama:scripted",
        text=text,
        reasoning="",
        started_at=now(),
        updated_at=now(),
    )
    store = library._store
    async with store.database.transaction() as connection:
        await store.partials.put(connection, partial)
        values = (f"{socket.gethostname()} 999999999 1", message_id)
        await connection.execute("UPDATE chatui_partials SET process = ? WHERE message_id = ?", values)


async def test_a_crash_just_after_saving_offers_nothing(bench: Bench) -> None:
    conversation = bench.library.conversation()
    reply = await say(conversation.send("Hi"))
    await leave_partial(bench.library, conversation, conversation.branch()[0], reply.text, reply.message_id)
    assert conversation.interrupted() is None
    assert not bench.library.threads()[0].interrupted


async def test_checkpoints_that_were_not_indexed_are_found_at_the_next_start(bench: Bench) -> None:
    conversation = bench.library.conversation()
    await say(conversation.send("one"))
    first_rows = len(conversation.tree())
    await say(conversation.send("two"))
    store = bench.library._store
    # As if the process had ended between LangGraph's rows and ours.
    async with store.database.transaction() as connection:
        await connection.execute("DELETE FROM chatui_messages WHERE depth > 2")
        await connection.execute(
            "DELETE FROM chatui_checkpoints WHERE node_id NOT IN (SELECT node_id FROM chatui_messages) AND node_id <> ''"
        )
        await connection.execute(
            """UPDATE chatui_threads SET message_count = 2, indexed_rowid = (
                SELECT max(c.rowid) FROM checkpoints c JOIN chatui_checkpoints k USING (thread_id, checkpoint_id))"""
        )
    assert await bench.library.check() != []
    library = await bench.reopen()
    assert library.stale() == 1
    assert [step async for step in library.catch_up()] == [(1, 1)]
    assert library.stale() == 0
    assert len(library.conversation(conversation.thread_id).tree()) == first_rows + 2
    assert await library.check() == []


async def test_the_whole_index_can_be_made_again(bench: Bench) -> None:
    conversation = bench.library.conversation()
    first = await say(conversation.send("one"))
    await say(conversation.send("two"))
    await say(conversation.edit(first.parent_id or "", "uno"))
    tree = conversation.tree()
    head = conversation.head_node
    store = bench.library._store
    async with store.database.transaction() as connection:
        for table in ("chatui_messages", "chatui_checkpoints"):
            await connection.execute(f"DELETE FROM {table}")
    assert len(await bench.library.check()) >= 2
    assert [step async for step in bench.library.reindex()] == [(1, 1)]
    assert await bench.library.check() == []
    library = await bench.reopen()
    conversation = library.conversation(conversation.thread_id)
    assert conversation.tree() == tree
    assert conversation.head_node == head


async def test_a_damaged_index_is_told(bench: Bench) -> None:
    conversation = bench.library.conversation()
    reply = await say(conversation.send("one"))
    async with bench.library._store.database.transaction() as connection:
        await connection.execute("UPDATE chatui_messages SET text = 'forged' WHERE node_id = ?", (reply.node_id,))
    assert any("differ" in problem for problem in await bench.library.check())


def test_a_process_is_known_by_more_than_its_number() -> None:
    assert alive(this_process())
    host, pid, started = this_process().split(" ")
    if started != "-":
        assert not alive(f"{host} {pid} {started}0"), "a pid that is used again counts as the same process"
    assert alive(f"elsewhere {pid} {started}"), "another machine's reply is not ours to offer"


async def test_answers_do_not_come_back_as_ghosts(bench: Bench) -> None:
    """LangGraph keeps an answer among the writes under its prompt's checkpoint; asking again must ask the model."""
    conversation = bench.library.conversation()
    reply = await say(conversation.send("one"))
    asked = len(bench.models.asked)
    bench.models.script = ["new"]
    events = await run(conversation.regenerate(reply.node_id))
    assert len(bench.models.asked) == asked + 1
    assert conversation.branch()[-1].text == "new", events
