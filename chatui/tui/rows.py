"""A list drawn line by line: no widget a row, so that thousands of rows cost what is on the screen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style as RichStyle
from textual import events
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style

from chatui.tui.keys import bindings
from chatui.tui.labels import fit
from chatui.tui.lines import take_size

#: A piece of a row: its text and which of the list's styles it has, "" for the row's own colours.
Piece = tuple[str, str]


class Rows(ScrollView, can_focus=True):
    """A list with a cursor. Subclasses say how many rows there are and what stands in one.

    The cursor stays, quieter, without the focus, so that one sees where one was.
    """

    BINDINGS = bindings("list")
    #: The rows under the cursor and the mouse, and the pieces of a row, as Textual's markup writes a style. Not component classes:
    #: each of those is styled anew with its widget, before the first paint and at every change of the focus.
    STYLES: ClassVar[dict[str, str]] = {
        "cursor": "bold $block-cursor-foreground on $block-cursor-background",
        "cursor-blurred": "$block-cursor-blurred-foreground on $block-cursor-blurred-background",
        "hover": "on $block-hover-background",
        "muted": "$muted",
        "strong": "bold",
        "sign": "$primary",
        "warning": "$warning",
        "user": "$accent",
        "line": "$line",
    }
    ROW_HEIGHT = 1

    cursor = reactive(0)
    hover: reactive[int | None] = reactive(None)

    class Chosen(Message):
        """Enter or a click on a row."""

        def __init__(self, rows: Rows, index: int) -> None:
            super().__init__()
            self.rows = rows
            self.index = index

        @property
        def control(self) -> Rows:
            return self.rows

    class Moved(Message):
        """The cursor is on another row."""

        def __init__(self, rows: Rows, index: int) -> None:
            super().__init__()
            self.rows = rows
            self.index = index

        @property
        def control(self) -> Rows:
            return self.rows

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        #: Said where there are no rows, a line each.
        self.nothing: Sequence[str] = ()
        self._base = Style()
        self._kinds: dict[tuple[str, str], RichStyle] = {}  # (piece, ground) -> style, of the paint that is being made

    def row_count(self) -> int:
        """Return how many rows there are."""
        raise NotImplementedError

    def row(self, index: int, line: int, width: int) -> tuple[list[Piece], list[Piece]]:
        """Return what stands at the left and at the right of one line of a row."""
        raise NotImplementedError

    def rows_changed(self, cursor: int | None = None, *, follow: bool = True) -> None:
        """Call after the rows have changed.

        Args:
            cursor: The row that the cursor is on now; None where it is on the same.
            follow: Whether it is to be on the screen.
        """
        size = Size(0, self.row_count() * self.ROW_HEIGHT)
        if size != self.virtual_size:
            take_size(self, size)
            self.scroll_y = min(self.scroll_y, self.max_scroll_y)
            if self.styles.is_auto_height:
                self.refresh(layout=True)
        place = max(0, min(self.cursor if cursor is None else cursor, self.row_count() - 1))
        if follow:
            self.cursor = place
            self.call_after_refresh(self._scroll_to_cursor)
        else:
            # Without its watcher, which scrolls.
            self.set_reactive(Rows.cursor, place)
        self.refresh()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return self.row_count() * self.ROW_HEIGHT

    def render_lines(self, crop: Region) -> list[Strip]:
        # The same for all lines of one paint, and dear to ask for.
        self._base = self.visual_style
        self._kinds.clear()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        # Without the scrollbar.
        width = self.scrollable_content_region.width
        index, line = divmod(y + self.scroll_offset.y, self.ROW_HEIGHT)
        base = self._style("", "")
        if index >= self.row_count() or width < 4:
            said = self.nothing[y] if y < len(self.nothing) and not self.row_count() else ""
            if not said:
                return Strip.blank(width, base)
            return Strip([Segment(f" {said}", self._style("muted", ""))]).adjust_cell_length(width, base)
        name = ""
        if index == self.cursor:
            name = "cursor" if self.has_focus or self.has_class("-active") else "cursor-blurred"
        elif index == self.hover:
            name = "hover"
        if name and not self._in_cursor(line):
            name = ""
        ground = self._style("", name)
        left, right = self.row(index, line, width - 2)
        room = width - 2 - sum(cell_len(text) for text, _ in right) - (1 if right else 0)
        pieces = [(" ", ""), *_fitted(left, max(room, 1))]
        used = sum(cell_len(text) for text, _ in pieces)
        pieces.append((" " * max(width - 1 - used - sum(cell_len(text) for text, _ in right), 0), ""))
        pieces += [*right, (" ", "")]
        strip = Strip([Segment(text, self._style(kind, name)) for text, kind in pieces if text])
        return strip.adjust_cell_length(width, ground)

    def _in_cursor(self, line: int) -> bool:
        """Whether the cursor's bar covers this line of a row."""
        return True

    def _style(self, kind: str, ground: str) -> RichStyle:
        """The style of a piece on the cursor's row, the mouse's, or another one."""
        if (kind, ground) not in self._kinds:
            parse = self.app.stylesheet.parse_style
            style = self._base + parse(self.STYLES[ground]) if ground else self._base
            if kind:
                piece = parse(self.STYLES[kind])
                # On the cursor's bar every colour would need a second one of its own; weight alone is kept.
                style += Style(bold=piece.bold, italic=piece.italic) if ground == "cursor" else piece
            self._kinds[kind, ground] = style.rich_style
        return self._kinds[kind, ground]

    def _scroll_to_cursor(self) -> None:
        if self.row_count():
            region = Region(0, self.cursor * self.ROW_HEIGHT, self.size.width, self.ROW_HEIGHT)
            self.scroll_to_region(region, animate=False, force=True)

    def watch_cursor(self) -> None:
        self.refresh()
        self._scroll_to_cursor()
        if self.row_count():
            self.post_message(self.Moved(self, self.cursor))

    def watch_hover(self) -> None:
        self.refresh()

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_resize(self) -> None:
        self._scroll_to_cursor()

    def action_cursor(self, step: int) -> None:
        self.cursor = max(0, min(self.cursor + step, self.row_count() - 1))

    def action_cursor_page(self, step: int) -> None:
        self.action_cursor(step * max(self.size.height // self.ROW_HEIGHT - 1, 1))

    def action_cursor_first(self) -> None:
        self.cursor = 0

    def action_cursor_last(self) -> None:
        self.cursor = max(self.row_count() - 1, 0)

    def action_choose(self) -> None:
        if self.row_count():
            self.post_message(self.Chosen(self, self.cursor))

    def _index_at(self, event: events.MouseEvent) -> int | None:
        offset = event.get_content_offset(self)
        if offset is None:
            return None
        index = (offset.y + self.scroll_offset.y) // self.ROW_HEIGHT
        return index if 0 <= index < self.row_count() else None

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self.hover = self._index_at(event)

    def on_leave(self) -> None:
        self.hover = None

    def on_click(self, event: events.Click) -> None:
        index = self._index_at(event)
        if index is not None:
            self.cursor = index
            self.post_message(self.Chosen(self, index))


def _fitted(pieces: list[Piece], room: int) -> list[Piece]:
    """Cut the last piece that does not fit, and drop those behind it."""
    kept: list[Piece] = []
    for text, kind in pieces:
        text = fit(text, room)
        kept.append((text, kind))
        room -= cell_len(text)
        if room <= 0:
            break
    return kept
