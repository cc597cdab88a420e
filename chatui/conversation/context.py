"""Whether what is to be sent fits into the model's context, and the sentences that say so when it does not.

Nothing is dropped in silence: what chatui leaves out is told before the reply, and what a server dropped by itself, as older ones
do, is seen from the tokens that it counted.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from chatui.storage.attached import image_count
from chatui.text import clean_line

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage

    from chatui.conversation.parameters import LastContext, Resolved
    from chatui.errors import ContextTooLong
    from chatui.models import OpenModel

#: How often a turn is asked again with fewer messages.
ATTEMPTS = 3
#: Of the room that a server told, so much is taken for an estimate that may be wrong once more.
_CARE = 0.9
#: A prompt of which the server read less than this share of the estimate was cut, if it was larger than the context.
_READ_SHARE = 0.75
_REPEATED = r"(?s)(.)\1{3,}"
#: What a message costs besides its text: role and separators.
_MESSAGE_TOKENS = 5
#: What an image costs: models differ, and this is what common ones take of a photograph.
_IMAGE_TOKENS = 1000
#: Seconds for asking which context a reply had.
LOOK_SECONDS = 1.0


def estimate_text(text: str) -> int:
    """Estimate the tokens of a text without the model's tokenizer: too many rather than too few.

    Latin text has about four characters a token; of other scripts each character is counted as one.
    """
    plain = len(text) if text.isascii() else sum(map(str.isascii, text))
    return (plain + 3) // 4 + (len(text) - plain)


def estimate_message(message: BaseMessage) -> int:
    """Estimate the tokens of a message, its images too."""
    return _MESSAGE_TOKENS + estimate_text(str(message.text)) + _IMAGE_TOKENS * image_count(message)


def least_tokens(text: str) -> int:
    """Return how many tokens a text has at the very least, in any tokenizer that is in use.

    A Latin token has eight characters at the most over a whole text, one of another script four. Of what is repeated, as in a line
    of signs or an indent, a token may be any length.
    """
    text = re.sub(_REPEATED, r"\1", text)
    plain = len(text) if text.isascii() else sum(map(str.isascii, text))
    return plain // 8 + (len(text) - plain) // 4


def room_of(model: OpenModel, num_ctx: int | None, last: LastContext | None = None) -> int | None:
    """Return the context that will be in force, None where only the server will know it.

    Args:
        model: Who is asked.
        num_ctx: What is asked for.
        last: How the model was asked last in this thread. Left to the server then and now, its context is what it was, where the
            model is loaded with the one that another thread asked for.
    """
    if num_ctx is None and last is not None and last.num_ctx is None and last.elsewhere and "num_ctx" in model.takes:
        others = min(last.elsewhere, model.longest) if model.longest else last.elsewhere
        if model.context_length == others:
            return last.room or model.context_length
    if num_ctx is None or "num_ctx" not in model.takes:
        return model.context_length
    return min(num_ctx, model.longest) if model.longest else num_ctx


def remarks(model: OpenModel, parameters: Resolved) -> list[str]:
    """Return what a person should know before the reply about how the model is asked: a sentence each."""
    said = []
    name = clean_line(str(model.ref), 80)
    values = parameters.values
    if (
        values.thinking not in (None, "off")
        and model.thinks is False
        and parameters.sources.get("thinking") == "thread"
    ):
        said.append(f"{name} cannot think before it answers; it is not asked to.")
    ignored = [
        key for key in parameters.by_choice() if key not in model.takes and key not in {"system_prompt", "thinking"}
    ]
    if ignored:
        said.append(f"{name} takes no {' and no '.join(ignored)}.")
    if reload := _reload(model, parameters):
        said.append(reload)
    return said


def _reload(model: OpenModel, parameters: Resolved) -> str:
    """The sentence for a model that its server has to load anew, as it is loaded with another context; "" where it need not."""
    num_ctx, last, loaded = parameters.values.num_ctx, parameters.last, model.context_length
    if not loaded or "num_ctx" not in model.takes:
        return ""
    room = room_of(model, num_ctx, last)
    if room and room != loaded:
        return f"The model is loaded anew, for a context of {room:,} tokens; it was loaded for {loaded:,}."
    if num_ctx is None and last is not None and last.num_ctx is not None and last.room == loaded:
        return f"The model is loaded anew, for the context that its server chooses; it was loaded for {loaded:,}."
    return ""


def left_out(branch: Sequence[BaseMessage], sent: Iterable[BaseMessage]) -> str:
    """Return the sentence that says which messages of a branch are not sent, "" where all are.

    Args:
        branch: The whole branch, root first.
        sent: What is sent of it.
    """
    kept = {id(message) for message in sent}
    missing = [number for number, message in enumerate(branch, start=1) if id(message) not in kept]
    if not missing:
        return ""
    return f"{_count(len(missing), 'older message is', 'older messages are')} not sent: {numbers(missing)}."


def numbers(places: Sequence[int]) -> str:
    """Write the numbers of messages, in order: "#1 to #12", "#2 and #4 to #9"."""
    runs: list[list[int]] = []
    for place in places:
        if runs and place == runs[-1][-1] + 1:
            runs[-1] = [runs[-1][0], place]
        else:
            runs.append([place, place])
    parts = [f"#{first}" if first == last else f"#{first} to #{last}" for first, last in runs]
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else "".join(parts)


def smaller(refused: ContextTooLong, estimated: int) -> int | None:
    """Return the context to choose messages for, once a server has said what it has room for; None where it did not say.

    Args:
        refused: Its answer.
        estimated: The tokens that were thought to be sent.
    """
    if not refused.need or not refused.room:
        return None
    # In estimated tokens, as the choice is made in them.
    return max(int(refused.room * min(estimated / refused.need, 1.0) * _CARE), 1)


def cut(sent: Sequence[BaseMessage], *, estimated: int, read: int | None, room: int | None) -> int:
    """Return how many of the messages that were sent, the oldest, a server dropped by itself, as far as its count of tokens tells.

    Args:
        sent: What was sent, a system prompt first where there was one. The server keeps that.
        estimated: The estimated tokens of all of it.
        read: The tokens that the server says it read, None where it does not say.
        room: The context that was in force, None where unknown.
    """
    if not read:
        return 0
    too_large = room is not None and estimated > room and read < estimated * _READ_SHARE
    if not too_large and read >= sum(least_tokens(str(message.text)) for message in sent):
        return 0
    system = [message for message in sent if message.type == "system"]
    others = [message for message in sent if message.type != "system"]
    left = read - sum(estimate_message(message) for message in system)
    kept = 0
    for message in reversed(others):
        left -= estimate_message(message)
        if left < 0:
            break
        kept += 1
    # The newest is what is answered; a server that has no room for it refuses.
    return len(others) - max(kept, 1)


def cut_note(
    count: int, *, branch: Sequence[BaseMessage], sent: Sequence[BaseMessage], read: int, estimated: int
) -> str:
    """Return the sentence that says what a server dropped by itself.

    Args:
        count: How many messages, as `cut` gives it.
        branch: The whole branch, root first.
        sent: What was sent of it.
        read: The tokens that the server read.
        estimated: The tokens that were sent.
    """
    places = {id(message): number for number, message in enumerate(branch, start=1)}
    dropped = [places[id(message)] for message in sent if message.type != "system" and id(message) in places][:count]
    which = f": about {_count(len(dropped), 'message', 'messages')}, {numbers(dropped)}" if dropped else ""
    return (
        f"The server cut the history by itself{which}. It read {read:,} of about {estimated:,} tokens; "
        "a larger num_ctx (F4), or a newer server, helps."
    )


def _count(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


async def in_force(ask: Callable[[], Awaitable[int | None]]) -> int | None:
    """Ask which context a model has. A server that does not say costs no reply, and keeps nobody waiting for long."""
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            return await ask()
    except Exception:  # whatever it is: the figure is all that is lost
        return None
