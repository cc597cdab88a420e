"""What of a branch a model cannot be sent, and what it gets in its place, so that no switch of models ends in an error.

A thread may hold images and be answered by a model that sees none from then on, or calls of tools and be answered by one that
knows none. The messages themselves stay as they are; who reads the reply is told.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from chatui.conversation.context import numbers
from chatui.storage.attached import IMAGE, OTHER, attachment_line
from chatui.text import clean_line

if TYPE_CHECKING:
    from chatui.models import OpenModel

#: So many names of attachments are told; the others are counted.
_NAMES = 3


def without_attachments(
    branch: Sequence[BaseMessage], carries: Callable[[Mapping[str, Any]], bool] | None
) -> Sequence[BaseMessage]:
    """Return a branch in which a line stands for each attachment that the model cannot be sent.

    Args:
        branch: The messages, root first.
        carries: Says whether a content block can be sent; None where all can.

    Returns:
        As many messages; those that can be sent as they are, unchanged.
    """
    return branch if carries is None else [_carried(message, carries) for message in branch]


def _carried(message: BaseMessage, carries: Callable[[Mapping[str, Any]], bool]) -> BaseMessage:
    if isinstance(message.content, str):
        return message
    kept = [block for block in message.content if isinstance(block, str) or carries(block)]
    if len(kept) == len(message.content):
        return message
    lines = [
        {"type": "text", "text": f"{line} (not sent)"}
        for block in _lost(message, carries)
        if (line := attachment_line(block))
    ]
    return message.model_copy(update={"content": [*kept, *lines]})


def _lost(message: BaseMessage, carries: Callable[[Mapping[str, Any]], bool]) -> list[Mapping[str, Any]]:
    if isinstance(message.content, str):
        return []
    return [block for block in message.content if isinstance(block, dict) and not carries(block)]


def remarks(model: OpenModel, branch: Sequence[BaseMessage], sent: Sequence[BaseMessage]) -> list[str]:
    """Return what a person should know of it before the reply: a sentence each.

    Args:
        model: Who is asked.
        branch: The messages as they are stored, root first.
        sent: What was chosen of them to be sent: of this alone something is said.
    """
    said, name = [], clean_line(str(model.ref), 80)
    kept = {message.id for message in sent if message.id}
    places = [(place, message) for place, message in enumerate(branch, start=1) if message.id in kept]
    if model.carries is not None:
        lost = [
            (place, line.removeprefix(IMAGE).removeprefix(OTHER).strip())
            for place, message in places
            for block in _lost(message, model.carries)
            if (line := attachment_line(block))
        ]
        if lost:
            which = _named([clean_line(line, 60) for _, line in lost])
            whose = numbers(sorted({place for place, _ in lost}))
            only = "its name is" if len(lost) == 1 else "their names are"
            said.append(f"{name} cannot take {which} of {whose}; only {only} sent.")
    if model.tools is False and (told := [place for place, message in places if _of_tools(message)]):
        said.append(f"{name} knows no tools; the calls and results of {numbers(told)} are sent as text.")
    return said


def _named(names: Sequence[str]) -> str:
    shown = list(names[:_NAMES])
    if len(names) > _NAMES:
        shown.append(f"{len(names) - _NAMES} more")
    return f"{', '.join(shown[:-1])} and {shown[-1]}" if len(shown) > 1 else "".join(shown)


def _of_tools(message: BaseMessage) -> bool:
    return isinstance(message, ToolMessage) or (isinstance(message, AIMessage) and bool(message.tool_calls))


def tools_as_text(messages: Sequence[BaseMessage], tools: bool | None) -> list[BaseMessage]:
    """Return messages with calls of tools and their results in words, for a model that is known to know none.

    The template of such a model leaves them out, and the answer would be one to half of the conversation.
    """
    if tools is not False:
        return list(messages)
    return [_in_words(message) if _of_tools(message) else message for message in messages]


def _in_words(message: BaseMessage) -> BaseMessage:
    if isinstance(message, AIMessage):
        calls = [f"[{call['name']}({json.dumps(call['args'], ensure_ascii=False)})]" for call in message.tool_calls]
        return AIMessage("\n".join(filter(None, [str(message.text), *calls])))
    return HumanMessage(f"[result of {getattr(message, 'name', None) or 'the call'}]\n{message.text}")
