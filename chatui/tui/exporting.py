"""The dialog that writes threads into a file: how much, in which format, and where.

It reads in a thread of its own, one conversation after the other, so that no key waits for it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from chatui.conversation.library import Library
from chatui.conversation.tree import Thread
from chatui.conversation.walk import Walk
from chatui.errors import ChatuiError
from chatui.text import clean_line
from chatui.tui import labels
from chatui.tui.dialogs import Confirm, Hint
from chatui.tui.rows import Piece, Rows

if TYPE_CHECKING:
    from chatui.transfer.export import Exported
    from chatui.tui.chat import ChatScreen
    from chatui.tui.turns import Handler

Extent = Literal["branch", "thread", "all"]
State = Literal["asked", "writing", "done"]

#: Each format: the end of a file's name, and what it is.
FORMATS: dict[str, tuple[str, str]] = {
    "md": ("md", "Markdown, the source of each message."),
    "html": ("html", "One page for a browser, with a switch at each fork. It loads nothing."),
    "json": ("json", "All that there is of it; /import takes it in again."),
    "jsonl": ("jsonl", "The same, a message a line."),
    "messages": ("json", "What LangChain's messages_from_dict reads."),
}
_ENDS = {"md": "md", "markdown": "md", "html": "html", "htm": "html", "json": "json", "jsonl": "jsonl"}


class Choice(msgspec.Struct, frozen=True):
    """One of what can be exported: its name on the screen, and how much it is."""

    extent: Extent
    name: str
    size: str


class ExtentRows(Rows, can_focus=False):
    """How much is exported. The file's name keeps the focus, and Up and Down move here."""

    def __init__(self, choices: list[Choice]) -> None:
        super().__init__(id="export-rows", classes="-active")
        self.choices = choices

    def row_count(self) -> int:
        return len(self.choices)

    def row(self, index: int, line: int, width: int) -> tuple[list[Piece], list[Piece]]:
        choice = self.choices[index]
        sign = "› " if index == self.cursor else "  "
        return [(sign, "sign"), (choice.name, "")], [(choice.size, "muted")]


class _Stopped(Exception):
    """The person closed the dialog."""


class ExportDialog(ModalScreen[None]):
    """Writes a branch, a thread or all threads into a file.

    Args:
        library: The threads.
        thread: The open one, None where it has no message yet.
        head: The message that its active branch ends with.
        length: How many messages that branch has.
        path: The file, "" to suggest one.
    """

    CSS_PATH = "lists.tcss"
    VERTICAL_BREAKPOINTS = [(0, "-short"), (24, "-tall")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "Close"),
        Binding("up", "move(-1)", show=False, priority=True),
        Binding("down", "move(1)", show=False, priority=True),
        Binding("tab", "format(1)", show=False, priority=True),
        Binding("shift+tab", "format(-1)", show=False, priority=True),
    ]

    def __init__(self, library: Library, thread: Thread | None, head: str, length: int, path: str = "") -> None:
        super().__init__()
        self._library = library
        self._thread = thread
        self._head = head
        self._path = clean_line(path, 1000)
        self._format = _format_of(self._path) or "md"
        self._suggested = ""
        self._rows = ExtentRows(_choices(library, thread, length))
        self._stop = threading.Event()
        self._done = self._total = 0
        self._told: list[str] = []
        #: What it does now.
        self.state: State = "asked"

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Input(self._path, compact=True, placeholder="The file to write")
            yield self._rows
            yield Static("", markup=False, id="export-format")
            yield Static("", markup=False, id="export-about")
            yield Hint()

    def on_mount(self) -> None:
        self.query_one(".dialog").border_title = "Export"
        self._rows.styles.height = self._rows.row_count()
        self._rows.rows_changed(0)
        if not self._path:
            self._suggest()
        self.query_one(Input).focus()
        self.set_interval(0.2, self._show_progress)
        self._show()

    def on_unmount(self) -> None:
        self._stop.set()

    # What is asked

    @property
    def _extent(self) -> Extent:
        return self._rows.choices[self._rows.cursor].extent

    def _suggest(self) -> None:
        """Put a name into the field where the person has typed none."""
        field = self.query_one(Input)
        if field.value in ("", self._suggested):
            title = "chatui-threads" if self._extent == "all" or self._thread is None else self._thread.title
            self._suggested = f"{_file_name(title)}.{FORMATS[self._format][0]}"
            field.value = self._suggested
            field.cursor_position = len(field.value)

    def action_move(self, step: int) -> None:
        """Choose how much."""
        if self.state == "asked":
            self._rows.action_cursor(step)
            self._suggest()
            self._show()

    def action_format(self, step: int) -> None:
        """Choose another format; the end of the file's name goes with it."""
        if self.state != "asked":
            return
        names, field = list(FORMATS), self.query_one(Input)
        self._format = names[(names.index(self._format) + step) % len(names)]
        self._suggest()
        if field.value != self._suggested and field.value:
            path = Path(field.value)
            known = path.suffix[1:].lower() in _ENDS
            field.value = str(path.with_suffix("") if known else path) + f".{FORMATS[self._format][0]}"
        self._told = []
        self._show()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        named = _format_of(event.value)
        if named is not None and FORMATS[named][0] != FORMATS[self._format][0]:
            self._format = named
        self._told = []
        self._show()

    # What is shown

    def _show(self) -> None:
        asked = self.state == "asked"
        for part in (self.query_one(Input), self._rows, self.query_one("#export-format")):
            part.display = asked
        parts = [Content.styled("Format  ", "$muted")]
        for name in FORMATS:
            # Not by colour alone.
            chosen = name == self._format
            style = "$block-cursor-foreground on $primary bold" if chosen else "$muted"
            parts.append(Content.assemble((f"{'›' if chosen else ' '}{name} ", style)))
        self.query_one("#export-format", Static).update(Content("").join(parts))
        told = self._told or [FORMATS[self._format][1]]
        self.query_one("#export-about", Static).update(Content("\n".join(told)))
        keys = [("Enter", "Write"), ("Tab", "Format"), ("↑↓", "How much"), ("Esc", "Cancel")]
        self.query_one(Hint).show(*(keys if asked else [("Esc", "Stop" if self.state == "writing" else "Close")]))

    def _show_progress(self) -> None:
        if self.state == "writing":
            self._told = [f"Writing… {self._done:,} of {labels.plural(self._total, 'thread')}"]
            self._show()

    # Writing

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self.state != "asked":
            return
        name = event.value.strip().strip("\"'")
        if not name:
            self._told = ["Type where to write it."]
            self._show()
            return
        try:
            path = Path(name).expanduser().absolute()
            there = path.exists() and not path.is_dir()
        except (OSError, RuntimeError, ValueError):
            self._told = [f"{clean_line(name, 200)} is no name of a file."]
            self._show()
            return
        if not there:
            self._begin(path, over=False)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self._begin(path, over=True)

        text = f"{clean_line(str(path), 300)} is there already."
        self.app.push_screen(Confirm("Write over it?", text, "Write over it"), answered)

    def _begin(self, path: Path, *, over: bool) -> None:
        self.state = "writing"
        self._show_progress()
        self.run_worker(self._write(path, over), exit_on_error=False)

    async def _write(self, path: Path, over: bool) -> None:
        from chatui.transfer.writing import write

        extent = self._extent
        try:
            threads = await self._threads(extent)
            self._total = len(threads)
            size = await asyncio.to_thread(write, path, self._pieces(threads, extent), over=over)
        except _Stopped:
            return
        except (ChatuiError, OSError) as error:
            # The choices are there again, with what is wrong.
            self.state, self._told = "asked", [clean_line(str(error), 300)]
        else:
            what = labels.plural(len(threads), "thread") if extent == "all" else "The thread"
            what = "This branch" if extent == "branch" else what
            self.state = "done"
            self._told = [
                f"{what} as {self._format}, {labels.size(size)}, readable to you alone:",
                clean_line(str(path), 1000),
            ]
        if self.is_attached:
            self._show()

    async def _threads(self, extent: Extent) -> list[Thread]:
        """What is to be written, its index complete."""
        library, thread = self._library, self._thread
        if extent == "all" or thread is None:
            async for _ in library.catch_up(gentle=True):
                if self._stop.is_set():
                    raise _Stopped
            return library.threads(archived=True)
        async for _ in library.catch_up(thread.thread_id):
            pass
        return [library.thread(thread.thread_id)]

    def _pieces(self, threads: list[Thread], extent: Extent) -> Iterator[str]:
        from chatui.transfer.export import pieces

        for piece in pieces(self._format, self._read(threads, extent), all_branches=extent != "branch"):
            if self._stop.is_set():
                raise _Stopped
            yield piece

    def _read(self, threads: list[Thread], extent: Extent) -> Iterator[Exported]:
        """Read one thread after the other, when its turn comes."""
        from chatui.conversation.state import fold_messages
        from chatui.transfer.export import exported

        store = self._library.store
        for self._done, thread in enumerate(threads):
            # Opening a conversation is for the event loop's thread alone.
            here = self._thread is not None and thread.thread_id == self._thread.thread_id
            head = self._head if here else Walk(store, self._library.config, thread.thread_id, "").head_node
            found = exported(store, fold_messages, thread, head)
            yield found.alone() if extent == "branch" else found

    def action_close(self) -> None:
        """Stop what is being written, so that no file appears."""
        self._stop.set()
        self.dismiss()


def _choices(library: Library, thread: Thread | None, length: int) -> list[Choice]:
    choices = []
    if thread is not None:
        choices.append(Choice("branch", "This branch", labels.plural(length, "message")))
        if thread.branch_count > 1:
            name = f"This thread, all {thread.branch_count:,} branches"
            choices.append(Choice("thread", name, labels.plural(thread.message_count, "message")))
    whose = library.user if library.user is not None and not library.all_users else None
    everything = f"All threads of {labels.fit(clean_line(whose, 60), 24)}" if whose else "All threads"
    choices.append(Choice("all", everything, labels.plural(library.count(archived=True), "thread")))
    return choices


def _format_of(name: str) -> str | None:
    """Return the format that the end of a file's name tells, None where it tells none."""
    return _ENDS.get(name.strip().rpartition(".")[2].lower()) if "." in name else None


def _file_name(title: str) -> str:
    """Return a title as a file's name."""
    kept = "".join(letter if letter.isalnum() else " " for letter in clean_line(title, 200))
    return "-".join(kept.split())[:48].strip("-") or "thread"


class Exporting:
    """Opens the dialog, on behalf of the main screen."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen

    def handlers(self) -> dict[str, Handler]:
        """Return what carries out which action."""
        return {"export.open": self._open}

    def _open(self, text: str = "") -> None:
        screen = self._screen
        thread = screen.conversation.thread()
        if thread is not None and not thread.message_count:
            thread = None
        if thread is None and not screen.library.count(archived=True):
            screen.say("There is nothing to export yet.", severity="information")
            return
        conversation, path = screen.conversation, text.strip().strip("\"'")
        screen.app.push_screen(ExportDialog(screen.library, thread, conversation.head_node, conversation.length, path))
