"""Files that go with what is written in the prompt: `@name` in it.

A file is read when the prompt is sent. One that waits for a reply to end is sent then: what goes is what the file holds at that
time, and where it cannot be read any more, the text comes back and nothing is sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chatui.conversation.attachments import Attachment
    from chatui.conversation.engine import Conversation
    from chatui.conversation.events import Event


async def send(conversation: Conversation, text: str, model: str | None = None) -> AsyncGenerator[Event]:
    """Say something, as `Conversation.send` does, with the files that it names.

    Raises:
        UsageError: A file that is named cannot be attached; nothing was written.
        ChatuiError: As of `Conversation.send`.
    """
    text, files = await _find(text)
    async with aclosing(conversation.send(text, model=model, attachments=files)) as events:
        async for event in events:
            yield event


async def edit(conversation: Conversation, node_id: str, text: str, model: str | None = None) -> AsyncGenerator[Event]:
    """Say something in another prompt's place, as `Conversation.edit` does, with the files that it names.

    Raises:
        UsageError: A file that is named cannot be attached; nothing was written.
        ChatuiError: As of `Conversation.edit`.
    """
    text, files = await _find(text)
    async with aclosing(conversation.edit(node_id, text, model=model, attachments=files)) as events:
        async for event in events:
            yield event


async def _find(text: str) -> tuple[str, list[Attachment]]:
    if "@" not in text:
        return text, []
    # Imported here, as the first paint attaches nothing.
    from chatui.conversation.attachments import find_files

    return await asyncio.to_thread(find_files, text, Path())


def pasted(text: str) -> str:
    """Return what a paste puts into the prompt: the path of an image alone attaches it, anything else stays."""
    path = text.strip()
    if len(path) > 4096 or "\n" in path:
        return text
    from chatui.conversation.attachments import is_image, resolve
    from chatui.conversation.files import written

    for name in _paths(path):
        found = resolve(name, Path())
        if found is not None and is_image(found):
            return f"{written(name)} "
    return text


def _paths(text: str) -> Iterator[str]:
    """What a path may be that was copied, or dropped on the terminal: as it is, as a link, as a shell writes it."""
    # Imported here, as nothing is pasted before the first paint.
    import shlex
    from urllib.parse import unquote, urlsplit

    if text.startswith("file://"):
        yield unquote(urlsplit(text).path)
        return
    yield text
    with suppress(ValueError):
        words = shlex.split(text)
        if len(words) == 1:
            yield words[0]
