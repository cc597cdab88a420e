from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

import pytest

from chatui.conversation.engine import Conversation
from chatui.conversation.events import Asked, Finished
from chatui.errors import UsageError
from tests.conversation.conftest import Bench, in_one_step, say


def texts(conversation: Conversation) -> list[str]:
    return [message.text for message in conversation.branch()]


async def grow(bench: Bench) -> Conversation:
    """Two first prompts, the first with two answers, one of which goes on."""
    conversation = bench.library.conversation()
    for number, (prompt, reply) in enumerate([("Aardvark?", "Badger."), ("Cheetah?", "Dingo.")]):
        bench.models.script = [reply]
        await say(conversation.send(prompt))
        assert len(conversation.branch()) == 2 * number + 2
    first = conversation.branch()[1]
    bench.models.script = ["Emu."]
    await say(conversation.regenerate(first.node_id))
    bench.models.script = ["Ferret."]
    await say(conversation.edit(conversation.branch()[0].node_id, "Gazelle?"))
    return conversation


def find(conversation: Conversation, text: str) -> str:
    return next(message.node_id for message in conversation.tree() if message.text == text)


async def test_a_deleted_message_takes_all_below_with_it_and_comes_back(bench: Bench) -> None:
    conversation = await grow(bench)
    before = bench.rows()
    tree = conversation.tree()
    await conversation.view(find(conversation, "Badger."))
    node = find(conversation, "Badger.")
    assert conversation.upkeep.count_below(node) == 3
    assert await conversation.upkeep.delete(node) == 3
    assert texts(conversation) == ["Aardvark?"]
    assert [message.text for message in conversation.tree()] == ["Aardvark?", "Emu.", "Gazelle?", "Ferret."]
    assert conversation.message(find(conversation, "Emu.")).alternatives == 1
    thread = bench.library.thread(conversation.thread_id)
    assert (thread.message_count, thread.branch_count) == (4, 2)
    assert await bench.library.check() == []
    library = await bench.reopen()
    conversation = library.conversation(conversation.thread_id)
    assert len(conversation.tree()) == 4, "a deletion did not survive a restart"
    async for _ in library.reindex():
        pass
    assert len(conversation.tree()) == 4, "a deletion did not survive a new index"
    await conversation.upkeep.restore()
    assert [(m.node_id, m.text) for m in conversation.tree()] == [(m.node_id, m.text) for m in tree]
    assert texts(conversation)[-1] == "Dingo."
    thread = library.thread(conversation.thread_id)
    assert (thread.message_count, thread.branch_count) == (7, 3)
    assert bench.rows() == before
    with pytest.raises(UsageError):
        await conversation.upkeep.restore()


async def test_a_reply_into_a_branch_that_was_deleted_meanwhile_is_deleted_and_not_lost(bench: Bench) -> None:
    conversation = await grow(bench)
    other = bench.another()
    there = other.conversation(conversation.thread_id)
    await there.view(find(there, "Dingo."))
    gate = asyncio.Event()
    bench.models.script = [gate, "Ibis."]
    async with aclosing(there.send("Heron?")) as events:
        async for event in events:
            if isinstance(event, Asked):
                await conversation.upkeep.delete(find(conversation, "Badger."))
                gate.set()
    assert isinstance(event, Finished)
    assert len(conversation.tree()) == 4
    with pytest.raises(UsageError, match="no such message"):
        await say(there.send("More?"))
    await conversation.upkeep.restore()
    assert "Heron?" in texts(conversation)
    assert await bench.library.check() == []
    await other.close()


def grep(path: Path, word: str) -> bool:
    files = list(path.parent.glob(path.name + "*"))
    return any(word.lower().encode() in file.read_bytes().lower() for file in files)


@pytest.mark.parametrize(
    ("node", "gone", "stays"),
    [
        ("Badger.", ["Badger", "Cheetah", "Dingo"], ["Aardvark", "Emu", "Gazelle", "Ferret"]),
        ("Emu.", ["Emu"], ["Aardvark", "Badger", "Dingo"]),
        ("Aardvark?", ["Aardvark", "Badger", "Cheetah", "Dingo", "Emu"], ["Gazelle", "Ferret"]),
        ("Gazelle?", ["Gazelle", "Ferret"], ["Aardvark", "Dingo"]),
        ("Cheetah?", ["Cheetah", "Dingo"], ["Badger", "Emu"]),
    ],
)
async def test_purged_text_is_nowhere_in_the_file(bench: Bench, node: str, gone: list[str], stays: list[str]) -> None:
    # Some builds of SQLite overwrite what is deleted; that must not be what makes this pass.
    await (await bench.library._store.database.writer()).execute("PRAGMA secure_delete=OFF")
    conversation = await grow(bench)
    node_id = find(conversation, node)
    await conversation.upkeep.delete(node_id)
    await conversation.upkeep.purge(node_id)
    assert [word for word in gone if grep(bench.path, word)] == []
    assert [word for word in stays if not grep(bench.path, word)] == []
    assert sorted(m.text.strip("?.") for m in conversation.tree() if m.text.strip("?.") in stays) == sorted(stays)
    assert await bench.library.check() == []
    # Nothing comes back: the model is asked, and what is left can be answered and continued.
    bench.models.script = ["Ibis."]
    await conversation.view(find(conversation, stays[0] + ("?" if stays[0] in ("Aardvark", "Gazelle") else ".")))
    reply = await say(conversation.regenerate(conversation.head_node))
    assert reply.text == "Ibis."
    bench.models.script = ["Koala."]
    await say(conversation.send("Jackal?"))
    sent = [str(message.text) for message in bench.models.asked[-1]]
    assert sent == texts(conversation)[:-1]
    assert not any(word in text for word in gone for text in sent)
    assert await bench.library.check() == []


async def test_purged_text_of_other_scripts_is_nowhere_in_the_file(bench: Bench) -> None:
    await (await bench.library._store.database.writer()).execute("PRAGMA secure_delete=OFF")
    conversation = bench.library.conversation()
    bench.models.script = ["明日は晴れ。"]
    await say(conversation.send("天気予報は？"))
    await bench.library.rename(conversation.thread_id, "Weather")
    bench.models.script = ["ฉันกินข้าว"]
    await say(conversation.regenerate(conversation.branch()[0].node_id))
    # As the messages have it, and as the full-text index keeps it: in pairs.
    words = ["天気予報", "天気", "気予", "予報"]
    kept, gone = ["明日", "晴れ"], ["กินข้าว", "กิ", "นข"]
    assert [word for word in [*words, *kept, *gone] if not grep(bench.path, word)] == []
    await conversation.upkeep.purge(find(conversation, "ฉันกินข้าว"))
    assert [word for word in gone if grep(bench.path, word)] == []
    assert [word for word in [*words, *kept] if not grep(bench.path, word)] == []
    await bench.library.purge(conversation.thread_id)
    assert [word for word in [*words, *kept, *gone] if grep(bench.path, word)] == []
    assert await bench.library.check() == []


async def test_a_purged_answer_does_not_come_back_to_plain_langgraph(bench: Bench) -> None:
    conversation = await grow(bench)
    await conversation.view(find(conversation, "Badger."))
    prompt = conversation.branch()[0]
    await conversation.upkeep.purge(find(conversation, "Badger."))
    from langchain_core.messages import AIMessage

    from chatui.conversation.graph import at, build_graph

    asked = []

    async def answer(messages: object, checkpoint_id: str) -> AIMessage:
        asked.append(checkpoint_id)
        return AIMessage("fresh", id="fresh")

    graph = build_graph(answer, await bench.library._store.saver())
    state = await graph.ainvoke(None, at(conversation.thread_id, prompt.checkpoint_id), durability="sync")
    assert [message.text for message in state["messages"]] == ["Aardvark?", "fresh"]
    assert asked


async def test_a_whole_thread_can_be_purged(bench: Bench) -> None:
    await (await bench.library._store.database.writer()).execute("PRAGMA secure_delete=OFF")
    conversation = await grow(bench)
    kept = bench.library.conversation()
    bench.models.script = ["Lemur."]
    await say(kept.send("Magpie?"))
    await bench.library.purge(conversation.thread_id)
    assert [word for word in ("Aardvark", "Badger", "Dingo", "Ferret") if grep(bench.path, word)] == []
    assert grep(bench.path, "Magpie")
    assert [thread.thread_id for thread in bench.library.threads()] == [kept.thread_id]
    assert await bench.library.check() == []


@pytest.mark.parametrize(
    ("node", "branches", "expected"),
    [
        ("Dingo.", False, ["Aardvark?", "Badger.", "Cheetah?", "Dingo."]),
        ("Badger.", False, ["Aardvark?", "Badger."]),
        ("Aardvark?", False, ["Aardvark?"]),
        ("Aardvark?", True, ["Aardvark?", "Badger.", "Cheetah?", "Dingo.", "Emu."]),
        ("Emu.", False, ["Aardvark?", "Emu."]),
        (None, False, ["Aardvark?", "Badger.", "Cheetah?", "Dingo.", "Emu.", "Gazelle?", "Ferret."]),
    ],
)
async def test_a_copy_is_independent(bench: Bench, node: str | None, branches: bool, expected: list[str]) -> None:
    conversation = await grow(bench)
    await conversation.upkeep.name(find(conversation, "Aardvark?"), "mammals")
    before = bench.rows()
    tree = conversation.tree()
    node_id = find(conversation, node) if node else None
    thread = await conversation.upkeep.copy_out(node_id, with_branches=branches)
    assert thread.thread_id != conversation.thread_id
    assert thread.title == "Aardvark? (copy)"
    copy = bench.library.conversation(thread.thread_id)
    assert [message.text for message in copy.tree()] == expected
    assert copy.tree()[0].name == "mammals"
    assert [row for row in bench.rows() if row[0] == conversation.thread_id] == before
    assert await bench.library.check() == []
    bench.models.script = ["New."]
    await say(copy.send("More?"))
    assert conversation.tree() == tree
    if not branches and node in ("Badger.", "Aardvark?"):
        # The path alone: what other branches hold is not carried along unseen.
        await bench.library.purge(conversation.thread_id)
        others = {"Badger.", "Dingo.", "Emu.", "Ferret."} - set(expected)
        assert [word for word in others if grep(bench.path, word)] == []


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize(
    ("node", "branches", "expected"),
    [
        ("Badger.", False, ["Aardvark?", "Badger."]),
        ("Aardvark?", False, ["Aardvark?"]),
        ("Badger.", True, ["Aardvark?", "Badger.", "Cheetah?", "Dingo."]),
    ],
)
async def test_a_message_without_a_checkpoint_can_be_copied_out(
    bench: Bench, whole: bool, node: str, branches: bool, expected: list[str]
) -> None:
    await in_one_step(bench.path, "theirs", ["Aardvark?", "Badger.", "Cheetah?", "Dingo."], whole=whole)
    async for _ in bench.library.catch_up():
        pass
    conversation = bench.library.conversation("theirs")
    tree = [(message.node_id, message.text) for message in conversation.tree()]
    assert conversation.message(find(conversation, node)).checkpoint_id is None
    before = set(bench.rows())
    thread = await conversation.upkeep.copy_out(find(conversation, node), with_branches=branches)
    copy = bench.library.conversation(thread.thread_id)
    assert [message.text for message in copy.tree()] == expected
    assert (thread.message_count, thread.branch_count) == (len(expected), 1)
    assert [(message.node_id, message.text) for message in conversation.tree()] == tree
    assert before <= set(bench.rows())
    assert conversation.message(find(conversation, node)).checkpoint_id is not None
    assert await bench.library.check() == []
    await copy.view(copy.tree()[-1].node_id)
    bench.models.script = ["New."]
    await say(copy.send("More?"))
    sent = [str(message.text) for message in bench.models.asked[-1]]
    assert sent == ([*expected, "More?"] if len(expected) % 2 == 0 else ["More?"])


async def test_deleting_moves_a_head_that_nobody_has_asked_for_yet(bench: Bench) -> None:
    conversation = await grow(bench)
    badger, dingo = find(conversation, "Badger."), find(conversation, "Dingo.")
    await conversation.go_to(dingo)
    library = await bench.reopen()
    await library.conversation(conversation.thread_id).upkeep.delete(badger)
    library = await bench.reopen()
    conversation = library.conversation(conversation.thread_id)
    assert texts(conversation) == ["Aardvark?"]
    # A window that knows nothing of it puts the head where it stood.
    async with library._store.database.transaction() as connection:
        await library._store.threads.set_head(connection, conversation.thread_id, None, dingo, left="")
    library = await bench.reopen()
    await library.conversation(conversation.thread_id).upkeep.purge(badger)
    assert await library.check() == []


async def test_one_begins_anew_where_all_is_deleted_and_no_checkpoint_is_empty(bench: Bench) -> None:
    """A thread that another program began with `update_state` has no place before its first message, until it is made."""
    from chatui.conversation.graph import MODEL, at, build_graph
    from chatui.conversation.places import _never, user_message

    graph = build_graph(_never, await bench.library._store.saver())
    await graph.aupdate_state(at("theirs", None), {"messages": [user_message("Aardvark?")]}, as_node=MODEL)
    async for _ in bench.library.catch_up():
        pass
    conversation = bench.library.conversation("theirs")
    await conversation.upkeep.delete(find(conversation, "Aardvark?"))
    assert conversation.tree() == []
    await say(conversation.send("Badger?"))
    assert [str(message.text) for message in bench.models.asked[-1]] == ["Badger?"]
    assert texts(conversation) == ["Badger?", "Hello there."]
    assert await bench.library.check() == []


async def test_stars_and_names_stay_with_their_message(bench: Bench) -> None:
    conversation = await grow(bench)
    node = find(conversation, "Badger.")
    assert (await conversation.upkeep.star(node)).starred
    assert (await conversation.upkeep.name(node, " the \x1b[31m long \n way ")).name == "the [31m long way"
    async for _ in bench.library.reindex():
        pass
    message = conversation.message(node)
    assert (message.starred, message.name) == (True, "the [31m long way")
    assert (await conversation.upkeep.name(node, "")).name is None
    assert not (await conversation.upkeep.star(node, False)).starred
    with pytest.raises(UsageError):
        await conversation.upkeep.star("no such node")
