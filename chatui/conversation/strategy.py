"""How a memory strategy is written: "tokens:auto", "window:6", "summary+tokens:2000,recall"."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from chatui.errors import UsageError
from chatui.text import clean_line

Kind = Literal["full", "window", "tokens", "summary"]

#: What a person may write, for help and errors.
FORMS = "full, window:6, tokens:auto, tokens:2000, summary, summary+tokens:2000, each also with ,recall"

#: How other threads are searched where there is no embedding model.
BY_TEXT = "by full text"

_MOST = 10_000_000
_PART = r"(?:(full|summary|recall)|(window|tokens|summary\+tokens):([a-z0-9]+))"


class Strategy(msgspec.Struct, frozen=True):
    """What of a branch is sent.

    Attributes:
        kind: `full` is the whole branch, `window` the last turns, `tokens` the newest messages that have room, `summary` a
            summary of the older ones and the newer ones themselves.
        number: The turns of a window, or the tokens; None for as many as the model's context takes.
        recall: Whether other threads of the same user are searched for what fits the prompt.
    """

    kind: Kind = "tokens"
    number: int | None = None
    recall: bool = False

    def __str__(self) -> str:
        name = {
            "full": "full",
            "window": f"window:{self.number}",
            "tokens": f"tokens:{self.number or 'auto'}",
            "summary": f"summary+tokens:{self.number}" if self.number else "summary",
        }[self.kind]
        return f"{name},recall" if self.recall else name


def parse_strategy(text: str) -> Strategy:
    """Read a strategy. `recall` alone is `tokens:auto,recall`.

    Raises:
        UsageError: It is none.
    """
    found: Strategy | None = None
    recall = False
    for part in text.lower().replace(" ", "").split(","):
        match = re.fullmatch(_PART, part)
        if match is None:
            raise _wrong(text, "is no memory strategy")
        word, counted, number = match.groups()
        if word == "recall":
            recall = True
        elif found is not None:
            raise _wrong(text, "names two strategies of which only one can hold")
        else:
            found = _one(text, word, counted, number)
    return msgspec.structs.replace(found or Strategy(), recall=recall)


def _one(text: str, word: str | None, counted: str | None, number: str | None) -> Strategy:
    if word == "full":
        return Strategy("full")
    if word == "summary":
        return Strategy("summary")
    kind: Kind = "window" if counted == "window" else "tokens" if counted == "tokens" else "summary"
    if number == "auto" and kind != "window":
        return Strategy(kind)
    if number is None or not number.isdecimal() or not 0 < int(number) <= _MOST:
        raise _wrong(text, "needs a number above 0 behind the colon")
    return Strategy(kind, int(number))


def _wrong(text: str, why: str) -> UsageError:
    return UsageError(f'"{clean_line(text, 60)}" {why}.', f"Write one of: {FORMS}.")
