"""Several answers to one prompt at the same time: all stream, and one of them becomes the head."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, cast

import pytest

from chatui.conversation.alternatives import Alternatives
from chatui.conversation.engine import Conversation
from chatui.conversation.events import Alternative, Asked, Event, Failed, Finished, Started, Stopped, TextPiece
from chatui.conversation.turn import TurnEvent
from chatui.errors import ChatuiError, ReadOnlyDatabase
from tests.conversation.conftest import Bench, run, say


class Gated:
    """Answers "A", "B", "C" as they are asked, each with a gate before its end."""

    def __init__(self, bench: Bench, *, failing: str = "") -> None:
        self.gates: dict[str, asyncio.Event] = {}
        self.indexes: dict[str, int] = {}
        self.failing = failing
        bench.models.script = self.script

    def script(self, messages: list[Any]) -> list[Any]:
        name = "ABC"[len(self.gates)]
        self.gates[name] = asyncio.Event()
        return [name, self.gates[name], RuntimeError("boom") if name == self.failing else "."]

    def see(self, event: Event) -> None:
        if isinstance(event, Alternative) and isinstance(event.event, TextPiece) and event.event.text in self.gates:
            self.indexes[event.event.text] = event.index


async def open_in_turn(events: AsyncGenerator[Event], gated: Gated, order: str, last: list[Event]) -> list[Event]:
    """Let the answers end one after the other, and return all events."""
    seen = []
    async with aclosing(events) as stream:
        async for event in stream:
            seen.append(event)
            gated.see(event)
            ended = sum(isinstance(e, Alternative) and isinstance(e.event, Finished | Failed) for e in seen)
            if len(gated.indexes) == 3 and ended < 3:
                gated.gates[order[ended]].set()
    last.append(seen[-1])
    return seen


async def asked_once(bench: Bench) -> tuple[Conversation, str]:
    conversation = bench.library.conversation()
    return conversation, (await say(conversation.send("Hi"))).node_id


async def test_all_of_them_stream(bench: Bench) -> None:
    conversation, first = await asked_once(bench)
    gated, last = Gated(bench), list[Event]()
    seen = await open_in_turn(conversation.regenerate(first, count=3), gated, "BCA", last)
    assert all(isinstance(event, Alternative) for event in seen[:-1])
    for name, index in gated.indexes.items():
        own = [event.event for event in seen if isinstance(event, Alternative) and event.index == index]
        started, asked, *pieces, finished = own
        assert isinstance(started, Started)
        assert isinstance(asked, Asked)
        assert pieces == [TextPiece(name), TextPiece(".")]
        assert isinstance(finished, Finished)
        assert finished.message.message_id == started.message_id
        assert finished.message.text == f"{name}."
    assert sorted(gated.indexes.values()) == [0, 1, 2]
    # All three had begun before any ended.
    begun = [i for i, e in enumerate(seen) if isinstance(e, Alternative) and isinstance(e.event, TextPiece)][:3]
    assert begun[-1] < min(
        i for i, e in enumerate(seen) if isinstance(e, Alternative) and isinstance(e.event, Finished)
    )
    assert isinstance(seen[-1], Finished)
    assert seen[-1].message.text == "B.", "nobody looked: the first that finished is the head"
    assert seen[-1].message.alternatives == 4
    assert conversation.head_node == seen[-1].message.node_id
    assert await bench.library.check() == []


@pytest.mark.parametrize(("failing", "chosen"), [("", "C."), ("C", "B.")])
async def test_the_one_that_is_looked_at_becomes_the_head_unless_it_failed(
    bench: Bench, failing: str, chosen: str
) -> None:
    conversation, first = await asked_once(bench)
    gated, last = Gated(bench, failing=failing), list[Event]()
    events = conversation.regenerate(first, count=3, watched=lambda: gated.indexes["C"])
    await open_in_turn(events, gated, "BCA", last)
    assert isinstance(last[0], Finished)
    assert last[0].message.text == chosen
    library = await bench.reopen()
    conversation = library.conversation(conversation.thread_id)
    assert conversation.branch()[-1].text == chosen
    texts = {message.text for message in conversation.tree() if message.depth == 2}
    assert texts == {"Hello there.", "A.", "B.", "C" if failing else "C."}, "what came of a failed one is kept too"


async def test_stopping_stops_all_and_keeps_what_came_of_each(bench: Bench) -> None:
    conversation, first = await asked_once(bench)
    gated = Gated(bench)
    async with aclosing(conversation.regenerate(first, count=3, watched=lambda: gated.indexes["B"])) as events:
        async for event in events:
            gated.see(event)
            if len(gated.indexes) == 3:
                await conversation.stop()
    assert isinstance(event, Stopped)
    assert event.message is not None
    assert (event.message.text, event.message.interrupted) == ("B", "stopped")
    assert conversation.head_node == event.message.node_id
    kept = {message.text: message.interrupted for message in conversation.tree() if message.depth == 2}
    assert kept == {"Hello there.": None, "A": "stopped", "B": "stopped", "C": "stopped"}
    assert not conversation.running
    bench.models.script = ["Yes"]
    await say(conversation.send("Next"))
    assert await bench.library.check() == []


async def test_closing_early_saves_what_came_of_each(bench: Bench) -> None:
    conversation, first = await asked_once(bench)
    gated = Gated(bench)
    async with aclosing(conversation.regenerate(first, count=3)) as events:
        async for event in events:
            gated.see(event)
            if len(gated.indexes) == 3:
                break
    assert not conversation.running
    assert {message.text for message in conversation.tree() if message.depth == 2} == {"Hello there.", "A", "B", "C"}
    assert conversation.branch()[-1].text in {"A", "B", "C"}, "one goes on from what came"


async def test_the_head_stays_at_the_prompt_until_all_have_ended(bench: Bench) -> None:
    conversation, first = await asked_once(bench)
    gated, ended = Gated(bench), 0
    async with aclosing(conversation.regenerate(first, count=3)) as events:
        async for event in events:
            gated.see(event)
            if isinstance(event, Alternative):
                assert [message.text for message in conversation.branch()] == ["Hi"]
                ended += isinstance(event.event, Finished)
                if isinstance(event.event, Finished):
                    # Should the program end now, the next start shows an answer.
                    other = bench.another()
                    assert other.conversation(conversation.thread_id).branch()[-1].text == event.event.message.text
                    await other.close()
            if len(gated.indexes) == 3 and ended < 3:
                gated.gates["CAB"[ended]].set()
    assert conversation.branch()[-1].text == "C."


async def test_a_prompt_that_cannot_be_saved_refuses_all(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    conversation, first = await asked_once(bench)
    monkeypatch.setattr(bench.library._store.database, "read_only", True)
    with pytest.raises(ReadOnlyDatabase):
        await run(conversation.regenerate(first, count=3))
    assert not conversation.running


class FakeTurn:
    """A turn of given events."""

    def __init__(self, *events: TurnEvent | ChatuiError, stopped: bool = False) -> None:
        self._events = events
        self.stopped = stopped

    async def events(self) -> AsyncGenerator[TurnEvent]:
        for event in self._events:
            if isinstance(event, ChatuiError):
                raise event
            yield event

    def stop(self) -> None:
        pass


async def test_one_that_could_not_begin_is_told_when_the_others_have_ended() -> None:
    refusal = ChatuiError("No room.")
    turns = [FakeTurn(refusal), FakeTurn(TextPiece("a"), Stopped(None)), FakeTurn(refusal, stopped=True)]
    alternatives = Alternatives(cast("Any", turns))
    assert [event async for event in alternatives.events()] == [
        Alternative(1, TextPiece("a")),
        Alternative(1, Stopped(None)),
        Alternative(0, Failed(refusal, None)),
        Alternative(2, Stopped(None)),
    ]
    none = Alternatives(cast("Any", [FakeTurn(refusal), FakeTurn(refusal)]))
    with pytest.raises(ChatuiError, match="No room"):
        _ = [event async for event in none.events()]


async def test_a_turn_that_is_stopped_before_it_began_does_not_run(bench: Bench) -> None:
    from chatui.conversation.turn import Turn

    turn = Turn(cast("Any", None), cast("Any", bench.models), cast("Any", _prompt()))
    turn.stop()
    with pytest.raises(ChatuiError, match="stopped"):
        _ = [event async for event in turn.events()]
    turn = Turn(cast("Any", None), cast("Any", bench.models), cast("Any", _prompt()))
    events = turn.events()
    waiting = asyncio.ensure_future(anext(events))
    await asyncio.sleep(0)
    # Its task is made and has not taken a step.
    turn.stop()
    with pytest.raises(ChatuiError, match="stopped"):
        await asyncio.wait_for(waiting, 10)


def _prompt() -> Any:
    from langchain_core.messages import HumanMessage

    from chatui.conversation.parameters import Resolved
    from chatui.conversation.turn import Prompt
    from chatui.models import parse_ref
    from chatui.storage.channels import Shape

    return Prompt(HumanMessage("Hi"), "", Shape(), Resolved(), parse_ref("ollama:scripted"))
