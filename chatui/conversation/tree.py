"""The tree of a thread: plain data, and the ways to walk it.

A thread is a tree. A `Message` is one node of it and knows its parent; siblings are alternatives; the path from the
root to a leaf is a branch; the head is the message that the next turn continues from.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chatui.storage.records import Interruption, Message, Partial, Recalled, Role, Sent, Thread, Usage

__all__ = [
    "Interruption",
    "Message",
    "Partial",
    "Recalled",
    "Role",
    "Sent",
    "Thread",
    "Usage",
    "depth_first",
    "diverge",
]


def diverge(a: Sequence[Message], b: Sequence[Message]) -> tuple[Message | None, list[Message], list[Message]]:
    """Return where two branches part: their last common message, and what each has after it.

    Args:
        a: A branch, root first.
        b: Another branch of the same thread.
    """
    common = 0
    while common < min(len(a), len(b)) and a[common].node_id == b[common].node_id:
        common += 1
    return (a[common - 1] if common else None), list(a[common:]), list(b[common:])


def depth_first(messages: Iterable[Message]) -> list[Message]:
    """Return messages so that each stands before what is below it, and alternatives in their order.

    Args:
        messages: All messages of a thread, in any order. One whose parent is not among them counts as a root.
    """
    known = list(messages)
    ids = {message.node_id for message in known}
    below: dict[str | None, list[Message]] = {}
    for message in known:
        parent = message.parent_id if message.parent_id in ids else None
        below.setdefault(parent, []).append(message)
    for siblings in below.values():
        siblings.sort(key=lambda message: message.alternative)
    # An explicit stack: a branch may be thousands of messages long, deeper than Python recurses.
    stack = below.get(None, [])[::-1]
    ordered = []
    while stack:
        message = stack.pop()
        ordered.append(message)
        stack.extend(reversed(below.get(message.node_id, [])))
    return ordered
