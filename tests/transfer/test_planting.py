"""Imported trees are as good as ones that were talked: LangGraph reads them, turns go on in them, and nothing is half there."""

from __future__ import annotations

import random
from typing import Any

import pytest
from langchain_core.messages import HumanMessage

from chatui.conversation.graph import at, build_graph
from chatui.conversation.state import SNAPSHOT_FREQUENCY, fold_messages
from chatui.storage import Store
from chatui.storage.integrity import problems
from chatui.transfer.importing import Import
from chatui.transfer.records import Item, Skipped, SourceMessage, SourceThread, in_order
from tests.conversation.conftest import Bench, bench, say
from tests.transfer.importing import never, states, tree, trees

__all__ = ["bench"]


def thread(
    parents: list[int | None], roles: str = "", *, key: str = "one", active: int | None = None, title: str = "A tree"
) -> SourceThread:
    """A thread of messages m0, m1, ...: each follows the one with its parent's number, and has the role of its letter."""
    names = {"u": "user", "a": "assistant", "s": "system", "t": "tool"}
    depths: list[int] = []
    for parent in parents:
        depths.append(0 if parent is None else depths[parent] + 1)
    messages = [
        SourceMessage(
            id=f"m{number}",
            parent=None if parent is None else f"m{parent}",
            role=names[roles[number]] if roles else ("assistant" if depths[number] % 2 else "user"),
            text=f"text {number} 🦊",
            created_at=f"2024-05-01T10:{number // 60 % 60:02}:{number % 60:02}.000Z",
            model="ollama:llama3" if depths[number] % 2 else None,
            tool_call_id="call-1" if roles and roles[number] == "t" else "",
        )
        for number, parent in enumerate(parents)
    ]
    name = None if active is None else f"m{active}"
    return SourceThread(key=key, where="here", messages=messages, title=title, user="ada", active=name)


async def plant(store: Store, *items: Item, frequency: int = SNAPSHOT_FREQUENCY, dry: bool = False) -> Import:
    importing = Import(store, fold_messages, frequency, owner=None, default="default")
    await importing.run("chatgpt", iter([("chatgpt", item) for item in items]), dry=dry)
    return importing


async def agrees(store: Store) -> None:
    """What LangGraph itself reads at each message's checkpoint is the path to it, and the index is what it would be anew."""
    for found in trees(store):
        by_node = await states(store, found.thread.thread_id)
        assert by_node
        for branch in found.paths:
            for depth, message in enumerate(branch, start=1):
                assert [said.text for said in by_node[message.node_id]] == [said.text for said in branch[:depth]]
    assert problems(store.database, store.index(fold_messages)) == []


@pytest.mark.parametrize("frequency", [SNAPSHOT_FREQUENCY, 3])
@pytest.mark.parametrize("seed", range(6))
async def test_a_tree_of_any_form_is_read_back(store: Store, seed: int, frequency: int) -> None:
    rng = random.Random(seed)
    parents = [None, *(rng.choice([None, *range(number), number - 1, number - 1]) for number in range(1, 24))]
    roles = "".join(rng.choice("uuaaast") for _ in parents)
    await plant(store, thread(parents, roles, active=rng.randrange(24)), frequency=frequency)
    found = tree(store)
    assert found.thread.message_count == 24
    assert found.thread.branch_count == len(set(range(24)) - set(parents))
    await agrees(store)


async def test_what_a_source_tells_is_kept(store: Store) -> None:
    await plant(store, thread([None, 0, 1, 2, 1, 4], active=3))
    found = tree(store)
    assert found.texts == ["text 0 🦊", "text 1 🦊", "text 2 🦊", "text 3 🦊"]
    assert found.branches[1] == ["text 0 🦊", "text 1 🦊", "text 4 🦊", "text 5 🦊"]
    assert (found.thread.title, found.thread.user) == ("A tree", "ada")
    assert found.thread.created_at == "2024-05-01T10:00:00.000Z"
    assert found.thread.updated_at == "2024-05-01T10:00:05.000Z"
    assert [message.created_at for message in found.active] == [f"2024-05-01T10:00:0{n}.000Z" for n in range(4)]
    assert [message.model for message in found.active] == [None, "ollama:llama3"] * 2
    # An import is no visit: the thread to open next time stays.
    with store.database.reading() as connection:
        assert connection.execute("SELECT max(viewed) FROM chatui_threads").fetchone()[0] == 0


async def test_a_title_of_the_source_is_kept_from_automatic_ones(store: Store) -> None:
    unnamed = thread([None, 0], key="two", title="session-1")
    unnamed.named = False
    await plant(store, thread([None, 0]), unnamed)
    with store.database.reading() as connection:
        rows = dict(connection.execute("SELECT title, title_by FROM chatui_threads"))
    assert rows == {"A tree": "user", "session-1": "auto"}


@pytest.mark.parametrize("frequency", [SNAPSHOT_FREQUENCY, 3])
@pytest.mark.parametrize(
    ("first", "later"),
    [
        ([None, 0, 1, 2], [None, 0, 1, 2, 3, 4]),  # it went on
        ([None, 0, 1, 2], [None, 0, 1, 2, 1, 4]),  # a prompt was edited
        ([None, 0], [None, 0, 0, 2]),  # an answer was made once more
        ([None, 0, 0], [None, 0, 0, 0, 1, 4]),
        ([None], [None, 0, 1]),  # it had no answer yet
        ([None, 0], [None, 0, None, 2]),  # another first prompt
    ],
)
async def test_importing_again_adds_what_is_new(
    store: Store, first: list[int | None], later: list[int | None], frequency: int
) -> None:
    await plant(store, thread(first), frequency=frequency)
    with store.database.reading() as connection:
        rows = connection.execute("SELECT * FROM checkpoints ORDER BY rowid").fetchall()
        writes = connection.execute("SELECT * FROM writes ORDER BY rowid").fetchall()
    report = (await plant(store, thread(later), frequency=frequency)).report
    assert (report.new_threads, report.new_messages) == (0, len(later) - len(first))
    with store.database.reading() as connection:
        now = connection.execute("SELECT * FROM checkpoints ORDER BY rowid").fetchall()
        # Nothing that was there is touched.
        assert now[: len(rows)] == rows
        assert connection.execute("SELECT * FROM writes ORDER BY rowid").fetchall()[: len(writes)] == writes
    await agrees(store)
    found = tree(store)
    assert found.thread.message_count == len(later)

    whole = Store.open(store.path.with_name("at-once.db"))
    await plant(whole, thread(later))
    assert sorted(found.branches) == sorted(tree(whole).branches)
    await whole.close()


async def test_the_head_goes_on_with_the_source_unless_it_was_moved(store: Store) -> None:
    await plant(store, thread([None, 0]), thread([None, 0, 0], key="two", active=2))
    await plant(store, thread([None, 0, 1, 2]), thread([None, 0, 0, 1, 3], key="two", active=4))
    texts = {found.thread.message_count: found.texts for found in trees(store)}
    assert texts == {4: [f"text {n} 🦊" for n in range(4)], 5: ["text 0 🦊", "text 2 🦊"]}


async def test_turns_go_on_in_an_imported_thread(bench: Bench) -> None:
    store = bench.library.store
    await plant(store, thread([None, 0, 1, 2, 1, 4], active=3))
    (listed,) = bench.library.threads()
    conversation = bench.library.conversation(listed.thread_id)
    bench.models.script = ["Went on."]
    await say(conversation.send("And then?"))
    assert tree(store).texts == [*(f"text {n} 🦊" for n in range(4)), "And then?", "Went on."]
    assert [message.text for message in bench.models.asked[-1]][-3:] == ["text 2 🦊", "text 3 🦊", "And then?"]
    bench.models.script = ["Once more."]
    await say(conversation.regenerate(conversation.head_node))
    assert tree(store).texts[-2:] == ["And then?", "Once more."]
    # From the middle, and beside the other branch's answer.
    (middle,) = {path[1].node_id for path in tree(store).paths}
    await conversation.go_to(middle)
    bench.models.script = ["From the fork."]
    await say(conversation.send("A third way?"))
    assert tree(store).texts == ["text 0 🦊", "text 1 🦊", "A third way?", "From the fork."]
    await conversation.go_to(None)
    bench.models.script = ["Of a new start."]
    await say(conversation.send("A new start?"))
    assert tree(store).texts == ["A new start?", "Of a new start."]
    await agrees(store)
    # And the source may still add to it.
    await plant(store, thread([None, 0, 1, 2, 1, 4, 3, 6], active=7))
    assert tree(store).texts == ["A new start?", "Of a new start."]
    await agrees(store)


@pytest.mark.parametrize("number", [1, 2, 4])
async def test_purging_a_message_leaves_nothing_of_it(bench: Bench, number: int) -> None:
    """One with messages below it, one that was added to its parent later, and one that is the only answer."""
    store = bench.library.store
    await plant(store, thread([None, 0]))
    await plant(store, thread([None, 0, 0, 1, 3]))
    found = tree(store)
    gone = next(message for path in found.paths for message in path if message.text == f"text {number} 🦊")
    await bench.library.conversation(found.thread.thread_id).upkeep.purge(gone.node_id)
    assert gone.text not in [text for path in tree(store).branches for text in path]
    await agrees(store)
    assert gone.text.encode() not in store.path.read_bytes()


async def test_cancelling_leaves_whole_threads_and_the_next_run_completes(store: Store) -> None:
    items = [("chatgpt", thread([None, 0, 1, 2], key=f"key {number}", title=str(number))) for number in range(1000)]

    def interrupted() -> Any:
        yield from items[:800]
        raise KeyboardInterrupt

    importing = Import(store, fold_messages, SNAPSHOT_FREQUENCY, owner=None, default="default")
    with pytest.raises(KeyboardInterrupt):
        await importing.run("chatgpt", interrupted())
    written = trees(store)
    assert 0 < len(written) < 800
    assert importing.report.new_threads == len(written)
    assert {found.thread.message_count for found in written} == {4}
    assert {found.thread.title for found in written} <= {str(number) for number in range(800)}
    assert store.stale() == []
    again = Import(store, fold_messages, SNAPSHOT_FREQUENCY, owner=None, default="default")
    report = await again.run("chatgpt", iter(items))
    assert (report.threads, report.new_threads) == (1000, 1000 - len(written))


async def test_an_error_in_the_middle_of_a_transaction_leaves_nothing(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*arguments: object) -> None:
        raise OSError("no room")

    monkeypatch.setattr(store.threads, "settle_head", fails)
    with pytest.raises(OSError, match="no room"):
        await plant(store, thread([None, 0]))
    with store.database.reading() as connection:
        for table in ("checkpoints", "writes", "chatui_threads", "chatui_messages", "chatui_checkpoints"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 0, table


async def test_a_thread_that_cannot_be_kept_is_told_of_and_the_rest_goes_on(store: Store) -> None:
    bad = thread([None], key="bad")
    bad.messages[0].message = HumanMessage("hi", additional_kwargs={"what": object()})  # what no serializer takes
    bad.where = "element 7"
    importing = await plant(
        store, thread([None, 0]), bad, Skipped("element 8", "It is broken."), thread([None], key="three")
    )
    assert sorted(skipped.where for skipped in importing.report.skipped) == ["element 7", "element 8"]
    assert len(trees(store)) == 2


async def test_the_same_thread_twice_in_one_source_is_one(store: Store) -> None:
    report = (await plant(store, thread([None, 0]), thread([None, 0, 1, 2]))).report
    assert (report.threads, report.new_threads, report.new_messages) == (1, 1, 4)
    assert tree(store).texts[-1] == "text 3 🦊"


async def test_halves_of_surrogate_pairs_are_no_obstacle(store: Store) -> None:
    hostile = thread([None, 0])
    hostile.messages[1].text = "a\ud83d b"
    hostile.title = "t\udc00itle"
    await plant(store, hostile)
    assert tree(store).texts[1] == "a? b"
    assert tree(store).thread.title == "title"


async def test_a_thread_of_any_length_and_depth(store: Store) -> None:
    count = 3000
    await plant(store, thread([None, *range(count - 1)]))
    found = tree(store)
    assert found.thread.message_count == count
    graph = build_graph(never, await store.saver())
    state = await graph.aget_state(at(found.thread.thread_id, found.active[-1].checkpoint_id))
    assert [message.text for message in state.values["messages"]] == found.texts


def test_messages_are_put_in_order_and_circles_are_broken() -> None:
    listed = [
        SourceMessage(id="c", parent="b"),
        SourceMessage(id="b", parent="a"),
        SourceMessage(id="a"),
        SourceMessage(id="x", parent="y"),
        SourceMessage(id="y", parent="x"),
        SourceMessage(id="orphan", parent="gone"),
        SourceMessage(id="self", parent="self"),
    ]
    ordered = in_order(listed)
    assert [message.id for message in ordered] == ["a", "b", "c", "orphan", "self", "x", "y"]
    places = {message.id: number for number, message in enumerate(ordered)}
    assert all(message.parent is None or places[message.parent] < places[message.id] for message in ordered)


def test_many_messages_are_put_in_order_without_recursion() -> None:
    listed = [SourceMessage(id=str(n), parent=str(n - 1) if n else None) for n in range(50_000)]
    assert in_order(reversed(listed)) == listed
