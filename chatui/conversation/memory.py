"""Memory: which messages of a branch are sent to the model. It never changes the branch.

One strategy so far, `tokens:auto`: as many of the newest messages as the model's context takes, the reply's share kept free.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage

from chatui.conversation.context import estimate_text

DEFAULT_STRATEGY = "tokens:auto"

#: Taken where the model's context is unknown: what current servers give at the least.
_UNKNOWN_CONTEXT = 4096
#: The share of the context that is kept for the reply, and the most tokens it needs to be.
_REPLY_SHARE, _REPLY_TOKENS = 0.25, 2048
#: What a message costs besides its text: role and separators.
_MESSAGE_TOKENS = 5


class Selection(msgspec.Struct, frozen=True):
    """What is sent: the messages, how many of the branch were left out, and the estimated tokens."""

    messages: list[BaseMessage]
    left_out: int
    estimated_tokens: int


def estimate_tokens(messages: Iterable[BaseMessage]) -> int:
    """Estimate the tokens of messages without the model's tokenizer: too many rather than too few."""
    return sum(_MESSAGE_TOKENS + estimate_text(str(message.text)) for message in messages)


def select(messages: Sequence[BaseMessage], *, system_prompt: str = "", context_length: int | None = None) -> Selection:
    """Choose what to send for the newest message of a branch.

    The newest user message is always sent, even where it alone is larger than the context, so a prompt is never empty; and the
    selection begins with a user message, never with an orphaned tool result.

    Args:
        messages: The whole branch, root first, the prompt last.
        system_prompt: What is sent before them; "" for none.
        context_length: The tokens that the model takes for prompt and reply together, None where unknown.
    """
    system: list[BaseMessage] = [SystemMessage(system_prompt)] if system_prompt else []
    context = context_length or _UNKNOWN_CONTEXT
    budget = context - min(int(context * _REPLY_SHARE), _REPLY_TOKENS) - estimate_tokens(system)
    chosen = _newest(messages, max(budget, 1))
    sent = [*system, *chosen]
    return Selection(sent, len(messages) - len(chosen), estimate_tokens(sent))


def _newest(messages: Sequence[BaseMessage], budget: int) -> list[BaseMessage]:
    """Return the newest messages that have room, a system message that stands first in any case.

    Looks at what is sent and no further: trim_messages of LangChain counts the whole branch several times, which took longer than
    all else of ours in a turn of a long thread.
    """
    lead = list(messages[:1]) if messages and isinstance(messages[0], SystemMessage) else []
    room = budget - estimate_tokens(lead)
    start = len(messages)
    while start > len(lead):
        room -= estimate_tokens([messages[start - 1]])
        if room < 0:
            break
        start -= 1
    if start == len(lead) and room >= 0:
        return list(messages)
    while start < len(messages) and not isinstance(messages[start], HumanMessage):
        start += 1
    if start == len(messages):
        # Not even the newest question has room.
        prompts = (place for place in reversed(range(start)) if isinstance(messages[place], HumanMessage))
        start = next(prompts, start)
    return [*lead, *messages[start:]]
