"""Switching alternatives lands on what was viewed last there, however the head came there."""

from __future__ import annotations

import pytest
from langchain_core.messages import AIMessage

from chatui.conversation.engine import Conversation
from chatui.conversation.graph import MODEL, at, build_graph
from chatui.conversation.library import Library
from chatui.conversation.places import _never
from chatui.conversation.state import fold_messages
from chatui.conversation.tree import Message
from chatui.storage import Store
from tests.conversation.conftest import Bench, say


class Talk:
    """One thread, its messages named by their texts."""

    def __init__(self, bench: Bench, conversation: Conversation) -> None:
        self.bench = bench
        self.conversation = conversation

    def __getitem__(self, text: str) -> str:
        """The node id of a message."""
        return next(message.node_id for message in self.conversation.tree() if message.text == text)

    def texts(self) -> list[str]:
        return [message.text for message in self.conversation.branch()]

    async def send(self, text: str, reply: str) -> Message:
        self.bench.models.script = [reply]
        return await say(self.conversation.send(text))

    async def edit(self, old: str, text: str, reply: str) -> Message:
        self.bench.models.script = [reply]
        return await say(self.conversation.edit(self[old], text))

    async def regenerate(self, old: str, reply: str) -> Message:
        self.bench.models.script = [reply]
        return await say(self.conversation.regenerate(self[old]))

    async def edit_answer(self, old: str, text: str) -> Message:
        return await self.conversation.edit_answer(self[old], text)

    async def go_to(self, text: str) -> None:
        await self.conversation.go_to(self[text])

    async def alternative(self, text: str, step: int) -> None:
        await self.conversation.alternative(self[text], step)


@pytest.fixture
def talk(bench: Bench) -> Talk:
    return Talk(bench, bench.library.conversation())


async def test_a_turn_off_the_active_branch_is_viewed_there(talk: Talk) -> None:
    """The case that a random sequence found, whole."""
    await talk.send("p1", "r2")
    await talk.send("p3", "r4")
    await talk.edit_answer("r4", "r5")
    await talk.send("p6", "r7")
    await talk.edit_answer("r5", "r8")
    await talk.edit("p3", "p9", "r10")
    await talk.edit_answer("r5", "r11")
    await talk.send("p12", "r13")
    await talk.edit("p12", "p14", "r15")
    await talk.edit_answer("r13", "r16")
    await talk.regenerate("p1", "r17")
    await talk.go_to("r4")
    await talk.edit_answer("r16", "r30")
    assert talk.texts() == ["p1", "r2", "p3", "r11", "p12", "r30"]
    await talk.alternative("r2", 1)
    assert talk.texts() == ["p1", "r17"]
    await talk.alternative("r17", -1)
    assert talk.texts() == ["p1", "r2", "p3", "r11", "p12", "r30"]


@pytest.mark.parametrize("how", ["edit", "regenerate", "edit_answer"])
async def test_whatever_made_it(talk: Talk, how: str) -> None:
    await talk.send("p1", "r1")
    await talk.send("p2", "r2")
    await talk.regenerate("r2", "r2b")
    await talk.send("p3", "r3")
    await talk.send("p4", "r4")
    await talk.go_to("r2")
    if how == "edit":
        await talk.edit("p4", "p4b", "new")
    elif how == "regenerate":
        await talk.regenerate("r4", "new")
    else:
        await talk.edit_answer("r4", "new")
    shown = talk.texts()
    assert shown[-1] == "new"
    await talk.edit("p1", "p1b", "elsewhere")
    await talk.alternative("p1b", -1)
    assert talk.texts() == shown


async def forget_views(store: Store) -> None:
    """Leave the file as one whose threads nobody has looked at here."""
    async with store.database.transaction() as connection:
        await connection.execute("DELETE FROM chatui_choices")
        await connection.execute("UPDATE chatui_threads SET head = NULL, head_node = NULL")


@pytest.mark.parametrize("how", ["switch", "turn"])
async def test_the_first_head_was_viewed_too(bench: Bench, talk: Talk, how: str) -> None:
    """It is the newest leaf, which need not be below the newest alternatives."""
    await talk.send("p1", "r1")
    await talk.regenerate("r1", "r1b")
    await talk.go_to("r1")
    await talk.send("p2", "r2")
    await talk.edit("p1", "p1b", "elsewhere")
    await talk.go_to("r2")
    await talk.send("p3", "r3")
    await forget_views(bench.library._store)
    library = await bench.reopen()
    talk.conversation = library.conversation(talk.conversation.thread_id)
    shown = talk.texts()
    assert shown == ["p1", "r1", "p2", "r2", "p3", "r3"]
    if how == "switch":
        await talk.alternative("p1", 1)
    else:
        await talk.edit("p1b", "p1c", "far")
        await talk.alternative("p1c", -1)
    assert talk.texts() == ["p1b", "elsewhere"]
    await talk.alternative("p1b", -1)
    assert talk.texts() == shown


async def add_unseen(library: Library, beside: Message, text: str) -> None:
    """Put an alternative of an answer into LangGraph's tables alone, as another program does, and index it."""
    thread_id = library.threads()[0].thread_id
    prompt = library.conversation(thread_id).message(beside.parent_id or "")
    shape = library._store.index(fold_messages).shape(thread_id, prompt.checkpoint_id)
    graph = build_graph(_never, await library._store.saver(), shape)
    answer = AIMessage(text, id="unseen")
    await graph.aupdate_state(at(thread_id, prompt.checkpoint_id), {shape.channel: [answer]}, as_node=MODEL)
    async for _ in library.catch_up():
        pass


async def test_another_program_adds_an_alternative(bench: Bench, talk: Talk) -> None:
    await talk.send("p1", "r1")
    answer = await talk.send("p2", "r2")
    await talk.edit("p1", "p1b", "elsewhere")
    await talk.go_to("r2")
    shown = talk.texts()
    await add_unseen(bench.library, answer, "unseen")
    assert "unseen" in [message.text for message in talk.conversation.tree()]
    await talk.alternative("p1", 1)
    await talk.alternative("p1b", -1)
    assert talk.texts() == shown


async def test_two_windows(bench: Bench, talk: Talk) -> None:
    """Each stands where its user sees it: what a window leaves was viewed there until now, whatever the other did since."""
    await talk.send("p1", "r1")
    await talk.send("p2", "r2")
    await talk.edit("p1", "p1b", "elsewhere")
    await talk.edit_answer("r1", "r1b")
    await talk.go_to("r2")
    library = bench.another()
    try:
        other = Talk(bench, library.conversation(talk.conversation.thread_id))
        assert other.texts() == ["p1", "r1", "p2", "r2"]
        await other.go_to("r1b")
        await talk.send("p3", "r3")
        shown = talk.texts()
        assert shown == ["p1", "r1", "p2", "r2", "p3", "r3"]
        await talk.alternative("p1", 1)
        await talk.alternative("p1b", -1)
        assert talk.texts() == shown
        await other.go_to("elsewhere")
        await other.alternative("p1b", -1)
        assert other.texts() == ["p1", "r1b"]
    finally:
        await library.close()
