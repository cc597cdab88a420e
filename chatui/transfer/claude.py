"""Claude's data export: conversations.json. Some exports name each message's parent, and then branches are in them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chatui.transfer.messages import ROLES
from chatui.transfer.records import Item, Skipped, SourceMessage, SourceThread, chained, in_order, iso, text_of
from chatui.transfer.sources import Source


def looks(value: Any) -> bool:
    """Whether a JSON value is a conversation of Claude's."""
    return isinstance(value, dict) and isinstance(value.get("chat_messages"), list)


def read(source: Source) -> Iterator[Item]:
    """Yield the conversations of a file."""
    yield from source.each(_thread)


def _thread(value: Any, where: str) -> Iterator[Item]:
    if not looks(value):
        yield Skipped(where, "It is no conversation: it has no chat_messages.")
        return
    messages: list[SourceMessage] = []
    for number, entry in enumerate(value["chat_messages"]):
        if not isinstance(entry, dict):
            yield Skipped(f"{where}, message {number + 1}", "It is no message.")
            continue
        messages.append(_message(entry, str(entry.get("uuid") or number + 1)))
    # An export that names parents names the first one's too, by an id that no message has.
    named = any(isinstance(entry, dict) and entry.get("parent_message_uuid") for entry in value["chat_messages"])
    leaf = value.get("current_leaf_message_uuid")
    ordered = in_order(messages) if named else chained(messages)
    yield SourceThread(
        key=str(value.get("uuid") or where),
        where=where,
        messages=ordered,
        title=text_of(value.get("name")),
        created_at=iso(value.get("created_at")),
        updated_at=iso(value.get("updated_at")),
        # Where it does not say what was looked at last, it is what was said last.
        active=leaf if isinstance(leaf, str) else (messages[-1].id if messages else None),
    )


def _message(entry: dict[str, Any], id_: str) -> SourceMessage:
    role = ROLES.get(str(entry.get("sender")).lower(), "user")
    content = entry.get("content")
    blocks = [block for block in content if isinstance(block, dict)] if isinstance(content, list) else []
    texts = [text_of(block.get("text")) for block in blocks if block.get("type") == "text"]
    text = "\n".join(filter(None, texts)) or text_of(entry.get("text"))
    thoughts = [text_of(block.get("thinking")) for block in blocks if block.get("type") == "thinking"]
    attachments, contents = [], []
    for key in ("attachments", "files"):
        for item in entry.get(key) or []:
            if isinstance(item, dict):
                name = text_of(item.get("file_name")) or text_of(item.get("file_uuid"))
                attachments.append(name or "file")
                if extracted := text_of(item.get("extracted_content")):
                    contents.append({"name": name, "text": extracted})
    extra: dict[str, Any] = {}
    if tools := _tools(blocks):
        # Both what was asked of tools and what they gave are in one answer here, so they are no messages of their own.
        extra["tools"] = tools
    if contents:
        extra["attachment_texts"] = contents
    parent = entry.get("parent_message_uuid")
    return SourceMessage(
        id=id_,
        parent=parent if isinstance(parent, str) else None,
        role=role,
        text=text,
        reasoning="\n\n".join(filter(None, thoughts)) if role == "assistant" else "",
        created_at=iso(entry.get("created_at")),
        attachments=attachments,
        extra=extra,
    )


def _tools(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What was asked of tools, each with what it gave."""
    tools: list[dict[str, Any]] = []
    for block in blocks:
        if block.get("type") == "tool_use":
            tools.append({"name": text_of(block.get("name")), "input": block.get("input")})
        elif block.get("type") == "tool_result" and tools and "result" not in tools[-1]:
            given = block.get("content")
            parts = (
                [text_of(part.get("text")) for part in given if isinstance(part, dict)]
                if isinstance(given, list)
                else []
            )
            tools[-1]["result"] = "\n".join(filter(None, parts)) or text_of(given)
    return tools
