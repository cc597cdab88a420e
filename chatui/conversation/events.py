"""What a turn yields.

The first event is `Started`, then `Asked` once the model is there (and again if it had no room and is asked with less); pieces
come between, and a `Note` wherever there is something to know; the last is `Finished`, `Stopped` or `Failed`. Where several
answers are asked for at once, all that happens to one of them comes as an `Alternative`, and the last event stands for all:
whoever knows of one answer only never mixes up two. Every text in an event is clean already. The screens match on these
classes and nothing else.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from chatui.conversation.tree import Message
from chatui.errors import ChatuiError


class Started(msgspec.Struct, frozen=True):
    """The prompt is on disk and is the head; the model is being opened.

    Attributes:
        prompt: The user message that is answered: new on send and edit, an old one on regenerate.
        message_id: The id that the reply will have.
        model: The full reference of the model that is asked.
    """

    prompt: Message
    message_id: str
    model: str


class Asked(msgspec.Struct, frozen=True):
    """The model is there and has been asked; nothing of the reply has come yet.

    Attributes:
        sent: How many messages are sent, the system prompt included.
        left_out: How many messages of the branch the memory strategy left out.
        estimated_tokens: What is sent, estimated; exact figures come with `Finished`.
        context_length: The tokens that the model takes, None where unknown.
    """

    sent: int
    left_out: int
    estimated_tokens: int
    context_length: int | None


class Note(msgspec.Struct, frozen=True):
    """Something that a person should know of this reply, as a sentence: what is not sent, that a model is loaded anew."""

    text: str


#: What a request can wait for: its model is being loaded; that, or its prompt is being read; another reply of the same model; or
#: nobody can tell.
WaitsFor = Literal["loading", "starting", "queued", "first token"]


class Waiting(msgspec.Struct, frozen=True):
    """Nothing of the reply has come for a moment, and this is known of why. Comes again when it is something else."""

    what: WaitsFor


class TextPiece(msgspec.Struct, frozen=True):
    """More of the reply's text."""

    text: str


class ReasoningPiece(msgspec.Struct, frozen=True):
    """More of what the model thinks before it answers; shown apart from the reply."""

    text: str


class Finished(msgspec.Struct, frozen=True):
    """The reply is complete and saved, and is the head now. As an `Alternative` it is saved, and no head yet."""

    message: Message


class Stopped(msgspec.Struct, frozen=True):
    """The user stopped the reply. `message` is what came, saved and marked; None if nothing had come."""

    message: Message | None


class Failed(msgspec.Struct, frozen=True):
    """The reply failed. The prompt is kept, and so is what came: `message`, None if nothing had come."""

    error: ChatuiError
    message: Message | None


class Alternative(msgspec.Struct, frozen=True):
    """What happens to one of several answers that were asked for at once.

    Attributes:
        index: Which of them, from 0.
        event: Its event: each has a first and a last one of its own.
    """

    index: int
    event: Started | Asked | Note | Waiting | TextPiece | ReasoningPiece | Finished | Stopped | Failed


#: How one answer ends.
End = Finished | Stopped | Failed
Event = Started | Asked | Note | Waiting | TextPiece | ReasoningPiece | Finished | Stopped | Failed | Alternative
