"""What an importer yields: threads whose messages are a tree, as plain data, and what it could not take in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import msgspec

from chatui.errors import UsageError
from chatui.text import clean_line


class ToolCall(msgspec.Struct, frozen=True):
    """What a model asked a tool to do."""

    name: str
    arguments: dict[str, Any]
    id: str


class SourceMessage(msgspec.Struct, kw_only=True):
    """One message of a source.

    Attributes:
        id: Its own, or one that is made of its place; the same each time that the source is read.
        parent: The id of the message it follows, None for a first one.
        role: user, assistant, system or tool.
        text: What was said.
        reasoning: What was thought before.
        model: Who said it, as the source names it.
        created_at: ISO 8601 in UTC, None where the source does not say.
        tool_calls: What the message asks of tools.
        tool_call_id: Of a tool's message: the call that it answers.
        name: Of a tool's message: the tool.
        attachments: Names of what came with it.
        extra: More of it as plain data, kept with the message and not shown.
        usage: Tokens in and out, None where unknown.
        seconds: How long the reply took, None where unknown.
        message: The message as LangChain has it, where the source holds it in that form. The fields above are not used then
            but for the first two, the model, the time and the marks.
        starred: Whether it has a star.
        branch: The name of the branch at it.
        deleted: Whether it is marked as deleted, with all below it.
    """

    id: str
    parent: str | None = None
    role: str = "user"
    text: str = ""
    reasoning: str = ""
    model: str | None = None
    created_at: str | None = None
    tool_calls: list[ToolCall] = []
    tool_call_id: str = ""
    name: str | None = None
    attachments: list[str] = []
    extra: dict[str, Any] = {}
    usage: tuple[int, int] | None = None
    seconds: float | None = None
    message: Any = None
    starred: bool = False
    branch: str | None = None
    deleted: bool = False


class SourceThread(msgspec.Struct, kw_only=True):
    """One conversation of a source.

    Attributes:
        key: What tells it from every other of its kind, the same each time that the source is read.
        where: Where it is, for a report.
        messages: Each behind the one that it follows.
        title: Its title, "" for none.
        named: Whether a person or the source gave that title on purpose, so that no automatic one replaces it.
        user: Whose it is, None where the source does not say.
        model: Who answers in it, as a reference of ours; None where the source names a model that we may not reach.
        system_prompt: What is sent before the messages without being one.
        created_at: ISO 8601 in UTC, None where the source does not say.
        updated_at: The same, of its last change.
        archived: Whether it was put away.
        pinned: Whether it stands at the top of the list.
        deleted: Whether it is marked as deleted.
        memory: Its memory strategy, None for the default one.
        settings: What was set for it, as plain data.
        active: The message that its active path ends with; None for the end of the longest branch, the first of equals.
    """

    key: str
    where: str
    messages: list[SourceMessage]
    title: str = ""
    named: bool = True
    user: str | None = None
    model: str | None = None
    system_prompt: str | None = None
    created_at: str | None = None
    updated_at: str | None = None
    archived: bool = False
    pinned: bool = False
    deleted: bool = False
    memory: str | None = None
    settings: dict[str, Any] = {}
    active: str | None = None


class Skipped(msgspec.Struct, frozen=True):
    """What was not taken in: where it is in the source, and why not."""

    where: str
    why: str


#: What an importer yields.
Item = SourceThread | Skipped


class Wanted(msgspec.Struct, frozen=True):
    """What the person said about the source.

    Attributes:
        split: A pattern with {user} and {thread} that session names follow, None for none.
        map: Which keys of a LangGraph file's metadata hold what: user, title; and messages, the channel.
    """

    split: str | None = None
    map: Mapping[str, str] = {}


#: What a mapping can name.
MAPPED = ("user", "title", "messages")


def keys_of(words: Iterable[str]) -> dict[str, str]:
    """Read mappings as a person writes them, as in user=owner_id.

    Raises:
        UsageError: One says nothing.
    """
    keys = {}
    for word in words:
        name, equals, key = word.partition("=")
        if name not in MAPPED or not equals or not key:
            raise UsageError(
                f'--map "{clean_line(word, 60)}" says nothing.',
                f"Give NAME=KEY; a NAME is one of {', '.join(MAPPED)}.",
            )
        keys[name] = key
    return keys


def iso(value: Any) -> str | None:
    """Return a time as we write it, None for what is none.

    Args:
        value: Seconds since 1970, milliseconds where that would be thousands of years off, or ISO 8601; without an offset it is
            taken as UTC.
    """
    try:
        if isinstance(value, bool) or value in (None, ""):
            return None
        if isinstance(value, int | float):
            moment = datetime.fromtimestamp(value / 1000 if abs(value) > 1e11 else value, UTC)
        else:
            moment = datetime.fromisoformat(str(value).strip())
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        # LangGraph's ids hold no time before 1970, and no program here was written before it.
        if moment.year < 1971 or moment.year > 9000:
            return None
    except (ValueError, OverflowError, OSError):
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def in_order(messages: Iterable[SourceMessage]) -> list[SourceMessage]:
    """Return messages with each behind the one that it follows, else in the order they came in.

    A message that follows one which is not there begins a branch of its own; so does the first of a circle.
    """
    waiting: dict[str | None, list[SourceMessage]] = {}
    listed = list(messages)
    known = {message.id for message in listed}
    for message in listed:
        if message.parent not in known or message.parent == message.id:
            message.parent = None
        waiting.setdefault(message.parent, []).append(message)
    ordered: list[SourceMessage] = []
    seen: set[str] = set()
    rest = iter(listed)
    queue = waiting.pop(None, [])
    while True:
        queue.reverse()
        while queue:
            message = queue.pop()
            if message.id not in seen:
                seen.add(message.id)
                ordered.append(message)
                queue.extend(reversed(waiting.get(message.id, [])))
        circular = next((message for message in rest if message.id not in seen), None)
        if circular is None:
            return ordered
        circular.parent = None
        queue = [circular]


def chained(messages: Sequence[SourceMessage]) -> list[SourceMessage]:
    """Let each message follow the one before it, and return them."""
    for before, message in pairwise(messages):
        message.parent = before.id
    return list(messages)


def text_of(value: Any) -> str:
    """Return a value of a source if it is a text, "" for anything else."""
    return value if isinstance(value, str) else ""
