"""The dialog that copies a part of a thread to a new one."""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from chatui.conversation.tree import Message
from chatui.text import clean_line
from chatui.tui import labels
from chatui.tui.dialogs import key_hints
from chatui.tui.rows import Piece, Rows

Extent = Literal["path", "below", "tree"]


class Wanted(msgspec.Struct, frozen=True):
    """What is to be copied: how much, and the new thread's title."""

    extent: Extent
    title: str


class ExtentRows(Rows, can_focus=False):
    """How much is copied. The title keeps the focus, and Up and Down move here."""

    def __init__(self, extents: list[tuple[Extent, str, int]]) -> None:
        super().__init__(id="extent-rows", classes="-active")
        self.extents = extents

    def row_count(self) -> int:
        return len(self.extents)

    def row(self, index: int, line: int, width: int) -> tuple[list[Piece], list[Piece]]:
        _, name, count = self.extents[index]
        return [("› " if index == self.cursor else "  ", "sign"), (name, "")], [
            (labels.plural(count, "message"), "muted")
        ]


class CopyOut(ModalScreen[Wanted | None]):
    """Gives what is to be copied, None for nothing.

    Args:
        message: The message up to which, or around which, is copied.
        below: How many messages are below it.
        whole: How many messages the thread has.
        title: The new thread's, to begin with.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel"),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
    ]

    def __init__(self, message: Message, below: int, whole: int, title: str) -> None:
        super().__init__()
        self._title = clean_line(title, 200)
        extents: list[tuple[Extent, str, int]] = [
            ("path", f"The path from the start to #{message.depth}", message.depth)
        ]
        if below:
            extents.append(("below", "The path, and all branches below it", message.depth + below))
        if whole > message.depth + below:
            extents.append(("tree", "The whole tree", whole))
        self._rows = ExtentRows(extents)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="copy-dialog"):
            yield Input(self._title, compact=True, placeholder="Title of the new thread")
            yield self._rows
            hints = key_hints(("↑↓", "How much"), ("Enter", "Copy"), ("Esc", "Cancel"))
            yield Static(hints, markup=False, classes="hint")

    def on_mount(self) -> None:
        self.query_one("#copy-dialog").border_title = "Copy to a new thread"
        self._rows.styles.height = self._rows.row_count()
        self._rows.styles.margin = (1, 0, 0, 0)
        self._rows.rows_changed(0)
        self.query_one(Input).focus()

    def action_move(self, step: int) -> None:
        self._rows.action_cursor(step)

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        self._done()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self._done()

    def _done(self) -> None:
        extent = self._rows.extents[self._rows.cursor][0]
        self.dismiss(Wanted(extent, clean_line(self.query_one(Input).value) or self._title))
