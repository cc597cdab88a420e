"""oterm's store.db, of both generations: the older has no provider and no images. It keeps no times and no branches."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import suppress

from chatui.transfer import foreign
from chatui.transfer.messages import ROLES
from chatui.transfer.records import Item, Skipped, SourceMessage, SourceThread, chained, text_of
from chatui.transfer.sources import Source


def has(tables: dict[str, set[str]]) -> bool:
    """Whether a file has oterm's tables."""
    messages, chats = tables.get("message", set()), tables.get("chat", set())
    return {"id", "chat_id", "author", "text"} <= messages and {"id", "name", "model"} <= chats


def read(source: Source) -> Iterator[Item]:
    """Yield the chats of a file."""
    for where, chat, rows, columns in foreign.chats(source):
        provider = text_of(chat["provider"]) if "provider" in columns["chat"] else "ollama"
        model = text_of(chat["model"])
        system = text_of(chat["system"]) if "system" in columns["chat"] else ""
        messages = []
        for row in rows:
            if not isinstance(row["text"], str):
                yield Skipped(f"{where}, message {row['id']}", "Its text is none.")
                continue
            messages.append(_message(row, columns["message"], f"{provider}:{model}" if model else None))
        first = messages[0] if messages else None
        yield SourceThread(
            # It counts its chats from 1 in each file: the first message tells them apart.
            key=f"{chat['id']}\0{first.id}\0{first.text}" if first else "",
            where=where,
            messages=chained(messages),
            title=text_of(chat["name"]),
            model=f"ollama:{model}" if model and provider == "ollama" else None,
            system_prompt=system or None,
        )


def _message(row: sqlite3.Row, columns: set[str], model: str | None) -> SourceMessage:
    role = ROLES.get(str(row["author"]).lower(), "user")
    images = []
    if "images" in columns:
        with suppress(ValueError, TypeError):
            images = json.loads(row["images"] or "[]")
    count = len(images) if isinstance(images, list) else 0
    return SourceMessage(
        id=str(row["id"]),
        role=role,
        text=row["text"],
        model=model if role == "assistant" else None,
        # It keeps their bytes without a name.
        attachments=[f"image {number}" for number in range(1, count + 1)],
    )
