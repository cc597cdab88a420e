"""How the checkpoints of one thread hang together, and which of them hold the text of which messages.

Copying and purging need the same facts: a prompt's text is also in the `input` row before it and in the writes under that
row, and an answer's in the writes under its prompt's row.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection

from chatui.storage.tables import has_tables

#: Says whether a checkpoint holds the whole list of messages itself: (type, blob) -> bool.
HoldsAll = Callable[[str, bytes], bool]


class Lineage:
    """The checkpoints of one thread.

    Attributes:
        parents: Checkpoint id to its parent's, None at a root.
        children: Checkpoint id to its children, in the order they were written.
        ends: Checkpoint id to the node that it ends with, "" before the first message.
    """

    def __init__(self, connection: sqlite3.Connection, thread_id: str, holds_all: HoldsAll) -> None:
        self.parents: dict[str, str | None] = {}
        self.children: dict[str, list[str]] = {}
        self.ends: dict[str, str] = {}
        self._homes: set[str] = set()
        self._whole: set[str] = set()
        if not has_tables(connection):
            return
        rows = connection.execute(
            """SELECT c.checkpoint_id, c.parent_checkpoint_id, coalesce(k.node_id, ''), c.type, c.checkpoint FROM checkpoints c
               LEFT JOIN chatui_checkpoints k ON k.thread_id = c.thread_id AND k.checkpoint_id = c.checkpoint_id
               WHERE c.thread_id = ? AND c.checkpoint_ns = '' ORDER BY c.rowid""",
            (thread_id,),
        )
        for checkpoint_id, parent_id, node_id, kind, blob in rows:
            self.parents[checkpoint_id] = parent_id
            self.ends[checkpoint_id] = node_id
            if parent_id is not None:
                self.children.setdefault(parent_id, []).append(checkpoint_id)
                if holds_all(kind, blob):
                    self._whole.add(checkpoint_id)
        # The checkpoint by which each message is addressed stays as long as its message does.
        sql = "SELECT checkpoint_id FROM chatui_messages WHERE thread_id = ? AND checkpoint_id IS NOT NULL"
        self._homes = {row[0] for row in connection.execute(sql, (thread_id,))}

    def above(self, checkpoint_id: str) -> list[str]:
        """Return a checkpoint and all its ancestors, the root first."""
        path: list[str] = []
        at: str | None = checkpoint_id
        while at is not None and at in self.parents:
            path.append(at)
            at = self.parents[at]
        return path[::-1]

    def of(self, nodes: Collection[str]) -> set[str]:
        """Return the checkpoints that hold nothing but these messages' own part of the tree.

        Those that end with one of them, and those that lead to nothing else: an `input` row ends with the message before,
        and holds the prompt that comes.
        """
        wanted = set(nodes)
        found = {checkpoint_id for checkpoint_id, node_id in self.ends.items() if node_id in wanted}
        # Children are written after their parents, so going backwards sees them first.
        for checkpoint_id in reversed(self.parents):
            below = self.children.get(checkpoint_id)
            if checkpoint_id not in found and checkpoint_id not in self._homes and below and found.issuperset(below):
                found.add(checkpoint_id)
        return found

    def foreign_writes(self, kept: Collection[str]) -> set[str]:
        """Return those of some checkpoints whose written messages reach none of the others.

        The messages written under a checkpoint become part of each child that builds on them; a child that holds its whole
        list does not.

        Args:
            kept: Checkpoints, each with its ancestors.
        """
        among = set(kept)
        return {
            checkpoint_id
            for checkpoint_id in among
            if not any(child in among and child not in self._whole for child in self.children.get(checkpoint_id, ()))
        }
