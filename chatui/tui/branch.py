"""The branch on the screen: what the transcript reads from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from chatui.conversation.tree import Message

if TYPE_CHECKING:
    from chatui.conversation.engine import Conversation
    from chatui.tui.replies import Replies


class Branch(Protocol):
    """The active branch of a thread, as the transcript asks for it. Messages are counted from 1 at the root."""

    @property
    def length(self) -> int:
        """How many messages it has."""

    def part(self, first: int, count: int) -> list[Message]:
        """Return `count` messages from the `first` on, fewer at its end."""

    def next_fork(self, depth: int, step: int) -> int | None:
        """Return the depth of the next message (step 1) or the previous one (-1) that has alternatives."""


class ShownBranch:
    """The active branch of a thread. While several answers stream, none of them is the branch yet: it ends with what they answer.

    Args:
        conversation: The thread.
        replies: All that stream.
    """

    def __init__(self, conversation: Conversation, replies: Replies) -> None:
        self._conversation = conversation
        self._replies = replies

    @property
    def _end(self) -> str | None:
        reply = self._replies.of(self._conversation.thread_id)
        return reply.answers.prompt if reply else None

    @property
    def length(self) -> int:
        """How many messages it has."""
        return self._conversation.length(self._end)

    def part(self, first: int, count: int) -> list[Message]:
        """Return `count` messages from the `first` on, fewer at its end."""
        return self._conversation.part(first, count, self._end)

    def next_fork(self, depth: int, step: int) -> int | None:
        """Return the depth of the next message (step 1) or the previous one (-1) that has alternatives."""
        return self._conversation.next_fork(depth, step, self._end)

    @property
    def fork(self) -> int | None:
        """The depth at which it last parted from another branch, None where it never did."""
        return self.next_fork(self.length + 1, -1)

    def has(self, message: Message) -> bool:
        """Say whether a message is on it."""
        return any(found.node_id == message.node_id for found in self.part(message.depth, 1))
