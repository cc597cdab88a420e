"""Choosing one of a message's blocks of code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from chatui.text import clean_line
from chatui.tui import labels
from chatui.tui.dialogs import key_hints
from chatui.tui.markdown import Leaf
from chatui.tui.rows import Piece, Rows


class CodeRows(Rows):
    """One row a block: its first line, and how long it is."""

    def __init__(self, found: Sequence[Leaf]) -> None:
        super().__init__(id="code-rows")
        self.found = found

    def row_count(self) -> int:
        return len(self.found)

    def row(self, index: int, line: int, width: int) -> tuple[list[Piece], list[Piece]]:
        leaf = self.found[index]
        lines = [clean_line(text, 200) for text in leaf.content.plain[:4000].split("\n")]
        first = next((text for text in lines if text.strip()), "(empty)")
        count = labels.plural(leaf.content.plain.count("\n") + 1, "line")
        about = f"{clean_line(leaf.language, 16)}  {count}".strip()
        return [(f"{index + 1}  ", "sign"), (first.strip(), "")], [(about, "muted")]


class CodeBlocks(ModalScreen[Leaf | None]):
    """Gives the block that was chosen, with Enter or with its number; None for none."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Cancel"),
        *(Binding(str(number), f"number({number})", show=False) for number in range(1, 10)),
    ]

    def __init__(self, found: Sequence[Leaf]) -> None:
        super().__init__()
        self._rows = CodeRows(found)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="code-dialog"):
            yield self._rows
            yield Static(key_hints(("Enter", "Copy"), ("1-9", "Copy"), ("Esc", "Cancel")), markup=False, classes="hint")

    def on_mount(self) -> None:
        self.query_one("#code-dialog").border_title = "Copy which block of code?"
        self._rows.styles.height = "auto"
        self._rows.styles.max_height = "60vh"
        self._rows.rows_changed(0)
        self._rows.focus()

    def action_number(self, number: int) -> None:
        if number <= len(self._rows.found):
            self.dismiss(self._rows.found[number - 1])

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        self.dismiss(self._rows.found[event.index])
