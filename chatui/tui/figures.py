"""What an answer cost, in figures. They are kept with the message, so that they are there after a restart."""

from __future__ import annotations

from chatui.conversation.tree import Message
from chatui.tui import labels


def speed(message: Message) -> float | None:
    """Return the tokens a second of an answer, None where that is not known.

    As its server measured it, where it says how long it wrote; else by our clock, from the first token on.
    """
    sent = message.sent
    if sent is not None and sent.writing_seconds and sent.written_tokens:
        return sent.written_tokens / sent.writing_seconds
    if message.usage is None or not message.seconds:
        return None
    writing = message.seconds - (message.first_token_seconds or 0)
    return message.usage.output_tokens / writing if writing > 0.05 else None


def shown(rate: float) -> str:
    """Return a speed as it is shown: slow ones with a tenth."""
    return f"{rate:.1f}" if rate < 9.95 else f"{rate:.0f}"


def used(message: Message) -> tuple[int, bool]:
    """Return the tokens of all that was sent and answered, and whether the server counted all of it.

    Some leave the prompt out at times, as llama.cpp does: that part is the estimate from before the call then.
    """
    usage = message.usage
    if usage is None:
        return 0, True
    if usage.input_tokens or message.sent is None:
        return usage.total_tokens, True
    return message.sent.estimated_tokens + usage.output_tokens, False


def first_token(message: Message) -> str:
    """Return how long the first token of an answer took, for the status line."""
    seconds = message.first_token_seconds
    return f"first token {labels.seconds(seconds)}" if seconds is not None else ""


def tokens(message: Message) -> str:
    """Return the tokens of an answer, and how many came a second, for its details."""
    if message.usage is None:
        return ""
    usage = message.usage
    both = f"{usage.input_tokens:,} in, {usage.output_tokens:,} out, {usage.total_tokens:,} in all"
    line = both if usage.input_tokens else f"{usage.output_tokens:,} out, the prompt was not counted"
    rate = speed(message)
    return f"{line}; {shown(rate)} a second" if rate is not None else line
