"""Two branches of a thread side by side: where they part, turn beside turn, and the words that differ."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import zip_longest

import msgspec

from chatui.conversation.tree import Message, diverge

#: A word, a run of white space, or one other sign: of scripts without spaces each character is a word.
_WORDS = re.compile(r"[A-Za-z0-9_'’\u00c0-\u024f\u0370-\u052f]+|\s+|.", re.DOTALL)
#: Longer texts are compared line by line: word by word would take seconds.
_MOST_WORDS = 4000

Span = tuple[int, int]


class Row(msgspec.Struct, frozen=True):
    """Two messages that stand beside each other, with the parts of each (start, end) that the other has not.

    Attributes:
        a: The left message, None where that branch has ended.
        b: The right message.
        only_a: Places in the text of `a`.
        only_b: Places in the text of `b`.
    """

    a: Message | None
    b: Message | None
    only_a: tuple[Span, ...] = ()
    only_b: tuple[Span, ...] = ()


class Comparison(msgspec.Struct, frozen=True):
    """Two branches.

    Attributes:
        ancestor: The last message that both have, None where they part at the start.
        a: What the left branch has after it.
        b: What the right branch has after it.
        rows: Both, turn beside turn.
    """

    ancestor: Message | None
    a: list[Message]
    b: list[Message]
    rows: list[Row]


def compare(a: Sequence[Message], b: Sequence[Message]) -> Comparison:
    """Compare two branches of one thread.

    Args:
        a: A branch, root first.
        b: Another.
    """
    ancestor, rest_a, rest_b = diverge(a, b)
    rows = []
    for turn_a, turn_b in zip_longest(_turns(rest_a), _turns(rest_b), fillvalue=()):
        for left, right in zip_longest(turn_a, turn_b):
            spans = differences(left.text, right.text) if left and right else ((), ())
            rows.append(Row(left, right, *spans))
    return Comparison(ancestor, rest_a, rest_b, rows)


def _turns(messages: Sequence[Message]) -> list[list[Message]]:
    """Part messages into turns: each begins with a prompt, but what comes before the first is one too."""
    turns: list[list[Message]] = []
    for message in messages:
        if message.role == "user" or not turns:
            turns.append([])
        turns[-1].append(message)
    return turns


def differences(a: str, b: str) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Return the places in each of two texts that the other has not, word by word.

    Args:
        a: A text.
        b: Another.

    Returns:
        (start, end) pairs into `a`, and into `b`; in order, none empty.
    """
    words_a, words_b = _WORDS.findall(a), _WORDS.findall(b)
    if len(words_a) + len(words_b) > _MOST_WORDS:
        words_a, words_b = a.splitlines(keepends=True), b.splitlines(keepends=True)
    only_a: list[Span] = []
    only_b: list[Span] = []
    at_a, at_b = _starts(words_a), _starts(words_b)
    for tag, a1, a2, b1, b2 in SequenceMatcher(None, words_a, words_b, autojunk=False).get_opcodes():
        if tag != "equal":
            if at_a[a1] < at_a[a2]:
                only_a.append((at_a[a1], at_a[a2]))
            if at_b[b1] < at_b[b2]:
                only_b.append((at_b[b1], at_b[b2]))
    return tuple(only_a), tuple(only_b)


def _starts(words: Sequence[str]) -> list[int]:
    """Where each word begins, and where the last ends."""
    starts = [0]
    for word in words:
        starts.append(starts[-1] + len(word))
    return starts
