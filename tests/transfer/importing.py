"""Importing in tests, and what is in the file then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from chatui.conversation.graph import at, build_graph
from chatui.conversation.state import SNAPSHOT_FREQUENCY, fold_messages
from chatui.storage import Store
from chatui.storage.records import Message, Thread
from chatui.transfer.importing import Import, Report
from chatui.transfer.records import Wanted
from chatui.transfer.sources import Found

DATA = Path(__file__).parents[1] / "data" / "imports"


async def take_in(
    store: Store,
    path: Path,
    kind: str | None = None,
    *,
    split: str | None = None,
    mapped: dict[str, str] | None = None,
    owner: str | None = None,
    dry: bool = False,
    frequency: int = SNAPSHOT_FREQUENCY,
) -> Report:
    """Import a path as `chatui import` does."""
    found = Found(path, kind, Wanted(split, mapped or {}))
    importing = Import(store, fold_messages, frequency, owner=owner, default="default")
    return await importing.run(found.kind, found.items(), dry=dry)


async def never(messages: object, checkpoint_id: str) -> Any:
    """The model of a graph that only reads."""
    raise AssertionError("no model is asked")


class Tree(msgspec.Struct):
    """A thread of the file: the path to its head, and the paths to all its leaves."""

    thread: Thread
    active: list[Message]
    paths: list[list[Message]]

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.active]

    @property
    def branches(self) -> list[list[str]]:
        return [[message.text for message in path] for path in self.paths]


def trees(store: Store) -> list[Tree]:
    """Return all threads of a file, the archived ones too, in the order they were made."""
    found = []
    for thread in reversed(store.threads.page(archived=True)):
        head = store.threads.head(thread.thread_id)[1] or ""
        nodes = store.messages.tree(thread.thread_id, head)
        parents = {node.parent_id for node in nodes}
        paths = [store.messages.path(thread.thread_id, node.node_id) for node in nodes if node.node_id not in parents]
        found.append(Tree(thread, store.messages.path(thread.thread_id, head), paths))
    return found


def tree(store: Store) -> Tree:
    """Return the one thread of a file."""
    (found,) = trees(store)
    return found


async def states(store: Store, thread_id: str) -> dict[str, list[Any]]:
    """Return, of each message, the list that LangGraph itself gives at its checkpoint."""
    graph = build_graph(never, await store.saver())
    found = {}
    for message in store.messages.tree(thread_id, ""):
        state = await graph.aget_state(at(thread_id, message.checkpoint_id))
        found[message.node_id] = state.values["messages"]
    return found
