"""What the program itself asks a model, in the background: for a title, for facts. It is no turn, and nothing of it is saved."""

from __future__ import annotations

import re
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from chatui.config import Parameters
from chatui.text import clean

if TYPE_CHECKING:
    from chatui.conversation.walk import Walk
    from chatui.models import OpenModel

#: How many characters of an answer are read.
_READ = 4000

_THINKING = re.compile(r"<(think|thinking|thought)>.*?(</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_EMPHASIS = re.compile(r"(\*\*|__|\*|`+)(.+?)\1")


async def answer_of(conversation: Walk, model: OpenModel, request: str) -> str:
    """Return what a model says to a request, cut where it is long.

    Args:
        conversation: The thread that it is about: its context and its keep_alive hold, as with others, or without them, the model
            would be loaded anew for this and again for the next turn.
        model: The model.
        request: What it is asked.
    """
    from langchain_core.messages import HumanMessage

    values = conversation.settings.resolve(str(model.ref)).values
    same = Parameters(num_ctx=values.num_ctx, keep_alive=values.keep_alive)
    # Thinking about it takes longer than it is worth. Only what can be told so has the field.
    without: dict[str, Any] = {"reasoning": False} if getattr(model.chat, "reasoning", None) else {}
    arguments = model.arguments(same) | without
    pieces, size = list[str](), 0
    async with aclosing(model.chat.astream([HumanMessage(request)], **arguments)) as chunks:  # type: ignore[type-var]
        async for chunk in chunks:
            text = str(chunk.text)
            pieces.append(text)
            size += len(text)
            if size > _READ:
                break
    return "".join(pieces)


def without_thinking(answer: str) -> str:
    """Return an answer, cleaned, without what the model thought in it."""
    text = _THINKING.sub("\n", clean(answer))
    # Some models write the end of their thinking only.
    return re.split(r"</think(?:ing)?>", text, flags=re.IGNORECASE)[-1]


def without_emphasis(line: str) -> str:
    """Return a line without the signs by which Markdown makes words bold, italic or code."""
    return _EMPHASIS.sub(r"\2", line)
