"""What a thread's graph keeps: the messages of a branch, stored as what each step adds.

LangGraph's usual channel writes the whole list into every checkpoint, so that a file grows with the square of its text
(200 turns of 1 KB: about 80 MB). A DeltaChannel stores the additions and now and then a snapshot.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AnyMessage, BaseMessage, RemoveMessage, convert_to_messages
from langgraph.channels.delta import DeltaChannel
from langgraph.graph.message import add_messages

from chatui.storage.channels import Shape

#: Every so many additions the whole list is written. More often makes the file larger, as each snapshot holds all the text before
#: it; more rarely makes a turn begin later, as LangGraph replays what was added since. Measured with 1 KB a turn: every 1,000 makes
#: 1,000 turns 13.3 MB and 2,400 turns 26.7 MB of LangGraph's rows, replayed in 63 and 124 ms; every 2,500 10.7 MB and 20.3 MB, in
#: 99 and 153 ms.
SNAPSHOT_FREQUENCY = 2500


def fold_messages(messages: Sequence[BaseMessage], written: Sequence[BaseMessage]) -> list[BaseMessage]:
    """Return a list of messages with more written to it, one after the other.

    A message with the id of one in the list takes its place; a `RemoveMessage` takes that one away, and an unknown id
    is no error: what is replayed must not fail. Any other message is added at the end.

    Args:
        messages: The list; not changed.
        written: What was written, oldest first.
    """
    folded: dict[object, BaseMessage] = {}
    for message in [*messages, *written]:
        # A message without an id can neither be replaced nor removed: it is its own key.
        key: object = message.id or (id(message), len(folded))
        if isinstance(message, RemoveMessage):
            folded.pop(message.id, None)
        else:
            folded[key] = message
    return list(folded.values())


def reduce_messages(state: Sequence[BaseMessage] | None, writes: Sequence[Any]) -> list[BaseMessage]:
    """The reducer of the messages channel.

    It is deterministic, and batching does not matter, as LangGraph replays writes in larger batches than they were made in:
    `reduce(reduce(s, a), b) == reduce(s, a + b)`.

    Args:
        state: The list so far.
        writes: What the steps wrote: each a message, a list of messages, or anything that LangChain takes for one.
    """
    written: list[BaseMessage] = []
    for write in writes:
        # A pair of strings is one message to LangChain ("human", "hello"); only lists hold several.
        items = write if isinstance(write, list) else [write]
        # What is replayed is messages; asking LangChain for each of thousands takes longer than all else here.
        written.extend(items if all(isinstance(item, BaseMessage) for item in items) else convert_to_messages(items))
    return fold_messages(state or [], written)


class ChatState(TypedDict):
    """The state of the graph: one branch of the thread."""

    messages: Annotated[list[AnyMessage], DeltaChannel(reduce_messages, snapshot_frequency=SNAPSHOT_FREQUENCY)]


def state_type(shape: Shape) -> type:
    """Return the state to go on with in a thread, which another program may have begun.

    Where that program keeps the whole list in each checkpoint, so do we: it would read our additions as an empty
    conversation. Its other channels are handed on as they are.
    """
    if shape == Shape():
        return ChatState
    kept = Annotated[list[AnyMessage], add_messages]
    added = Annotated[list[AnyMessage], DeltaChannel(reduce_messages, snapshot_frequency=SNAPSHOT_FREQUENCY)]
    fields: dict[str, Any] = {shape.channel: kept if shape.whole else added}
    fields |= dict.fromkeys(shape.others, Any)
    # The functional form takes its fields at run time, which type checkers cannot follow.
    return TypedDict("GuestState", fields)  # type: ignore[operator, no-any-return]
