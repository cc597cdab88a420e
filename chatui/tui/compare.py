"""Two branches side by side, after the last message that both have: turn beside turn, with the words that differ marked."""

from __future__ import annotations

import re
from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.reactive import reactive
from textual.screen import ModalScreen
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.visual import Visual
from textual.widgets import Static

from chatui.conversation.compare import Comparison, Row, Span
from chatui.conversation.tree import Message
from chatui.text import clean, clean_line
from chatui.tui import labels
from chatui.tui.dialogs import Hint
from chatui.tui.keys import bindings
from chatui.tui.message import alternatives_sign

#: Narrower, and the two stand below each other.
SIDE_BY_SIDE = 90
_GUTTER = " │ "
_MARK = "$accent bold underline"
#: Parts a text into what has ink, and the blanks at the edges of its lines.
_INK = re.compile(r"(\s*\n\s*|^\s+|\s+$)")


def reason_not_to(comparison: Comparison) -> str:
    """Return why two branches cannot be set side by side, "" where they can."""
    if not comparison.a and not comparison.b:
        return "Both are the same branch. Press =, go to the other branch, and press = again."
    if not comparison.a or not comparison.b:
        end = comparison.ancestor.depth if comparison.ancestor else 0
        return f"One of the two ends at #{end} and the other goes on from there: nothing parts them."
    return ""


def facts(messages: Sequence[Message]) -> str:
    """Return model, tokens and seconds of some messages, as one line; "" for prompts."""
    models = dict.fromkeys(clean_line(labels.short_model(message.model), 40) for message in messages if message.model)
    tokens = sum(message.usage.output_tokens for message in messages if message.usage)
    seconds = sum(message.seconds for message in messages if message.seconds)
    parts = [
        ", ".join(models),
        labels.plural(tokens, "token") if tokens else "",
        labels.seconds(seconds) if seconds else "",
    ]
    return " · ".join(part for part in parts if part)


class Columns(ScrollView, can_focus=True):
    """The two branches, drawn line by line."""

    BINDINGS = bindings("compare")

    def __init__(self, comparison: Comparison, *, plain: bool = False) -> None:
        super().__init__(id="columns")
        self._comparison = comparison
        self._plain = plain
        self._lines: list[Strip] = []
        self._places: list[int] = []  # the first line of each row in which anything differs
        self._at = -1

    @property
    def beside(self) -> bool:
        """Whether the two stand beside each other."""
        return self.size.width >= SIDE_BY_SIDE

    @property
    def _room(self) -> int:
        # Clear of the scrollbar.
        return self.scrollable_content_region.width - 1

    def on_resize(self) -> None:
        self._build()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        if self._lines:
            self._build()

    def _build(self) -> None:
        width = self._room
        self._lines, self._places, self._at = [], [], -1
        if width > 8:
            self._lines += self._strips(self._common(), width)
            for row in self._comparison.rows:
                self._lines.append(Strip.blank(width, self.rich_style))
                if row.only_a or row.only_b or row.a is None or row.b is None:
                    self._places.append(len(self._lines))
                self._lines += self._beside(row, width) if self.beside else self._stacked(row, width)
        self.virtual_size = Size(0, len(self._lines))
        self.refresh()

    def _strips(self, content: Content, width: int) -> list[Strip]:
        strips = Visual.to_strips(self, content, width, None, self.visual_style)
        return [strip.adjust_cell_length(width, self.rich_style) for strip in strips]

    def _common(self) -> Content:
        ancestor = self._comparison.ancestor
        if ancestor is None:
            return Content.styled("They part at the start.", "$muted")
        text = clean_line(ancestor.text, 160)
        if ancestor.depth == 1:
            return Content.assemble(("Both begin with #1, ", "$muted"), f"“{text}”")
        return Content.assemble((f"Both have #1 to #{ancestor.depth}, which is ", "$muted"), f"“{text}”")

    def _beside(self, row: Row, width: int) -> list[Strip]:
        left_width = (width - len(_GUTTER)) // 2
        right_width = width - len(_GUTTER) - left_width
        left = self._strips(self._cell(row, 0), left_width)
        right = self._strips(self._cell(row, 1), right_width)
        gutter = self._strips(Content.styled("   " if self._plain else _GUTTER, "$line"), len(_GUTTER))[0]
        count = max(len(left), len(right))
        left += [Strip.blank(left_width, self.rich_style)] * (count - len(left))
        right += [Strip.blank(right_width, self.rich_style)] * (count - len(right))
        return [Strip.join([a, gutter, b]) for a, b in zip(left, right, strict=True)]

    def _stacked(self, row: Row, width: int) -> list[Strip]:
        blank = Strip.blank(width, self.rich_style)
        return [*self._strips(self._cell(row, 0), width), blank, *self._strips(self._cell(row, 1), width)]

    def _cell(self, row: Row, side: int) -> Content:
        message, other, spans = ((row.a, row.b, row.only_a), (row.b, row.a, row.only_b))[side]
        number = "" if self.beside else f"{side + 1}  "
        if message is None:
            return Content.styled(f"{number}This branch has ended.", "$muted")
        who = "You" if message.role == "user" else clean_line(labels.short_model(message.model)) or "Answer"
        about = [f"#{message.depth} {alternatives_sign(message)}".strip()]
        about += [part for part in facts([message]).split(" · ")[1:] if part]
        if other is not None and other.text == message.text:
            about.append("the same text")
        colour = "$accent bold" if message.role == "user" else "$secondary bold"
        label = Content.assemble((number, "$primary bold"), (who, colour), (f"  {' · '.join(about)}", "$muted"))
        return Content("\n").join([label, self._marked(message.text, spans)])

    def _marked(self, text: str, spans: Sequence[Span]) -> Content:
        """A text with what the other has not marked: by weight and a line below, not by colour alone."""
        parts: list[str | tuple[str, str]] = []
        at = 0
        for start, end in spans:
            parts.append(clean(text[at:start]))
            for piece in _INK.split(clean(text[start:end])):
                # A line below blanks at a line's edge says nothing.
                bare = not piece.strip()
                parts.append(piece if bare else (f"[[{piece}]]" if self._plain else piece, _MARK))
            at = end
        parts.append(clean(text[at:]))
        return Content.assemble(*(part for part in parts if part))

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        line = y + self.scroll_offset.y
        if line >= len(self._lines):
            return Strip.blank(width, self.rich_style)
        return self._lines[line].adjust_cell_length(width, self.rich_style)

    def action_difference(self, step: int) -> None:
        """Go to the next, or the previous, row in which anything differs."""
        if self._places:
            self._at = max(0, min(self._at + step, len(self._places) - 1))
            self.scroll_to(y=self._places[self._at], animate=False)


class CompareScreen(ModalScreen[int | None]):
    """Gives 0 or 1 for the branch to continue, None for neither.

    Args:
        comparison: The two branches; neither is empty.
        title: The thread's.
    """

    CSS_PATH = "compare.tcss"

    #: The branch that Enter continues.
    side = reactive(0)

    def __init__(self, comparison: Comparison, title: str, *, plain: bool = False) -> None:
        super().__init__()
        self._comparison = comparison
        self._title = clean_line(title, 80) or labels.UNTITLED
        self._plain = plain
        self._columns = Columns(comparison, plain=plain)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="compare-dialog"):
            yield Static("", id="compare-head", markup=False)
            yield self._columns
            hints = (("←→", "Side"), ("Enter", "Continue"), ("n", "Next difference"), ("Esc", "Close"))
            yield Hint(*hints)

    def on_mount(self) -> None:
        dialog = self.query_one("#compare-dialog")
        dialog.border_title = Content(self._title)
        rows = self._comparison.rows
        count = sum(bool(row.only_a or row.only_b or row.a is None or row.b is None) for row in rows)
        dialog.border_subtitle = (
            f"{count} of {labels.plural(len(rows), 'message')} differ{'s' * (count == 1)}"
            if count
            else "no word differs"
        )
        self._columns.focus()
        self.call_after_refresh(self._show_head)

    def on_resize(self) -> None:
        self.call_after_refresh(self._show_head)

    def watch_side(self) -> None:
        if self.is_mounted:
            self._show_head()

    def _show_head(self) -> None:
        beside = self._columns.beside
        width = self._columns.scrollable_content_region.width
        room = (width - len(_GUTTER)) // 2 if beside else width
        names = [self._headed(side, room) for side in (0, 1)]
        gap = " " * (room - names[0].cell_length + len(_GUTTER)) if beside else "\n"
        self.query_one("#compare-head", Static).update(Content.assemble(names[0], gap, names[1]))

    def _headed(self, side: int, room: int) -> Content:
        messages = (self._comparison.a, self._comparison.b)[side]
        chosen = side == self.side
        named = next((clean_line(message.name, 40) for message in messages if message.name), "")
        sign = ("> " if self._plain else "▸ ") if chosen else "  "
        about = " · ".join(part for part in (named, labels.plural(len(messages), "message"), facts(messages)) if part)
        line = labels.fit(f"{sign}{side + 1}  {about}", room)
        return Content.styled(line, "$primary bold" if chosen else "$muted")

    def action_side(self, side: int) -> None:
        self.side = side

    def action_continue(self, side: int | None = None) -> None:
        self.dismiss(self.side if side is None else side)
