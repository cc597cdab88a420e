from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import aclosing
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk, HumanMessage

from chatui.conversation.engine import Conversation
from chatui.conversation.events import Asked, Failed, Finished, Started, Stopped, TextPiece
from chatui.conversation.memory import estimate_tokens
from chatui.conversation.tree import Sent
from chatui.errors import ServerFault, Stalled, UnknownCheckpoint, UnknownThread
from tests.conversation.conftest import Bench, run, say


def texts(conversation: Conversation) -> list[str]:
    return [message.text for message in conversation.branch()]


async def test_a_turn_is_told_in_events_and_saved(bench: Bench) -> None:
    conversation = bench.library.conversation()
    assert conversation.thread() is None
    events = await run(conversation.send("Hi"))
    started, asked, *pieces, finished = events
    assert isinstance(started, Started)
    assert started.prompt.text == "Hi"
    assert isinstance(asked, Asked)
    assert asked.sent == 1
    assert pieces == [TextPiece("Hello"), TextPiece(" there.")]
    assert isinstance(finished, Finished)
    reply = finished.message
    assert (reply.text, reply.role, reply.model, reply.interrupted) == (
        "Hello there.",
        "assistant",
        "ollama:scripted",
        None,
    )
    assert reply.usage is not None
    assert reply.usage.input_tokens == 1
    assert reply.seconds is not None
    library = await bench.reopen()
    thread = library.threads()[0]
    assert (thread.title, thread.message_count, thread.branch_count, thread.user) == ("Hi", 2, 1, "default")
    again = library.conversation(thread.thread_id)
    assert texts(again) == ["Hi", "Hello there."]
    assert again.head() == reply
    assert thread.active_checkpoint_id == reply.checkpoint_id


async def test_the_model_is_sent_the_branch_and_nothing_else(bench: Bench) -> None:
    conversation = bench.library.conversation()
    first = await say(conversation.send("one"))
    await say(conversation.send("two"))
    await conversation.go_to(first.node_id)
    await say(conversation.send("three"))
    sent = [str(message.text) for message in bench.models.asked[-1]]
    assert sent == ["one", "Hello there.", "three"]
    assert texts(conversation) == ["one", "Hello there.", "three", "Hello there."]
    assert [message.text for message in conversation.tree()].count("two") == 1


async def test_fork_regenerate_and_edit_change_no_existing_checkpoint(bench: Bench) -> None:
    conversation = bench.library.conversation()
    first = await say(conversation.send("one"))
    second = await say(conversation.send("two"))
    before = set(bench.rows())

    bench.models.script = ["again"]
    again = await say(conversation.regenerate(second.node_id))
    assert (again.alternative, again.alternatives, again.parent_id) == (2, 2, second.parent_id)
    assert before <= set(bench.rows())
    assert second.parent_id is not None
    await say(conversation.edit(second.parent_id, "two, edited"))
    assert before <= set(bench.rows())
    await conversation.go_to(first.node_id)
    await say(conversation.send("two, once more"))
    assert before <= set(bench.rows())
    edited = await conversation.edit_answer(first.node_id, "my words")
    assert edited.alternatives == 2
    assert before <= set(bench.rows())
    await conversation.view(first.node_id)
    await say(conversation.edit(conversation.branch()[0].node_id, "one, edited"))
    assert before <= set(bench.rows())

    tree = conversation.tree()
    assert sorted(message.text for message in tree if message.depth == 3) == ["two", "two, edited", "two, once more"]
    assert [message.text for message in tree if message.depth == 1] == ["one", "one, edited"]
    assert [message.text for message in tree if message.parent_id == second.parent_id] == ["Hello there.", "again"]
    assert await bench.library.check() == []


async def test_every_leaf_of_the_index_is_what_langgraph_gives(bench: Bench) -> None:
    conversation = bench.library.conversation()
    first = await say(conversation.send("one"))
    await say(conversation.send("two"))
    await say(conversation.regenerate(first.node_id))
    await say(conversation.edit(conversation.branch()[0].node_id, "uno"))
    await conversation.edit_answer(first.node_id, "my words")
    from chatui.conversation.graph import at, build_graph

    async def never(messages: Any, checkpoint_id: str) -> Any:
        raise AssertionError

    graph = build_graph(never, await bench.library._store.saver())
    nodes = {message.node_id: message for message in conversation.tree()}
    assert len(nodes) == 8
    for message in nodes.values():
        state = await graph.aget_state(at(conversation.thread_id, message.checkpoint_id))
        path: list[str] = []
        up = message
        while True:
            path.insert(0, up.text)
            if up.parent_id is None:
                break
            up = nodes[up.parent_id]
        assert [str(m.text) for m in state.values["messages"]] == path


async def test_turns_do_not_depend_on_the_clock(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    conversation = bench.library.conversation()
    await say(conversation.send("one"))
    real_ns, real = time.time_ns, time.time
    monkeypatch.setattr(time, "time_ns", lambda: real_ns() - 3_600 * 10**9)
    monkeypatch.setattr(time, "time", lambda: real() - 3_600)
    # LangGraph keeps ids rising within a process; a new process does not know the last one.
    import langgraph.checkpoint.base.id as ids

    monkeypatch.setattr(ids, "_last_v6_timestamp", None)
    library = await bench.reopen()
    conversation = library.conversation(conversation.thread_id)
    reply = await say(conversation.send("two"))
    checkpoints = [row[2] for row in bench.rows() if row[0] == conversation.thread_id and row[1] == ""]
    assert reply.checkpoint_id is not None
    assert reply.checkpoint_id < max(map(str, checkpoints)), "the clock was not set back"
    library = await bench.reopen()
    conversation = library.conversation(conversation.thread_id)
    assert texts(conversation) == ["one", "Hello there.", "two", "Hello there."]
    again = await say(conversation.regenerate(reply.node_id))
    assert [m.node_id for m in conversation.tree() if m.parent_id == reply.parent_id] == [reply.node_id, again.node_id]
    assert await library.check() == []


async def test_an_unknown_checkpoint_is_refused_and_nothing_written(bench: Bench) -> None:
    conversation = bench.library.conversation()
    await say(conversation.send("one"))
    before = bench.rows()
    with pytest.raises(UnknownCheckpoint):
        await conversation.fork("1f000000-0000-6000-8000-000000000000")
    assert bench.rows() == before
    with pytest.raises(UnknownThread):
        bench.library.conversation("no such thread")


async def test_stopping_keeps_what_came(bench: Bench) -> None:
    conversation = bench.library.conversation()
    forever = asyncio.Event()
    bench.models.script = ["Half of", " it", forever]
    seen = []
    async with aclosing(conversation.send("Hi")) as events:
        async for event in events:
            seen.append(event)
            if event == TextPiece(" it"):
                assert conversation.running
                await conversation.stop()
    last = seen[-1]
    assert isinstance(last, Stopped)
    assert last.message is not None
    assert (last.message.text, last.message.interrupted) == ("Half of it", "stopped")
    assert bench.models.chat.closed == [True], "the model's stream was not closed"
    assert not conversation.running
    bench.models.script = ["whole"]
    await say(conversation.send("Go on"))
    assert texts(conversation) == ["Hi", "Half of it", "Go on", "whole"]
    assert conversation.interrupted() is None
    assert await bench.library.check() == []


async def test_stopping_before_a_word_leaves_the_prompt_alone(bench: Bench) -> None:
    conversation = bench.library.conversation()
    bench.models.script = [asyncio.Event()]
    async with aclosing(conversation.send("Hi")) as events:
        async for event in events:
            if isinstance(event, Asked):
                await conversation.stop()
    assert event == Stopped(None)
    assert texts(conversation) == ["Hi"]
    bench.models.script = ["yes"]
    await say(conversation.send("Hello?"))
    # Two prompts in a row would confuse the model: the second one is an alternative.
    assert texts(conversation) == ["Hello?", "yes"]
    assert [str(message.text) for message in bench.models.asked[-1]] == ["Hello?"]
    assert {message.text for message in conversation.tree() if message.depth == 1} == {"Hi", "Hello?"}


async def test_closing_the_generator_early_saves_what_came(bench: Bench) -> None:
    conversation = bench.library.conversation()
    bench.models.script = ["Half", asyncio.Event()]
    async with aclosing(conversation.send("Hi")) as events:
        async for event in events:
            if event == TextPiece("Half"):
                break
    assert [message.interrupted for message in conversation.branch()] == [None, "stopped"]
    assert not conversation.running


async def test_a_cancelled_worker_saves_what_came_before_the_next_turn_begins(bench: Bench) -> None:
    conversation = bench.library.conversation()
    bench.models.script = ["Half", asyncio.Event()]
    came = asyncio.Event()

    async def work() -> None:
        async with aclosing(conversation.send("Hi")) as events:
            async for event in events:
                if event == TextPiece("Half"):
                    came.set()

    worker = asyncio.create_task(work())
    await came.wait()
    worker.cancel()
    bench.models.script = ["next"]
    await say(conversation.send("Then"))
    assert texts(conversation) == ["Hi", "Half", "Then", "next"]
    with pytest.raises(asyncio.CancelledError):
        await worker


@pytest.mark.parametrize("began", [True, False])
async def test_a_failure_keeps_the_prompt_and_what_came(bench: Bench, began: bool) -> None:
    conversation = bench.library.conversation()
    bench.models.script = [*(["Half"] if began else []), ConnectionError("boom")]
    last = (await run(conversation.send("Hi")))[-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, ServerFault)
    assert "boom" in last.error.title
    assert texts(conversation) == (["Hi", "Half"] if began else ["Hi"])
    if began:
        assert last.message is not None
        assert last.message.interrupted == "failed"
    bench.models.script = ["whole"]
    reply = await say(conversation.regenerate(conversation.head_node))
    assert texts(conversation) == ["Hi", "whole"]
    assert reply.alternatives == (2 if began else 1)
    assert await bench.library.check() == []


async def test_a_stream_that_ends_without_its_end_is_lost(bench: Bench) -> None:
    conversation = bench.library.conversation()
    bench.models.script = ["Half"]
    bench.models.model.ending = lambda metadata: "lost"  # type: ignore[method-assign]
    last = (await run(conversation.send("Hi")))[-1]
    assert isinstance(last, Failed)
    assert last.message is not None
    assert last.message.interrupted == "lost"


async def test_a_reply_cut_by_the_limit_says_so(bench: Bench) -> None:
    conversation = bench.library.conversation()
    bench.models.model.ending = lambda metadata: "length"  # type: ignore[method-assign]
    assert (await say(conversation.send("Hi"))).interrupted == "length"


async def test_a_model_that_cannot_be_opened_costs_no_prompt(bench: Bench) -> None:
    conversation = bench.library.conversation()
    bench.models.failing = ServerFault("Out of order.", "Wait.")
    started, failed = await run(conversation.send("Hi"))
    assert isinstance(started, Started)
    assert failed == Failed(bench.models.failing, None)
    assert texts(conversation) == ["Hi"]


async def test_a_stalled_reply_is_noticed(bench: Bench) -> None:
    conversation = bench.library.conversation()
    bench.models.model.idle_seconds = 0.05
    bench.models.script = ["Half", asyncio.Event()]
    last = (await run(conversation.send("Hi")))[-1]
    assert isinstance(last, Failed)
    assert isinstance(last.error, Stalled)
    assert last.message is not None
    assert last.message.text == "Half"
    assert bench.models.chat.closed == [True]


async def test_an_empty_reply_is_a_failure(bench: Bench) -> None:
    conversation = bench.library.conversation()
    bench.models.script = [""]
    last = (await run(conversation.send("Hi")))[-1]
    assert isinstance(last, Failed)
    assert "empty" in last.error.title
    assert texts(conversation) == ["Hi"]


async def test_thoughts_are_kept_apart(bench: Bench) -> None:
    conversation = bench.library.conversation()
    thought = AIMessageChunk(content="", additional_kwargs={"reasoning_content": "hm"})
    bench.models.script = [thought, "42"]
    reply = await say(conversation.send("Hi"))
    assert (reply.reasoning, reply.text) == ("hm", "42")
    assert (await bench.reopen()).conversation(conversation.thread_id).head() == reply


async def test_what_was_sent_is_kept_with_the_reply(bench: Bench) -> None:
    conversation = bench.library.conversation()
    bench.models.model.context_length = 400
    first = await say(conversation.send("word " * 300))
    prompt = conversation.branch()[0]
    assert prompt.sent is None
    assert first.sent is not None
    assert (first.sent.messages, first.sent.system_prompt, first.sent.left_out) == (1, False, 0)
    assert (first.sent.context_length, first.sent.estimated_tokens >= 300) == (400, True)
    await conversation.set_system_prompt("Be brief.")
    second = await say(conversation.send("two"))
    assert second.sent == Sent(
        messages=1,
        system_prompt=True,
        left_out=2,
        estimated_tokens=estimate_tokens(bench.models.asked[-1]),
        context_length=400,
        strategy="tokens:auto",
        tokens={"system": 3, "messages": 6},
    )
    bench.models.model.context_length = None
    bench.models.model.ending = lambda metadata: "length"  # type: ignore[method-assign]
    cut = await say(conversation.send("three"))
    assert cut.sent is not None
    assert (cut.sent.messages, cut.sent.context_length) == (len(bench.models.asked[-1]) - 1, None)
    whole = await say(conversation.go_on(cut.node_id))
    assert whole.sent is not None
    assert whole.sent.messages == cut.sent.messages + 1, "the beginning of the reply was sent too"
    edited = await conversation.edit_answer(cut.node_id, "mine")
    assert edited.sent is None
    async for _ in bench.library.reindex():
        pass
    again = bench.library.conversation(conversation.thread_id)
    assert again.message(second.node_id).sent == second.sent, "it is in LangGraph's own row"
    assert await bench.library.check() == []


async def test_the_time_of_thinking_is_kept(bench: Bench) -> None:
    conversation = bench.library.conversation()
    thought = AIMessageChunk(content="", additional_kwargs={"reasoning_content": "hm"})
    bench.models.script = [thought, "42"]
    reply = await say(conversation.send("Hi"))
    assert reply.seconds is not None
    assert reply.reasoning_seconds is not None
    assert 0 <= reply.reasoning_seconds <= reply.seconds
    bench.models.script = [thought, RuntimeError("boom")]
    failed = (await run(conversation.send("Hi again")))[-1]
    assert isinstance(failed, Failed)
    assert failed.message is not None
    assert failed.message.reasoning_seconds is not None, "it was cut while it thought"
    bench.models.script = ["42"]
    assert (await say(conversation.send("Bye"))).reasoning_seconds is None


async def test_threads_stream_at_the_same_time(bench: Bench) -> None:
    left, right = bench.library.conversation(), bench.library.conversation()
    gate = asyncio.Event()
    bench.models.script = lambda messages: ["A", gate, "B"] if "left" in str(messages[-1].text) else ["whole"]
    slow = asyncio.create_task(say(left.send("left")))
    assert (await say(right.send("right"))).text == "whole"
    assert not slow.done()
    gate.set()
    assert (await slow).text == "AB"


async def test_turns_of_one_thread_wait_for_each_other(bench: Bench) -> None:
    conversation = bench.library.conversation()
    await asyncio.gather(say(conversation.send("one")), say(conversation.send("two")))
    assert texts(conversation) == ["one", "Hello there.", "two", "Hello there."]


async def test_two_windows_make_alternatives_and_lose_nothing(bench: Bench) -> None:
    here = bench.library.conversation()
    await say(here.send("start"))
    other_library = bench.another()
    there = other_library.conversation(here.thread_id)
    assert texts(there) == ["start", "Hello there."]
    await asyncio.gather(
        *(say(conversation.send(f"{name}")) for conversation, name in [(here, "here"), (there, "there")])
    )
    assert texts(here)[2:] == ["here", "Hello there."]
    assert texts(there)[2:] == ["there", "Hello there."]
    tree = here.tree()
    assert sorted(message.text for message in tree if message.depth == 3) == ["here", "there"]
    assert bench.library.thread(here.thread_id).branch_count == 2
    assert await bench.library.check() == []
    await other_library.close()


async def test_steps_back_and_forward_write_no_checkpoint(bench: Bench) -> None:
    conversation = bench.library.conversation()
    for prompt in ("one", "two", "three"):
        await say(conversation.send(prompt))
    before = bench.rows()
    await conversation.back()
    assert texts(conversation)[-2:] == ["two", "Hello there."]
    await conversation.back()
    assert await conversation.back() is None
    assert texts(conversation) == []
    assert await conversation.back() is None
    await conversation.forward()
    assert texts(conversation) == ["one", "Hello there."]
    await conversation.forward()
    await conversation.forward()
    assert texts(conversation)[4:] == ["three", "Hello there."]
    assert await conversation.forward() is None
    assert bench.rows() == before


async def test_an_alternative_lands_where_one_looked_last(bench: Bench) -> None:
    conversation = bench.library.conversation()
    await say(conversation.send("one"))
    old = await say(conversation.send("two"))
    deep = await say(conversation.send("three"))
    assert old.parent_id is not None
    new = await say(conversation.edit(old.parent_id, "zwei"))
    shown = await conversation.alternative(new.parent_id or "", -1)
    assert shown is not None
    assert shown.text == "two"
    assert conversation.head_node == deep.node_id
    assert await conversation.alternative(shown.node_id, -1) is None
    library = await bench.reopen()
    conversation = library.conversation(conversation.thread_id)
    assert conversation.head_node == deep.node_id, "the head that was viewed last was not kept"
    back = await conversation.alternative(shown.node_id, 1)
    assert back is not None
    assert conversation.head_node == new.node_id


async def test_a_turn_on_another_branch_is_remembered_from_the_top(bench: Bench) -> None:
    conversation = bench.library.conversation()
    first = await say(conversation.send("one"))
    deep = await say(conversation.send("two"))
    prompt = conversation.branch()[0].node_id
    await say(conversation.edit(prompt, "uno"))
    # The head is on the second branch, and the turn goes on in the first, as one from the timeline may.
    again = await say(conversation.regenerate(deep.node_id))
    await conversation.go_to(None)
    assert (await conversation.view(prompt)).node_id == again.node_id
    await conversation.go_to(None)
    forward = await conversation.forward()
    assert forward is not None
    assert forward.node_id == first.node_id, "the way down goes where one looked last"


async def test_drafts_survive_and_go_with_the_prompt(bench: Bench) -> None:
    conversation = bench.library.conversation()
    await conversation.keep_draft("half a thou")
    assert bench.library.threads() == []
    assert conversation.draft() == "half a thou"
    await say(conversation.send("half a thought"))
    assert conversation.draft() == ""


async def test_the_users_message_is_stored_with_its_time_and_the_threads_owner(bench: Bench) -> None:
    conversation = bench.library.conversation()
    await say(conversation.send("Hi"))
    message = bench.models.asked[0][0]
    assert isinstance(message, HumanMessage)
    assert message.response_metadata["chatui"]["created_at"] == conversation.branch()[0].created_at
    metadata = sqlite3.connect(bench.path).execute("SELECT metadata FROM checkpoints").fetchall()
    assert all(b'"user_id": "default"' in row[0] for row in metadata)


async def test_several_alternatives_stream_at_once(bench: Bench) -> None:
    conversation = bench.library.conversation()
    first = await say(conversation.send("Hi"))
    gate, arrived = asyncio.Event(), []

    def script(messages: list[Any]) -> list[Any]:
        arrived.append(True)
        if len(arrived) == 3:
            # None of them goes on before all three were asked.
            gate.set()
        return [gate, f"number {len(arrived)}"]

    bench.models.script = script
    reply = await say(conversation.regenerate(first.node_id, count=3))
    assert conversation.head_node == reply.node_id
    assert reply.alternatives == 4
    answers = {message.text for message in conversation.tree() if message.parent_id == first.parent_id}
    assert answers == {"Hello there.", "number 1", "number 2", "number 3"}
    assert await bench.library.check() == []


async def test_a_cut_reply_can_be_gone_on_with(bench: Bench) -> None:
    conversation = bench.library.conversation()
    bench.models.model.ending = lambda metadata: "length"  # type: ignore[method-assign]
    bench.models.script = ["Once upon"]
    cut = await say(conversation.send("Tell me a story"))
    bench.models.model.ending = lambda metadata: "stop"  # type: ignore[method-assign]
    bench.models.script = [" a time."]
    whole = await say(conversation.go_on(cut.node_id))
    assert [str(message.text) for message in bench.models.asked[-1]] == ["Tell me a story", "Once upon"]
    assert (whole.text, whole.interrupted, whole.alternatives) == ("Once upon a time.", None, 2)
    assert conversation.message(cut.node_id).interrupted == "length"
