"""What a person types to search, read: words, "phrases" and beginnings* - and where in a text they are.

All words must occur, in any order; the last one counts as a beginning, as it may still be being typed. A phrase in quotes is taken
as it is. Nothing else is special: every other sign is a part of the text or stands between words, so no text is an error.
"""

from __future__ import annotations

import re
import unicodedata

import msgspec

from chatui.storage.words import RUN, UNSPACED, fold, pairs, tokens
from chatui.text import clean, clean_line

#: Longer queries are cut: nobody types them, and FTS5's parser has a limit.
MOST_TYPED = 300
#: Of a text whose words are looked for one by one: so many characters, and so many words.
MOST_RECALLED, MOST_WORDS = 4000, 24
#: Characters of a snippet, and how many of them may stand before the first match.
SNIPPET, LEAD = 120, 30
#: How far a cut moves to be between two words.
_CUT = 20
#: From so many letters on a query is looked up; shorter ones are too many messages' beginnings, and are scanned for.
INDEXED_FROM = 3

_TERM = re.compile(r'"([^"]*)("?)|([^\s"]+)')
# Letters of other scripts may stand right before and behind: 我的iPhone手机 has the word iPhone.
_START, _END = f"(?:(?<![^\\W_])|(?<=[{UNSPACED}]))", f"(?:(?![^\\W_])|(?=[{UNSPACED}]))"
_PIECES = re.compile(f"[{UNSPACED}]+|[^{UNSPACED}]+")
#: How many matches are looked at to find the best part of a text.
_LOOKED_AT = 200


class Query(msgspec.Struct, frozen=True):
    """A search, ready to be run.

    Attributes:
        text: What was typed, clean.
        match: The expression for FTS5; "" where the index cannot help and texts have to be scanned for `text`.
        pattern: Finds the words in a folded text, each term in a group of its own; None for an empty search.
    """

    text: str
    match: str
    pattern: re.Pattern[str] | None

    def spans(self, folded: str) -> list[tuple[int, int]]:
        """Return where the words are in a folded text."""
        return [found.span() for found in self.pattern.finditer(folded)] if self.pattern else []


class _Term(msgspec.Struct, frozen=True):
    words: list[str]
    prefix: bool


def parse(text: str) -> Query:
    """Read what was typed. Any text is a query; one without a letter or digit is searched for as it stands."""
    text = clean_line(unicodedata.normalize("NFC", clean(text)))[:MOST_TYPED].strip()
    terms = _terms(text)
    letters = "".join(word for term in terms for word in term.words)
    runs = RUN.findall(letters)
    if not terms or (len(letters) < INDEXED_FROM and not any(len(run) > 1 for run in runs)):
        return Query(text, "", literal(text))
    match = " ".join(_expression(term) for term in terms)
    # The longest first: of alternatives that begin alike the first one wins.
    patterns = sorted({_pattern(term) for term in terms}, key=len, reverse=True)
    return Query(text, match, re.compile("|".join(f"({pattern})" for pattern in patterns)))


def literal(text: str) -> re.Pattern[str] | None:
    """Return the pattern that finds a clean text as it stands in a folded one, None for an empty text."""
    return re.compile(f"({re.escape(fold(text))})") if text else None


def _terms(text: str) -> list[_Term]:
    terms = []
    for found in _TERM.finditer(text):
        phrase, closed, word = found.groups()
        last = found.end() == len(text)
        words = tokens(phrase if word is None else word)
        if words:
            # A phrase whose second quote is still to come is being typed.
            prefix = (last and not closed) if word is None else word.endswith("*") or (last and _is_letter(word[-1]))
            # One letter begins too many words.
            terms.append(_Term(words, prefix and len(words[-1]) > 1))
    return terms


def _is_letter(letter: str) -> bool:
    return unicodedata.category(letter)[0] in "LMN"


def _expression(term: _Term) -> str:
    """Return a term as FTS5 takes it."""
    pieces = [piece for word in term.words for piece in _PIECES.findall(word)]
    # Behind the last run of such letters others may follow: its last pair is enough, a letter alone is the beginning of one.
    run = bool(RUN.fullmatch(pieces[-1]))
    words = [
        pairs(piece, tail=place < len(pieces) - 1) if RUN.fullmatch(piece) else piece
        for place, piece in enumerate(pieces)
    ]
    prefix = len(pieces[-1]) == 1 if run else term.prefix
    return f'"{" ".join(words)}"{"*" if prefix else ""}'


def _pattern(term: _Term) -> str:
    pieces = [fold(piece) for word in term.words for piece in _PIECES.findall(word)]
    parts = [re.escape(pieces[0])]
    for piece in pieces[1:]:
        parts += ["[\\W_]*", re.escape(piece)]
    start = "" if RUN.fullmatch(pieces[0]) else _START
    end = "" if term.prefix or RUN.fullmatch(pieces[-1]) else _END
    return start + "".join(parts) + end


def snippet(text: str, query: Query) -> tuple[str, list[tuple[int, int]]]:
    """Return the part of a text that shows best why it was found, on one line and clean, and where its matches are.

    Args:
        text: The whole text, from anywhere.
        query: What was searched for.

    Returns:
        About `SNIPPET` characters, cut between words, an ellipsis where something is left out; (start, end) of each match in it.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
    start = _start(text, query)
    end = min(start + SNIPPET, len(text))
    # At the end of the text there is more room before the match.
    start = max(min(start, end - SNIPPET), 0)
    start, end = _word_border(text, start, 1), _word_border(text, end, -1)
    line = clean_line(text[start:end])
    line = f"{'…' if start else ''}{line}{'…' if end < len(text.rstrip()) else ''}"
    return line, query.spans(fold(line))


def _start(text: str, query: Query) -> int:
    """Return where a snippet best begins: before the place where most different words stand close together."""
    found = []
    if query.pattern is not None:
        for match in query.pattern.finditer(fold(text)):
            found.append((match.start(), match.lastindex))
            if len(found) == _LOOKED_AT:
                break
    best, most = 0, 0
    for index, (place, _) in enumerate(found):
        near = {kind for at, kind in found[index : index + 20] if at < place + SNIPPET // 2}
        if len(near) > most:
            best, most = max(place - LEAD, 0), len(near)
    return best


def _word_border(text: str, place: int, step: int) -> int:
    """Move a place to the next white space inwards, if there is one near."""
    if place in (0, len(text)):
        return place
    for near in range(place, min(max(place + step * _CUT, 1), len(text) - 1), step):
        if text[near if step > 0 else near - 1].isspace():
            return near
    return place


def any_of(text: str) -> str:
    """Return the expression of FTS5 that finds what has any of the longer words of a text, "" where it has none."""
    words: dict[str, None] = {}
    for word in tokens(clean(unicodedata.normalize("NFC", text))[:MOST_RECALLED]):
        for piece in _PIECES.findall(word):
            if RUN.fullmatch(piece):
                words.update(dict.fromkeys(pairs(piece, tail=False).split()))
            elif len(piece) >= INDEXED_FROM:
                words[fold(piece)] = None
    # The longest say most.
    chosen = sorted(words, key=len, reverse=True)[:MOST_WORDS]
    return " OR ".join(f'"{word}"' for word in chosen)
