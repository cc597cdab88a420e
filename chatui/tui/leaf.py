"""The widgets that show leaves of Markdown: one widget a leaf."""

from __future__ import annotations

import sys
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from textual.content import Content
from textual.geometry import Region, Size
from textual.selection import Selection
from textual.strip import Strip
from textual.widgets import Static

from chatui.tui.markdown import Leaf, Table

#: Longer code is shown plain: highlighting would hold up the screen.
HIGHLIGHT_LIMIT = 20_000
#: Between two columns of a table.
COLUMN_GAP = 3


class LeafView(Static):
    """One leaf: text with what stands before its lines."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"leaf--marker"}

    def __init__(self, leaf: Leaf) -> None:
        super().__init__(leaf.content, markup=False, classes=f"leaf {leaf.kind}")
        self.leaf = leaf
        self._take(leaf)

    def show(self, leaf: Leaf) -> None:
        """Show another leaf of the same kind."""
        if self.leaf.same(leaf):
            return
        self._take(leaf)
        self.update(self._content())

    def _take(self, leaf: Leaf) -> None:
        self.leaf = leaf
        self._indent = cell_len(leaf.first)
        if leaf.kind == "code":
            self.styles.margin = (int(leaf.gap), 0, 0, self._indent)
        else:
            self.styles.padding = (0, 0, 0, self._indent)
            self.styles.margin = (int(leaf.gap), 0, 0, 0)

    def on_mount(self) -> None:
        if self.leaf.kind == "code" and "pygments" not in sys.modules:
            # Colours come right after the first paint; loading what makes them would hold it up.
            self.call_after_refresh(self._colour)
        elif self.leaf.kind in {"code", "table"}:
            self.update(self._content())

    def _colour(self) -> None:
        self.update(self._content())

    def _content(self) -> Content:
        leaf = self.leaf
        return highlighted(leaf.content.plain, leaf.language) if leaf.kind == "code" else leaf.content

    def render_lines(self, crop: Region) -> list[Strip]:
        strips = super().render_lines(crop)
        if (
            not self._indent
            or self.leaf.kind == "code"
            or crop.x >= self._indent
            or self.styles.padding.left < self._indent
        ):
            return strips
        style = self.get_component_rich_style("leaf--marker", partial=True)
        painted = []
        for y, strip in enumerate(strips, start=crop.y):
            prefix = self.leaf.first if y == 0 else self.leaf.rest
            if not prefix.strip():
                painted.append(strip)
                continue
            ground = next(iter(strip), Segment("")).style
            marker = Strip([Segment(prefix, ground + style if ground else style)], self._indent)
            painted.append(Strip.join([marker.crop(crop.x), strip.crop(self._indent - crop.x)]))
        return painted

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        found = super().get_selection(selection)
        # A bullet or a number belongs to its text when the whole of it is copied.
        if found and selection.start is None and self.leaf.kind == "text":
            return self.leaf.first + found[0], found[1]
        return found


class TableView(LeafView):
    """A table, as wide as its text, its cells wrapped where that is more than there is."""

    def __init__(self, leaf: Leaf, *, plain: bool = False) -> None:
        self._laid_out: tuple[int, Content] | None = None
        self._line = "-" if plain else "─"
        super().__init__(leaf)

    def show(self, leaf: Leaf) -> None:
        self._laid_out = None
        self._take(leaf)
        self.update(self._content())

    def _content(self) -> Content:
        return self._layout(self._width())

    def _width(self) -> int:
        return self.content_size.width or 80

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        content = self._layout(width)
        return content.plain.count("\n") + 1

    def on_resize(self) -> None:
        self.update(self._content())

    def _layout(self, width: int) -> Content:
        if self._laid_out is None or self._laid_out[0] != width:
            self._laid_out = (width, lay_out(self.leaf.table, width, self._line) if self.leaf.table else Content(""))
        return self._laid_out[1]


def lay_out(table: Table, width: int, rule: str = "─") -> Content:
    """Lay a table out.

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


def view(leaf: Leaf, *, plain: bool = False) -> LeafView:
    """Return the widget for a leaf; `plain` draws no lines."""
    return TableView(leaf, plain=plain) if leaf.kind == "table" else LeafView(leaf)


def highlighted(code: str, language: str) -> Content:
    """Return code with its colours, plain where the language is unknown."""
    if not language or len(code) > HIGHLIGHT_LIMIT:
        return Content(code)
    # Imported here: pygments costs a fifth of a bare start.
    from chatui.tui.highlight import highlight

    return highlight(code, language)
