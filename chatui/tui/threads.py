"""The list of threads: a filter on top, two lines a thread. Of thousands only those round the screen are read."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Input

from chatui.conversation.tree import Thread
from chatui.text import clean_line
from chatui.tui import labels
from chatui.tui.keys import bindings
from chatui.tui.rows import Piece, Rows

#: Threads that are read at a time; more on a screen that shows as many.
PAGE = 60
#: Seconds between two paints of the ages.
AGES = 30


class ThreadRows(Rows):
    """The rows. Each thread takes two lines and a blank one."""

    BINDINGS = bindings("threads")
    ROW_HEIGHT = 3

    class FilterWanted(Message):
        """The filter should have the focus."""

    class WindowWanted(Message):
        """Other threads are to be read: those from this place on."""

        def __init__(self, first: int) -> None:
            super().__init__()
            self.first = first

    def __init__(self) -> None:
        super().__init__(id="thread-rows")
        #: The threads that are known: those from place `first` on, of `total`.
        self.threads: list[Thread] = []
        self.first = 0
        self.total = 0
        self.open_id: str | None = None
        self.streaming: set[str] = set()
        self.plain = False
        self.show_user = False
        #: The thread under the cursor, also where the list was scrolled away from it.
        self.current: Thread | None = None
        self._asked: int | None = None

    def thread_at(self, index: int) -> Thread | None:
        """Return the thread of a row, None where it has not been read."""
        place = index - self.first
        return self.threads[place] if 0 <= place < len(self.threads) else None

    @property
    def span(self) -> int:
        """How many threads to read at a time."""
        return max(PAGE, 2 * (self.size.height // self.ROW_HEIGHT + 1))

    def row_count(self) -> int:
        return self.total

    def take(self, threads: list[Thread], first: int, total: int, cursor: int | None, *, follow: bool) -> None:
        """Take what was read.

        Args:
            threads: Some threads.
            first: The place of the first of them.
            total: How many there are in all.
            cursor: Where the cursor is to stand; None for where it stands.
            follow: Whether it is to be on the screen.
        """
        self.threads, self.first, self.total, self._asked = threads, first, total, None
        self.show_user = self.show_user or len({thread.user for thread in threads}) > 1
        self.rows_changed(cursor, follow=follow)
        self.current = (self.thread_at(self.cursor) or self.current) if total else None

    @property
    def cursor_is_shown(self) -> bool:
        """Whether the cursor's row is on the screen."""
        top = self.scroll_offset.y // self.ROW_HEIGHT
        return top <= self.cursor <= top + self.size.height // self.ROW_HEIGHT

    def watch_cursor(self) -> None:
        self.current = self.thread_at(self.cursor)
        super().watch_cursor()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._ask()

    def on_resize(self) -> None:
        super().on_resize()
        self._ask()

    def _ask(self) -> None:
        """Ask for other threads before those that are known end on the screen."""
        top, high = self.scroll_offset.y // self.ROW_HEIGHT, self.size.height // self.ROW_HEIGHT + 1
        last = self.first + len(self.threads)
        near = high // 2
        if (top - near < self.first and self.first > 0) or (top + high + near > last and last < self.total):
            first = max(0, min(top - (self.span - high) // 2, self.total - self.span))
            if first not in (self._asked, self.first):
                self._asked = first
                self.post_message(self.WindowWanted(first))

    def _in_cursor(self, line: int) -> bool:
        return line < 2

    def row(self, index: int, line: int, width: int) -> tuple[list[Piece], list[Piece]]:
        thread = self.thread_at(index)
        if thread is None:
            return [], []
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
        kind = "strong" if is_open else "" if thread.title else "muted"
        return [(sign, "sign"), (pin, "sign"), (title, kind)], [(labels.age(thread.updated_at), "muted")]

    def _facts(self, thread: Thread) -> tuple[list[Piece], list[Piece]]:
        left: list[Piece] = []
        if thread.thread_id in self.streaming:
            left.append(("writing " if self.plain else "● ", "sign"))
        elif thread.interrupted:
            left.append(("cut off " if self.plain else "▲ cut off · ", "warning"))
        model = clean_line(labels.short_model(thread.model), 60) or "no model yet"
        left.append((f"{clean_line(thread.user, 20)} · {model}" if self.show_user else model, "muted"))
        count = f"{thread.message_count:,}"
        right = [(f"⑂{thread.branch_count}  ", "sign")] if thread.branch_count > 1 else []
        return left, [*right, (count, "muted")]

    def action_filter(self) -> None:
        self.post_message(self.FilterWanted())


class FilterInput(Input, inherit_css=False):
    """The filter. Up, Down, Enter reach the list without leaving it. All of its rules stand in chat.tcss, as the prompt's do."""

    COMPONENT_CLASSES = Input.COMPONENT_CLASSES

    BINDINGS = bindings("filter")

    #: As in Textual, but no reason to lay the whole screen out for each key: it has one row, whatever stands in it.
    virtual_size = reactive(Size(0, 0))

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
        """Threads are to be read, from a place on, and given to `show`."""

        def __init__(self, text: str, first: int) -> None:
            super().__init__()
            self.text = text
            self.first = first

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
        self._shown = False
        self._seeking = False

    def compose(self) -> ComposeResult:
        yield FilterInput(placeholder="Type to filter", id="filter")
        # Stays without rows too: u brings the last deleted thread back.
        yield self.rows

    def on_mount(self) -> None:
        self.border_title = "Threads"
        self.set_interval(AGES, self.rows.refresh)

    def on_descendant_focus(self) -> None:
        # Enter in the filter opens the thread under the cursor, so the cursor is shown as one that acts.
        self.rows.set_class(True, "-active")

    def on_descendant_blur(self) -> None:
        self.rows.set_class(False, "-active")

    def clear(self) -> None:
        """Forget whose threads were shown: others are read next."""
        with self.prevent(Input.Changed):
            self.query_one("#filter", Input).value = ""
        rows = self.rows
        rows.show_user, rows.current = False, None
        rows.take([], 0, 0, 0, follow=True)
        self._shown = False

    @property
    def text(self) -> str:
        """What the filter says."""
        return self.query_one("#filter", Input).value

    def show(self, threads: list[Thread], first: int, total: int, cursor: int | None = None) -> None:
        """Show a page of threads.

        Args:
            threads: The page.
            first: How many threads stand before it.
            total: How many there are in all.
            cursor: The place of the thread under the cursor, where that is not in the page.
        """
        rows = self.rows
        if (threads, first, total) == (rows.threads, rows.first, rows.total) and self._shown:
            rows.current = rows.thread_at(rows.cursor) or rows.current
            return
        shown = rows.cursor_is_shown or not self._shown
        here = rows.current
        if here is not None:
            places = (first + i for i, thread in enumerate(threads) if thread.thread_id == here.thread_id)
            cursor = next(places, cursor)
        moved = first != rows.first
        rows.take(threads, first, total, cursor, follow=here is None or (shown and not moved))
        self._shown = True
        if self.text:
            rows.nothing = ("No title contains this.", "Esc clears the filter.")
        else:
            rows.nothing = ("No threads yet.", "A message starts one.")
        self._show_place()

    def mark(self, open_id: str | None, streaming: set[str], place: int | None = None) -> None:
        """Say which thread is open, at which place it stands where that is known, and in which threads a reply streams."""
        rows = self.rows
        if (open_id, streaming) == (rows.open_id, rows.streaming) and not self._seeking:
            return
        # A new thread is in the list only once it is saved: until then the cursor has to be put on it.
        self._seeking = self._seeking or open_id != rows.open_id
        rows.open_id, rows.streaming = open_id, streaming
        if self.has_focus_within:
            self._seeking = False
        if self._seeking:
            places = (rows.first + i for i, thread in enumerate(rows.threads) if thread.thread_id == open_id)
            if (found := next(places, place)) is not None:
                rows.cursor, self._seeking = found, False
        rows.refresh()

    def _show_place(self) -> None:
        rows = self.rows
        self.border_subtitle = f"{rows.cursor + 1:,} / {rows.total:,}" if rows.threads else ""

    def on_rows_moved(self, event: Rows.Moved) -> None:
        event.stop()
        self._show_place()

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        event.stop()
        if (thread := self.rows.thread_at(event.index) or self.rows.current) is not None:
            self.post_message(self.Opened(thread))

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        # The best is on top, whichever thread the cursor was on.
        self.rows.cursor = 0
        self.rows.current = None
        self.post_message(self.PageWanted(event.value, 0))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if (thread := self.rows.current) is not None:
            self.post_message(self.Opened(thread))

    def on_thread_rows_window_wanted(self, event: ThreadRows.WindowWanted) -> None:
        event.stop()
        self.post_message(self.PageWanted(self.text, event.first))

    def on_thread_rows_filter_wanted(self, event: ThreadRows.FilterWanted) -> None:
        event.stop()
        self.query_one("#filter").focus()

    def on_filter_input_down(self, event: FilterInput.Down) -> None:
        event.stop()
        self.rows.focus()

    def on_filter_input_left(self, event: FilterInput.Left) -> None:
        event.stop()
        self.post_message(self.Closed())
