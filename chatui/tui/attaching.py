"""Files that go with what is written in the prompt: `@name` in it, read when it is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
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

    return await asyncio.to_thread(find_files, text, Path.cwd())


def pasted(text: str) -> str:
    """Return what a paste puts into the prompt: the path of an image alone attaches it, anything else stays."""
    path = text.strip().removeprefix("file://")
    if len(path) > 1 and path[0] == path[-1] and path[0] in "'\"":
        path = path[1:-1]
    # As terminals write the path of a file that is dropped on them.
    path = path.replace("\\ ", " ")
    if not path or "\n" in path or '"' in path or len(path) > 4096:
        return text
    from chatui.conversation.attachments import is_image, resolve

    found = resolve(path, Path.cwd())
    if found is None or not is_image(found):
        return text
    return f'@"{path}" ' if any(letter.isspace() for letter in path) else f"@{path} "
