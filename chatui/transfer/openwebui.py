"""Open WebUI's export: a list of chats, or one chat, whose history is a tree."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

from chatui.transfer.messages import ROLES
from chatui.transfer.records import Item, Skipped, SourceMessage, SourceThread, chained, in_order, iso, text_of
from chatui.transfer.sources import Source

# What was thought stands before an answer in its text.
_THOUGHTS = re.compile(r'<details type="reasoning"[^>]*>\s*(?:<summary>.*?</summary>)?(.*?)</details>\s*', re.DOTALL)
_QUOTE = re.compile(r"^\s*> ?", re.MULTILINE)


def looks(value: Any) -> bool:
    """Whether a JSON value is a chat of Open WebUI's."""
    chat = _chat(value)
    return isinstance(chat.get("history"), dict) and isinstance(chat["history"].get("messages"), dict)


def _chat(value: Any) -> dict[str, Any]:
    """The chat itself, which newer exports keep in an object that tells more of it."""
    value = value if isinstance(value, dict) else {}
    inner = value.get("chat")
    return inner if isinstance(inner, dict) else value


def read(source: Source) -> Iterator[Item]:
    """Yield the chats of a file."""
    yield from source.each(_thread)


def _thread(value: Any, where: str) -> Iterator[Item]:
    chat = _chat(value)
    entries: dict[str, Any]
    if not looks(value):
        listed = chat.get("messages")
        if not isinstance(listed, list):
            yield Skipped(where, "It is no chat: it has no history.")
            return
        entries = {
            str(entry.get("id") or number): entry for number, entry in enumerate(listed) if isinstance(entry, dict)
        }
        current, tree = None, False
    else:
        entries, current, tree = chat["history"]["messages"], chat["history"].get("currentId"), True
    messages = []
    for id_, entry in entries.items():
        if not isinstance(entry, dict):
            yield Skipped(f"{where}, message {id_}", "It is no message.")
            continue
        messages.append(_message(str(id_), entry))
    by_time = sorted(messages, key=lambda message: message.created_at or "")
    yield SourceThread(
        key=str(value.get("id") or chat.get("id") or where),
        where=where,
        messages=in_order(by_time) if tree else chained(messages),
        title=text_of(value.get("title")) or text_of(chat.get("title")),
        user=text_of(value.get("user_id")) or None,
        created_at=iso(value.get("created_at") or chat.get("timestamp")),
        updated_at=iso(value.get("updated_at")),
        archived=value.get("archived") is True,
        active=current if isinstance(current, str) else None,
    )


def _message(id_: str, entry: dict[str, Any]) -> SourceMessage:
    role = ROLES.get(str(entry.get("role")).lower(), "user")
    content = entry.get("content")
    if isinstance(content, list):
        content = "\n".join(text_of(part.get("text")) for part in content if isinstance(part, dict))
    text, reasoning = text_of(content), ""
    if role == "assistant":
        thoughts = [html.unescape(_QUOTE.sub("", found)).strip() for found in _THOUGHTS.findall(text)]
        reasoning, text = "\n\n".join(filter(None, thoughts)), _THOUGHTS.sub("", text)
    files = [item for item in entry.get("files") or [] if isinstance(item, dict)]
    parent = entry.get("parentId")
    return SourceMessage(
        id=id_,
        parent=parent if isinstance(parent, str) else None,
        role=role,
        text=text,
        reasoning=reasoning,
        model=text_of(entry.get("model")) or None if role == "assistant" else None,
        created_at=iso(entry.get("timestamp")),
        attachments=[text_of(item.get("name")) or text_of(item.get("type")) or "file" for item in files],
    )
