from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from chatui.text import clean, clean_line

# Weighted towards what a terminal obeys.
NASTY = st.text(
    alphabet=st.one_of(
        st.sampled_from("\x00\x07\x08\t\n\x0b\x0c\r\x1b\x7f\x85\x90\x9b\x9c\u2028\u2029\u200e\u202e\u2066[]0;m"),
        st.characters(exclude_categories=[]),
    )
)


def test_sequences_become_harmless_text() -> None:
    assert clean("\x1b]0;title\x07\x1b[31mred\x1b[0m") == "]0;title[31mred[0m"
    assert clean("\x1b]52;c;aGk=\x1b\\x") == "]52;c;aGk=\\x"
    assert clean("a\x9b31mb\x90q\x9c") == "a31mbq"
    assert clean("one\r\ntwo\ttabs\x0c\x0b") == "one\ntwo\ttabs"
    assert clean("abc\u202edef\u2066ghi\u200f\u061c") == "abcdefghi"
    assert clean("lone \ud83d surrogate") == "lone  surrogate"


def test_ordinary_text_stays() -> None:
    text = "Größe, 天気, नमस्ते, 👩‍💻, e\u0301, שלום, a\u00a0b\n\tcode()\n"
    assert clean(text) == text


def test_each_character_that_could_be_obeyed_is_dropped_and_no_other() -> None:
    directions = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    for character in map(chr, range(0x110000)):
        unsafe = (
            (unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") and character not in "\n\t")
            or unicodedata.bidirectional(character) in directions
            or character in "\u061c\u200e\u200f"
        )
        assert clean(character) == ("" if unsafe else character), hex(ord(character))


@given(NASTY)
def test_nothing_unsafe_is_left(text: str) -> None:
    for character in clean(text):
        assert character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp")
        assert unicodedata.bidirectional(character) not in (
            "LRE",
            "RLE",
            "LRO",
            "RLO",
            "PDF",
            "LRI",
            "RLI",
            "FSI",
            "PDI",
        )


@given(NASTY)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert clean(clean(text)) == clean(text)


@given(st.lists(NASTY))
def test_pieces_give_the_same_as_the_whole(pieces: list[str]) -> None:
    assert "".join(map(clean, pieces)) == clean("".join(pieces))


@given(NASTY, st.integers(min_value=0, max_value=40))
def test_a_line_is_one_line_within_its_limit(text: str, limit: int) -> None:
    line = clean_line(text, limit)
    assert len(line) <= max(limit, 1)
    assert "\n" not in line
    assert "\t" not in line
    assert line == line.strip()


def test_a_long_line_ends_in_an_ellipsis() -> None:
    assert clean_line("one  two\n\tthree") == "one two three"
    assert clean_line("one two three", 8) == "one two…"
    assert clean_line("one two", 7) == "one two"
    assert clean_line("x" * 10_000_000, 5) == "xxxx…"
