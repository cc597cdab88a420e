"""The list of threads: a filter on top, two lines a thread, pages read as one scrolls."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.widgets import Input, Static

from chatui.conversation.tree import Thread
from chatui.text import clean_line
from chatui.tui import labels
from chatui.tui.keys import bindings
from chatui.tui.rows import Piece, Rows

#: Threads that are read at a time.
PAGE = 60


class ThreadRows(Rows):
    """The rows. Each thread takes two lines and a blank one."""

    BINDINGS = bindings("threads")
    ROW_HEIGHT = 3

    class FilterWanted(Message):
        """The filter should have the focus."""

    class MoreWanted(Message):
        """The cursor is near the end of what was read."""

    def __init__(self) -> None:
        super().__init__(id="thread-rows")
        self.threads: list[Thread] = []
        self.total = 0
        self.open_id: str | None = None
        self.streaming: set[str] = set()
        self.plain = False
        self.show_user = False

    @property
    def current(self) -> Thread | None:
        """The thread under the cursor."""
        return self.threads[self.cursor] if 0 <= self.cursor < len(self.threads) else None

    def row_count(self) -> int:
        return len(self.threads)

    def _in_cursor(self, line: int) -> bool:
        return line < 2

    def row(self, index: int, line: int, width: int) -> tuple[list[Piece], list[Piece]]:
        if index >= len(self.threads) - PAGE // 2 and len(self.threads) < self.total:
            self.post_message(self.MoreWanted())
        thread = self.threads[index]
        if line == 0:
            return self._title(thread)
        if line == 1:
            return self._facts(thread)
        return [], []

    def _title(self, thread: Thread) -> tuple[list[Piece], list[Piece]]:
        is_open = thread.thread_id == self.open_id
        title = clean_line(thread.title, 200) or labels.UNTITLED
        sign = "" if not is_open else "> " if self.plain else "› "
        pin = "" if not thread.pinned else "pinned " if self.plain else "▴ "
        kind = "rows--strong" if is_open else "" if thread.title else "rows--muted"
        return [(sign, "rows--sign"), (pin, "rows--sign"), (title, kind)], [
            (labels.age(thread.updated_at), "rows--muted")
        ]

    def _facts(self, thread: Thread) -> tuple[list[Piece], list[Piece]]:
        left: list[Piece] = []
        if thread.thread_id in self.streaming:
            left.append(("writing " if self.plain else "● ", "rows--sign"))
        elif thread.interrupted:
            left.append(("cut off " if self.plain else "▲ cut off · ", "rows--warning"))
        model = clean_line(labels.short_model(thread.model), 60) or "no model yet"
        left.append((f"{clean_line(thread.user, 20)} · {model}" if self.show_user else model, "rows--muted"))
        count = f"{thread.message_count:,}"
        right = [(f"⑂{thread.branch_count}  ", "rows--sign")] if thread.branch_count > 1 else []
        return left, [*right, (count, "rows--muted")]

    def action_filter(self) -> None:
        self.post_message(self.FilterWanted())


class FilterInput(Input):
    """The filter. Up, Down, Enter reach the list without leaving it."""

    BINDINGS = bindings("filter")

    class Down(Message):
        """Down: to the list."""

    class Left(Message):
        """Escape."""

    def action_down(self) -> None:
        self.post_message(self.Down())

    def action_leave(self) -> None:
        if self.value:
            self.value = ""
        else:
            self.post_message(self.Left())


class ThreadsPane(Vertical):
    """The pane of threads. It asks for pages and says which thread was chosen; others read and write."""

    class PageWanted(Message):
        """Threads are to be read and given to `show`.

        `offset` 0 begins anew.
        """

        def __init__(self, text: str, offset: int) -> None:
            super().__init__()
            self.text = text
            self.offset = offset

    class Opened(Message):
        """A thread was chosen."""

        def __init__(self, thread: Thread) -> None:
            super().__init__()
            self.thread = thread

    class Closed(Message):
        """Escape: back to the prompt."""

    def __init__(self, *, plain: bool = False) -> None:
        super().__init__(id="threads")
        self.rows = ThreadRows()
        self.rows.plain = plain

    def compose(self) -> ComposeResult:
        yield FilterInput(placeholder="Type to filter", id="filter", compact=True)
        yield Static("", id="threads-empty", markup=False)
        # Stays without rows too: u brings the last deleted thread back.
        yield self.rows

    def on_mount(self) -> None:
        self.border_title = "Threads"

    def on_descendant_focus(self) -> None:
        # Enter in the filter opens the thread under the cursor, so the cursor is shown as one that acts.
        self.rows.set_class(True, "-active")

    def on_descendant_blur(self) -> None:
        self.rows.set_class(False, "-active")

    @property
    def text(self) -> str:
        """What the filter says."""
        return self.query_one("#filter", Input).value

    def show(self, threads: list[Thread], total: int, *, offset: int = 0) -> None:
        """Show a page of threads behind `offset` others, or, from 0, anew; the cursor stays on its thread."""
        rows = self.rows
        here = rows.current
        if offset:
            known = {thread.thread_id for thread in rows.threads}
            rows.threads += [thread for thread in threads if thread.thread_id not in known]
        elif threads == rows.threads and total == rows.total and rows.row_count():
            rows.refresh()
            return
        else:
            rows.threads = threads
        rows.total = total
        rows.show_user = len({thread.user for thread in rows.threads}) > 1
        place = next((i for i, thread in enumerate(rows.threads) if here and thread.thread_id == here.thread_id), None)
        rows.rows_changed(place)
        empty = self.query_one("#threads-empty", Static)
        empty.display = not rows.threads
        empty.update(
            "No title contains this.\nEsc clears the filter."
            if self.text
            else "No threads yet.\nWrite a message to start one."
        )
        self._show_place()

    def mark(self, open_id: str | None, streaming: set[str]) -> None:
        """Say which thread is open, and in which a reply streams."""
        self.rows.open_id, self.rows.streaming = open_id, streaming
        if not self.has_focus_within:
            for index, thread in enumerate(self.rows.threads):
                if thread.thread_id == open_id:
                    self.rows.cursor = index
        self.rows.refresh()

    def _show_place(self) -> None:
        rows = self.rows
        self.border_subtitle = f"{rows.cursor + 1} / {rows.total:,}" if rows.threads else ""

    def on_rows_moved(self, event: Rows.Moved) -> None:
        event.stop()
        self._show_place()

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        event.stop()
        self.post_message(self.Opened(self.rows.threads[event.index]))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.rows.cursor = 0
        self.post_message(self.PageWanted(event.value, 0))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if (thread := self.rows.current) is not None:
            self.post_message(self.Opened(thread))

    def on_thread_rows_more_wanted(self, event: ThreadRows.MoreWanted) -> None:
        event.stop()
        self.post_message(self.PageWanted(self.text, len(self.rows.threads)))

    def on_thread_rows_filter_wanted(self, event: ThreadRows.FilterWanted) -> None:
        event.stop()
        self.query_one("#filter").focus()

    def on_filter_input_down(self, event: FilterInput.Down) -> None:
        event.stop()
        self.rows.focus()

    def on_filter_input_left(self, event: FilterInput.Left) -> None:
        event.stop()
        self.post_message(self.Closed())
