"""Colours for code: five of them, each with 4.5:1 in the shipped themes."""

from __future__ import annotations

from functools import lru_cache
from typing import ClassVar

from pygments.lexer import Lexer  # type: ignore[import-untyped]
from pygments.lexers import get_lexer_by_name  # type: ignore[import-untyped]
from pygments.token import Token  # type: ignore[import-untyped]
from pygments.util import ClassNotFound  # type: ignore[import-untyped]
from textual.content import Content, Span


class Colours:
    """Token type to style; a type that is not here takes its parent's."""

    STYLES: ClassVar[dict[object, str]] = {
        Token.Comment: "$code-comment italic",
        Token.Keyword: "$code-keyword",
        Token.Operator.Word: "$code-keyword",
        Token.Name.Function: "$code-name",
        Token.Name.Class: "$code-name",
        Token.Name.Decorator: "$code-name",
        Token.Name.Tag: "$code-name",
        Token.Name.Builtin: "$code-name",
        Token.Literal.String: "$code-string",
        Token.Literal.Number: "$code-number",
        Token.Keyword.Constant: "$code-number",
        Token.Name.Attribute: "$code-number",
        Token.Generic.Deleted: "$text-error",
        Token.Generic.Inserted: "$code-string",
        Token.Generic.Heading: "bold",
    }


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    try:
        return get_lexer_by_name(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None


def highlight(code: str, language: str) -> Content:
    """Return code with its colours.

    Args:
        code: The source.
        language: What the fence says, such as "python"; plain where pygments does not know it.
    """
    lexer = _lexer(language)
    if lexer is None:
        return Content(code)
    spans: list[Span] = []
    at = 0
    parts: list[str] = []
    for token, text in lexer.get_tokens(code):
        parts.append(text)
        kind = token
        while kind is not Token and kind not in Colours.STYLES:
            kind = kind.parent
        if kind in Colours.STYLES:
            spans.append(Span(at, at + len(text), Colours.STYLES[kind]))
        at += len(text)
    shown = "".join(parts)
    # A lexer may normalise; text that was changed is shown without colours rather than changed.
    return Content(shown, spans=spans) if shown == code else Content(code)
