"""ChatGPT's data export: conversations.json, or the parts conversations-NNN.json of newer ones.

Each conversation is a tree: `mapping` names every node's parent, in no order, and `current_node` is where the person left it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from chatui.transfer.records import Item, Skipped, SourceMessage, SourceThread, ToolCall, in_order, iso, text_of
from chatui.transfer.sources import Source

_ROLES = {"user": "user", "assistant": "assistant", "system": "system", "tool": "tool"}


def looks(value: Any) -> bool:
    """Whether a JSON value is a conversation of ChatGPT's."""
    return isinstance(value, dict) and isinstance(value.get("mapping"), dict)


def read(source: Source) -> Iterator[Item]:
    """Yield the conversations of a file."""
    yield from source.each(thread)


def thread(value: Any, where: str) -> Iterator[Item]:
    """Yield a conversation, and what could not be taken in of it.

    Args:
        value: The JSON value.
        where: Where it is.
    """
    if not looks(value):
        yield Skipped(where, "It is no conversation: it has no mapping.")
        return
    mapping: dict[str, Any] = value["mapping"]
    kept: dict[str, SourceMessage] = {}
    thoughts: dict[str, str] = {}
    for node, entry in mapping.items():
        message = entry.get("message") if isinstance(entry, dict) else None
        if not isinstance(message, dict):
            if message is not None or not isinstance(entry, dict):
                yield Skipped(f"{where}, node {node}", "It is no message.")
            continue
        content = message.get("content")
        if isinstance(content, dict) and content.get("content_type") in ("thoughts", "reasoning_recap"):
            thoughts[node] = _thoughts(content)
        elif not _hidden(message) and (record := _message(node, message)) is not None:
            kept[node] = record
    parents = _Parents(mapping, kept.keys())
    for node, record in kept.items():
        record.parent, passed = parents.of(node)
        if record.role == "assistant":
            record.reasoning = "\n\n".join(filter(None, (thoughts.get(name, "") for name in passed)))
        elif record.role == "tool" and record.parent in kept:
            calls = kept[record.parent].tool_calls
            record.tool_call_id = calls[0].id if calls else ""
    # What was thought, and led to nothing that was said.
    led = {name for node in kept for name in parents.of(node)[1]}
    for node, text in thoughts.items():
        if text and node not in led:
            parent, passed = parents.of(node)
            if not any(other in thoughts and node in parents.of(other)[1] for other in thoughts):
                reasoning = "\n\n".join(filter(None, [*(thoughts.get(name, "") for name in passed), text]))
                kept[node] = SourceMessage(id=node, parent=parent, role="assistant", reasoning=reasoning)
    # Alternatives in the order they were made.
    ordered = sorted(kept.values(), key=lambda record: record.created_at or "")
    current = value.get("current_node")
    yield SourceThread(
        key=str(value.get("conversation_id") or value.get("id") or where),
        where=where,
        messages=in_order(ordered),
        title=text_of(value.get("title")),
        created_at=iso(value.get("create_time")),
        updated_at=iso(value.get("update_time")),
        archived=value.get("is_archived") is True,
        active=parents.nearest(current) if isinstance(current, str) else None,
    )


class _Parents:
    """Which message each node follows: nodes that hold none are passed over."""

    def __init__(self, mapping: dict[str, Any], kept: Any) -> None:
        self._mapping = mapping
        self._kept = kept

    def _above(self, node: str) -> str | None:
        entry = self._mapping.get(node)
        parent = entry.get("parent") if isinstance(entry, dict) else None
        return parent if isinstance(parent, str) else None

    def of(self, node: str) -> tuple[str | None, list[str]]:
        """Return the message above a node, None at a root, and the nodes that were passed over, the highest first."""
        passed: list[str] = []
        seen = {node}
        at = self._above(node)
        while at is not None and at not in self._kept and at not in seen:
            seen.add(at)
            passed.append(at)
            at = self._above(at)
        return (at if at in self._kept else None), passed[::-1]

    def nearest(self, node: str) -> str | None:
        """Return a node if it holds a message, else the message above it."""
        return node if node in self._kept else self.of(node)[0]


def _hidden(message: dict[str, Any]) -> bool:
    metadata = message.get("metadata")
    hidden = isinstance(metadata, dict) and metadata.get("is_visually_hidden_from_conversation") is True
    return hidden or message.get("weight") == 0


def _message(node: str, message: dict[str, Any]) -> SourceMessage | None:
    """Return a node's message, None where it says nothing."""
    author = message.get("author")
    author = author if isinstance(author, dict) else {}
    content = message.get("content")
    content = content if isinstance(content, dict) else {}
    metadata = message.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    role = _ROLES.get(str(author.get("role")), "assistant")
    text, attachments = _content(content)
    for item in metadata.get("attachments") or []:
        if isinstance(item, dict) and (name := text_of(item.get("name"))) and name not in attachments:
            attachments.append(name)
    calls: list[ToolCall] = []
    recipient = text_of(message.get("recipient"))
    if role == "assistant" and recipient not in ("", "all"):
        # What is said to a tool is no answer.
        calls, text = [ToolCall(recipient, {"input": text}, f"call-{node}")], ""
    if not (text.strip() or attachments or calls):
        return None
    return SourceMessage(
        id=node,
        role=role,
        text=text,
        model=text_of(metadata.get("model_slug")) or None if role == "assistant" else None,
        created_at=iso(message.get("create_time")),
        tool_calls=calls,
        name=text_of(author.get("name")) or None,
        attachments=attachments,
    )


def _content(content: dict[str, Any]) -> tuple[str, list[str]]:
    """Return what a message says, and the names of what came with it."""
    texts: list[str] = []
    attachments: list[str] = []
    parts = content.get("parts")
    for part in parts if isinstance(parts, list) else []:
        if isinstance(part, str):
            texts.append(part)
        elif isinstance(part, dict):
            if name := text_of(part.get("asset_pointer")) or text_of(part.get("name")):
                attachments.append(name)
            # Spoken words, and whatever else says itself in a text.
            texts.append(text_of(part.get("text")))
    texts += [text_of(content.get(key)) for key in ("text", "result")]
    return "\n".join(text for text in texts if text), attachments


def _thoughts(content: dict[str, Any]) -> str:
    thoughts = content.get("thoughts")
    found = [text_of(item.get("content")) for item in thoughts if isinstance(item, dict)] if thoughts else []
    return "\n\n".join(filter(None, found)) or text_of(content.get("content"))
