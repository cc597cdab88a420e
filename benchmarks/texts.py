"""Texts for seeded threads: prose, Markdown, and scripts that are written without spaces."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Literal

Kind = Literal["prose", "markdown", "cjk", "mixed"]
KINDS: tuple[Kind, ...] = ("prose", "markdown", "cjk", "mixed")

_NOUNS = """
ability anchor archive autumn balance basket battery bridge candle canyon carbon castle cellar circuit climate cluster
compass copper coral cotton courage crystal current daylight decade delta desert diamond distance document eagle
eclipse editor engine equation estuary evening factory feather festival filter forest formula fountain fragment galaxy
garden glacier granite gravity habitat harbour harvest hexagon history horizon iceberg index island ivory journal
journey juniper kernel kettle kingdom ladder lagoon lantern latitude lemon lever library lighthouse limestone lumber
magnet maple marble meadow memory meridian method minute mirror model monsoon mountain museum narrative nebula needle
network notebook number object ocean octave orbit orchard origin oxygen paper parade parallel pebble pendulum pepper
pigment planet plateau pocket portrait prairie prism proverb puzzle quarry quartz question rainfall ratio recipe reef
rhythm ribbon river rocket saddle salmon sample saturn scaffold schedule science season segment shadow signal silver
sketch solstice spectrum spiral station storm stream sugar summit sunrise surface symbol syntax tangent tapestry
telescope temple texture theorem thunder ticket timber tissue token tower treaty triangle tundra tunnel umbrella union
valley vapour vector velvet village vinegar violin volcano voyage walnut water weather whisper window winter wisdom
yellow zenith
"""
_WORDS = _NOUNS.split()
_VERBS = "shows holds explains measures follows reaches changes carries keeps needs turns covers joins limits".split()  # noqa: SIM905
_CJK = (
    "今天的天气很好，我们去公园散步。",
    "这个函数返回一个列表，其中每个元素都是一行。",
    "请用简单的话解释一下这个概念。",
    "数据库在本地的一个文件里。",
    "今日の天気はとても良いので散歩に行きましょう。",
    "この関数は行のリストを返します。",
    "簡単な言葉で説明してください。",
    "対話は木の形で保存されます。",
    "오늘 날씨가 좋아서 공원에 갑니다.",
    "이 함수는 목록을 반환합니다.",
    "간단하게 설명해 주세요.",
)
_OPENINGS = ("Why does", "How does", "Explain how", "Compare the ways in which", "Write down how")


def question(kind: Kind, size: int, rng: random.Random, mark: str) -> str:
    """Return a prompt: one line that can be a title, and more of it where it has to be longer.

    Args:
        kind: What it is made of.
        size: About so many characters; at least one sentence.
        rng: Where chance comes from.
        mark: A text that no other message has, such as `t17m3`.
    """
    if _resolved(kind, rng) == "cjk":
        first = f"{rng.choice(_CJK)}({mark})"
    else:
        first = f"{rng.choice(_OPENINGS)} the {_word(rng)} {_verb(rng)} the {_word(rng)} ({mark})?"
    return _filled(first, size, rng, _sentence)


def answer(kind: Kind, size: int, rng: random.Random, mark: str) -> str:
    """Return a reply of about so many characters; `mark` is in it once."""
    kind = _resolved(kind, rng)
    if kind == "cjk":
        return _filled(f"{rng.choice(_CJK)}({mark})", size, rng, lambda rng: rng.choice(_CJK))
    first = f"About {mark}: {_sentence(rng)}"
    if kind == "prose":
        return _filled(first, size, rng, _sentence)
    parts = [first]
    while sum(map(len, parts)) < size:
        parts.append(rng.choice((_list, _table, _code, _paragraph))(rng))
    return "\n\n".join(parts)


def _resolved(kind: Kind, rng: random.Random) -> Kind:
    """Of mixed texts six in ten are prose, three Markdown, one CJK."""
    return rng.choices(("prose", "markdown", "cjk"), (6, 3, 1))[0] if kind == "mixed" else kind


def _filled(text: str, size: int, rng: random.Random, more: Callable[[random.Random], str]) -> str:
    parts, length = [text], len(text)
    while length < size:
        parts.append(more(rng))
        length += len(parts[-1]) + 1
    return " ".join(parts)


def _word(rng: random.Random) -> str:
    return rng.choice(_WORDS)


def _verb(rng: random.Random) -> str:
    return rng.choice(_VERBS)


def _sentence(rng: random.Random) -> str:
    return f"The {_word(rng)} {_verb(rng)} the {_word(rng)} of a {_word(rng)} and {_verb(rng)} its {_word(rng)}."


def _paragraph(rng: random.Random) -> str:
    return f"## The {_word(rng)}\n\n{_sentence(rng)} **{_word(rng)}** and `{_word(rng)}`: {_sentence(rng)}"


def _list(rng: random.Random) -> str:
    return "\n".join(f"{number}. {_sentence(rng)}" for number in range(1, 5))


def _table(rng: random.Random) -> str:
    rows = [f"| {_word(rng)} | {rng.randrange(1000)} | {_verb(rng)} |" for _ in range(4)]
    return "\n".join(["| name | count | does |", "|---|---:|---|", *rows])


def _code(rng: random.Random) -> str:
    name, other = _word(rng), _word(rng)
    return (
        f'```python\ndef {name}({other}: int) -> str:\n    """Return the {name}."""\n'
        f'    return f"{{{other}:>{rng.randrange(2, 9)}}}"\n```'
    )
