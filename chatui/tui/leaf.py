"""Leaves of Markdown laid out: rows for the screen, and the lines of text that a selection copies.

Rows break where the screen is too narrow; lines are the text as it was written, so that what is copied has no breaks of the
screen's in it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import NamedTuple

import msgspec
from rich.cells import cell_len
from rich.segment import Segment
from textual.content import Content
from textual.css.styles import RulesMap
from textual.strip import Strip
from textual.style import Style
from textual.visual import RenderOptions

from chatui.tui.look import Look
from chatui.tui.markdown import Leaf, Table

#: Longer code is shown plain: highlighting would hold up the screen.
HIGHLIGHT_LIMIT = 20_000
#: Between two columns of a table.
COLUMN_GAP = 3
#: No text is wrapped narrower than this, whatever is left of the screen: a wide character needs two cells.
NARROWEST = 2


class Row(NamedTuple):
    """One row.

    Attributes:
        strip: What is painted, without the ground to its right.
        line: Which line of the text it belongs to.
        start: The character of that line that the first character of the strip would be; less than 0 where signs stand before it.
    """

    strip: Strip
    line: int
    start: int


class Laid(msgspec.Struct, frozen=True):
    """Rows, and the lines of text they show."""

    rows: list[Row]
    lines: list[str]


def lay(leaf: Leaf, width: int, look: Look, ground: Style) -> Laid:
    """Lay a leaf out.

    Args:
        leaf: What is shown.
        width: In cells.
        look: The styles in force.
        ground: What it is laid on.
    """
    indent = cell_len(leaf.first)
    if leaf.kind == "rule":
        sign = "-" if look.plain else "─"
        return Laid([Row(Strip([Segment(sign * width, (ground + look["line"]).rich_style)], width), 0, 0)], [""])
    if leaf.kind == "code":
        return _code(leaf, max(width - indent - 2, NARROWEST), indent, look, ground)
    if leaf.table is not None:
        content = lay_out(leaf.table, max(width - indent, NARROWEST), "-" if look.plain else "─")
    else:
        content = leaf.content
    style = ground + look[leaf.kind] if leaf.kind in {"h1", "h2", "h3"} else ground
    laid = text_rows(content, max(width - indent, NARROWEST), style)
    return _marked(laid, leaf, (ground + look["marker"])) if indent else laid


def _marked(laid: Laid, leaf: Leaf, style: Style) -> Laid:
    """Put a bullet, a number or a quote's bar before each row. Before the first line it belongs to the text."""
    marker = style.rich_style
    rows = []
    for place, (strip, line, start) in enumerate(laid.rows):
        prefix = leaf.rest if place else leaf.first
        own = len(leaf.first) if line == 0 else 0
        segments = [Segment(prefix, marker), *strip]
        rows.append(
            Row(Strip(segments, strip.cell_length + cell_len(prefix)), line, start + own - len(prefix) if place else 0)
        )
    return Laid(rows, [leaf.first + laid.lines[0], *laid.lines[1:]])


def _code(leaf: Leaf, width: int, indent: int, look: Look, ground: Style) -> Laid:
    """Code on its own ground, a cell of it at either side."""
    style = ground + look["code"]
    laid = text_rows(coloured(leaf), width, style)
    rich = style.rich_style
    before = [Segment(" " * indent, ground.rich_style)] if indent else []
    rows = []
    for strip, line, start in laid.rows:
        segments = [*before, Segment(" ", rich), *strip, Segment(" " * (width + 1 - strip.cell_length), rich)]
        rows.append(Row(Strip(segments, indent + width + 2), line, start - indent - 1))
    return Laid(rows, laid.lines)


def text_rows(content: Content, width: int, style: Style) -> Laid:
    """Wrap text.

    Args:
        content: The text; tabs are spread to eight cells.
        width: In cells.
        style: What its own styles are laid on.
    """
    rows: list[Row] = []
    lines: list[str] = []
    for number, line in enumerate(content.split(allow_blank=True)):
        text = line.expand_tabs(8)
        lines.append(text.plain)
        if not text.spans and text.plain.isascii() and len(text.plain) <= width:
            # Most lines of a long paste: nothing to wrap, nothing to style.
            segments = [Segment(text.plain, style.rich_style)] if text.plain else []
            rows.append(Row(Strip(segments, len(text.plain)), number, 0))
            continue
        rows += (Row(strip, number, start) for strip, start in _wrapped(text, width, style))
    return Laid(rows, lines)


#: How Content is asked to render: no rules of a widget, no selection (that is painted over the rows).
_OPTIONS = RenderOptions(lambda style: style if isinstance(style, Style) else _parsed(style), RulesMap())


def _parsed(style: str) -> Style:
    try:
        return Style.parse(style)
    except Exception:  # a theme without one of our variables: unstyled rather than not shown
        return Style.null()


def _wrapped(line: Content, width: int, style: Style) -> Iterator[tuple[Strip, int]]:
    """The rows of one line, each with the character of the line that it begins with."""
    at = 0
    for strip in line.render_strips(width, None, style, _OPTIONS):
        text = strip.text
        # Where a line breaks, white space is left out.
        found = line.plain.find(text, at) if text else at
        start = found if found >= 0 else at
        yield strip, start
        at = start + len(text)


def coloured(leaf: Leaf) -> Content:
    """Return the text of code, with its colours where what makes them is loaded and knows the language."""
    code = leaf.content.plain
    if not leaf.language or len(code) > HIGHLIGHT_LIMIT or not can_colour():
        return Content(code)
    from chatui.tui.highlight import highlight

    return highlight(code, leaf.language)


def can_colour() -> bool:
    """Say whether what colours code is loaded. It costs a fifth of a bare start, so the first paint does without."""
    return "chatui.tui.highlight" in sys.modules


def lay_out(table: Table, width: int, rule: str = "─") -> Content:
    """Lay a table out, as wide as its text, its cells wrapped where that is more than there is.

    Args:
        table: Its cells; rows may be shorter or longer than the header.
        width: In cells.
        rule: What the rule under the header is drawn with.
    """
    count = len(table.header)
    rows = [table.header, *([*row, *[Content("")] * count][:count] for row in table.rows)]
    widths = [max((row[column].cell_length for row in rows), default=1) or 1 for column in range(count)]
    room = max(width - COLUMN_GAP * (count - 1), count)
    while sum(widths) > room:
        # The widest column gives way, so that a column of numbers is never broken for a column of prose.
        widest = widths.index(max(widths))
        second = sorted(widths)[-2] if count > 1 else 1
        widths[widest] = max(1, min(widths[widest] - 1, max(second, widths[widest] - (sum(widths) - room))))
    lines: list[Content] = []
    for number, row in enumerate(rows):
        cells = [_cell(cell, size) for cell, size in zip(row, widths, strict=True)]
        for line in range(max(len(cell) for cell in cells)):
            parts = []
            for cell, size, align in zip(cells, widths, table.align, strict=False):
                part = cell[line] if line < len(cell) else Content("")
                spare = max(size - part.cell_length, 0)
                left = spare if align == "right" else spare // 2 if align == "center" else 0
                parts.append(part.pad(left, spare - left))
            joined = Content(" " * COLUMN_GAP).join(parts)
            lines.append(joined.stylize("bold") if number == 0 else joined)
        if number == 0:
            lines.append(Content((" " * COLUMN_GAP).join(rule * size for size in widths)).stylize("$line"))
    return Content("\n").join(lines)


def _cell(cell: Content, width: int) -> list[Content]:
    return [line.rstrip() for line in cell.wrap(width)] or [Content("")]
