"""What embedding models are asked with and what they answer: vectors, in which texts alike in meaning lie near each other."""

from __future__ import annotations

import math
from typing import Any

from chatui.errors import BadReply, Unsupported
from chatui.models.refs import ModelRef
from chatui.text import clean_line

#: Models that were trained with words before each text, by a part of their name: before a question, and before what answers it.
_MARKS = (
    ("nomic-embed", "search_query: ", "search_document: "),
    ("mxbai-embed", "Represent this sentence for searching relevant passages: ", ""),
    ("snowflake-arctic-embed", "Represent this sentence for searching relevant passages: ", ""),
    ("multilingual-e5", "query: ", "passage: "),
)

#: What providers that have none are told.
_OTHERS = "Embeddings come from Ollama, as in ollama:nomic-embed-text, or from embedded:smollm2-135m."


def marked(ref: ModelRef, text: str, *, question: bool) -> str:
    """Return a text as a model wants it.

    Args:
        ref: The model.
        text: The text.
        question: Whether others are looked for by it; else it is one of those.
    """
    for name, asked, told in _MARKS:
        if name in ref.name.lower():
            return (asked if question else told) + text
    return text


def check_embeds(ref: ModelRef) -> None:
    """Make sure that a provider has embedding models.

    Raises:
        Unsupported: It has none that chatui asks.
    """
    if ref.provider not in {"ollama", "embedded"}:
        raise Unsupported(f"chatui asks {clean_line(ref.provider)} for no embeddings.", _OTHERS)


def vectors_of(answer: dict[str, Any], count: int, model: str) -> list[list[float]]:
    """Return the vectors in an answer of Ollama's.

    Args:
        answer: The answer.
        count: How many texts were sent.
        model: The reference of the model.

    Raises:
        BadReply: It holds something else.
    """
    vectors = answer.get("embeddings")
    if isinstance(vectors, list) and len(vectors) == count and all(map(_sound, vectors)):
        made = [[float(number) for number in vector] for vector in vectors]
        if len(set(map(len, made))) == 1:
            return made
    raise BadReply(f"{clean_line(model)} sent no embeddings.", "Is it an embedding model? Choose another.")


def _sound(vector: Any) -> bool:
    """Whether it is a vector with a direction."""
    if not isinstance(vector, list) or not vector:
        return False
    numbers = all(type(number) in (int, float) and math.isfinite(number) for number in vector)
    return numbers and any(vector)
