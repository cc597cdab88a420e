"""The timeline of a thread: LangGraph's raw checkpoints, and the state of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from langchain_core.messages import BaseMessage, messages_to_dict

from chatui.conversation.state import fold_messages
from chatui.errors import UnknownCheckpoint
from chatui.storage import Store
from chatui.storage.steps import Step, steps

__all__ = ["Step", "state", "timeline"]

if TYPE_CHECKING:
    from collections.abc import Sequence


def timeline(store: Store, thread_id: str) -> Sequence[Step]:
    """Return the checkpoints of a thread in the order they were written."""
    return steps(store.database, thread_id)


def state(store: Store, thread_id: str, checkpoint_id: str) -> dict[str, Any]:
    """Return the state at a checkpoint as plain data, messages in LangChain's own dict form.

    Args:
        store: The file.
        thread_id: The thread.
        checkpoint_id: One of its checkpoints.

    Raises:
        UnknownCheckpoint: The thread has none of this id.
    """
    if not store.has_checkpoint(thread_id, checkpoint_id):
        raise UnknownCheckpoint(checkpoint_id, thread_id)
    values = store.index(fold_messages).state(thread_id, checkpoint_id)
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: Any) -> Any:
    """JSON-able data: messages become dicts, what JSON does not know becomes its text."""
    if isinstance(value, BaseMessage):
        return messages_to_dict([value])[0]
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)
