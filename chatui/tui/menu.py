"""What can go on behind what is written, just above the prompt: slash commands, and files to attach."""

from __future__ import annotations

from textual import events

from chatui.conversation.files import Entry, Listing
from chatui.storage.attached import file_size
from chatui.tui.keys import Action, slash_commands
from chatui.tui.prompt import Prompt
from chatui.tui.rows import Piece, Rows

MOST = 8


class Menu(Rows, can_focus=False):
    """A list that the prompt's keys move: the focus stays in the prompt."""

    def __init__(self, name: str) -> None:
        super().__init__(id=name, classes="-active menu")
        self.display = False

    def show_rows(self) -> None:
        """Show the rows as they are now, the cursor on the first; nothing where there is none."""
        self.display = self.row_count() > 0
        self.styles.height = min(self.row_count(), MOST)
        self.rows_changed(0)

    def close(self) -> None:
        """Show nothing."""
        self.display = False

    def on_click(self, event: events.Click) -> None:
        super().on_click(event)
        if self._index_at(event) is not None:
            self.post_message(Prompt.MenuKey("complete"))


class CommandMenu(Menu):
    """The slash commands that fit what is written."""

    def __init__(self) -> None:
        super().__init__("menu")
        self.commands: list[Action] = []
        #: What is shown is for this text.
        self.text = ""

    def show_for(self, text: str) -> bool:
        """Show the commands that begin with what is written. Returns whether there is any."""
        word = text[1:].lower() if text.startswith("/") and "\n" not in text and " " not in text else None
        self.text = text
        self.commands = [] if word is None else [entry for entry in slash_commands() if entry.slash.startswith(word)]
        self.show_rows()
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
        return [(f"{name:<24} ", "strong"), (entry.title, "muted")], []


class FileMenu(Menu):
    """The files and folders that a mention can become."""

    def __init__(self) -> None:
        super().__init__("files")
        self.listing = Listing([], False)

    def show(self, listing: Listing) -> None:
        """Show a listing."""
        self.listing = listing
        self.show_rows()

    @property
    def current(self) -> Entry | None:
        """The file or folder under the cursor, None on the line that says that there are more."""
        entries = self.listing.entries
        return entries[self.cursor] if self.cursor < len(entries) else None

    def row_count(self) -> int:
        entries, more = self.listing
        return len(entries) + (more and bool(entries))

    def row(self, index: int, line: int, width: int) -> tuple[list[Piece], list[Piece]]:
        entries = self.listing.entries
        if index == len(entries):
            return [(f"More than these {len(entries)}: type on.", "muted")], []
        entry = entries[index]
        if entry.is_folder:
            return [(f"{entry.name}/", "strong")], [("folder", "muted")]
        return [(entry.name, "")], [(file_size(entry.size), "muted")]
