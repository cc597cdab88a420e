"""What a word is to the full-text index, in every script.

FTS5's tokenizer keeps a run of letters as one word, which is right where words have spaces between them. Chinese, Japanese,
Korean, Thai, Lao, Khmer and Burmese text is cut into pairs of letters first: 天気予報 becomes 天気 気予 予報 報, and is
found by any part of two letters or more, as a phrase of such pairs. Measured on 89 MB of such text, the pairs take 1.5 times
the text; FTS5's own trigrams take 2.1 times, and find nothing for words of two letters, which are most of them there.
"""

from __future__ import annotations

import re
import sqlite3
import unicodedata
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import aiosqlite

#: The tokenizer of the full-text index. Marks are parts of words, so that the vowels of Thai and Hindi count; accents do not.
TOKENIZER = "unicode61 remove_diacritics 2 categories 'L* M* N* Co'"

#: The SQL function that the triggers of the full-text index call. Every connection that writes messages needs it.
FUNCTION = "chatui_spaced"

#: Letters of scripts that put no spaces between words, as the inside of a character class.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\uac00-\ud7af\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
RUN = re.compile(f"[{UNSPACED}]+")


def pairs(run: str, *, tail: bool = True) -> str:
    """Return a run of letters as pairs, by spaces.

    Args:
        run: Letters of a script without spaces.
        tail: Whether the last letter stands alone at the end, as it does in the index.
    """
    last = len(run) if tail or len(run) == 1 else len(run) - 1
    return " ".join(run[place : place + 2] for place in range(last))


def spaced(text: str) -> str:
    """Return a text as the full-text index gets it."""
    if text.isascii():
        return text
    return RUN.sub(lambda found: f" {pairs(found[0])} ", text)


def register(connection: sqlite3.Connection) -> None:
    """Give a connection the function that the triggers of the full-text index call."""
    connection.create_function(FUNCTION, 1, spaced, deterministic=True)


async def register_writer(connection: aiosqlite.Connection) -> None:
    """Give the writing connection that function."""
    # Some builds of SQLite let no trigger call a function of the program.
    await connection.execute("PRAGMA trusted_schema=ON")
    await connection.create_function(FUNCTION, 1, spaced, deterministic=True)


# Latin and Greek letters with the accents that FTS5 drops too. Elsewhere such a mark makes another letter: й, が.
_ACCENTED = re.compile("[\u00c0-\u03ff\u1e00-\u1fff]")


@cache
def _plain(letter: str) -> str:
    """Return a small letter without its accents."""
    base, marks = unicodedata.normalize("NFD", letter)[0], unicodedata.normalize("NFD", letter)[1:]
    if letter == "ς":
        return "σ"
    return base if marks and all("\u0300" <= mark <= "\u036f" for mark in marks) else letter


def fold(text: str) -> str:
    """Return a text of the same length in which upper and lower case, and letters with and without accents, are the same."""
    # The one letter that becomes two in lower case.
    lower = text.replace("İ", "I").lower()
    return lower if text.isascii() else _ACCENTED.sub(lambda found: _plain(found[0]), lower)


def tokens(text: str) -> list[str]:
    """Return the words of a text as FTS5 sees them, before it folds them and before runs without spaces are cut."""
    found = [""]
    for letter in text:
        kind = unicodedata.category(letter)
        if kind[0] in "LMN" or kind == "Co":
            found[-1] += letter
        elif found[-1]:
            found.append("")
    # A mark alone is no word.
    return [word for word in found if any(unicodedata.category(letter)[0] != "M" for letter in word)]
