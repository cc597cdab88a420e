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


class _Folding(dict[int, int]):
    """Letter to letter, filled as letters come up."""

    def __missing__(self, code: int) -> int:
        letter = chr(code)
        parts = unicodedata.normalize("NFD", letter)
        # The accents that FTS5 drops too; the sound marks of kana make other letters.
        if len(parts) > 1 and all("\u0300" <= mark <= "\u036f" for mark in parts[1:]):
            letter = parts[0]
        lower = letter.lower()
        self[code] = found = ord(lower if len(lower) == 1 else letter)
        return found


_FOLDING = _Folding()


def fold(text: str) -> str:
    """Return a text of the same length in which upper and lower case, and letters with and without accents, are the same."""
    return text.lower() if text.isascii() else text.translate(_FOLDING)


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
