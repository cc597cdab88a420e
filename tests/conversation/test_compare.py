from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from chatui.conversation.compare import compare, differences
from tests.conversation.conftest import Bench, say


def marked(text: str, spans: tuple[tuple[int, int], ...]) -> list[str]:
    return [text[start:end] for start, end in spans]


def test_the_words_that_differ_are_marked() -> None:
    a, b = "The quick brown fox.", "The slow brown fox, really."
    only_a, only_b = differences(a, b)
    assert marked(a, only_a) == ["quick"]
    assert marked(b, only_b) == ["slow", ", really"]


def test_scripts_without_spaces_are_compared_sign_by_sign() -> None:
    only_a, only_b = differences("今日は天気がいい", "今日は天気が悪い")
    assert marked("今日は天気がいい", only_a) == ["い"]
    assert marked("今日は天気が悪い", only_b) == ["悪"]


@given(st.text(max_size=60), st.text(max_size=60))
def test_what_is_not_marked_is_in_both(a: str, b: str) -> None:
    only_a, only_b = differences(a, b)

    def rest(text: str, spans: tuple[tuple[int, int], ...]) -> str:
        return "".join(sign for place, sign in enumerate(text) if not any(s <= place < e for s, e in spans))

    assert rest(a, only_a) == rest(b, only_b)


async def test_turns_stand_beside_each_other(bench: Bench) -> None:
    conversation = bench.library.conversation()
    first = await say(conversation.send("one"))
    left = await say(conversation.send("left"))
    left = await say(conversation.send("left again"))
    await conversation.go_to(first.node_id)
    right = await say(conversation.send("right"))
    result = compare(conversation.path(left.node_id), conversation.path(right.node_id))
    assert result.ancestor is not None
    assert result.ancestor.node_id == first.node_id
    beside = [(row.a.text if row.a else None, row.b.text if row.b else None) for row in result.rows]
    assert beside == [
        ("left", "right"),
        ("Hello there.", "Hello there."),
        ("left again", None),
        ("Hello there.", None),
    ]
    assert result.rows[1].only_a == ()
