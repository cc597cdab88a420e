"""Other programs' files: opened in place, of every generation, and left as they were until somebody says something in them."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any, TypedDict, cast

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.message import add_messages

from chatui.config import Config
from chatui.conversation.library import Library
from chatui.errors import NotADatabase, ReadOnlyDatabase, SchemaChange
from chatui.storage import Store
from chatui.text import clean_line
from tests.conversation.conftest import run, say
from tests.scripted import ScriptedModels

DATA = Path(__file__).parents[1] / "data" / "imports"
FIXTURES = ["langgraph-0.4.8_sqlite-2.0.10", "langgraph-1.2.22_sqlite-3.1.2"]


class Guest:
    """A copy of another program's file, opened by chatui."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.models = ScriptedModels()
        self.libraries: list[Library] = []

    async def open(self, *, read_only: bool = False) -> Library:
        store = Store.open(self.path, read_only=read_only)
        library = Library(store, cast("Any", self.models), Config())
        self.libraries.append(library)
        async for _ in library.catch_up():
            pass
        return library

    async def close(self) -> None:
        for library in self.libraries:
            await library.close()
        self.libraries.clear()

    def digest(self) -> str:
        return hashlib.sha256(self.path.read_bytes()).hexdigest()

    def tables(self) -> list[tuple[str]]:
        connection = sqlite3.connect(self.path)
        try:
            return connection.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY name").fetchall()
        finally:
            connection.close()


@pytest.fixture
async def guests(tmp_path: Path) -> AsyncIterator[list[Guest]]:
    guests: list[Guest] = []
    yield guests
    for guest in guests:
        await guest.close()


@pytest.fixture(params=FIXTURES)
def fixture(request: pytest.FixtureRequest, tmp_path: Path, guests: list[Guest]) -> tuple[Guest, dict[str, Any]]:
    source = DATA / request.param
    shutil.copy(source / "checkpoints.sqlite", tmp_path / "checkpoints.sqlite")
    guest = Guest(tmp_path / "checkpoints.sqlite")
    guests.append(guest)
    return guest, json.loads((source / "EXPECTED.json").read_text())


def folded(text: str) -> str:
    """What a screen may show of it, with runs of white space as one."""
    return clean_line(text)


@pytest.mark.parametrize("read_only", [False, True])
async def test_it_shows_what_is_in_there_and_leaves_it_as_it_was(
    fixture: tuple[Guest, dict[str, Any]], read_only: bool
) -> None:
    guest, expected = fixture
    before = guest.digest()
    library = await guest.open(read_only=read_only)
    threads = {thread.thread_id: thread for thread in library.threads()}
    assert set(threads) == {thread["thread_id"] for thread in expected["threads"]}
    for wanted in expected["threads"]:
        thread = threads[wanted["thread_id"]]
        assert thread.user == wanted["user"]
        assert thread.title == wanted["title"]
        conversation = library.conversation(thread.thread_id)
        node = conversation.at(wanted["leaf_checkpoint_id"])
        assert node is not None
        path = conversation.path(node)
        assert [(m.role, folded(m.text)) for m in path] == [(m["role"], folded(m["text"])) for m in wanted["messages"]]
        assert [m.message_id for m in path] == [m["id"] for m in wanted["messages"]]
    await guest.close()
    assert guest.digest() == before


async def test_every_branch_is_there(fixture: tuple[Guest, dict[str, Any]]) -> None:
    guest, expected = fixture
    library = await guest.open()
    assert expected["branches"]
    for branch in expected["branches"]:
        conversation = library.conversation(branch["thread_id"])
        node = conversation.at(branch["leaf_checkpoint_id"])
        assert node is not None
        path = conversation.path(node)
        assert [folded(m.text) for m in path] == [folded(m["text"]) for m in branch["messages"]]
        assert node not in {message.parent_id for message in conversation.tree()}, "a leaf has something below it"
    # The main path and each branch end in a leaf of their own, and there is no other.
    assert library.thread("bob/fork").branch_count == 1 + len(expected["branches"])


async def test_heads_and_titles_of_ours_lie_beside_it(fixture: tuple[Guest, dict[str, Any]]) -> None:
    guest, _ = fixture
    before = guest.digest()
    library = await guest.open(read_only=True)
    conversation = library.conversation("bob/fork")
    first = conversation.branch()[0]
    await conversation.go_to(first.node_id)
    await library.rename("bob/fork", "Mine")
    with pytest.raises(ReadOnlyDatabase):
        await run(conversation.send("No"))
    await guest.close()
    library = await guest.open()
    assert library.thread("bob/fork").title == "Mine"
    assert library.conversation("bob/fork").head_node == first.node_id
    await guest.close()
    assert guest.digest() == before


async def test_a_turn_writes_langgraph_s_rows_only(fixture: tuple[Guest, dict[str, Any]]) -> None:
    guest, _ = fixture
    library = await guest.open()
    conversation = library.conversation("alice/trip")
    tables = guest.tables()
    if "2.0.10" not in str(guest.path) and not any("task_path" in sql for (sql,) in tables):
        before = guest.digest()
        with pytest.raises(SchemaChange, match="task_path"):
            await run(conversation.send("More?"))
        await guest.close()
        assert guest.digest() == before
        library = await guest.open()
        conversation = library.conversation("alice/trip")
        await library.allow_schema_change()
        tables = guest.tables()
    length = len(conversation.branch())
    await say(conversation.send("More?"))
    await say(conversation.regenerate(conversation.head_node))
    assert len(conversation.branch()) == length + 2
    assert guest.tables() == tables, "tables of ours in another program's file"
    assert await library.check() == []
    await guest.close()
    # The program it belongs to goes on from there, with its own kind of state.
    assert await continue_in_langgraph(guest.path, "alice/trip", "messages") == length + 2 + 2


async def continue_in_langgraph(path: Path, thread_id: str, channel: str) -> int:
    """Take one more turn in a plain graph with `add_messages`, as its owner would; returns the number of messages."""
    state = TypedDict("state", {channel: Annotated[list[AnyMessage], add_messages]})  # type: ignore[misc]
    builder: Any = StateGraph(state)
    builder.add_node("model", lambda values: {channel: [AIMessage("plain")]})
    builder.add_edge(START, "model")
    builder.add_edge("model", END)
    async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
        graph = builder.compile(checkpointer=saver)
        config = {"configurable": {"thread_id": thread_id}}
        return len((await graph.ainvoke({channel: [HumanMessage("go on")]}, config))[channel])


async def test_other_names_and_other_state_are_kept(tmp_path: Path, guests: list[Guest]) -> None:
    path = tmp_path / "other.db"

    class State(TypedDict):
        history: Annotated[list[AnyMessage], add_messages]
        mood: str

    builder: Any = StateGraph(State)
    builder.add_node("agent", lambda state: {"history": [AIMessage("Hello.", id="a")], "mood": "fine"})
    builder.add_edge(START, "agent")
    builder.add_edge("agent", END)
    async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
        graph = builder.compile(checkpointer=saver)
        config = {"configurable": {"thread_id": "t"}, "metadata": {"user_id": "zoe"}}
        await graph.ainvoke({"history": [HumanMessage("Hi", id="h")]}, config)
    guest = Guest(path)
    guests.append(guest)
    library = await guest.open()
    assert library.threads()[0].user == "zoe"
    conversation = library.conversation("t")
    assert [message.text for message in conversation.branch()] == ["Hi", "Hello."]
    await say(conversation.send("And?"))
    new = library.conversation()
    await say(new.send("Fresh"))
    head = conversation.head()
    assert head is not None
    assert head.checkpoint_id is not None
    assert (await conversation.upkeep.state(head.checkpoint_id))["mood"] == "fine"
    await guest.close()
    async with AsyncSqliteSaver.from_conn_string(str(path)) as saver:
        graph = builder.compile(checkpointer=saver)
        state = await graph.aget_state({"configurable": {"thread_id": "t"}})
        assert [message.text for message in state.values["history"]] == ["Hi", "Hello.", "And?", "Hello there."]
        assert state.values["mood"] == "fine"
    assert await continue_in_langgraph(path, new.thread_id, "history") == 4


def make_generation_0_1(path: Path) -> None:
    """A file as langgraph 0.1.19 wrote it: ids in thread_ts, everything JSON in LangChain's constructor form."""
    connection = sqlite3.connect(path)
    connection.executescript("""
        CREATE TABLE checkpoints (thread_id TEXT NOT NULL, thread_ts TEXT NOT NULL, parent_ts TEXT, checkpoint BLOB,
            metadata BLOB, PRIMARY KEY (thread_id, thread_ts));
        CREATE TABLE writes (thread_id TEXT NOT NULL, thread_ts TEXT NOT NULL, task_id TEXT NOT NULL, idx INTEGER NOT NULL,
            channel TEXT NOT NULL, value BLOB, PRIMARY KEY (thread_id, thread_ts, task_id, idx));""")

    def message(kind: str, text: str) -> dict[str, Any]:
        name = {"human": "HumanMessage", "ai": "AIMessage"}[kind]
        place = ["langchain", "schema", "messages", name]
        return {"lc": 1, "type": "constructor", "id": place, "kwargs": {"content": text, "type": kind, "id": text}}

    ids = [f"1ef1000{number}-0000-6000-8000-000000000000" for number in range(4)]
    lists = [[], ["hi"], ["hi", "hello"], ["hi", "hey"]]
    for number, parent in [(0, None), (1, 0), (2, 1), (3, 1)]:
        messages = [message("human" if place == 0 else "ai", text) for place, text in enumerate(lists[number])]
        checkpoint = {
            "v": 1,
            "id": ids[number],
            "ts": f"2024-07-0{number + 1}T10:00:00+00:00",
            "channel_values": {"messages": messages} if messages else {},
            "channel_versions": {"messages": f"{number + 1:032}.x", "__start__": f"{1:032}.x"},
            "versions_seen": {},
            "pending_sends": [],
        }
        metadata = {"source": "loop", "step": number, "writes": {"agent": messages}}
        row = (
            "old",
            ids[number],
            None if parent is None else ids[parent],
            json.dumps(checkpoint),
            json.dumps(metadata),
        )
        connection.execute("INSERT INTO checkpoints VALUES (?, ?, ?, ?, ?)", row)
    value = json.dumps([message("ai", "hello")])
    connection.execute("INSERT INTO writes VALUES ('old', ?, 'task', 0, 'messages', ?)", (ids[1], value))
    connection.commit()
    connection.close()


async def test_the_oldest_generation(tmp_path: Path, guests: list[Guest]) -> None:
    make_generation_0_1(tmp_path / "old.db")
    guest = Guest(tmp_path / "old.db")
    guests.append(guest)
    before = guest.digest()
    library = await guest.open()
    conversation = library.conversation("old")
    assert [(m.text, m.alternatives) for m in conversation.tree()] == [("hi", 1), ("hello", 2), ("hey", 2)]
    assert [m.text for m in conversation.branch()] == ["hi", "hey"]
    with pytest.raises(SchemaChange, match="checkpoints_0_1"):
        await run(conversation.send("again"))
    await guest.close()
    assert guest.digest() == before
    library = await guest.open()
    await library.allow_schema_change()
    conversation = library.conversation("old")
    await say(conversation.send("again"))
    assert [m.text for m in conversation.branch()] == ["hi", "hey", "again", "Hello there."]
    assert [str(m.text) for m in guest.models.asked[-1]] == ["hi", "hey", "again"]
    assert await library.check() == []
    await guest.close()
    assert await continue_in_langgraph(guest.path, "old", "messages") == 6
    connection = sqlite3.connect(guest.path)
    assert connection.execute("SELECT count(*) FROM checkpoints_0_1").fetchone() == (4,)
    connection.close()


async def test_the_first_generation_of_its_own_package(tmp_path: Path, guests: list[Guest]) -> None:
    """checkpoint-sqlite 1.0.0: the tables of today without task_path, everything still JSON."""
    make_generation_0_1(tmp_path / "older.db")
    connection = sqlite3.connect(tmp_path / "older.db")
    connection.executescript("""
        ALTER TABLE checkpoints RENAME TO old_checkpoints;
        ALTER TABLE writes RENAME TO old_writes;
        CREATE TABLE checkpoints (thread_id TEXT NOT NULL, checkpoint_ns TEXT NOT NULL DEFAULT '', checkpoint_id TEXT NOT NULL,
            parent_checkpoint_id TEXT, type TEXT, checkpoint BLOB, metadata BLOB,
            PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id));
        CREATE TABLE writes (thread_id TEXT NOT NULL, checkpoint_ns TEXT NOT NULL DEFAULT '', checkpoint_id TEXT NOT NULL,
            task_id TEXT NOT NULL, idx INTEGER NOT NULL, channel TEXT NOT NULL, type TEXT, value BLOB,
            PRIMARY KEY (thread_id, checkpoint_ns, checkpoint_id, task_id, idx));
        INSERT INTO checkpoints SELECT thread_id, '', thread_ts, parent_ts, 'json', checkpoint, metadata FROM old_checkpoints;
        INSERT INTO writes SELECT thread_id, '', thread_ts, task_id, idx, channel, 'json', value FROM old_writes;
        DROP TABLE old_checkpoints;
        DROP TABLE old_writes;""")
    connection.close()
    guest = Guest(tmp_path / "older.db")
    guests.append(guest)
    before = guest.digest()
    library = await guest.open(read_only=True)
    conversation = library.conversation("old")
    assert [(m.text, m.alternatives) for m in conversation.tree()] == [("hi", 1), ("hello", 2), ("hey", 2)]
    await guest.close()
    assert guest.digest() == before
    library = await guest.open()
    await library.allow_schema_change()
    conversation = library.conversation("old")
    await say(conversation.send("again"))
    assert [m.text for m in conversation.branch()] == ["hi", "hey", "again", "Hello there."]
    await guest.close()
    assert await continue_in_langgraph(guest.path, "old", "messages") == 6


async def test_messages_in_short_forms_are_messages(tmp_path: Path, guests: list[Guest]) -> None:
    """A graph with our own kind of state, driven by plain LangGraph code that writes pairs and dicts."""
    from chatui.conversation.state import ChatState
    from chatui.storage.checkpoints import serializer

    guest = Guest(tmp_path / "chatui.db")
    guests.append(guest)
    library = await guest.open()
    conversation = library.conversation()
    await say(conversation.send("Hi"))
    await guest.close()
    builder: Any = StateGraph(ChatState)
    builder.add_node("model", lambda state: {"messages": {"role": "assistant", "content": "plain"}})
    builder.add_edge(START, "model")
    builder.add_edge("model", END)
    async with AsyncSqliteSaver.from_conn_string(str(guest.path)) as saver:
        saver.serde = serializer()
        graph = builder.compile(checkpointer=saver)
        config = {"configurable": {"thread_id": conversation.thread_id}}
        await graph.ainvoke({"messages": [("human", "short")]}, config)
        expected = [m.text for m in (await graph.aget_state(config)).values["messages"]]
    library = await guest.open()
    conversation = library.conversation(conversation.thread_id)
    leaf = max(conversation.tree(), key=lambda message: message.depth)
    assert [m.text for m in conversation.path(leaf.node_id)] == expected
    assert expected[2:] == ["short", "plain"]


async def test_subgraphs_are_left_out(tmp_path: Path, guests: list[Guest]) -> None:
    path = tmp_path / "copy.sqlite"
    shutil.copy(DATA / FIXTURES[1] / "checkpoints.sqlite", path)
    connection = sqlite3.connect(path)
    connection.execute("""INSERT INTO checkpoints SELECT thread_id, 'inner:1', checkpoint_id, parent_checkpoint_id, type,
        checkpoint, metadata FROM checkpoints WHERE thread_id = 'bob/code'""")
    connection.commit()
    connection.close()
    guest = Guest(path)
    guests.append(guest)
    library = await guest.open()
    assert len(library.threads()) == 6
    assert library.stale() == 0


def test_a_file_with_other_tables_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE notes (text)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(NotADatabase, match="another program's"):
        Store.open(path)
    assert path.read_bytes() == before


async def test_what_is_purged_is_gone_from_another_program_s_file_too(fixture: tuple[Guest, dict[str, Any]]) -> None:
    guest, _ = fixture
    library = await guest.open()
    store = library._store
    if store.database.generation() != "today":
        with pytest.raises(SchemaChange):
            await library.purge("bob/fork")
        await library.allow_schema_change()
    await (await store.database.writer()).execute("PRAGMA theirs.secure_delete=OFF")
    assert b"Once upon a time there was a fox" in guest.path.read_bytes()
    await library.purge("bob/fork")
    await guest.close()
    assert b"Once upon a time there was a fox" not in guest.path.read_bytes()
    connection = sqlite3.connect(guest.path)
    assert connection.execute("SELECT count(DISTINCT thread_id) FROM checkpoints").fetchone() == (5,)
    connection.close()
