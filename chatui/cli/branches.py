"""`chatui show`, `tree` and `fork`: what is in a thread, and where it goes on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.cells import cell_len

from chatui.cli import output
from chatui.cli.session import find
from chatui.cli.threads import Json, ThreadName
from chatui.errors import UnknownCheckpoint, UsageError
from chatui.text import clean, clean_line

if TYPE_CHECKING:
    from chatui.conversation.engine import Conversation
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
                messages = _path_to(conversation, checkpoint)
            if json:
                output.print_json(
                    {
                        "thread_id": found.thread_id,
                        "checkpoint_id": checkpoint,
                        "messages": [_shown_json(message) for message in messages],
                    }
                )
            else:
                _print_branch(found.title, messages)

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
                _print_tree(nodes)
            else:
                print("The thread has no messages yet.")

    asyncio.run(run())


def fork(
    context: typer.Context,
    thread: ThreadName,
    at: Annotated[
        str, typer.Option("--at", metavar="CHECKPOINT", help="Where to go on: an id that `chatui tree` shows.")
    ],
    json: Json = False,
) -> None:
    """Make a thread go on from an earlier message. The next turn becomes an alternative there; nothing is lost."""

    async def run() -> None:
        async with context.obj.library() as library:
            found = await find(library, thread)
            conversation = library.conversation(found.thread_id)
            message = await conversation.fork(resolve(conversation, at))
            now = library.thread(found.thread_id)
            if json:
                output.print_json({"thread_id": now.thread_id, "checkpoint_id": now.active_checkpoint_id})
            elif message is None:
                print(f'"{clean(now.title)}" goes on from its beginning.')
            else:
                preview = clean_line(message.text, 50)
                print(f'"{clean(now.title)}" goes on after the {message.role} message "{preview}".')

    asyncio.run(run())


def resolve(conversation: Conversation, name: str) -> str:
    """Return the checkpoint that a person means: an id, or the start of the id of one message's checkpoint.

    Raises:
        UsageError: Several ids start so.
    """
    ids = [node.checkpoint_id for node in conversation.tree() if node.checkpoint_id]
    if name in ids or not name.strip():
        return name
    found = [id_ for id_ in ids if id_.startswith(name)]
    if len(found) > 1:
        raise UsageError(f'"{clean_line(name, 60)}" fits {len(found)} checkpoints.', "Give more of the id.")
    # One that no message ends with may still be a checkpoint: the library looks.
    return found[0] if found else name


def _head(conversation: Conversation, thread: Thread) -> str | None:
    """The head's checkpoint: a thread that nobody has viewed here has none in its row yet, though a message to go on from."""
    head = conversation.head()
    return head.checkpoint_id if head else thread.active_checkpoint_id


def _path_to(conversation: Conversation, checkpoint_id: str) -> list[Message]:
    nodes = {node.node_id: node for node in conversation.tree()}
    message = next((node for node in nodes.values() if node.checkpoint_id == checkpoint_id), None)
    if message is None:
        raise UnknownCheckpoint(clean_line(checkpoint_id, 80), conversation.thread_id)
    path = []
    while message is not None:
        path.append(message)
        message = nodes.get(message.parent_id) if message.parent_id else None
    return path[::-1]


def _shown_json(message: Message) -> dict[str, Any]:
    names = ("message_id", "checkpoint_id", "role", "text", "reasoning", "model", "created_at", "usage", "interrupted")
    return {name: getattr(message, name) for name in names}


def _node_json(message: Message) -> dict[str, Any]:
    names = (
        "node_id", "parent_id", "checkpoint_id", "message_id", "role", "text", "model", "created_at", "name", "starred",
        "on_active_path", "alternative", "alternatives", "interrupted",
    )  # fmt: skip
    return {name: getattr(message, name) for name in names}


_INTERRUPTED = {
    "stopped": "stopped by the user",
    "length": "cut off by the limit of tokens",
    "lost": "the connection was lost",
    "failed": "the model failed",
    "crashed": "the program ended",
}


def _print_branch(title: str, messages: list[Message]) -> None:
    print(output.bold(clean_line(title) or "(no title)"))
    for message in messages:
        who = message.role + (
            f" ({clean_line(message.model)})" if message.role == "assistant" and message.model else ""
        )
        place = f" [{message.alternative}/{message.alternatives}]" if message.alternatives > 1 else ""
        print(f"\n{output.bold(who)}{output.dim(place)}")
        print(clean(message.text).rstrip("\n"))
        if message.interrupted:
            print(output.dim(f"[{_INTERRUPTED[message.interrupted]}]"))


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
        lines.append((left + output.fit(clean_line(node.text, 400), max(room, 8)), (node.checkpoint_id or "")[:_SHORT]))
    widest = max(cell_len(left) for left, _ in lines)
    for left, checkpoint in lines:
        print(f"{left}{' ' * (widest - cell_len(left))}  {output.dim(checkpoint)}".rstrip())
