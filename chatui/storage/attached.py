"""What is said of a message's attachments in words: a line for each, in place of what is in them.

An image is a content block in LangChain's standard form; what we know of its file stands in the block's `extras`. Of what came with
an imported message its names alone are kept, among our facts of the message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

#: The key of our own facts in a message's response_metadata: model, created_at, seconds, what was sent, interrupted, attachments.
FACTS = "chatui"

#: What the line of an image, and of anything else that is no text, begins with.
IMAGE, OTHER = "🖼", "📎"
_KINDS = {"image": IMAGE, "image_url": IMAGE, "audio": OTHER, "input_audio": OTHER, "video": OTHER, "file": OTHER}


def text_of(message: BaseMessage) -> str:
    """Return a message's text, and a line for each attachment below it. Never what is in one; not cleaned."""
    text = str(message.text)
    lines = [f"{OTHER} {name}" for name in attached_names(message)]
    if not isinstance(message.content, str):
        blocks = [line for block in message.content if isinstance(block, dict) and (line := attachment_line(block))]
        lines = [*blocks, *lines]
    return "\n".join([text, *lines] if text else lines)


def attached_names(message: BaseMessage) -> list[str]:
    """Return the names of what came with an imported message, each on one line. Not cleaned."""
    facts = message.response_metadata.get(FACTS)
    names = facts.get("attachments") if isinstance(facts, dict) else None
    return [" ".join(name.split()) for name in names if isinstance(name, str)] if isinstance(names, list) else []


def attachment_line(block: Mapping[str, Any]) -> str:
    """Return the line for a content block: sign, name, type unless the name ends in it, width and height, size.

    "" for one that is no attachment.
    """
    sign = _KINDS.get(str(block.get("type")))
    if sign is None:
        return ""
    extras = block.get("extras")
    facts = extras if isinstance(extras, dict) else {}
    name = str(facts.get("name") or block.get("mime_type") or ("image" if sign == IMAGE else block["type"]))
    parts = [sign, " ".join(name.split())]
    if facts.get("name") and (kind := _kind(str(block.get("mime_type") or ""), name)):
        parts.append(kind)
    width, height, size = (facts.get(key) for key in ("width", "height", "size"))
    if isinstance(width, int) and isinstance(height, int):
        parts.append(f"{width}×{height}")
    if isinstance(size, int):
        parts.append(file_size(size))
    return " ".join(parts)


def _kind(mime_type: str, name: str) -> str:
    """The type as people write it, "" where the name says it."""
    kind = mime_type.partition("/")[2].upper()
    return "" if name.upper().replace(".JPG", ".JPEG").endswith(f".{kind}") else kind


def image_count(message: BaseMessage) -> int:
    """Return how many images a message has."""
    if isinstance(message.content, str):
        return 0
    return sum(isinstance(block, dict) and _KINDS.get(str(block.get("type"))) == IMAGE for block in message.content)


def file_size(count: int) -> str:
    """Return bytes as a line says them: "840 B", "120 kB", "3.4 MB"."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.0f} kB" if count < 999_500 else f"{count / 1_000_000:.1f} MB"
