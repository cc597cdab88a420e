"""Threads on their way out: what an exporter is given, and the formats. Each exporter makes text piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from typing import Any, NamedTuple

from langchain_core.messages import BaseMessage

from chatui.storage import Store
from chatui.storage.records import Message, Thread

#: The formats, each with the module that has `pieces(threads, all_branches) -> Iterator[str]`, and the end of a file's name.
FORMATS = {
    "md": ("markdown", "md"),
    "html": ("html", "html"),
    "json": ("chatui_json", "json"),
    "jsonl": ("chatui_jsonl", "jsonl"),
    "messages": ("langchain_messages", "json"),
}


class Entry(NamedTuple):
    """One message.

    Attributes:
        message: As the index has it, its text clean.
        original: As it was stored, exactly.
        deleted: Whether it is marked as deleted itself.
        hidden: Whether it is not shown, for it or a message above it is deleted.
    """

    message: Message
    original: BaseMessage
    deleted: bool
    hidden: bool


class Exported(NamedTuple):
    """One thread.

    Attributes:
        thread: Its row.
        entries: Every message, each behind the one that it follows, alternatives in the order they were made.
        head: The node of the message that the active branch ends with, "" in a thread without messages.
        named: Whether a person gave the title.
        system_prompt: Its own, None where it has none.
        settings: What was set for it.
    """

    thread: Thread
    entries: list[Entry]
    head: str
    named: bool
    system_prompt: str | None
    settings: dict[str, Any]

    def branches(self) -> list[list[Entry]]:
        """Return every branch that is shown, root first: the one of the head, then the others in the order they were made."""
        shown = {entry.message.node_id: entry for entry in self.entries if not entry.hidden}
        parents = {entry.message.parent_id for entry in shown.values()}
        leaves = [node for node in shown if node not in parents and node != self.head]
        if self.head in shown:
            leaves.insert(0, self.head)
        return [_upwards(shown, leaf) for leaf in leaves]

    def alone(self) -> Exported:
        """Return the thread as if it had only the branch of its head."""
        return self._replace(entries=next(iter(self.branches()), []))


def _upwards(shown: dict[str, Entry], leaf: str) -> list[Entry]:
    path = []
    at: str | None = leaf
    while at is not None and at in shown:
        path.append(shown[at])
        at = shown[at].message.parent_id
    return path[::-1]


def exported(store: Store, fold: Any, thread: Thread, head: str) -> Exported:
    """Read a thread, all branches of it, each checkpoint once.

    Args:
        store: The file; the thread's index is complete.
        fold: The reducer of the messages channel.
        thread: Its row.
        head: The node of its head; "" for none, the newest leaf then.
    """
    thread_id = thread.thread_id
    plan = store.index(fold).plan(thread_id, fresh=True)
    originals = {node.node_id: node.message for step in plan.steps for node in step.new}
    head = head or store.messages.newest_leaf(thread_id)
    messages = store.messages.tree(thread_id, head, deleted=True)
    deleted = store.marks.deleted(thread_id)
    hidden: set[str] = set()
    entries = []
    # A parent comes before its children, but where another program's rows say otherwise.
    for message in sorted(messages, key=lambda message: message.depth):
        if message.node_id in deleted or message.parent_id in hidden:
            hidden.add(message.node_id)
    for message in messages:
        node = message.node_id
        if (original := originals.get(node)) is not None:
            entries.append(Entry(message, original, node in deleted, node in hidden))
    return Exported(
        thread=thread,
        entries=entries,
        head=head,
        named=store.threads.automatic_title(thread_id) is None,
        system_prompt=store.threads.system_prompt(thread_id),
        settings=store.settings.get("thread", thread_id),
    )


def pieces(name: str, threads: Iterable[Exported], *, all_branches: bool = False) -> Iterator[str]:
    """Return a document of some threads, piece by piece.

    Args:
        name: The format.
        threads: The threads, read one after the other.
        all_branches: Every branch in a format that otherwise has the active one. The others have all anyway.
    """
    write: Callable[[Iterable[Exported], bool], Iterator[str]] = import_module(
        f"chatui.transfer.{FORMATS[name][0]}"
    ).pieces
    return write(threads, all_branches)
