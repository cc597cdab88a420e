"""LangGraph's raw steps of a thread: every checkpoint with what LangGraph itself says of it."""

from __future__ import annotations

from typing import Any

import msgspec

from chatui.storage.checkpoints import serializer
from chatui.storage.database import Database
from chatui.storage.tables import has_tables, metadata_of
from chatui.text import clean_line

_BRANCH = "branch:to:"


class Step(msgspec.Struct, frozen=True):
    """One checkpoint.

    Attributes:
        checkpoint_id: Its id.
        parent_id: The checkpoint it came from, None at a root.
        source: What made it: input, loop, update or fork.
        step: LangGraph's number of it, which repeats across branches; None where it has none.
        created_at: When, in ISO 8601.
        next: The nodes that would run next; empty at the end of a turn.
        bytes: Its size in the file with what was written under it.
        node_id: The message that its state ends with, None before the first.
    """

    checkpoint_id: str
    parent_id: str | None
    source: str
    step: int | None
    created_at: str
    next: list[str]
    bytes: int
    node_id: str | None


def steps(database: Database, thread_id: str) -> list[Step]:
    """Return the steps of a thread in the order they were written. Opens each checkpoint, for its time and what is next."""
    serde = serializer()
    sql = """SELECT c.checkpoint_id, c.parent_checkpoint_id, c.type, c.checkpoint, c.metadata, k.node_id,
            length(c.checkpoint) + length(c.metadata) + coalesce((
                SELECT sum(length(w.value)) FROM writes w
                WHERE w.thread_id = c.thread_id AND w.checkpoint_ns = '' AND w.checkpoint_id = c.checkpoint_id), 0)
        FROM checkpoints c
        LEFT JOIN chatui_checkpoints k ON k.thread_id = c.thread_id AND k.checkpoint_id = c.checkpoint_id
        WHERE c.thread_id = ? AND c.checkpoint_ns = '' ORDER BY c.rowid"""
    with database.reading() as connection:
        rows = connection.execute(sql, (thread_id,)).fetchall() if has_tables(connection) else []
    found = []
    for checkpoint_id, parent_id, kind, blob, metadata, node_id, size in rows:
        checkpoint = serde.loads_typed((kind, blob))
        facts = metadata_of(metadata)
        step = facts.get("step")
        found.append(
            Step(
                checkpoint_id=checkpoint_id,
                parent_id=parent_id,
                source=clean_line(str(facts.get("source", ""))),
                step=step if isinstance(step, int) else None,
                created_at=clean_line(str(checkpoint.get("ts", ""))),
                next=_next(checkpoint.get("channel_values") or {}),
                bytes=size,
                node_id=node_id or None,
            )
        )
    return found


def _next(values: dict[str, Any]) -> list[str]:
    """LangGraph marks a node that is to run by a channel with its name."""
    waiting = [clean_line(name.removeprefix(_BRANCH)) for name in values if name.startswith(_BRANCH)]
    return ["__start__", *waiting] if "__start__" in values else waiting
