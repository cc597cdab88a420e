"""Markdown to leaves: paragraphs, headings, list items, code, tables - each with what stands before its lines.

Textual's own Markdown widget makes several widgets of a list item and costs a tenth of a second a message. A leaf is one
widget, and leaves can be compared with those before, so that a streaming reply touches only what changed. Nothing is
dropped: HTML is shown as it was written.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

import msgspec
from textual.content import Content, Span
from textual.style import Style

from chatui.tui.prose import CODE_STYLE, paragraphs

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

Kind = Literal["text", "h1", "h2", "h3", "code", "table", "rule"]

#: Links of other kinds (file:, javascript:, a program's own) are text.
ALLOWED_LINKS = {"http", "https", "mailto"}
BULLETS = "•◦▪"


class Table(msgspec.Struct, frozen=True):
    """A table's cells; `align` is left, right or center for each column."""

    header: list[Content]
    rows: list[list[Content]]
    align: list[str]


class Leaf(msgspec.Struct, frozen=True):
    """What becomes one widget.

    Attributes:
        kind: What it is.
        content: Its text with its styles; of code, the source.
        first: What stands before its first line: a bullet, a number, a quote's bar.
        rest: What stands before its other lines; as wide as `first`.
        gap: Whether a blank row stands before it.
        language: Of code, what the fence says.
        table: Of a table, its cells.
    """

    kind: Kind
    content: Content
    first: str = ""
    rest: str = ""
    gap: bool = True
    language: str = ""
    table: Table | None = None

    def same(self, other: Leaf) -> bool:
        """Say whether the two would look alike. Content compares by its text alone, so the spans are compared too."""
        return self.table is None and self == other and self.content.spans == other.content.spans


class Block(msgspec.Struct, frozen=True):
    """A block at the top level, and the line of the source where it starts."""

    line: int
    leaves: list[Leaf]


@cache
def _parser() -> MarkdownIt:
    # Imported here: prose is painted without it.
    from markdown_it import MarkdownIt

    # Deeper nesting than this fills the width with bars, and costs time that a hostile reply could ask for.
    return MarkdownIt("gfm-like", {"maxNesting": 24})


def blocks(source: str) -> list[Block]:
    """Parse Markdown.

    Args:
        source: Clean text.

    Returns:
        The blocks in their order.
    """
    plain = paragraphs(source)
    if plain is not None:
        return [Block(line, [Leaf("text", text, gap=place > 0)]) for place, (line, text) in enumerate(plain)]
    return parsed(source)


def parsed(source: str) -> list[Block]:
    """Parse Markdown, plain prose too."""
    tokens = _parser().parse(source)
    found: list[Block] = []
    start = 0
    for end, token in enumerate(tokens, start=1):
        if token.level == 0 and token.nesting <= 0:
            part = tokens[start:end]
            line = part[0].map[0] if part[0].map else 0
            after = bool(found)
            leaves = []
            for leaf in _leaves(part):
                leaves.append(msgspec.structs.replace(leaf, gap=after))
                after = leaf.gap
            found.append(Block(line, leaves))
            start = end
    return found


class _List:
    """A list that is being walked: its next number, or its bullet."""

    def __init__(self, number: int | None, bullet: str, tight: bool, width: int) -> None:
        self.number = number
        self.bullet = bullet
        self.tight = tight
        self.width = width

    def marker(self) -> str:
        if self.number is None:
            return f"{self.bullet} "
        text = f"{self.number}. "
        self.number += 1
        return text.rjust(self.width)


def _leaves(tokens: Sequence[Token]) -> Iterator[Leaf]:
    """Walk the tokens of one block. In what comes from here, `gap` means a blank row behind."""
    lists: list[_List] = []
    before: list[str] = []  # what stands before the lines, one entry a nesting
    marker = ""  # of a list item whose first leaf has not come yet
    kind: Kind = "text"
    table: Table | None = None
    row: list[Content] = []

    def leaf(kind: Kind, content: Content, gap: bool = True, language: str = "", cells: Table | None = None) -> Leaf:
        nonlocal marker
        rest = "".join(before)
        first, marker = (rest[: len(rest) - len(marker)] + marker if marker else rest), ""
        return Leaf(kind, content, first, rest, gap, language, cells)

    for index, token in enumerate(tokens):
        what = token.type
        if what == "heading_open":
            kind = "h1" if token.tag == "h1" else "h2" if token.tag == "h2" else "h3"
        elif what == "heading_close":
            kind = "text"
        elif what in {"bullet_list_open", "ordered_list_open"}:
            ordered = what.startswith("ordered")
            number = int(token.attrs.get("start", 1)) if ordered else None
            level = token.level
            items = sum(later.type == "list_item_open" and later.level == level + 1 for later in tokens[index:])
            width = len(str((number or 0) + items - 1)) + 2 if ordered else 2
            lists.append(_List(number, BULLETS[len(lists) % len(BULLETS)], _tight(tokens[index:], level), width))
        elif what in {"bullet_list_close", "ordered_list_close"}:
            lists.pop()
        elif what == "list_item_open":
            if marker:  # an item that begins with a list: its own marker keeps a line
                yield leaf("text", Content(""), gap=False)
            marker = lists[-1].marker()
            before.append(" " * len(marker))
        elif what == "list_item_close":
            if marker:
                yield leaf("text", Content(""), gap=False)
            before.pop()
        elif what == "blockquote_open":
            before.append("▎ ")
            # The bar stands at the left of the text, so it comes after a marker.
            marker = marker and marker + "▎ "
        elif what == "blockquote_close":
            before.pop()
        elif what == "inline" and table is not None:
            row.append(_inline(token))
        elif what == "inline":
            gap = not (lists and lists[-1].tight) or _ends_list(tokens, index)
            yield leaf(kind, _inline(token), gap)
        elif what in {"fence", "code_block"}:
            if marker:
                yield leaf("text", Content(""), gap=False)
            yield leaf("code", Content(token.content.rstrip("\n")), language=token.info.strip().split(" ")[0].lower())
        elif what == "html_block":
            yield leaf("text", Content(token.content.strip("\n")))
        elif what == "hr":
            yield leaf("rule", Content(""))
        elif what == "table_open":
            table = Table([], [], [])
        elif what in {"th_open", "td_open"} and table is not None:
            if what == "th_open":
                table.align.append(str(token.attrs.get("style", "")).rpartition(":")[2] or "left")
        elif what == "tr_close" and table is not None:
            if table.header:
                table.rows.append(row)
            else:
                table.header.extend(row)
            row = []
        elif what == "table_close" and table is not None:
            yield leaf("table", Content(""), cells=table)
            table = None


def _tight(tokens: Sequence[Token], level: int) -> bool:
    """Say whether a list has no blank lines between its items: its paragraphs are hidden then."""
    for token in tokens:
        if token.type == "paragraph_open" and token.level == level + 2:
            return token.hidden
        if token.level == level and token.nesting == -1:
            break
    return True


def _ends_list(tokens: Sequence[Token], index: int) -> bool:
    """Say whether nothing but closing tokens follows: the last line of a tight list has the gap that its lines lack."""
    return all(token.nesting == -1 for token in tokens[index + 1 :])


def allowed(href: str) -> bool:
    """Say whether a link may be opened."""
    try:
        return urlsplit(href).scheme.lower() in ALLOWED_LINKS
    except ValueError:
        return False


def _inline(token: Token) -> Content:
    """The text of a paragraph, with its styles."""
    parts: list[str] = []
    spans: list[Span] = []
    length = 0
    opened: list[tuple[str | Style, int, str]] = []

    def add(text: str, style: str | Style = "") -> None:
        nonlocal length
        parts.append(text)
        if style:
            spans.append(Span(length, length + len(text), style))
        length += len(text)

    for child in token.children or []:
        what = child.type
        if what in {"text", "html_inline"}:
            add(child.content)
        elif what == "softbreak":
            add(" ")
        elif what == "hardbreak":
            add("\n")
        elif what == "code_inline":
            add(child.content, CODE_STYLE)
        elif what in {"strong_open", "em_open", "s_open"}:
            opened.append(({"strong_open": "bold", "em_open": "italic", "s_open": "strike"}[what], length, ""))
        elif what == "link_open":
            href = str(child.attrs.get("href", ""))
            style = Style.from_meta({"@click": f"screen.open_link({href!r})"}) if allowed(href) else ""
            opened.append((style, length, href))
        elif what == "image":
            add(f"[image: {child.content or 'no description'}] ")
            add(str(child.attrs.get("src", "")), "$muted")
        elif what in {"strong_close", "em_close", "s_close", "link_close"} and opened:
            style, start, href = opened.pop()
            if style:
                spans.append(Span(start, length, style))
            if what == "link_close":
                spans.append(Span(start, length, "$primary underline"))
                text = "".join(parts)[start:]
                # The target is shown: a link's text can say anything.
                if href not in {text, f"mailto:{text}", f"http://{text}", f"https://{text}"}:
                    add(f" ({href if len(href) <= 80 else href[:79] + '…'})", "$muted")
    return Content("".join(parts), spans=spans)
