"""Which channel of a graph's state holds the messages, and in what form: other programs name and keep them as they like."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from typing import Any, Protocol

import msgspec
from langchain_core.messages import BaseMessage, convert_to_messages

DEFAULT_CHANNEL = "messages"


class Serde(Protocol):
    """The part of LangGraph's serializer that reads."""

    def loads_typed(self, data: tuple[str, bytes]) -> Any:
        """Return what (type, bytes) stands for."""
        ...


class Shape(msgspec.Struct, frozen=True):
    """The state of a thread's graph.

    Attributes:
        channel: The channel that holds the messages.
        whole: Whether each checkpoint holds the whole list (as `add_messages` has it), and not what was added.
        others: The other channels that a checkpoint holds, which a turn of ours has to hand on.
    """

    channel: str = DEFAULT_CHANNEL
    whole: bool = False
    others: tuple[str, ...] = ()


def messages_in(value: Any) -> list[BaseMessage]:
    """Return the messages in what a task wrote or a channel holds: one, or a list. Anything else is not ours to show.

    Graphs may write them in any form that LangChain takes for one, as ("human", "Hello"); it is stored as it was written.
    """
    messages: list[BaseMessage] = []
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, BaseMessage):
            messages.append(item)
        elif _like_message(item):
            with suppress(ValueError, NotImplementedError, TypeError):
                messages += convert_to_messages([item])
    return messages


def _like_message(value: Any) -> bool:
    """Say whether a value is one of LangChain's short forms; a plain text is one only in a channel that is known to hold them."""
    if isinstance(value, tuple | list):
        return len(value) == 2 and all(isinstance(part, str) for part in value)
    return isinstance(value, dict) and "content" in value and ("role" in value or "type" in value)


def find_channel(connection: sqlite3.Connection, thread_id: str, serde: Serde) -> str:
    """Return the channel of a thread that holds messages: `messages` if it does, else the one with most of them."""
    known = connection.execute("SELECT channel FROM chatui_threads WHERE thread_id = ?", (thread_id,)).fetchone()
    if known and known[0]:
        return str(known[0])
    found: dict[str, int] = {}
    empty: list[str] = []
    row = connection.execute(
        """SELECT type, checkpoint FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = ''
           ORDER BY rowid DESC LIMIT 1""",
        (thread_id,),
    ).fetchone()
    if row is not None:
        for name, value in (serde.loads_typed(row).get("channel_values") or {}).items():
            count = len(messages_in(getattr(value, "value", value)))
            if count and name != "__start__":
                found[name] = count
            elif value == []:
                empty.append(name)
    if not found:
        # A DeltaChannel's checkpoints hold nothing; what was written to it does.
        sql = """SELECT channel, type, value FROM writes WHERE thread_id = ? AND checkpoint_ns = ''
            AND channel NOT LIKE 'branch:%' AND channel NOT LIKE '\\_\\_%' ESCAPE '\\' GROUP BY channel"""
        for name, kind, value in connection.execute(sql, (thread_id,)):
            if count := len(messages_in(serde.loads_typed((kind, value)))):
                found[name] = count
    if not found and len(empty) == 1:
        # A thread that was begun and has no message yet.
        return empty[0]
    if DEFAULT_CHANNEL in found or not found:
        return DEFAULT_CHANNEL
    return max(found, key=lambda name: found[name])


def find_shape(connection: sqlite3.Connection, thread_id: str, checkpoint_id: str | None, serde: Serde) -> Shape:
    """Return the shape of the state that a turn continues.

    Args:
        connection: A reading one.
        thread_id: The thread.
        checkpoint_id: The checkpoint that is continued; None for the first turn of a new thread, which takes after the newest
            other thread of the file.
        serde: LangGraph's serializer.
    """
    if checkpoint_id is None:
        row = connection.execute(
            """SELECT thread_id, checkpoint_id FROM checkpoints WHERE checkpoint_ns = '' ORDER BY rowid DESC LIMIT 1"""
        ).fetchone()
        if row is None:
            return Shape()
        like = find_shape(connection, row[0], row[1], serde)
        return Shape(like.channel, like.whole)
    channel = find_channel(connection, thread_id, serde)
    row = connection.execute(
        "SELECT type, checkpoint FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = '' AND checkpoint_id = ?",
        (thread_id, checkpoint_id),
    ).fetchone()
    values = (serde.loads_typed(row).get("channel_values") or {}) if row else {}
    others = tuple(
        name
        for name in values
        if name != channel and not name.startswith(("__", "branch:", "start:")) and ":" not in name
    )
    return Shape(channel, isinstance(values.get(channel), list), others)
