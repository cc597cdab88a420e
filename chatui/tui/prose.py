"""Prose: paragraphs of words with a bold one or some `code` here and there, which need no parser of Markdown.

Most replies are no more than that, and importing the parser costs a tenth of the first paint. Whatever is not certainly
prose is left to the parser; a test holds the two against each other.
"""

from __future__ import annotations

import re
from functools import cache

from textual.content import Content, Span

CODE_STYLE = "$code-inline on $code-ground"

# Words and ordinary punctuation; a dot or a colon within a word may be an address.
_SIGN = r"(?:[^\W_]|[ ,;!?'\"’“”()…—–、。，！？「」]|[.:](?![\w/]))"
_BOLD = r"(?<![^\s(])\*\*[^\W_](?:[^\W_]| (?=[^\W_]))*\*\*(?![^\s,;!?).:]|[.:]\w)"
_CODE = r"(?<![^\s(])`(?![ `])[^`\n]+(?<! )`(?![^\s,;!?).:]|[.:]\w)"
# A line that begins with a space or a number means something else, and two spaces at its end do too.
_LINE = rf"(?![\d\s])(?:{_SIGN}|{_BOLD}|{_CODE})+(?<! )"


@cache
def _prose() -> re.Pattern[str]:
    """Compiled when there is a message: an empty file needs none."""
    return re.compile(rf"{_LINE}(?:\n+{_LINE})*\n*")


@cache
def _parts() -> re.Pattern[str]:
    return re.compile(rf"(?P<bold>{_BOLD})|(?P<code>{_CODE})")


def paragraphs(source: str) -> list[tuple[int, Content]] | None:
    """Return the paragraphs of plain prose, each with the line of the source where it starts.

    Args:
        source: Clean text.

    Returns:
        None if it is anything else than plain prose.
    """
    if not _prose().fullmatch(source):
        return None
    found = []
    line = 0
    for part in re.split(r"(\n{2,})", source.rstrip("\n")):
        if part.strip("\n"):
            found.append((line, _styled(part.replace("\n", " "))))
        line += part.count("\n")
    return found


def _styled(text: str) -> Content:
    pieces: list[str] = []
    spans: list[Span] = []
    length = end = 0
    # Most have no mark at all.
    for match in _parts().finditer(text) if "*" in text or "`" in text else ():
        before, marks = text[end : match.start()], 2 if match["bold"] else 1
        inner = match[0][marks:-marks]
        pieces += [before, inner]
        start = length + len(before)
        length = start + len(inner)
        spans.append(Span(start, length, "bold" if match["bold"] else CODE_STYLE))
        end = match.end()
    pieces.append(text[end:])
    return Content("".join(pieces), spans)
