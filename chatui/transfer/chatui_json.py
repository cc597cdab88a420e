"""chatui's own form of a thread in JSON: the whole tree, and all that was set for it. Written and read here.

The JSON form is one list of threads. In JSON lines (chatui_jsonl.py) a thread is a line without its messages, and each of them a
line behind it. Fields may be added in this version; what is there keeps its meaning.

A thread: `chatui` (the version of this form), `thread` (thread_id, title, named, user, model, memory, system_prompt, settings,
created_at, updated_at, pinned, archived, deleted, active: the id of the message at its head) and `messages`, each behind the one
that it follows, alternatives in the order they were made. A message: `id`, `parent` (an id, null at a root), `role`, `text`,
`reasoning`, `model`, `created_at`, `usage`, `seconds`, `interrupted`, `starred`, `name` (of the branch), `deleted`,
`tool_calls`, `attachments`, all to be read by people and programs, and `message`, LangChain's own form, which an import reads.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from langchain_core.messages import AIMessage, message_to_dict

from chatui.storage.index import FACTS
from chatui.text import clean_line
from chatui.transfer import jsonstream
from chatui.transfer.export import Entry, Exported
from chatui.transfer.messages import from_dict, role_of
from chatui.transfer.records import Item, Skipped, SourceMessage, SourceThread, in_order, iso, text_of
from chatui.transfer.sources import Source, guarded

VERSION = 1
# What a terminal could obey inside of a JSON string. msgspec escapes C0 itself.
_UNSAFE = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


def encode(value: Any) -> str:
    """Return a value as JSON on one line, exact, and with nothing that a terminal could obey."""
    encoded = msgspec.json.encode(value, enc_hook=str).decode()
    return _UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", encoded)


def pieces(threads: Iterable[Exported], all_branches: bool) -> Iterator[str]:
    """Yield the list, one thread a piece, one message a line."""
    between = "[\n"
    for thread in threads:
        head = encode(thread_object(thread))
        yield f'{between}{head[:-1]},"messages":['
        between = ""
        for entry in thread.entries:
            yield f"{between}\n{encode(message_object(entry))}"
            between = ","
        yield "\n]}"
        between = ",\n"
    yield "[]\n" if between == "[\n" else "\n]\n"


def thread_object(exported: Exported) -> dict[str, Any]:
    """Return a thread without its messages."""
    thread = exported.thread
    return {
        "chatui": VERSION,
        "thread": {
            "thread_id": thread.thread_id,
            "title": thread.title,
            "named": exported.named,
            "user": thread.user,
            "model": thread.model,
            "memory": thread.memory,
            "system_prompt": exported.system_prompt,
            "settings": exported.settings,
            "created_at": thread.created_at,
            "updated_at": thread.updated_at,
            "pinned": thread.pinned,
            "archived": thread.archived,
            "deleted": thread.deleted,
            "active": exported.head or None,
        },
    }


def message_object(entry: Entry) -> dict[str, Any]:
    """Return one message."""
    message, original = entry.message, entry.original
    facts = original.response_metadata.get(FACTS)
    attachments = facts.get("attachments") if isinstance(facts, dict) else None
    calls = original.tool_calls if isinstance(original, AIMessage) else []
    return {
        "id": message.node_id,
        "parent": message.parent_id,
        "role": message.role,
        "text": message.text,
        "reasoning": message.reasoning,
        "model": message.model,
        "created_at": message.created_at,
        "usage": message.usage,
        "seconds": message.seconds,
        "interrupted": message.interrupted,
        "starred": message.starred,
        "name": message.name,
        "deleted": entry.deleted,
        "tool_calls": [{"name": call["name"], "args": call["args"], "id": call["id"]} for call in calls],
        "attachments": attachments or [],
        "message": message_to_dict(original),
    }


# Reading


def looks(value: Any) -> bool:
    """Whether a JSON value is a thread in this form."""
    return isinstance(value, dict) and type(value.get("chatui")) is int and isinstance(value.get("thread"), dict)


def read(source: Source) -> Iterator[Item]:
    """Yield the threads of a file, in JSON or in JSON lines."""
    if jsonstream.first_byte(source.path) == b"[":
        yield from source.each(_thread)
        return
    size = source.path.stat().st_size or 1
    begun: dict[str, Any] | None = None
    begun_at = ""
    for element in jsonstream.lines(source.path):
        if isinstance(element, Skipped):
            yield element
            continue
        source.told(element.end / size)
        where, value = f"{source.name}, line {element.number + 1}", element.value
        if looks(value):
            if begun is not None:
                yield from guarded(_thread, begun, begun_at)
            begun, begun_at = {"messages": [], **value}, where
        elif begun is not None and isinstance(value, dict) and "message" in value:
            begun["messages"].append(value)
        else:
            yield Skipped(where, "It is neither a thread nor a message.")
    if begun is not None:
        yield from guarded(_thread, begun, begun_at)


def _thread(value: Any, where: str) -> Iterator[Item]:
    if not looks(value):
        yield Skipped(where, "It is no thread in chatui's form.")
        return
    if value["chatui"] > VERSION:
        yield Skipped(where, "A newer chatui wrote it.")
        return
    facts = value["thread"]
    messages = []
    for number, item in enumerate(value.get("messages") or [], start=1):
        try:
            messages.append(_message(item))
        except ValueError as error:
            yield Skipped(f"{where}, message {number}", f"It cannot be read: {error}.")
    settings = facts.get("settings")
    yield SourceThread(
        key=text_of(facts.get("thread_id")) or where,
        where=where,
        messages=_ordered(messages),
        title=text_of(facts.get("title")),
        named=facts.get("named") is True,
        user=text_of(facts.get("user")) or None,
        model=text_of(facts.get("model")) or None,
        memory=clean_line(text_of(facts.get("memory")), 200) or None,
        system_prompt=facts["system_prompt"] if isinstance(facts.get("system_prompt"), str) else None,
        settings=settings if isinstance(settings, dict) else {},
        created_at=iso(facts.get("created_at")),
        updated_at=iso(facts.get("updated_at")),
        pinned=facts.get("pinned") is True,
        archived=facts.get("archived") is True,
        deleted=facts.get("deleted") is True,
        active=text_of(facts.get("active")) or None,
    )


def _ordered(messages: list[SourceMessage]) -> list[SourceMessage]:
    """Keep the order in which the messages were made, unless somebody else wrote the file and has another."""
    seen: set[str | None] = {None}
    for message in messages:
        if message.parent not in seen or message.id in seen:
            return in_order(messages)
        seen.add(message.id)
    return messages


def _message(value: Any) -> SourceMessage:
    if not isinstance(value, dict) or not isinstance(value.get("id"), str):
        raise ValueError("it has no id")
    message = from_dict(value.get("message"))
    return SourceMessage(
        id=value["id"],
        parent=text_of(value.get("parent")) or None,
        role=role_of(message),
        text=message.text,
        model=text_of(value.get("model")) or None,
        created_at=iso(value.get("created_at")),
        message=message,
        starred=value.get("starred") is True,
        branch=clean_line(text_of(value.get("name")), 200) or None,
        deleted=value.get("deleted") is True,
    )
