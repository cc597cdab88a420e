"""The only sanitiser: everything from outside goes through it before a screen or a terminal sees it.

Textual and Rich hand escape sequences on to the terminal as they are (seen through every widget tried), so a model, a
file or a title could set the window's title, write the clipboard or reverse the reading order. What is dropped here can do
none of it; what is left of a sequence is harmless text.
"""

from __future__ import annotations

import re
from functools import cache


@cache
def _unsafe() -> re.Pattern[str]:
    # C0 without tab and newline, DEL and C1; line and paragraph separators; surrogates; and the bidirectional controls.
    return re.compile(
        "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
    )


def clean(text: str) -> str:
    """Return `text` without anything that a terminal could obey.

    Newline and tab stay; every other control character goes (carriage return too), as do surrogates, bidirectional
    controls and U+2028/2029. The function keeps no state and looks at single characters only, so cleaning a stream piece
    by piece gives the same as cleaning it whole.

    Args:
        text: Anything from a model, a file, a database, the clipboard, a server or a person.

    Returns:
        The text, shorter or of the same length.
    """
    # What Python calls printable has none of these; most lines are, and then the pattern is not even compiled.
    return text if text.isprintable() else _unsafe().sub("", text)


def clean_line(text: str, limit: int | None = None) -> str:
    """Return `text` cleaned and on one line: runs of white space become one space.

    Args:
        text: Anything from outside.
        limit: The most characters to return; a longer text ends in an ellipsis.
    """
    # A prefix is enough to fill `limit`: a message of megabytes must not be folded for a preview of sixty characters.
    if limit is not None:
        text = text[: limit * 8 + 64]
    line = " ".join(clean(text).split())
    if limit is not None and len(line) > limit:
        return line[: max(limit - 1, 0)].rstrip() + "…"
    return line
