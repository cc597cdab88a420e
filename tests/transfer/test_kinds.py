"""Kinds and generations without a fixture: files made here to the shapes that their programs write."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from langchain_core.load import dumpd
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage

from chatui.conversation.state import fold_messages
from chatui.errors import UsageError
from chatui.storage import Store
from chatui.storage.checkpoints import serializer
from chatui.storage.index import FACTS
from chatui.transfer.export import exported, pieces
from chatui.transfer.records import iso
from chatui.transfer.sources import detect, split
from tests.transfer.importing import DATA, states, take_in, tree, trees


def wrote(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value), encoding="utf-8")
    return path


def database(path: Path, script: str, *rows: tuple[str, tuple[Any, ...]]) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)
        for table, values in rows:
            connection.execute(f"INSERT INTO {table} VALUES ({', '.join('?' * len(values))})", values)
        connection.commit()
    return path


# Open WebUI


def webui(id_: str, parent: str | None, role: str, content: str, time: int, **more: Any) -> dict[str, Any]:
    return {
        "id": id_,
        "parentId": parent,
        "childrenIds": [],
        "role": role,
        "content": content,
        "timestamp": time,
        **more,
    }


THOUGHT = """<details type="reasoning" done="true" duration="3">
<summary>Thought for 3 seconds</summary>
> Hm &amp; well.
</details>
"""


def webui_chat() -> dict[str, Any]:
    messages = {
        "a2": webui("a2", "u1", "assistant", "Second answer", 1_700_000_020, model="llama3:8b"),
        "u1": webui("u1", None, "user", "Hello", 1_700_000_000, files=[{"type": "image", "name": "cat.png"}]),
        "a1": webui("a1", "u1", "assistant", THOUGHT + "First answer", 1_700_000_010, model="llama3:8b"),
        "u2": webui("u2", "a1", "user", "More", 1_700_000_030),
    }
    return {"title": "Cats", "models": ["llama3:8b"], "history": {"messages": messages, "currentId": "a2"}}


@pytest.mark.parametrize("form", ["list", "legacy"])
async def test_openwebui(form: str, tmp_path: Path, store: Store) -> None:
    chat = webui_chat()
    outer = {
        "id": "chat-1",
        "user_id": "user-9",
        "title": "Cats",
        "chat": chat,
        "archived": True,
        "created_at": 1_700_000_000,
    }
    report = await take_in(store, wrote(tmp_path / "export.json", [outer] if form == "list" else chat))
    assert report.kind == "openwebui"
    found = tree(store)
    hello = "Hello\n📎 cat.png"
    assert found.texts == [hello, "Second answer"]
    assert sorted(found.branches) == [[hello, "First answer", "More"], [hello, "Second answer"]]
    first = next(path[1] for path in found.paths if path[1].text == "First answer")
    assert first.reasoning == "Hm & well."
    assert (first.model, first.created_at) == ("llama3:8b", "2023-11-14T22:13:30.000Z")
    assert found.thread.title == "Cats"
    assert (found.thread.user, found.thread.archived) == (("user-9", True) if form == "list" else ("default", False))
    said = (await states(store, found.thread.thread_id))[found.active[0].node_id]
    assert said[0].response_metadata[FACTS]["attachments"] == ["cat.png"]
    thread = exported(store, fold_messages, found.thread, "")
    for form in ("md", "html", "json", "jsonl"):
        assert "cat.png" in "".join(pieces(form, [thread])), form
    assert "\nHello\n📎 cat.png\n" in "".join(pieces("md", [thread]))


# SillyTavern


async def test_sillytavern(tmp_path: Path, store: Store) -> None:
    header = {
        "user_name": "Ada",
        "character_name": "Seraphina",
        "create_date": "2024-05-01@10h00m00s",
        "chat_metadata": {"integrity": "5f0c"},
    }
    lines = [
        header,
        {
            "name": "Seraphina",
            "is_user": False,
            "is_system": False,
            "send_date": "May 1, 2024 10:00am",
            "mes": "You wake.",
        },
        {"name": "Ada", "is_user": True, "is_system": False, "send_date": 1_714_557_660_000, "mes": "Where am I?"},
        {
            "name": "Seraphina",
            "is_user": False,
            "is_system": False,
            "send_date": "2024-05-01@10h02m03s",
            "mes": "In a glade.",
            "swipe_id": 1,
            "swipes": ["In a cave.", "In a glade."],
            "swipe_info": [
                {"send_date": "2024-05-01@10h02m00s", "extra": {"model": "mistral", "reasoning": "A cave?"}},
                {"send_date": "2024-05-01@10h02m03s", "extra": {}},
            ],
            "extra": {"model": "mistral"},
        },
        {"name": "Ada", "is_user": True, "is_system": False, "send_date": "x", "mes": "Thanks."},
    ]
    path = tmp_path / "Seraphina - 2024.jsonl"
    # Its writer ends a file without a line break; a line that it broke is told of.
    path.write_text(
        "\n".join([*map(json.dumps, lines[:3]), '{"name": "Sera', *map(json.dumps, lines[3:])]), encoding="utf-8"
    )
    report = await take_in(store, path)
    assert report.kind == "sillytavern"
    assert [skipped.where for skipped in report.skipped] == ["Seraphina - 2024.jsonl, line 4"]
    found = tree(store)
    assert found.texts == ["You wake.", "Where am I?", "In a glade.", "Thanks."]
    assert found.branches[0] == ["You wake.", "Where am I?", "In a cave."]
    assert [message.role for message in found.active] == ["assistant", "user", "assistant", "user"]
    assert [message.created_at for message in found.active] == [
        "2024-05-01T10:00:00.000Z",
        "2024-05-01T10:01:00.000Z",
        "2024-05-01T10:02:03.000Z",
        "2024-05-01T10:02:03.000Z",
    ]
    cave = found.paths[0][2]
    assert (cave.model, cave.reasoning) == ("mistral", "A cave?")


# LangChain


async def test_langchain_messages_of_the_first_generation(tmp_path: Path, store: Store) -> None:
    old = [
        {"type": "human", "data": {"content": "Hi", "additional_kwargs": {}, "type": "human", "example": False}},
        {"type": "ai", "data": {"content": "Hello", "additional_kwargs": {}, "type": "ai", "example": False}},
    ]
    report = await take_in(store, wrote(tmp_path / "alice.json", old))
    assert report.kind == "langchain-json"
    assert [(message.role, message.text) for message in tree(store).active] == [("user", "Hi"), ("assistant", "Hello")]
    assert tree(store).thread.title == "alice"
    # It goes on, and what comes is added where it belongs.
    wrote(tmp_path / "alice.json", [*old, old[0]])
    report = await take_in(store, tmp_path / "alice.json")
    assert (report.new_threads, report.new_messages) == (0, 1)
    assert tree(store).texts == ["Hi", "Hello", "Hi"]


async def test_a_user_in_the_folder_of_a_file(tmp_path: Path, store: Store) -> None:
    (tmp_path / "bob").mkdir()
    path = wrote(tmp_path / "bob" / "trip.json", [dumpd(HumanMessage("Hi"))])
    await take_in(store, path, split="{user}/{thread}")
    assert (tree(store).thread.user, tree(store).thread.title) == ("bob", "trip")


async def test_a_user_that_is_given_is_everyones(store: Store) -> None:
    path = DATA / "langgraph-1.2.22_sqlite-3.1.2" / "checkpoints.sqlite"
    await take_in(store, path, owner="eve")
    assert {found.thread.user for found in trees(store)} == {"eve"}


async def test_what_a_dump_names_is_never_constructed(tmp_path: Path, store: Store) -> None:
    evil = {"lc": 1, "type": "constructor", "id": ["os", "system"], "kwargs": {"content": "touch pwned"}}
    good = dumpd(SystemMessage("Be kind."))
    report = await take_in(store, wrote(tmp_path / "dump.json", [good, evil, dumpd(AIMessage("Yes."))]))
    assert tree(store).texts == ["Be kind.", "Yes."]
    (skipped,) = report.skipped
    assert skipped.where == "dump.json, message 2"


async def test_sessions_of_one_name_in_two_files_are_two_threads(tmp_path: Path, store: Store) -> None:
    schema = "CREATE TABLE message_store (id INTEGER PRIMARY KEY, session_id TEXT, message TEXT)"

    def row(id_: int, text: str) -> tuple[str, tuple[Any, ...]]:
        return "message_store", (id_, "chat", json.dumps({"type": "human", "data": {"content": text}}))

    one = database(tmp_path / "one.db", schema, row(1, "First"), ("message_store", (2, "chat", "{broken")))
    two = database(tmp_path / "two.db", schema, row(1, "Second"))
    report = await take_in(store, one)
    assert [skipped.where for skipped in report.skipped] == ["one.db, message_store, chat, row 2"]
    await take_in(store, two)
    # The same file under another name is the same.
    shutil.copy(one, tmp_path / "copied.db")
    again = await take_in(store, tmp_path / "copied.db")
    assert again.new_threads == 0
    assert sorted(found.texts[0] for found in trees(store)) == ["First", "Second"]


# LangGraph


def of_old(path: Path, schema: str, insert: str, tail: tuple[str, ...]) -> Path:
    """A LangGraph file of an old generation: JSON, and no users. The second prompt was edited once."""
    serde = serializer()
    said = [HumanMessage("Hi", id="h1"), AIMessage("Hello", id="a1"), HumanMessage("Go on", id="h2")]
    other = HumanMessage("Stop", id="h3")
    rows = [("1", None, said[:1]), ("2", "1", said[:2]), ("3", "2", said), ("4", "2", [*said[:2], other])]
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(schema)
        for id_, parent, messages in rows:
            checkpoint = {
                "v": 1,
                "ts": f"2024-06-0{id_}T00:00:00+00:00",
                "id": id_,
                "channel_values": {"chat_history": messages, "summary": "none"},
                "channel_versions": {},
                "versions_seen": {},
            }
            # Their JSON form has a message as its constructor, as the serializer of today still writes it.
            values = json.dumps(checkpoint, default=dumpd)
            metadata = json.dumps({"source": "loop", "step": int(id_), "owner": "zoe", "name": "Old times"})
            connection.execute(insert, ("t1", id_, parent, *tail, values.encode(), metadata.encode()))
        connection.commit()
    assert serde.loads_typed(("json", values.encode()))["channel_values"]["chat_history"][0].content == "Hi"
    return path


FIRST = """CREATE TABLE checkpoints (thread_id TEXT, thread_ts TEXT, parent_ts TEXT, checkpoint BLOB, metadata BLOB);
    CREATE TABLE writes (thread_id TEXT, thread_ts TEXT, task_id TEXT, idx INTEGER, channel TEXT, value BLOB)"""
SECOND = """CREATE TABLE checkpoints (thread_id TEXT, checkpoint_ns TEXT DEFAULT '', checkpoint_id TEXT,
        parent_checkpoint_id TEXT, type TEXT, checkpoint BLOB, metadata BLOB);
    CREATE TABLE writes (thread_id TEXT, checkpoint_ns TEXT, checkpoint_id TEXT, task_id TEXT, idx INTEGER, channel TEXT,
        type TEXT, value BLOB)"""


@pytest.mark.parametrize("generation", ["0.1", "1.0"])
async def test_langgraph_files_of_old_generations(generation: str, tmp_path: Path, store: Store) -> None:
    path = tmp_path / "old.sqlite"
    if generation == "0.1":
        of_old(path, FIRST, "INSERT INTO checkpoints VALUES (?, ?, ?, ?, ?)", ())
    else:
        insert = """INSERT INTO checkpoints (thread_id, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata)
            VALUES (?, ?, ?, ?, ?, ?)"""
        of_old(path, SECOND, insert, ("json",))
    before = path.read_bytes()
    report = await take_in(store, path, mapped={"user": "owner", "title": "name"})
    assert (report.kind, report.threads, report.messages, report.skipped) == ("langgraph", 1, 4, [])
    found = tree(store)
    # Of branches of one length the first is the active one.
    assert found.texts == ["Hi", "Hello", "Go on"]
    assert sorted(found.branches) == [["Hi", "Hello", "Go on"], ["Hi", "Hello", "Stop"]]
    assert (found.thread.user, found.thread.title) == ("zoe", "Old times")
    assert found.active[0].created_at == "2024-06-01T00:00:00.000Z"
    assert path.read_bytes() == before
    assert not path.with_name("old.sqlite-wal").exists()


async def test_a_langgraph_file_that_its_program_has_open(tmp_path: Path, store: Store) -> None:
    source = DATA / "langgraph-1.2.22_sqlite-3.1.2" / "checkpoints.sqlite"
    path = tmp_path / "live.sqlite"
    with closing(sqlite3.connect(path)) as live:
        live.execute("PRAGMA journal_mode=WAL")
        with closing(sqlite3.connect(f"{source.as_uri()}?mode=ro&immutable=1", uri=True)) as reading:
            script = "\n".join(reading.iterdump())
        live.executescript(script)
        live.commit()
        # All of it is in the log still.
        wal = path.with_name("live.sqlite-wal")
        before = path.read_bytes(), wal.read_bytes()
        report = await take_in(store, path)
        assert report.threads == 6
        assert (path.read_bytes(), wal.read_bytes()) == before


# oterm


async def test_oterm_of_old(tmp_path: Path, store: Store) -> None:
    schema = """CREATE TABLE chat (id INTEGER PRIMARY KEY, name TEXT, model TEXT NOT NULL, system TEXT, format TEXT,
            parameters TEXT, keep_alive INTEGER, tools TEXT);
        CREATE TABLE message (id INTEGER PRIMARY KEY, chat_id INTEGER, author TEXT, text TEXT)"""
    path = database(
        tmp_path / "store.db",
        schema,
        ("chat", (1, "chat #1", "llama3.2", "Be short.", "", "{}", 5, "[]")),
        ("chat", (2, "empty", "llama3.2", None, "", "{}", 5, "[]")),
        ("message", (1, 1, "user", "Hi")),
        ("message", (2, 1, "assistant", "Hello")),
    )
    report = await take_in(store, path)
    assert report.kind == "oterm"
    assert [skipped.where for skipped in report.skipped] == ["store.db, chat 2"]
    found = tree(store)
    assert found.texts == ["Hi", "Hello"]
    assert (found.thread.title, found.thread.model) == ("chat #1", "ollama:llama3.2")
    assert store.threads.system_prompt(found.thread.thread_id) == "Be short."


# llm


OLD_LLM = """CREATE TABLE conversations (id TEXT PRIMARY KEY, name TEXT, model TEXT);
    CREATE TABLE responses (id TEXT PRIMARY KEY, model TEXT, prompt TEXT, system TEXT, prompt_json TEXT, options_json TEXT,
        response TEXT, response_json TEXT, conversation_id TEXT, duration_ms INTEGER, datetime_utc TEXT{more});"""


def response(
    id_: str, prompt: str, answer: str, *more: Any, system: str = "", chat: str | None = "c1"
) -> tuple[str, Any]:
    time = f"2024-01-01T00:00:{int(id_[1:]):02}"
    return "responses", (id_, "gpt-4o", prompt, system, None, "{}", answer, None, chat, 1500, time, *more)


@pytest.mark.parametrize("more", ["", ", input_tokens INTEGER, output_tokens INTEGER, token_details TEXT"])
async def test_llm_of_old(more: str, tmp_path: Path, store: Store) -> None:
    tail = (7, 8, None) if more else ()
    path = database(
        tmp_path / "logs.db",
        OLD_LLM.format(more=more),
        ("conversations", ("c1", "Hi there", "gpt-4o")),
        response("r1", "Hi there", "Hello.", *tail, system="Be kind."),
        response("r2", "And?", "That is all.", *tail, system="Be kind."),
        response("r3", "Alone", "Yes.", *tail, chat=None),
    )
    report = await take_in(store, path)
    assert report.kind == "llm"
    first, alone = sorted(trees(store), key=lambda found: -found.thread.message_count)
    assert first.texts == ["Be kind.", "Hi there", "Hello.", "And?", "That is all."]
    assert [message.role for message in first.active] == ["system", "user", "assistant", "user", "assistant"]
    assert alone.texts == ["Alone", "Yes."]
    answer = first.active[2]
    assert (answer.model, answer.seconds, answer.created_at) == ("gpt-4o", 1.5, "2024-01-01T00:00:01.000Z")
    assert (answer.usage.total_tokens if answer.usage else None) == (15 if more else None)


async def test_both_schemas_of_llm_in_one_file(tmp_path: Path, store: Store) -> None:
    path = tmp_path / "logs.db"
    shutil.copy(DATA / "llm-0.36" / "logs.db", path)
    path.chmod(0o600)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("INSERT INTO conversations VALUES ('c1', 'Legacy', 'gpt-4o')")
        connection.execute(
            "INSERT INTO responses (id, prompt, response, conversation_id) VALUES ('r1', 'Old?', 'Old.', 'c1')"
        )
        connection.execute("INSERT INTO fragments (id, hash, content) VALUES (1, 'x', 'A long text.')")
        connection.execute("INSERT INTO prompt_fragments VALUES ('r1', 1, 0)")
        part = connection.execute("SELECT id FROM parts WHERE text = 'Make it sad'").fetchone()[0]
        connection.execute("INSERT INTO part_fragments VALUES (?, 1, 0)", (part,))
        connection.commit()
    await take_in(store, path)
    texts = [found.texts for found in trees(store)]
    assert ["A long text.\nOld?", "Old."] in texts
    assert any(path[2:3] == ["A long text.\nMake it sad"] for path in texts)
    assert len(texts) == 7


# ChatGPT and Claude


async def test_chatgpt_keeps_tools_reasoning_and_attachments(store: Store) -> None:
    await take_in(store, DATA / "chatgpt-export" / "conversations.json")
    found = next(found for found in trees(store) if "tools" in found.thread.title)
    prompt, call, result, answer = found.active
    said = (await states(store, found.thread.thread_id))[answer.node_id]
    assert said[0].response_metadata[FACTS]["attachments"] == ["file-service://file-abc123"]
    assert said[1].tool_calls[0]["name"] == "python"
    assert said[1].tool_calls[0]["args"] == {"input": "print(open('x').read())"}
    assert said[2].tool_call_id == said[1].tool_calls[0]["id"]
    assert (prompt.role, call.reasoning, result.text, answer.model) == (
        "user",
        "The user sent an image.",
        "pixel",
        "o3",
    )


async def test_parts_of_a_chatgpt_export_are_one(tmp_path: Path, store: Store) -> None:
    conversations = json.loads((DATA / "chatgpt-export" / "conversations.json").read_text(encoding="utf-8"))
    folder = tmp_path / "export"
    folder.mkdir()
    wrote(folder / "conversations-000.json", conversations[:2])
    wrote(folder / "conversations-001.json", conversations[1:])
    wrote(folder / "user.json", {"id": "user-1"})
    report = await take_in(store, folder)
    assert (report.kind, report.threads, report.new_threads) == ("chatgpt", 3, 3)
    assert [skipped.where for skipped in report.skipped] == ["conversations-001.json, element 1"]


async def test_claude_keeps_tools_thinking_and_attachments(store: Store) -> None:
    await take_in(store, DATA / "claude-export" / "conversations.json")
    found = next(found for found in trees(store) if found.texts[0].startswith("Summarise"))
    said = (await states(store, found.thread.thread_id))[found.active[-1].node_id]
    assert said[0].response_metadata[FACTS]["attachments"] == ["notes.txt", "pic.png"]
    assert said[0].additional_kwargs["attachment_texts"] == [{"name": "notes.txt", "text": "hello notes\n"}]
    assert said[1].additional_kwargs["tools"] == [{"name": "repl", "input": {"code": "1+1"}, "result": "2"}]
    assert found.active[1].reasoning == "Let me look."


async def test_a_broken_record_is_told_with_its_place_and_the_rest_goes_on(tmp_path: Path, store: Store) -> None:
    good = json.loads((DATA / "chatgpt-export" / "conversations.json").read_text(encoding="utf-8"))
    parts = [
        json.dumps(good[0]),
        '{"mapping": {"a": 01}}',
        '{"other": 1}',
        json.dumps({"mapping": {"x": 3}}),
        json.dumps(good[1]),
    ]
    path = tmp_path / "conversations.json"
    path.write_text("[" + ",".join(parts) + ', {"mapping": {"cut', encoding="utf-8")
    report = await take_in(store, path)
    assert report.new_threads == 2
    places = [skipped.where.removeprefix("conversations.json, ") for skipped in report.skipped]
    assert places == ["element 1", "element 2", "element 3, node x", "element 3", "element 5"]


@pytest.mark.parametrize(
    "entry",
    [
        {"mapping": {"a": {"message": {"author": 3, "content": [1], "metadata": []}, "parent": "a"}}},
        {"mapping": {"a": {"message": {"content": {"parts": [{"asset_pointer": 3}, None, 7]}}, "parent": ["a"]}}},
        {"chat_messages": [{"content": "x", "files": {"a": 1}}, None, {"sender": 3, "text": ["x"]}]},
        {"history": {"messages": {"a": {"content": {"x": 1}, "parentId": 3, "files": "ab"}}}},
    ],
)
async def test_hostile_shapes_end_in_a_report(entry: Any, tmp_path: Path, store: Store) -> None:
    await take_in(store, wrote(tmp_path / "file.json", [entry, entry]))


# Kinds


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("chatgpt-export/conversations.json", "chatgpt"),
        ("claude-export/conversations.json", "claude"),
        ("elia-1.10.0/elia.sqlite", "elia"),
        ("oterm-0.26.1/store.db", "oterm"),
        ("llm-0.36/logs.db", "llm"),
        ("langgraph-1.2.22_sqlite-3.1.2/checkpoints.sqlite", "langgraph"),
        ("langchain-community-0.4.2/sql_history/custom_table.db", "langchain-sql"),
        ("langchain-community-0.4.2/messages_dump/alice-trip.dumpd.json", "langchain-json"),
        ("langchain-community-0.4.2/messages_dump/alice-trip.pkl", None),
        ("chatgpt-export/user.json", None),
        ("claude-export/README.md", None),
    ],
)
def test_a_kind_is_told_by_content_and_not_by_name(path: str, kind: str | None, tmp_path: Path) -> None:
    copy = tmp_path / "whatever.bin"
    shutil.copy(DATA / path, copy)
    assert detect(copy) == kind


async def test_what_is_no_source_is_refused_in_a_sentence(tmp_path: Path, store: Store) -> None:
    cases: list[tuple[Path, str | None]] = [
        (tmp_path / "missing.json", None),
        (wrote(tmp_path / "numbers.json", [1, 2]), None),
        (DATA / "langchain-community-0.4.2" / "messages_dump" / "alice-trip.pkl", None),
        (DATA / "elia-1.10.0" / "elia.sqlite", "chatgpt"),
        (DATA / "claude-export" / "conversations.json", "elia"),
        (DATA / "claude-export" / "conversations.json", "whatsapp"),
    ]
    for path, kind in cases:
        with pytest.raises(UsageError):
            await take_in(store, path, kind)
    for pattern in ("{user}", "{thread}{thread}", "{who}-{thread}", "x"):
        with pytest.raises(UsageError):
            await take_in(store, DATA / "elia-1.10.0" / "elia.sqlite", split=pattern)
    (tmp_path / "export.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(UsageError, match="unpack it"):
        await take_in(store, tmp_path / "export.zip")
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"SQLite format 3\0" + b"\x01" * 4000)
    with pytest.raises(UsageError):
        await take_in(store, broken)
    assert trees(store) == []


def test_sessions_are_split_by_a_pattern() -> None:
    assert split("{user}--{thread}", "alice--a trip--2") == ("alice", "a trip--2")
    assert split("{thread}@{user}", "a.b@bob") == ("bob", "a.b")
    assert split("[{user}] {thread}", "plain") == (None, "plain")
    assert split(None, "alice--trip") == (None, "alice--trip")


def test_times_come_in_many_forms() -> None:
    same = "2023-11-14T22:13:20.000Z"
    forms = [1_700_000_000, 1_700_000_000.0, 1_700_000_000_000, "2023-11-14 22:13:20", "2023-11-14T23:13:20+01:00"]
    assert {iso(form) for form in forms} == {same}
    assert {iso(form) for form in (None, "", "soon", 0, -5e20, 1e300, True, float("nan"))} == {None}
