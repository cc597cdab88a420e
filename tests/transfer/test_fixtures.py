"""Files that the other programs' own code wrote, or hand-made to their documents, import as what they are expected to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from chatui.storage import Store
from chatui.storage.records import Message
from tests.transfer.importing import DATA, states, take_in, trees

LANGCHAIN = "langchain-community-0.4.2"
#: File or folder, what is expected of it, and how its sessions tell the user.
FIXTURES = {
    "chatgpt": ("chatgpt-export/conversations.json", "chatgpt-export/EXPECTED.json", None),
    "claude": ("claude-export/conversations.json", "claude-export/EXPECTED.json", None),
    "elia": ("elia-1.10.0/elia.sqlite", "elia-1.10.0/EXPECTED.json", None),
    "llm": ("llm-0.36/logs.db", "llm-0.36/EXPECTED.json", None),
    "oterm": ("oterm-0.26.1/store.db", "oterm-0.26.1/EXPECTED.json", None),
    "langgraph-today": (
        "langgraph-1.2.22_sqlite-3.1.2/checkpoints.sqlite",
        "langgraph-1.2.22_sqlite-3.1.2/EXPECTED.json",
        None,
    ),
    "langgraph-0.4": (
        "langgraph-0.4.8_sqlite-2.0.10/checkpoints.sqlite",
        "langgraph-0.4.8_sqlite-2.0.10/EXPECTED.json",
        None,
    ),
    "langchain-sql": (
        f"{LANGCHAIN}/sql_history/memory.db",
        f"{LANGCHAIN}/sql_history/EXPECTED.json",
        "{user}--{thread}",
    ),
    "langchain-sql-custom": (
        f"{LANGCHAIN}/sql_history/custom_table.db",
        f"{LANGCHAIN}/sql_history/EXPECTED_custom_table.json",
        None,
    ),
    "langchain-json": (f"{LANGCHAIN}/file_history", f"{LANGCHAIN}/file_history/EXPECTED.json", "{user}/{thread}"),
}
#: (role, text, reasoning) of a message, white space as one.
Said = tuple[str, str, str]


def squeeze(text: str) -> str:
    return " ".join(text.split())


def expected(messages: list[dict[str, Any]]) -> list[Said]:
    """A path as it is to be: what was thought is a message's reasoning, and each result of a tool a message."""
    path: list[Said] = []
    thoughts = ""
    for message in messages:
        kind = message.get("kind", "")
        if kind == "thoughts":
            thoughts = message["text"]
            continue
        for text in [result["output"] for result in message.get("results", [])] or [message["text"]]:
            # Text that the screen must not obey is not shown.
            shown = (
                ""
                if kind.startswith("code->")
                else text.replace("\x1b", "").replace("\u202e", "").replace("\u202c", "")
            )
            path.append((message["role"], squeeze(shown), squeeze(message.get("thinking", thoughts))))
        thoughts = ""
    return path


def found(messages: list[Message]) -> list[Said]:
    return [(message.role, squeeze(spoken(message.text)), squeeze(message.reasoning)) for message in messages]


def spoken(text: str) -> str:
    """A text without the lines that stand for pictures and files."""
    return "\n".join(line for line in text.splitlines() if not line.startswith(("🖼 ", "📎 ")))


def name(value: dict[str, Any]) -> Any:
    keys = ("id", "chat_id", "conversation_id", "forked_from", "thread_id", "session_id", "file")
    return next(value[key] for key in keys if key in value)


@pytest.mark.parametrize("fixture", FIXTURES)
async def test_a_fixture_imports_as_expected(fixture: str, store: Store) -> None:
    path, document, split = FIXTURES[fixture]
    wanted = json.loads((DATA / document).read_text(encoding="utf-8"))
    report = await take_in(store, DATA / path, split=split)

    threads = [thread for thread in wanted["threads"] if thread["messages"]]
    paths: dict[Any, list[list[Said]]] = {name(thread): [expected(thread["messages"])] for thread in threads}
    for branch in wanted.get("branches", []):
        paths[name(branch)].append(expected(branch["messages"]))
    imported = trees(store)
    assert sorted((found(tree.active), sorted(map(found, tree.paths))) for tree in imported) == sorted(
        (alternatives[0], sorted(alternatives)) for alternatives in paths.values()
    )
    assert report.threads == report.new_threads == len(threads)
    assert report.new_messages == sum(tree.thread.message_count for tree in imported)
    # A thread without a message is told of, and not made.
    empty = len(wanted["threads"]) - len(threads)
    assert sum(skipped.why == "It has no messages." for skipped in report.skipped) == empty

    for thread in threads:
        wished = thread.get("title") or thread.get("name") or thread.get("conversation") or thread.get("session_id")
        owner, archived = thread.get("user") or "default", thread.get("archived", False)
        assert any(
            found(tree.active) == expected(thread["messages"])
            and (not wished or tree.thread.title == wished)
            and (tree.thread.user, tree.thread.archived) == (owner, archived)
            and store.threads.system_prompt(tree.thread.thread_id) == thread.get("system")
            for tree in imported
        ), thread


@pytest.mark.parametrize("fixture", FIXTURES)
async def test_langgraph_reads_the_same_as_the_index(fixture: str, store: Store) -> None:
    path, _, split = FIXTURES[fixture]
    await take_in(store, DATA / path, split=split)
    for tree in trees(store):
        by_node = await states(store, tree.thread.thread_id)
        for branch in tree.paths:
            for depth, message in enumerate(branch, start=1):
                assert [state.id for state in by_node[message.node_id]] == [said.message_id for said in branch[:depth]]


@pytest.mark.parametrize("fixture", FIXTURES)
async def test_importing_again_adds_nothing(fixture: str, store: Store) -> None:
    path, _, split = FIXTURES[fixture]
    before = await take_in(store, DATA / path, split=split, dry=True)
    assert trees(store) == []
    first = await take_in(store, DATA / path, split=split)
    assert before == first
    threads = trees(store)
    again = await take_in(store, DATA / path, split=split)
    assert (again.threads, again.messages) == (first.threads, first.messages)
    assert (again.new_threads, again.new_messages) == (0, 0)
    assert trees(store) == threads


async def test_a_dump_in_two_forms_is_a_thread_for_each_file(store: Store) -> None:
    report = await take_in(store, DATA / LANGCHAIN / "messages_dump")
    wanted = json.loads((DATA / LANGCHAIN / "messages_dump" / "EXPECTED.json").read_text(encoding="utf-8"))
    imported = [found(tree.active) for tree in trees(store)]
    for thread in wanted["threads"]:
        # Once of `messages_to_dict` and once of `dumpd`, and once of the object of all sessions; never of the pickle.
        assert imported.count(expected(thread["messages"])) == 3
    assert len(imported) == 12
    refused = {skipped.where for skipped in report.skipped if "pickle" in skipped.why}
    assert refused == {"alice-trip.pkl", "alice-weather.pkl", "bob-fork.pkl"}


def unchanged(path: Path) -> dict[str, bytes]:
    return {str(file): file.read_bytes() for file in sorted(path.rglob("*")) if file.is_file()}


async def test_the_sources_are_only_read(store: Store) -> None:
    before = unchanged(DATA)
    for path, _, _ in FIXTURES.values():
        await take_in(store, DATA / path)
    assert unchanged(DATA) == before
