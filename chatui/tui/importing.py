"""The dialog that takes in conversations of other programs: what a file holds first, and then, if it is wanted, all that is new.

Both run in a thread of their own with a connection of their own, so that no key waits for them. Other windows, and this one, see
the new threads as they see everything that somebody else wrote.
"""

from __future__ import annotations

import asyncio
import re
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from chatui.conversation.library import DEFAULT_USER, Library
from chatui.errors import ChatuiError, UsageError
from chatui.text import clean_line
from chatui.tui import labels
from chatui.tui.dialogs import Hint

if TYPE_CHECKING:
    from chatui.transfer.importing import Report
    from chatui.transfer.records import Wanted
    from chatui.tui.chat import ChatScreen
    from chatui.tui.turns import Handler

#: How many skipped records the dialog tells.
_TOLD = 4
#: Seconds in which the screen gets the interpreter, after each record.
_PAUSE = 0.0005

State = Literal["reading", "asked", "writing", "done"]


class Importing:
    """Opens the dialog, on behalf of the main screen."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen

    def handlers(self) -> dict[str, Handler]:
        """Return what carries out which action."""
        return {"import.open": self._open}

    def _open(self, text: str) -> None:
        screen = self._screen
        if not text:
            screen.say("Say which file or folder: /import PATH.", severity="information")
            return
        name, wanted = read_words(text)
        screen.library.store.database.check_writable()
        path = Path(name).expanduser()
        screen.app.push_screen(ImportDialog(screen.library, path, wanted), lambda _: screen.refresh_threads())


def read_words(text: str) -> tuple[str, Wanted]:
    """Read what follows /import: a path, which may have spaces in it, and the options of `chatui import` behind it.

    Raises:
        UsageError: An option has no value, or one that says nothing.
    """
    from chatui.transfer.records import Wanted, keys_of

    name, *options = re.split(r"(?:^|\s+)--(?=(?:split|map)\b)", text.strip())
    split, mapped = None, []
    for option in options:
        word, _, value = option.strip().partition("=" if "=" in option.split()[0] else " ")
        value = value.strip().strip("\"'")
        if not value:
            raise UsageError(f"--{word} needs a value.", "As in --split {user}--{thread}, or --map user=owner_id.")
        if word == "split":
            split = value
        else:
            mapped.append(value)
    return name.strip("\"'"), Wanted(split, keys_of(mapped))


class _Stopped(Exception):
    """The person closed the dialog."""


class ImportDialog(ModalScreen[None]):
    """What a file holds, and importing it.

    Args:
        library: Where to.
        path: What.
        wanted: What the person said about it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "import", "Import"),
        Binding("escape", "close", "Close"),
    ]

    def __init__(self, library: Library, path: Path, wanted: Wanted) -> None:
        super().__init__()
        self._library = library
        self._path = path
        self._wanted = wanted
        self._stop = threading.Event()
        self._share = 0.0
        self._report: Report | None = None
        self._error: ChatuiError | None = None
        #: What it does now.
        self.state: State = "reading"

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static("", markup=False, id="import-text")
            yield Hint(("Esc", "Close"))

    def on_mount(self) -> None:
        self.query_one(".dialog").border_title = Content(f"Import {clean_line(self._path.name, 40)}")
        self.set_interval(0.2, self._show)
        self._show()
        self.run_worker(self._run("asked", dry=True), exit_on_error=False)

    def on_unmount(self) -> None:
        self._stop.set()

    def action_import(self) -> None:
        if self.state == "done":
            self.dismiss()
        elif self.state == "asked" and self._report is not None and self._report.new_messages:
            self.state, self._share = "writing", 0.0
            self._show()
            self.run_worker(self._run("done", dry=False), exit_on_error=False)

    def action_close(self) -> None:
        """Stop what is being read or written; what is written stays, each thread whole."""
        self._stop.set()
        self.dismiss()

    async def _run(self, then: State, *, dry: bool) -> None:
        try:
            self._report = await asyncio.to_thread(asyncio.run, self._import(dry))
            self.state = then
        except _Stopped:
            return
        except ChatuiError as error:
            self._error, self.state = error, "done"
        if self.is_attached:
            self._show()

    async def _import(self, dry: bool) -> Report:
        """Read the file, in a thread and an event loop of its own."""
        from chatui.conversation.state import SNAPSHOT_FREQUENCY, fold_messages
        from chatui.storage import Store
        from chatui.transfer.importing import Import, check_target
        from chatui.transfer.sources import Found

        check_target(self._library.store)
        found = Found(self._path, None, self._wanted)
        store = Store.open(self._library.store.path)
        try:
            importing = Import(
                store,
                fold_messages,
                SNAPSHOT_FREQUENCY,
                owner=None,
                default=self._library.user or DEFAULT_USER,
                told=self._told,
            )
            return await importing.run(found.kind, found.items(self._read), dry=dry)
        finally:
            await store.close()

    def _read(self, share: float) -> None:
        if self._stop.is_set():
            raise _Stopped
        self._share = share
        time.sleep(_PAUSE)

    def _told(self, report: Report) -> None:
        self._report = report
        if self._stop.is_set():
            raise _Stopped

    def _show(self) -> None:
        self.query_one("#import-text", Static).update(Content("\n".join(self._lines())))
        more = self.state == "asked" and self._report is not None and self._report.new_messages > 0
        close = ("Esc", "Stop" if self.state in ("reading", "writing") else "Close")
        self.query_one(Hint).show(*([("Enter", "Import")] if more else []), close)

    def _lines(self) -> list[str]:
        if self._error is not None:
            return [self._error.title, self._error.advice]
        report = self._report
        if report is None:
            return ["Reading…" if self._share == 0 else f"Reading… {self._share:.0%}"]
        lines = [f"{report.kind}: {_counted(report.threads, report.messages)}."]
        new = _counted(report.new_threads, report.new_messages)
        if self.state in ("reading", "writing"):
            doing = "Reading" if self.state == "reading" else "Importing"
            lines.append(f"{doing}… {self._share:.0%}")
        elif not report.new_messages:
            lines.append("Nothing of it is new.")
        else:
            lines.append(f"New: {new}." if self.state == "asked" else f"Imported: {new}.")
        if report.skipped and self.state in ("asked", "done"):
            lines += ["", f"Skipped: {labels.plural(len(report.skipped), 'record')}."]
            lines += [clean_line(f"{skipped.where}: {skipped.why}", 140) for skipped in report.skipped[:_TOLD]]
            if len(report.skipped) > _TOLD:
                lines.append(f"and {len(report.skipped) - _TOLD:,} more; `chatui import --dry-run --json` lists them.")
        return lines


def _counted(threads: int, messages: int) -> str:
    return f"{labels.plural(threads, 'thread')}, {labels.plural(messages, 'message')}"
