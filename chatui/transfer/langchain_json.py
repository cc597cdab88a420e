"""LangChain's messages in JSON: FileChatMessageHistory, `messages_to_dict`, `dumpd`, and one object of sessions.

One file is one session, named by the file alone; nothing in it tells times.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath
from typing import Any

from chatui.transfer import jsonstream
from chatui.transfer.messages import from_dict, role_of
from chatui.transfer.records import Item, Skipped, SourceMessage, SourceThread
from chatui.transfer.sources import Source, split

_ENDINGS = re.compile(r"\.(messages_to_dict|dumpd|json)$", re.IGNORECASE)


def looks(value: Any) -> bool:
    """Whether a JSON value is a message of LangChain's, or an object of sessions of them."""
    if value == []:
        return True
    if not isinstance(value, dict):
        return False
    if _is_message(value):
        return True
    first = next((item for item in value.values() if item != []), None)
    return isinstance(first, list) and all(isinstance(item, list) for item in value.values()) and _is_message(first[0])


def _is_message(value: Any) -> bool:
    if not isinstance(value, dict):
        return False
    if value.get("lc") == 1:
        return isinstance(value.get("kwargs"), dict) and "content" in value["kwargs"]
    return isinstance(value.get("data"), dict) and "content" in value["data"] and isinstance(value.get("type"), str)


def read(source: Source) -> Iterator[Item]:
    """Yield the sessions of a file."""
    value = jsonstream.whole(source.path)
    if isinstance(value, dict) and not _is_message(value):
        for session, messages in value.items():
            yield from session_of(
                messages, f"{source.path.resolve()}\0{session}", session, source, f"{source.name}, {session}"
            )
        return
    name = PurePath(source.name)
    while (stem := _ENDINGS.sub("", name.name)) != name.name:
        name = name.with_name(stem)
    session = name.as_posix()
    if source.alone and source.wanted.split:
        # Where the file itself was given, the folders that the pattern asks for are in its whole path.
        whole = source.path.resolve().parent / name.name
        session = "/".join(whole.parts[-source.wanted.split.count("/") - 1 :])
    yield from session_of(value, str(source.path.resolve()), session, source, source.name)


def session_of(values: Any, key: str, session: str, source: Source, where: str) -> Iterator[Item]:
    """Yield one session, and what could not be taken in of it.

    Args:
        values: Its messages, in order.
        key: What tells it from every other.
        session: Its name.
        source: The file.
        where: Where it is.
    """
    user, title = split(source.wanted.split, session)
    thread = SourceThread(key=key, where=where, messages=[], title=title, named=False, user=user)
    if not isinstance(values, list):
        yield Skipped(where, "It is no list of messages.")
        return
    for number, value in enumerate(values):
        try:
            message = from_dict(value)
        except ValueError as error:
            yield Skipped(f"{where}, message {number + 1}", f"It cannot be read: {error}.")
            continue
        add(thread, message, str(number + 1))
    yield thread


def add(thread: SourceThread, message: Any, number: str) -> None:
    """Add one of LangChain's messages to the end of a thread."""
    model = message.response_metadata.get("model_name") or message.response_metadata.get("model")
    thread.messages.append(
        SourceMessage(
            id=number,
            parent=thread.messages[-1].id if thread.messages else None,
            role=role_of(message),
            text=message.text,
            model=model if isinstance(model, str) else None,
            message=message,
        )
    )
