"""The slash commands that fit what is written, just above the prompt."""

from __future__ import annotations

from chatui.tui.keys import Action, slash_commands
from chatui.tui.rows import Piece, Rows

MOST = 8


class CommandMenu(Rows, can_focus=False):
    """A list that the prompt's keys move: the focus stays in the prompt."""

    def __init__(self) -> None:
        super().__init__(id="menu", classes="-active")
        self.commands: list[Action] = []

    def show_for(self, text: str) -> bool:
        """Show the commands that begin with what is written. Returns whether there is any."""
        word = text[1:].lower() if text.startswith("/") and "\n" not in text and " " not in text else None
        self.commands = [] if word is None else [entry for entry in slash_commands() if entry.slash.startswith(word)]
        self.display = bool(self.commands)
        self.styles.height = min(len(self.commands), MOST)
        self.rows_changed(0)
        return self.display

    @property
    def current(self) -> Action:
        """The command under the cursor."""
        return self.commands[self.cursor]

    def row_count(self) -> int:
        return len(self.commands)

    def row(self, index: int, line: int, width: int) -> tuple[list[Piece], list[Piece]]:
        entry = self.commands[index]
        name = f"/{entry.slash} {entry.takes}".rstrip()
        return [(f"{name:<24} ", "rows--strong"), (entry.title, "rows--muted")], []
