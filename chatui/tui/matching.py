"""Where in a message that is laid out the words are that were looked for."""

from __future__ import annotations

import re

from chatui.storage.words import fold
from chatui.text import clean
from chatui.tui.message import AnswerView, MessageView


def matched_row(view: MessageView, pattern: re.Pattern[str] | None) -> int | None:
    """Return the row of a message on which the words stand: the first line that has the most of them.

    Args:
        view: The message, laid out.
        pattern: Finds the words in a folded text, each in a group of its own; None for no words.

    Returns:
        The row; None where the message does not have them.
    """
    if pattern is None or view.message is None:
        return None
    best: tuple[int, int, int] | None = None  # how many different words, the line, the character
    for number, line in enumerate(view.lines):
        # Only what was said is searched: no name above it, and no thinking.
        if not number or (isinstance(view, AnswerView) and view.is_folded(number)):
            continue
        found = list(pattern.finditer(fold(line)))
        words = len({match.lastindex for match in found})
        if found and (best is None or words > best[0]):
            best = (words, number, found[0].start())
    if best is None:
        # Signs of Markdown stand between the words, or they are in a file that is folded: about there.
        said = fold(clean(view.message.text))
        match = pattern.search(said)
        return int(match.start() / len(said) * (view.height - 1)) if match else None
    _, number, at = best
    rows = [index for index in range(view.height - 1) if view.row(index).line == number and view.row(index).start <= at]
    return rows[-1] if rows else None
