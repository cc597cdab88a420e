"""`chatui show`, `tree` and `fork`: what is in a thread, where it goes on, and a copy of a part of it."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer
from rich.cells import cell_len

from chatui.cli import output
from chatui.cli.session import allowing, find
from chatui.cli.threads import Json, ThreadName, Yes, called
from chatui.errors import UsageError
from chatui.text import clean, clean_line

if TYPE_CHECKING:
    from chatui.conversation.engine import Conversation
    from chatui.conversation.library import Library
    from chatui.conversation.tree import Message, Thread

#: Of a checkpoint's id: 48 bits of its time, 0.4 ms, so that two of one thread look different.
_SHORT = 13


def show(
    context: typer.Context,
    thread: ThreadName,
    at: Annotated[
        str | None, typer.Option("--at", metavar="CHECKPOINT", help="The branch that ends there, not the active one.")
    ] = None,
    json: Json = False,
) -> None:
    """Print a branch of a thread: the active one, from its first message to its head."""

    async def run() -> None:
        async with context.obj.library() as library:
            found = await find(library, thread)
            conversation = library.conversation(found.thread_id)
            if at is None:
                messages, checkpoint = conversation.branch(), _head(conversation, found)
            else:
                checkpoint = resolve(conversation, at)
                messages = branch_to(conversation, checkpoint)
                if messages and messages[-1].node_id == checkpoint:
                    checkpoint = messages[-1].checkpoint_id
            if json:
                output.print_json(
                    {
                        "thread_id": found.thread_id,
                        "checkpoint_id": checkpoint,
                        "messages": [message_json(message, conversation) for message in messages],
                    }
                )
            else:
                _print_branch(found.title, messages, _origin_line(conversation))

    asyncio.run(run())


def tree(context: typer.Context, thread: ThreadName, json: Json = False) -> None:
    """Print all branches of a thread: a line for each message, indented where alternatives part."""

    async def run() -> None:
        async with context.obj.library() as library:
            found = await find(library, thread)
            conversation = library.conversation(found.thread_id)
            nodes = conversation.tree()
            if json:
                output.print_json(
                    {
                        "thread_id": found.thread_id,
                        "active_checkpoint_id": _head(conversation, found),
                        "nodes": [_node_json(node) for node in nodes],
                    }
                )
            elif nodes:
                if origin := _origin_line(conversation):
                    print(output.dim(origin))
                _print_tree(nodes)
            else:
                print("The thread has no messages yet.")
            if not json and conversation.interrupted():
                print(output.dim(f"A reply was cut off by a crash: `chatui {found.thread_id}` offers to keep it."))

    asyncio.run(run())


def fork(
    context: typer.Context,
    thread: ThreadName,
    at: Annotated[
        str | None,
        typer.Option("--at", metavar="CHECKPOINT", help="Where to go on: an id that `chatui tree` shows."),
    ] = None,
    to_new_thread: Annotated[
        bool,
        typer.Option("--to-new-thread", help="Copy the path to there, or to the head, to a thread of its own."),
    ] = False,
    title: Annotated[str | None, typer.Option("--title", metavar="TEXT", help="The new thread's title.")] = None,
    with_branches: Annotated[
        bool,
        typer.Option("--with-branches", help="Copy all that is below --at too; without --at the whole tree."),
    ] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Make a thread go on from an earlier message. The next turn becomes an alternative there; nothing is lost.

    With --to-new-thread that part of the tree is copied; both threads are independent afterwards.
    """
    if not to_new_thread and (title is not None or with_branches):
        raise UsageError("--title and --with-branches are about a copy.", "Say --to-new-thread too.")
    if at is None and not to_new_thread:
        raise UsageError("fork needs to know where.", "Give --at with an id that `chatui tree` shows.")

    async def run() -> None:
        async with context.obj.library() as library:
            found = await find(library, thread)
            conversation = library.conversation(found.thread_id)
            checkpoint = resolve(conversation, at) if at is not None else None
            if to_new_thread:
                act = partial(
                    _copy_out, library, conversation, checkpoint, title, with_branches=with_branches, json=json
                )
                await allowing(library, act, yes=yes)
                return
            assert checkpoint is not None
            node_at(conversation, checkpoint)
            message = await conversation.fork(checkpoint)
            now = library.thread(found.thread_id)
            if json:
                output.print_json({"thread_id": now.thread_id, "checkpoint_id": now.active_checkpoint_id})
            elif message is None:
                print(f"{called(now.title)} goes on from its beginning.")
            else:
                preview = clean_line(message.text, 50)
                print(f'{called(now.title)} goes on after the {message.role} message "{preview}".')

    asyncio.run(run())


async def _copy_out(
    library: Library,
    conversation: Conversation,
    checkpoint: str | None,
    title: str | None,
    *,
    with_branches: bool,
    json: bool,
) -> None:
    """Copy a part of a thread to a new one, and print what came of it.

    Args:
        library: Where both are.
        conversation: The thread.
        checkpoint: Where the copied path ends; None for the head, or with branches for the whole tree.
        title: The new thread's.
        with_branches: Whether what is below comes along.
        json: Whether JSON is printed.
    """
    if checkpoint is not None:
        node = node_at(conversation, checkpoint)
    else:
        node = None if with_branches else conversation.head_node or None
    if node is None and not with_branches:
        raise UsageError("There is nothing before the first message to copy.", "Give --at a later message.")
    made = await conversation.upkeep.copy_out(node, title=title, with_branches=with_branches)
    copy = library.conversation(made.thread_id)
    # It stands where it was cut, as a fork does, whatever came along below.
    head = await copy.go_to(node or conversation.head_node or None)
    if json:
        output.print_json({"thread_id": made.thread_id, "checkpoint_id": head.checkpoint_id if head else None})
    else:
        count = output.counted(made.message_count, "message")
        print(f"{called(made.title)} has {count} of {called(_title(conversation))}: `chatui show {made.thread_id}`.")


def _title(conversation: Conversation) -> str:
    thread = conversation.thread()
    return thread.title if thread else conversation.thread_id


def resolve(conversation: Conversation, name: str) -> str:
    """Return the checkpoint that a person means: an id, or the start of the id of one message's checkpoint.

    A message without a checkpoint of its own is named by its node's id instead.

    Raises:
        UsageError: Several ids start so.
    """
    found = conversation.places(name) if name.strip() else []
    if name in found:
        return name
    if len(found) > 1:
        raise UsageError(f'"{clean_line(name, 60)}" fits {len(found)} checkpoints.', "Give more of the id.")
    # One that no message ends with may still be a checkpoint: the library looks.
    return found[0] if found else name


def _head(conversation: Conversation, thread: Thread) -> str | None:
    """The head's checkpoint: a thread that nobody has viewed here has none in its row yet, though a message to go on from."""
    head = conversation.head()
    return head.checkpoint_id if head else thread.active_checkpoint_id


def node_at(conversation: Conversation, checkpoint_id: str) -> str | None:
    """Return the message that a checkpoint ends with, None before the first.

    Raises:
        UnknownCheckpoint: The thread has none of this id.
        UsageError: The message is deleted.
    """
    node = conversation.at(checkpoint_id)
    if node is not None and is_deleted(conversation, node):
        raise UsageError(
            "That message is deleted.",
            f"`chatui restore {conversation.thread_id} --at {clean_line(checkpoint_id, 80)}` brings it back.",
        )
    return node


def is_deleted(conversation: Conversation, node_id: str) -> bool:
    """Whether a message that the index has is hidden, for it or one above it was deleted."""
    try:
        conversation.message(node_id)
    except UsageError:
        return True
    return False


def branch_to(conversation: Conversation, checkpoint_id: str) -> list[Message]:
    """Return the branch that ends where a checkpoint does, root first.

    Raises:
        UnknownCheckpoint: The thread has none of this id.
        UsageError: The message is deleted.
    """
    node = node_at(conversation, checkpoint_id)
    return conversation.path(node) if node is not None else []


def message_json(message: Message, conversation: Conversation) -> dict[str, Any]:
    """Return a message as the JSON of `show` and `compare` has it."""
    names = ("message_id", "checkpoint_id", "role", "text", "reasoning", "model", "created_at", "usage", "interrupted")
    # What the model was sent for an answer: how much, by which strategy, and what of other threads.
    sent = message.sent
    if sent is not None and sent.recalled:
        recalled = conversation.memory.user.recalled(sent, conversation.prompt_of(message))
        sent = msgspec.structs.replace(sent, recalled=recalled)
    return {**{name: getattr(message, name) for name in names}, "sent": sent}


def _node_json(message: Message) -> dict[str, Any]:
    names = (
        "node_id", "parent_id", "checkpoint_id", "message_id", "role", "text", "model", "created_at", "name", "starred",
        "on_active_path", "alternative", "alternatives", "interrupted",
    )  # fmt: skip
    return {name: getattr(message, name) for name in names}


#: Why a reply is not whole, in words.
INTERRUPTED = {
    "stopped": "stopped by the user",
    "length": "cut off by the limit of tokens",
    "lost": "the connection was lost",
    "failed": "the model failed",
    "crashed": "the program ended",
}


#: Said in place of the text of an answer that has none.
THOUGHT_ONLY = "[the model thought, and gave no answer; --json shows what it thought]"


def _origin_line(conversation: Conversation) -> str:
    """Where a copied thread comes from, with the command that shows it; "" for any other."""
    origin = conversation.upkeep.origin()
    if origin is None:
        return ""
    line = origin.sentence()
    if origin.thread is None:
        return line
    thread_id = clean_line(origin.thread.thread_id, 80)
    if origin.thread.deleted:
        return f"{line} `chatui restore {thread_id}` brings it back."
    if origin.message is None or origin.message.checkpoint_id is None:
        return f"{line} `chatui tree {thread_id}` shows it."
    checkpoint = clean_line(origin.message.checkpoint_id, 80)
    if origin.message_deleted:
        return f"{line} `chatui restore {thread_id} --at {checkpoint}` brings it back."
    return f"{line} `chatui show {thread_id} --at {checkpoint[:_SHORT]}` shows it."


def _print_branch(title: str, messages: list[Message], origin: str) -> None:
    print(output.bold(clean_line(title) or "(no title)"))
    if origin:
        print(output.dim(origin))
    for message in messages:
        who = message.role + (
            f" ({clean_line(message.model)})" if message.role == "assistant" and message.model else ""
        )
        place = f" [{message.alternative}/{message.alternatives}]" if message.alternatives > 1 else ""
        print(f"\n{output.bold(who)}{output.dim(place)}")
        if message.text.strip() or not message.reasoning:
            print(clean(message.text).rstrip("\n"))
        else:
            print(output.dim(THOUGHT_ONLY))
        if message.interrupted:
            print(output.dim(f"[{INTERRUPTED[message.interrupted]}]"))


def _print_tree(nodes: list[Message]) -> None:
    """Print one line a message: ● on the active path, ○ off it; indented only where alternatives part."""
    levels: dict[str | None, int] = {None: 0}
    limit = output.width()
    lines = []
    for node in nodes:
        level = levels[node.node_id] = levels.get(node.parent_id, 0) + (node.alternatives > 1)
        # A branch that forks again and again would leave no room for its text.
        indent = "  " * min(level, 12)
        place = f"{node.alternative}/{node.alternatives} " if node.alternatives > 1 else ""
        marks = ("★ " if node.starred else "") + (f"{clean_line(node.name)}: " if node.name else "")
        cut = " [cut off]" if node.interrupted else ""
        left = f"{indent}{'●' if node.on_active_path else '○'} {place}{node.role}{cut}  {marks}"
        room = 1000 if limit is None else limit - cell_len(left) - _SHORT - 2
        lines.append(
            (left + output.fit(clean_line(node.text, 400), max(room, 8)), (node.checkpoint_id or node.node_id)[:_SHORT])
        )
    widest = max(cell_len(left) for left, _ in lines)
    for left, checkpoint in lines:
        print(f"{left}{' ' * (widest - cell_len(left))}  {output.dim(checkpoint)}".rstrip())
