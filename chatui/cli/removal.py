"""`chatui delete`, `restore` and `purge`: of a whole thread, or of one message and all below it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from chatui.cli import output
from chatui.cli.asking import agreed
from chatui.cli.branches import is_deleted, node_at, resolve
from chatui.cli.session import allowing, find
from chatui.cli.threads import Json, ThreadName, called, thread_json
from chatui.errors import UsageError
from chatui.text import clean, clean_line

if TYPE_CHECKING:
    from chatui.conversation.engine import Conversation
    from chatui.conversation.library import Library
    from chatui.conversation.tree import Thread

_NO_TERMINAL = "Purging cannot be undone, and there is no terminal to ask on.", "Say --yes to do it."

At = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="CHECKPOINT",
        help="Only the message that this one ends with, and all below it: an id that `chatui tree` shows.",
    ),
]


def delete(context: typer.Context, thread: ThreadName, at: At = None, json: Json = False) -> None:
    """Delete a thread, or with --at a message and all below it.

    The text stays in the file, and `chatui restore` brings it back.
    """

    async def run() -> None:
        async with context.obj.library() as library:
            found = await find(library, thread)
            if at is None:
                found = await library.delete(found.thread_id)
                done = f"{called(found.title)} is deleted. `chatui restore {found.thread_id}` brings it back."
            else:
                conversation = library.conversation(found.thread_id)
                checkpoint = resolve(conversation, at)
                count = await conversation.upkeep.delete(_message_at(conversation, checkpoint))
                many = "is" if count == 1 else "are"
                done = f"{output.counted(count, 'message')} {many} deleted. "
                done += f"`chatui restore {found.thread_id} --at {checkpoint}` brings {'it' if count == 1 else 'them'} back."
            _print(library.thread(found.thread_id), done, json)

    asyncio.run(run())


def restore(context: typer.Context, thread: ThreadName, at: At = None, json: Json = False) -> None:
    """Bring a deleted thread back, or with --at a deleted message and all below it."""

    async def run() -> None:
        async with context.obj.library() as library:
            found = await find(library, thread)
            if at is None:
                found = await library.restore(found.thread_id)
                done = f"{called(found.title)} is back."
            else:
                conversation = library.conversation(found.thread_id)
                node = conversation.at(resolve(conversation, at))
                if node is None or not is_deleted(conversation, node):
                    raise UsageError("That message is not deleted.", f"`chatui tree {found.thread_id}` shows it.")
                before = found.message_count
                # With the message above whose deletion took this one along, where it was such a one.
                await conversation.upkeep.restore(node)
                count = library.thread(found.thread_id).message_count - before
                done = f"{output.counted(count, 'message')} {'is' if count == 1 else 'are'} back."
            _print(library.thread(found.thread_id), done, json)

    asyncio.run(run())


def purge(
    context: typer.Context,
    thread: ThreadName,
    at: At = None,
    yes: Annotated[
        bool,
        typer.Option(
            "--yes", help="Do not ask. In another program's older file, let its tables be brought to today's form too."
        ),
    ] = False,
    json: Json = False,
) -> int:
    """Remove a thread, or with --at a message and all below it, from the file for good.

    The text is nowhere in the file afterwards, and nothing brings it back. Asks first.
    """

    async def run() -> int:
        async with context.obj.library() as library:
            found = await find(library, thread)
            if at is None:
                return await _purge_thread(library, found, yes=yes, json=json)
            conversation = library.conversation(found.thread_id)
            # One that is deleted may be purged as well, so that what is hidden is gone too.
            node = conversation.at(resolve(conversation, at))
            if node is None:
                raise UsageError("There is no message before the first.", "Leave --at out to purge the whole thread.")
            if not (yes or agreed(_below(conversation, node), *_NO_TERMINAL)):
                return 1
            count = await allowing(library, lambda: conversation.upkeep.purge(node), yes=yes)
            done = f"{output.counted(count, 'message')} {'is' if count == 1 else 'are'} gone for good."
            _print(library.thread(found.thread_id), done, json)
        return 0

    return asyncio.run(run())


async def _purge_thread(library: Library, thread: Thread, *, yes: bool, json: bool) -> int:
    count = output.counted(thread.message_count, "message")
    question = f"Remove {called(thread.title, 60)} with {count}, and with any that are deleted in it, for good?"
    if not (yes or agreed(question, *_NO_TERMINAL)):
        return 1
    await allowing(library, lambda: library.purge(thread.thread_id), yes=yes)
    # There is no thread any more: this is the last that can be said of it.
    _print(msgspec.structs.replace(thread, deleted=True), f"{called(thread.title)} is gone for good.", json)
    return 0


def _below(conversation: Conversation, node: str) -> str:
    """The question before a message and all below it are purged."""
    count = conversation.upkeep.count_below(node, hidden=True)
    shown = conversation.upkeep.count_below(node)
    what = "that deleted message"
    if shown:
        message = conversation.message(node)
        what = f'the {message.role} message "{clean_line(message.text, 40)}"'
    more = f" and {count - 1:,} below it, {count:,} in all," if count > 1 else ""
    gone = f" ({count - shown:,} of them deleted before)" if 0 < shown < count else ""
    return f"Remove {what}{more} for good{gone}?"


def _message_at(conversation: Conversation, checkpoint: str) -> str:
    """The message that a checkpoint ends with, which has to be one that is shown."""
    node = node_at(conversation, checkpoint)
    if node is None:
        raise UsageError("There is no message before the first.", "Leave --at out to delete the whole thread.")
    return node


def _print(thread: Thread, done: str, json: bool) -> None:
    if json:
        values: dict[str, Any] = thread_json(thread)
        output.print_json(values)
    else:
        print(clean(done))
