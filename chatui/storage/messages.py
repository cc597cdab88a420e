"""The message index, read: branches, trees and single messages, without a checkpoint being opened."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

from chatui.storage.database import Database
from chatui.storage.records import Message, Sent, Usage
from chatui.storage.tables import has_tables

_COLUMNS = """m.node_id, m.parent_id, m.checkpoint_id, m.message_id, m.role, m.text, m.reasoning, m.model, m.created_at,
    m.usage, m.seconds, m.first_token_seconds, m.reasoning_seconds, m.sent, m.interrupted,
    k.name, coalesce(k.starred, 0), m.depth"""
_FROM = "chatui_messages m LEFT JOIN chatui_marks k ON k.thread_id = m.thread_id AND k.node_id = m.node_id"
# Messages that are marked as deleted, and all below them, are not shown; only Marks knows them.
_SIBLING = "s.thread_id = m.thread_id AND s.parent_id = m.parent_id AND NOT s.hidden"
_ALTERNATIVES = f"""(SELECT count(*) FROM chatui_messages s WHERE {_SIBLING} AND s.rank <= m.rank),
    (SELECT count(*) FROM chatui_messages s WHERE {_SIBLING})"""


def _upwards(as_far_as: str = "TRUE") -> str:
    return f"""WITH RECURSIVE path (node_id, place) AS (
        SELECT ?2, 0
        UNION ALL
        SELECT m.parent_id, place + 1 FROM path
        JOIN chatui_messages m ON m.thread_id = ?1 AND m.node_id = path.node_id
        WHERE m.parent_id <> '' AND ({as_far_as}))"""


#: From the node ?2 of the thread ?1 up to its root, each with its place: 0 for the node itself.
UPWARDS = _upwards()

#: From the nodes ?2 and ?3 of the thread ?1 up to where their ways part, the deeper one a step at a time, both where they are
#: level. The depths count down by themselves, so that it ends also where a node is not in the index.
PARTING = """WITH RECURSIVE ways (node_id, depth, other_id, other_depth) AS (
    SELECT ?2, coalesce((SELECT depth FROM chatui_messages WHERE thread_id = ?1 AND node_id = ?2), 0),
           ?3, coalesce((SELECT depth FROM chatui_messages WHERE thread_id = ?1 AND node_id = ?3), 0)
    UNION ALL
    SELECT coalesce(m.parent_id, w.node_id), w.depth - (w.depth >= w.other_depth),
           coalesce(o.parent_id, w.other_id), w.other_depth - (w.other_depth >= w.depth)
    FROM ways w
    LEFT JOIN chatui_messages m ON m.thread_id = ?1 AND m.node_id = w.node_id AND w.depth >= w.other_depth
    LEFT JOIN chatui_messages o ON o.thread_id = ?1 AND o.node_id = w.other_id AND w.other_depth >= w.depth
    WHERE w.node_id <> w.other_id AND (w.depth > 0 OR w.other_depth > 0))"""


def _message(row: tuple[Any, ...], alternative: int, alternatives: int, active: bool) -> Message:
    (
        node,
        parent,
        checkpoint,
        message,
        role,
        text,
        reasoning,
        model,
        created,
        usage,
        seconds,
        first,
        thinking,
        sent,
        interrupted,
        *marks,
    ) = row
    name, starred, depth = marks
    return Message(
        node_id=node,
        parent_id=parent or None,
        checkpoint_id=checkpoint,
        message_id=message,
        role=role,
        text=text,
        reasoning=reasoning,
        model=model,
        created_at=created,
        usage=msgspec.json.decode(usage, type=Usage) if usage else None,
        seconds=seconds,
        first_token_seconds=first,
        reasoning_seconds=thinking,
        sent=msgspec.json.decode(sent, type=Sent) if sent else None,
        interrupted=interrupted,
        name=name,
        starred=bool(starred),
        depth=depth,
        alternative=alternative,
        alternatives=alternatives,
        on_active_path=active,
    )


class Messages:
    """The nodes of every thread's tree."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, thread_id: str, node_id: str, *, active: bool = False, deleted: bool = False) -> Message | None:
        """Return one message, or None.

        Args:
            thread_id: The thread.
            node_id: The message.
            active: Whether it is known to be on the active path.
            deleted: Whether a deleted one is returned too.
        """
        sql = f"""SELECT {_COLUMNS}, {_ALTERNATIVES} FROM {_FROM}
            WHERE m.thread_id = ? AND m.node_id = ? AND (? OR NOT m.hidden)"""
        with self._database.reading() as connection:
            row = connection.execute(sql, (thread_id, node_id, deleted)).fetchone()
        return _message(row[:-2], row[-2], row[-1], active) if row else None

    def path(self, thread_id: str, node_id: str, *, last: int | None = None, skip: int = 0) -> list[Message]:
        """Return the branch that ends with a message, root first.

        Reads the ids from that message up to the first that is returned; the rows of what is returned alone are opened.

        Args:
            thread_id: The thread.
            node_id: The message that the path ends with; "" gives an empty path.
            last: Only so many messages of its end; None for all.
            skip: So many are left out at the end first.
        """
        sql = f"""{_upwards("?3 < 0 OR place + 1 < ?3 + ?4")} SELECT {_COLUMNS}, {_ALTERNATIVES} FROM path p
            JOIN {_FROM} WHERE p.place >= ?4 AND m.thread_id = ?1 AND m.node_id = p.node_id ORDER BY p.place DESC"""
        if not node_id:
            return []
        with self._database.reading() as connection:
            rows = connection.execute(sql, (thread_id, node_id, -1 if last is None else last, skip)).fetchall()
        return [_message(row[:-2], row[-2], row[-1], True) for row in rows]

    def next_fork(self, thread_id: str, node_id: str, depth: int, step: int) -> int | None:
        """Return the depth of the nearest message with alternatives on a path, above (step -1) or below (1) a depth; None if none.

        Args:
            thread_id: The thread.
            node_id: The message that the path ends with.
            depth: Where to start; a message there does not count.
            step: The direction.
        """
        # Going up, the first one that is met is the nearest; going down, the whole path below has to be known.
        order, than = ("", "<") if step < 0 else ("ORDER BY m.depth", ">")
        sql = f"""{UPWARDS} SELECT m.depth FROM path p
            CROSS JOIN chatui_messages m ON m.thread_id = ?1 AND m.node_id = p.node_id
            WHERE m.depth {than} ?3 AND EXISTS (
                SELECT 1 FROM chatui_messages s WHERE {_SIBLING} AND s.node_id <> m.node_id)
            {order} LIMIT 1"""
        with self._database.reading() as connection:
            row = connection.execute(sql, (thread_id, node_id, depth)).fetchone() if node_id else None
        return row[0] if row else None

    def of(self, thread_id: str, node_ids: Sequence[str]) -> list[Message]:
        """Return messages of one branch, in their order on it; those that are gone are left out.

        Args:
            thread_id: The thread.
            node_ids: The messages, at most some hundreds.
        """
        marks = ", ".join("?" * len(node_ids))
        sql = f"""SELECT {_COLUMNS}, {_ALTERNATIVES} FROM {_FROM}
            WHERE m.thread_id = ? AND m.node_id IN ({marks}) ORDER BY m.depth"""
        with self._database.reading() as connection:
            rows = connection.execute(sql, (thread_id, *node_ids)).fetchall()
        return [_message(row[:-2], row[-2], row[-1], True) for row in rows]

    def known(self, thread_id: str) -> set[str]:
        """Return the nodes of all messages of a thread, deleted ones too."""
        sql = "SELECT node_id FROM chatui_messages WHERE thread_id = ?"
        with self._database.reading() as connection:
            return {row[0] for row in connection.execute(sql, (thread_id,))}

    def parent(self, thread_id: str, node_id: str) -> str | None:
        """Return the node above a message, also of a deleted one; None at a root."""
        sql = "SELECT parent_id FROM chatui_messages WHERE thread_id = ? AND node_id = ?"
        with self._database.reading() as connection:
            row = connection.execute(sql, (thread_id, node_id)).fetchone()
        return (row[0] or None) if row else None

    def path_ids(self, thread_id: str, node_id: str) -> list[str]:
        """Return the node ids from a message up to its root, the message first."""
        if not node_id:
            return []
        with self._database.reading() as connection:
            return [row[0] for row in connection.execute(f"{UPWARDS} SELECT node_id FROM path", (thread_id, node_id))]

    def tree(self, thread_id: str, head_node: str, *, deleted: bool = False) -> list[Message]:
        """Return every message of a thread, in the order they were made, with the path to the head marked.

        Args:
            thread_id: The thread.
            head_node: The head.
            deleted: Whether deleted messages, and those below them, are returned too; alternatives are counted with them then.
        """
        active = set(self.path_ids(thread_id, head_node))
        sql = f"SELECT {_COLUMNS} FROM {_FROM} WHERE m.thread_id = ? AND (? OR NOT m.hidden) ORDER BY m.rank, m.depth"
        with self._database.reading() as connection:
            rows = connection.execute(sql, (thread_id, deleted)).fetchall()
        # Counted here in one pass: a subquery a row would be quadratic at a fork of many alternatives.
        siblings: dict[str, int] = {}
        places = []
        for row in rows:
            siblings[row[1]] = siblings.get(row[1], 0) + 1
            places.append(siblings[row[1]])
        return [
            _message(row, place, siblings[row[1]], row[0] in active) for row, place in zip(rows, places, strict=True)
        ]

    def count_following(self, thread_id: str, node_id: str) -> int:
        """Return how many messages follow one directly; "" for those that begin the thread."""
        sql = "SELECT count(*) FROM chatui_messages WHERE thread_id = ? AND parent_id = ? AND NOT hidden"
        with self._database.reading() as connection:
            return int(connection.execute(sql, (thread_id, node_id)).fetchone()[0])

    def prompts(self, thread_id: str, node_id: str) -> list[str]:
        """Return what a person said on the branch that ends with a message, root first."""
        sql = f"""{UPWARDS} SELECT m.text FROM path p JOIN chatui_messages m ON m.thread_id = ?1 AND m.node_id = p.node_id
            WHERE m.role = 'user' ORDER BY p.place DESC"""
        if not node_id:
            return []
        with self._database.reading() as connection:
            return [row[0] for row in connection.execute(sql, (thread_id, node_id))]

    def places(self, thread_id: str, start: str) -> list[str]:
        """Return the ids that begin so: of messages' checkpoints, and of the nodes of those that have none of their own."""
        sql = """SELECT coalesce(checkpoint_id, node_id) AS place FROM chatui_messages
            WHERE thread_id = ? AND NOT hidden AND substr(place, 1, length(?)) = ? ORDER BY rank, depth"""
        with self._database.reading() as connection:
            return [row[0] for row in connection.execute(sql, (thread_id, start, start))]

    def first_checkpoint(self, thread_id: str) -> str | None:
        """Return the first checkpoint that ends with a message, a deleted one too; None in a thread without any."""
        sql = """SELECT checkpoint_id FROM chatui_messages WHERE thread_id = ? AND checkpoint_id IS NOT NULL
            ORDER BY rank, depth LIMIT 1"""
        with self._database.reading() as connection:
            row = connection.execute(sql, (thread_id,)).fetchone()
        return row[0] if row else None

    def siblings(self, thread_id: str, node_id: str) -> list[str]:
        """Return the node ids of a message and its alternatives, in their order."""
        sql = f"""SELECT s.node_id FROM chatui_messages m JOIN chatui_messages s ON {_SIBLING}
            WHERE m.thread_id = ? AND m.node_id = ? ORDER BY s.rank"""
        with self._database.reading() as connection:
            return [row[0] for row in connection.execute(sql, (thread_id, node_id))]

    def descend(self, thread_id: str, node_id: str) -> str:
        """Return the leaf below a message that was viewed last: at each fork the last choice, else a star, else the newest.

        Args:
            thread_id: The thread.
            node_id: Where to start; "" starts before the first message. A leaf gives itself.
        """
        with self._database.reading() as connection:
            while below := self._child(connection, thread_id, node_id):
                node_id = below
        return node_id

    def child(self, thread_id: str, node_id: str) -> str | None:
        """Return the alternative below a message that was viewed last, else a starred one, else the newest; None at a leaf."""
        with self._database.reading() as connection:
            return self._child(connection, thread_id, node_id)

    @staticmethod
    def _child(connection: sqlite3.Connection, thread_id: str, node_id: str) -> str | None:
        row = connection.execute(
            """SELECT m.node_id FROM chatui_messages m
               LEFT JOIN chatui_choices c ON c.thread_id = m.thread_id AND c.parent_id = m.parent_id AND c.node_id = m.node_id
               LEFT JOIN chatui_marks k ON k.thread_id = m.thread_id AND k.node_id = m.node_id
               WHERE m.thread_id = ? AND m.parent_id = ? AND NOT m.hidden
               ORDER BY c.node_id IS NULL, coalesce(k.starred, 0) DESC, m.rank DESC LIMIT 1""",
            (thread_id, node_id),
        ).fetchone()
        return row[0] if row else None

    def newest_leaf(self, thread_id: str) -> str:
        """Return the leaf that was made last, "" where there is no message: the first head of a thread nobody has viewed here."""
        sql = """SELECT node_id FROM chatui_messages m WHERE thread_id = ?1 AND NOT hidden AND NOT EXISTS (
            SELECT 1 FROM chatui_messages s WHERE s.thread_id = ?1 AND s.parent_id = m.node_id AND NOT s.hidden)
            ORDER BY rank DESC, depth DESC LIMIT 1"""
        with self._database.reading() as connection:
            row = connection.execute(sql, (thread_id,)).fetchone()
        return row[0] if row else ""

    def node_of(self, thread_id: str, checkpoint_id: str) -> str | None:
        """Return the node that a checkpoint ends with, "" before the first message, None where the index has no such checkpoint."""
        sql = "SELECT node_id FROM chatui_checkpoints WHERE thread_id = ? AND checkpoint_id = ?"
        with self._database.reading() as connection:
            row = connection.execute(sql, (thread_id, checkpoint_id)).fetchone()
        return row[0] if row else None

    def checkpoints_of(self, thread_id: str, node_id: str) -> list[str]:
        """Return the checkpoints whose state ends with a message ("": with none), oldest first."""
        sql = """SELECT k.checkpoint_id FROM chatui_checkpoints k
            JOIN checkpoints c ON c.thread_id = k.thread_id AND c.checkpoint_ns = '' AND c.checkpoint_id = k.checkpoint_id
            WHERE k.thread_id = ? AND k.node_id = ? ORDER BY c.rowid"""
        with self._database.reading() as connection:
            if not has_tables(connection):
                return []
            return [row[0] for row in connection.execute(sql, (thread_id, node_id))]
