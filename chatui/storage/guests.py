"""Another program's file of LangGraph's, read whole without writing so much as a lock: for an import of it.

A file that is opened in place gets our tables in a side file. Here they are in memory, and the file is attached as one that never
changes, so that the same reading serves all generations.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec
from langchain_core.messages import BaseMessage

from chatui.storage import generations
from chatui.storage.checkpoints import serializer
from chatui.storage.index import Node, Reading
from chatui.storage.migrations import migrate
from chatui.storage.tables import has_tables, metadata_of


class GuestThread(msgspec.Struct, frozen=True):
    """A thread of another program's.

    Attributes:
        first: Its first checkpoint.
        nodes: Its messages, each behind the one that it follows, with their times.
        facts: What the metadata of its checkpoints says, the first word of each counting.
    """

    first: str
    nodes: list[tuple[Node, str]]
    facts: dict[str, Any]


class Guest:
    """An open file of another program. Use it in a `with`.

    Args:
        uri: The name by which SQLite opens the file.
        most: The most bytes of one value.
    """

    def __init__(self, uri: str, most: int) -> None:
        self._connection = sqlite3.connect(":memory:", uri=True, isolation_level=None)
        self._connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, most)
        self._serde = serializer()
        migrate(self._connection)
        self._connection.execute("ATTACH ? AS theirs", (uri,))
        generations.bridge(self._connection)

    def __enter__(self) -> Guest:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    def threads(self) -> list[str]:
        """Return the ids of the threads, in the order they were begun."""
        if not has_tables(self._connection):
            return []
        sql = "SELECT thread_id FROM checkpoints WHERE checkpoint_ns = '' GROUP BY thread_id ORDER BY min(rowid)"
        return [str(row[0]) for row in self._connection.execute(sql)]

    def read(self, thread_id: str, *, channel: str | None = None) -> GuestThread | None:
        """Return a thread, None where it has no messages.

        Args:
            thread_id: The thread.
            channel: The channel that holds the messages; None for `messages`, else the one with most of them.
        """
        reading = Reading(self._connection, thread_id, _last, self._serde, True)
        reading.channel = channel or reading.channel
        plan = reading.plan()
        nodes = [(node, step.written_at) for step in plan.steps for node in step.new]
        if not nodes:
            return None
        facts: dict[str, Any] = {}
        sql = "SELECT metadata FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = '' ORDER BY rowid"
        for (metadata,) in self._connection.execute(sql, (thread_id,)):
            for name, value in metadata_of(metadata).items():
                if value not in (None, ""):
                    facts.setdefault(name, value)
        return GuestThread(plan.steps[0].checkpoint_id, nodes, facts)


def _last(messages: Sequence[BaseMessage], written: Sequence[BaseMessage]) -> list[BaseMessage]:
    """How LangGraph's usual reducer folds messages: one of the same id takes the place of another."""
    folded: dict[object, BaseMessage] = {}
    for message in [*messages, *written]:
        key: object = message.id or (id(message), len(folded))
        if message.type == "remove":
            folded.pop(message.id, None)
        else:
            folded[key] = message
    return list(folded.values())
