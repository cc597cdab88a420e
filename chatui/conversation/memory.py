"""Memory: which messages of a branch are sent to the model. It never changes the branch.

One strategy so far, `tokens:auto`: as many of the newest messages as the model's context takes, the reply's share kept free.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec
from langchain_core.messages import BaseMessage, HumanMessage, SystemMessage, trim_messages

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
    """Estimate the tokens of messages without the model's tokenizer: too many rather than too few.

    Latin text has about four characters a token; of other scripts each character is counted as one.
    """
    total = 0
    for message in messages:
        text = str(message.text)
        plain = sum(map(str.isascii, text)) if not text.isascii() else len(text)
        total += _MESSAGE_TOKENS + (plain + 3) // 4 + (len(text) - plain)
    return total


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
    branch = list(messages)
    context = context_length or _UNKNOWN_CONTEXT
    budget = context - min(int(context * _REPLY_SHARE), _REPLY_TOKENS) - estimate_tokens(system)
    chosen = branch
    if estimate_tokens(branch) > budget:
        chosen = trim_messages(
            branch,
            strategy="last",
            max_tokens=max(budget, 1),
            token_counter=estimate_tokens,
            include_system=True,
            start_on="human",
        )
        # trim_messages returns [] where the newest message alone is over the limit.
        last_user = next((m for m in reversed(branch) if isinstance(m, HumanMessage)), None)
        if last_user is not None and not any(message is last_user or message == last_user for message in chosen):
            chosen = [*(m for m in chosen if isinstance(m, SystemMessage)), *branch[branch.index(last_user) :]]
    sent = [*system, *chosen]
    return Selection(sent, len(branch) - len(chosen), estimate_tokens(sent))
