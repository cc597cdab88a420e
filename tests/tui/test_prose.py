from __future__ import annotations

from hypothesis import example, given, settings
from hypothesis import strategies as st

from chatui.tui.markdown import blocks, parsed
from chatui.tui.prose import paragraphs

WORDS = st.sampled_from(
    ["so", "Zürich", "日本", "7", "**bold**", "**two words**", "`code`", "`a.b()`", "e.g.", "it's", "(x)"]
)
SIGNS = st.sampled_from(
    [" ", ", ", ". ", ": ", "! ", "\n", "\n\n", "**", "*", "`", "_", "-", "#", ">", "  ", "1. ", "x.y", "\\", "&"]
)


@settings(max_examples=1500, deadline=None)
@given(st.lists(st.tuples(WORDS, SIGNS)).map(lambda pairs: "".join(word + sign for word, sign in pairs)))
@example("One\ntwo.\n\nAll about **that**: `x = 1`, (**yes**).")
@example("a**b** c")
@example("**a** **b**")
@example("`a``b`")
@example("Setext\n===")
def test_prose_is_what_the_parser_makes_of_it(source: str) -> None:
    mine, theirs = blocks(source), parsed(source)
    assert [block.line for block in mine] == [block.line for block in theirs]
    for block, other in zip(mine, theirs, strict=True):
        assert len(block.leaves) == len(other.leaves)
        for leaf, wanted in zip(block.leaves, other.leaves, strict=True):
            assert leaf.table is not None or leaf.same(wanted), (source, leaf, wanted)


def test_ordinary_replies_are_prose() -> None:
    for source in ("Hello there!", "It is **true**, I think.\n\nUse `git log` (twice): it helps.", "はい、そうです。"):
        assert paragraphs(source) is not None
    for source in (
        "- a list",
        "1. one",
        "# head",
        "see example.com",
        "http://x.y",
        "a_b_c",
        "    code",
        "a\\*b",
        "&amp;",
    ):
        assert paragraphs(source) is None
