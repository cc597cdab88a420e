"""Where a copied thread comes from. The copy is independent: its origin may be deleted or purged, and that is told."""

from __future__ import annotations

import msgspec

from chatui.conversation.tree import Message, Thread
from chatui.storage import Store
from chatui.text import clean_line


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """The place that a thread was copied from.

    Attributes:
        thread: The thread there; None once it was purged.
        whole: Whether all of it was copied, and not the path to one message.
        message: The message up to which, or around which, was copied; None once it was purged, and where all was copied.
        message_deleted: Whether that message is deleted there, itself or with one above it.
    """

    thread: Thread | None
    whole: bool
    message: Message | None
    message_deleted: bool = False

    def sentence(self, quotes: str = '""', room: int = 60) -> str:
        """Tell it in a sentence.

        Args:
            quotes: What stands before and behind a title.
            room: How many letters of the title are told.
        """
        if self.thread is None:
            return "Copied from a thread that was purged."
        title = clean_line(self.thread.title, room)
        name = f"{quotes[0]}{title}{quotes[1]}" if title else "a thread without a title"
        if self.thread.deleted:
            return f"Copied from {name}, which is deleted."
        if self.whole:
            return f"Copied whole from {name}."
        if self.message is None:
            return f"Copied from {name}, at a message that was purged."
        return f"Copied from {name} at #{self.message.depth}{', which is deleted' if self.message_deleted else ''}."


def origin_of(store: Store, thread_id: str) -> Origin | None:
    """Return where a thread was copied from, None if it is no copy.

    Args:
        store: The file.
        thread_id: The thread.
    """
    source, node_id = store.threads.origin(thread_id)
    if source is None:
        return None
    message = store.messages.get(source, node_id, deleted=True) if node_id else None
    return Origin(
        thread=store.threads.get(source),
        whole=not node_id,
        message=message,
        message_deleted=message is not None and store.messages.get(source, message.node_id) is None,
    )
