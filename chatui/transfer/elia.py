"""elia's elia.sqlite. A message may name its parent, which elia itself never does; else each follows the one before."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from chatui.transfer import foreign
from chatui.transfer.messages import ROLES
from chatui.transfer.records import Item, Skipped, SourceMessage, SourceThread, chained, in_order, iso, text_of
from chatui.transfer.sources import Source

_CHAT = {"id", "model", "title", "started_at"}
_MESSAGE = {"id", "chat_id", "role", "content", "timestamp"}


def has(tables: dict[str, set[str]]) -> bool:
    """Whether a file has elia's tables."""
    return tables.get("chat", set()) >= _CHAT and tables.get("message", set()) >= _MESSAGE


def read(source: Source) -> Iterator[Item]:
    """Yield the chats of a file."""
    for where, chat, rows, columns in foreign.chats(source):
        archived = "archived" in columns["chat"] and bool(chat["archived"])
        messages = []
        for row in rows:
            if not isinstance(row["content"], str):
                yield Skipped(f"{where}, message {row['id']}", "Its content is no text.")
                continue
            messages.append(_message(row, columns["message"]))
        if not any(message.parent for message in messages):
            chained(messages)
        yield SourceThread(
            key=f"{chat['id']}\0{chat['started_at']}",
            where=where,
            messages=in_order(messages),
            title=text_of(chat["title"]),
            created_at=messages[0].created_at if messages else iso(chat["started_at"]),
            archived=archived,
        )


def _message(row: sqlite3.Row, columns: set[str]) -> SourceMessage:
    role = ROLES.get(str(row["role"]).lower(), "user")
    parent = row["parent_id"] if "parent_id" in columns else None
    model = text_of(row["model"]) if "model" in columns else ""
    return SourceMessage(
        id=str(row["id"]),
        parent=None if parent is None else str(parent),
        role=role,
        text=row["content"],
        model=model or None if role == "assistant" else None,
        created_at=iso(row["timestamp"]),
    )
