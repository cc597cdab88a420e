"""What goes out comes in again: the same tree, whatever is in it."""

from __future__ import annotations

import asyncio
import json
import tempfile
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage, messages_from_dict

from chatui.conversation.state import SNAPSHOT_FREQUENCY, fold_messages
from chatui.storage import Store
from chatui.storage.planting import Plot, Seedling
from chatui.storage.records import now
from chatui.transfer.export import FORMATS, Exported, exported, pieces
from tests.transfer.importing import states, take_in

SCRIPTS = [
    "Hello",
    "天気はどう？",
    "مرحبا بالعالم",
    "שלום",
    "Привет",
    "👩‍👩‍👧‍👦 🏳️‍🌈 é",
    "नमस्ते",
    '</script><b onclick="x()">',
    "a\n\n# b\n```",
    "\u2028\x85\x7f",
]
TEXTS = st.one_of(st.sampled_from(SCRIPTS), st.text(st.characters(exclude_categories=["Cs"]), max_size=40))


@st.composite
def messages(draw: st.DrawFn, number: int) -> BaseMessage:
    kind = draw(st.sampled_from(["human", "ai", "ai", "tool", "system"]))
    text, own = draw(TEXTS), f"m{number}"
    if kind == "human":
        blocks: list[str | dict[str, Any]] = [{"type": "text", "text": text}]
        return HumanMessage(blocks if draw(st.booleans()) else text, id=own)
    if kind == "tool":
        return ToolMessage(
            text, id=own, tool_call_id="call", name="search", status=draw(st.sampled_from(["success", "error"]))
        )
    if kind == "system":
        return SystemMessage(text, id=own)
    calls = [{"name": "search", "args": {"q": text, "n": 3}, "id": "call"}] if draw(st.booleans()) else []
    return AIMessage(
        text,
        id=own,
        tool_calls=calls,
        additional_kwargs={"reasoning_content": draw(TEXTS)} if draw(st.booleans()) else {},
        usage_metadata={"input_tokens": 1, "output_tokens": 2, "total_tokens": 3} if draw(st.booleans()) else None,
        response_metadata={
            "chatui": {"model": "ollama:x", "seconds": 1.5, "attachments": [text]},
            "done_reason": "stop",
        },
    )


@st.composite
def forests(draw: st.DrawFn) -> list[Seedling]:
    size = draw(st.integers(1, 9))
    seedlings = []
    for number in range(size):
        parent = draw(st.one_of(st.none(), st.integers(0, number - 1))) if number else None
        seedlings.append(Seedling(draw(messages(number)), parent, now()))
    return seedlings


async def plant(store: Store, seedlings: list[Seedling], thread_id: str = "tree") -> list[str]:
    saver = await store.saver()
    await saver.setup()
    async with store.database.transaction() as connection:
        plot = Plot(store.index(fold_messages), connection, thread_id, owner="ada", frequency=SNAPSHOT_FREQUENCY)
        planted = await plot.sow(seedlings)
        await plot.write()
        await store.threads.settle_head(connection, thread_id, planted.checkpoints[-1], planted.nodes[-1])
    return planted.nodes


def out(store: Store, thread_id: str = "tree") -> Exported:
    thread = store.threads.get(thread_id)
    assert thread is not None
    return exported(store, fold_messages, thread, store.threads.head(thread_id)[1] or "")


def compared(store: Store, thread_id: str = "tree") -> Any:
    """All of a thread that has to be the same in another file."""
    whole = out(store, thread_id)
    entries = [
        (
            msgspec.structs.replace(entry.message, checkpoint_id=None),
            without_time(entry.original),
            entry.deleted,
            entry.hidden,
        )
        for entry in whole.entries
    ]
    thread = msgspec.structs.replace(whole.thread, active_checkpoint_id=None, updated_at="")
    return thread, entries, whole.head, whole.named, whole.system_prompt, whole.settings


def without_time(message: BaseMessage) -> BaseMessage:
    """A message without the time that an import writes into it, where it only stood in the checkpoint."""
    facts = {
        key: value
        for key, value in message.response_metadata.get("chatui", {}).items()
        if key not in ("created_at", "model")
    }
    return message.model_copy(update={"response_metadata": {**message.response_metadata, "chatui": facts}})


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(forests(), st.sampled_from(["json", "jsonl"]), st.data())
def test_a_tree_is_the_same_in_another_file(seedlings: list[Seedling], kind: str, data: st.DataObject) -> None:
    async def there_and_back(folder: Path, one: Store, other: Store) -> None:
        nodes = await plant(one, seedlings)
        async with one.database.transaction() as connection:
            await one.marks.star(connection, "tree", data.draw(st.sampled_from(nodes)), True)
            await one.marks.name(connection, "tree", data.draw(st.sampled_from(nodes)), "left turn")
            if data.draw(st.booleans()):
                await one.marks.delete(connection, "tree", data.draw(st.sampled_from(nodes)))
            title = {
                "title": "Ein Baum",
                "title_by": "user",
                "pinned": 1,
                "system_prompt": "Be kind.",
                "model": "ollama:y",
            }
            await one.threads.update(connection, "tree", **title)
            await one.settings.change(connection, "thread", "tree", temperature=0.5)
        file = folder / f"out.{kind}"
        file.write_text("".join(pieces(kind, [out(one)])), encoding="utf-8", newline="")
        report = await take_in(other, file)
        assert (report.kind, report.new_messages, report.skipped) == ("chatui", len(set(nodes)), [])
        assert compared(other) == compared(one)
        for store in (one, other):  # importing again, and into the file that it came from, adds nothing
            assert (await take_in(store, file)).new_messages == 0
        assert compared(other) == compared(one)
        read = await states(other, "tree")
        for entry in out(other).entries:
            if not entry.hidden:
                assert read[entry.message.node_id][-1] == entry.original

    async def run(folder: Path) -> None:
        one, other = Store.open(folder / "one.db"), Store.open(folder / "other.db")
        try:
            await there_and_back(folder, one, other)
        finally:
            await one.close()
            await other.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run(Path(folder)))


async def test_messages_are_those_of_langchain(store: Store) -> None:
    said: list[BaseMessage] = [HumanMessage("Hi", id="a"), AIMessage("Hello", id="b"), AIMessage("Hey", id="c")]
    await plant(store, [Seedling(said[0], None, now()), Seedling(said[1], 0, now()), Seedling(said[2], 0, now())])
    document = "".join(pieces("messages", [out(store)]))
    assert messages_from_dict(json.loads(document)) == [said[0], said[2]]
    both = json.loads("".join(pieces("messages", [out(store)], all_branches=True)))
    assert [messages_from_dict(branch) for branch in both.values()] == [[said[0], said[2]], [said[0], said[1]]]


@pytest.mark.parametrize("kind", FORMATS)
def test_no_thread_at_all_is_a_document_too(kind: str) -> None:
    document = "".join(pieces(kind, []))
    assert kind not in ("json", "messages") or json.loads(document) == []


async def test_a_newer_form_is_skipped(store: Store, tmp_path: Path) -> None:
    file = tmp_path / "new.json"
    file.write_text('[{"chatui": 2, "thread": {"thread_id": "x"}, "messages": []}]')
    report = await take_in(store, file)
    assert [skipped.why for skipped in report.skipped] == ["A newer chatui wrote it."]


async def test_a_page_holds_every_branch_and_nothing_that_runs(store: Store) -> None:
    evil = '</div><script>alert(1)</script><img src="https://x.test/a">'
    said = [HumanMessage(evil, id="a"), AIMessage("old", id='"><b>'), AIMessage(evil, id="c")]
    await plant(store, [Seedling(said[0], None, now()), Seedling(said[1], 0, now()), Seedling(said[2], 0, now())])
    page = "".join(pieces("html", [out(store)]))
    assert page.count("<script>") == 1
    assert "<img" not in page
    assert page.count("&lt;script&gt;alert(1)") == 3  # twice as messages and once as the title
    assert page.count("<article") == 3
    assert page.count(" hidden>") == 1  # the answer that is not on the active branch
    assert "1/2" in page
    assert "2/2" in page
    assert "default-src 'none'" in page
