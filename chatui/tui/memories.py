"""What is remembered of a user, as a list: add, change, forget with undo, and the thread that each came from."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from chatui.conversation.memories import UserMemory
from chatui.errors import ChatuiError
from chatui.storage.records import Memory
from chatui.text import clean_line
from chatui.tui import labels
from chatui.tui.dialogs import AskLine, Confirm, EditText, Hint
from chatui.tui.keys import bindings
from chatui.tui.rows import Piece, Rows
from chatui.tui.threads import FilterInput


class Source(msgspec.Struct, frozen=True):
    """The thread that a memory came from.

    Attributes:
        title: Its title; "" where it was purged.
        there: Whether it can be opened.
    """

    title: str
    there: bool


class MemoryRows(Rows):
    """One row a memory: its text, and how old it is."""

    def __init__(self) -> None:
        super().__init__(id="memory-rows")
        self.memories: Sequence[Memory] = ()

    @property
    def current(self) -> Memory | None:
        """The memory under the cursor."""
        return self.memories[self.cursor] if self.memories else None

    def row_count(self) -> int:
        return len(self.memories)

    def row(self, index: int, line: int, width: int) -> tuple[list[Piece], list[Piece]]:
        memory = self.memories[index]
        return [(clean_line(memory.text), "")], [(labels.age(memory.created_at), "muted")]


class MemoriesScreen(ModalScreen[str | None]):
    """The memories of one user. Gives the id of a thread to open, None for none.

    Args:
        memory: Where they are kept.
        source_of: Finds out about the thread that one came from.
        here: The thread that a new one comes from, None for none.
    """

    CSS_PATH = "lists.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("memories")]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (24, "-tall"), (36, "-high")]  # noqa: RUF012

    def __init__(self, memory: UserMemory, source_of: Callable[[str], Source], here: str | None) -> None:
        super().__init__()
        self._memory = memory
        self._source_of = source_of
        self._here = here
        self._rows = MemoryRows()
        self._all: Sequence[Memory] = ()
        self._forgotten: list[Memory] = []
        self._hint = Hint(lines=2)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="memories-dialog"):
            yield FilterInput(placeholder="Filter", id="memory-filter", compact=True)
            yield self._rows
            with VerticalScroll(id="memory-page", can_focus=False):
                yield Static("", id="memory-about", markup=False)
            yield self._hint

    def on_mount(self) -> None:
        self.query_one("#memories-dialog").border_title = Content(f"Remembered of {clean_line(self._memory.user, 40)}")
        self._rows.focus()
        self._read()

    # What is shown

    def _read(self, cursor_on: str | None = None) -> None:
        """Read the memories, and put the cursor on one of them."""
        self._all = self._memory.list()
        self._show(cursor_on)

    def _show(self, cursor_on: str | None = None) -> None:
        words = self.query_one(FilterInput).value.casefold().split()
        shown = [memory for memory in self._all if all(word in memory.text.casefold() for word in words)]
        self._rows.memories = shown
        place = next((i for i, memory in enumerate(shown) if memory.memory_id == cursor_on), None)
        self._rows.rows_changed(place)
        self._tell()

    def _tell(self, said: str = "", *, wrong: bool = False) -> None:
        """Tell of the memory under the cursor, or what was done."""
        about, memory = self.query_one("#memory-about", Static), self._rows.current
        about.set_class(wrong, "-wrong")
        if not said and memory is not None:
            # Its place first: of a long text the beginning is in the list, and Enter shows all.
            said = f"{self._origin(memory)}\n{clean_line(memory.text)}"
        elif not said:
            said = "Nothing here has this." if self._all else "Nothing is remembered yet. a adds something."
        about.update(Content(said))
        self.query_one("#memory-page").scroll_home(animate=False)
        count = len(self._rows.memories)
        self.query_one("#memories-dialog").border_subtitle = f"{self._rows.cursor + 1:,} / {count:,}" if count else ""
        self._show_keys(memory)

    def _origin(self, memory: Memory) -> str:
        since = labels.exact_time(memory.created_at)
        if memory.source_thread_id is None:
            return f"Since {since}, from no thread."
        source = self._source_of(memory.source_thread_id)
        if not source.title:
            return f"Since {since}, from a thread that is gone."
        return f"Since {since}, from “{labels.fit(source.title, 40)}”{'' if source.there else ', which is deleted'}."

    def _show_keys(self, memory: Memory | None) -> None:
        pairs = [("a", "Add")]
        if memory is not None:
            pairs += [("Enter", "Change"), ("x", "Forget")]
        if self._forgotten:
            pairs.append(("u", "Undo"))
        if memory is not None and memory.source_thread_id and self._source_of(memory.source_thread_id).there:
            pairs.append(("o", "Its thread"))
        if self._all:
            pairs.append(("/", "Filter"))
        self._hint.show(*pairs, ("Esc", "Close"))

    def on_rows_moved(self, event: Rows.Moved) -> None:
        event.stop()
        self._tell()

    # The filter

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._rows.focus()

    def on_filter_input_down(self, event: FilterInput.Down) -> None:
        event.stop()
        self._rows.focus()

    def on_filter_input_left(self, event: FilterInput.Left) -> None:
        event.stop()
        self._rows.focus()

    def action_filter(self) -> None:
        """Type a part of what is looked for."""
        self.query_one(FilterInput).focus()

    def action_close(self) -> None:
        """Show everything again, else close."""
        if self.query_one(FilterInput).value:
            self.query_one(FilterInput).value = ""
        else:
            self.dismiss(None)

    # Changes

    def action_add(self) -> None:
        """Remember something more."""

        async def typed(text: str | None) -> None:
            if text:
                await self._try(lambda: add(text))

        async def add(text: str) -> None:
            kept = await self._memory.add(text, source=self._here)
            self.query_one(FilterInput).value = ""
            self._read(kept.memory_id)

        self.app.push_screen(AskLine("Remember"), typed)

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        event.stop()
        self.action_edit()

    def action_edit(self) -> None:
        """Change the memory under the cursor."""
        memory = self._rows.current
        if memory is None:
            return

        async def edited(text: str | None) -> None:
            if text is not None and clean_line(text) != memory.text:
                await self._try(lambda: change(text))

        async def change(text: str) -> None:
            await self._memory.edit(memory.memory_id, text)
            self._read(memory.memory_id)

        self.app.push_screen(EditText("Change what is remembered", memory.text, "Save"), edited)

    def action_forget(self) -> None:
        """Forget the memory under the cursor, after a question."""
        memory = self._rows.current
        if memory is None:
            return

        async def answered(yes: bool | None) -> None:
            if yes:
                await self._try(forget)

        async def forget() -> None:
            try:
                await self._memory.forget(memory.memory_id)
            finally:
                # What could not be cleared from the file is forgotten all the same.
                self._read()
            self._forgotten.append(memory)
            self._tell(f"Forgotten: {labels.fit(memory.text, 60)} u brings it back, until this is closed.")

        text = f"{labels.fit(memory.text, 200)}\n\nNo model is told this any more, and details of old replies do not show it."
        self.app.push_screen(Confirm("Forget this?", text, "Forget it"), answered)

    async def action_undo(self) -> None:
        """Remember again what was forgotten last."""
        if not self._forgotten:
            self._tell("Nothing was forgotten since this was opened.")
            return
        await self._try(self._bring_back)

    async def _bring_back(self) -> None:
        back = await self._memory.bring_back(self._forgotten[-1])
        self._forgotten.pop()
        self._read(back.memory_id)

    def action_open_thread(self) -> None:
        """Go to the thread that the memory under the cursor came from."""
        memory = self._rows.current
        if memory is None:
            return
        if memory.source_thread_id and self._source_of(memory.source_thread_id).there:
            self.dismiss(memory.source_thread_id)
        else:
            self._tell("It came from no thread that is there.")

    async def _try(self, act: Callable[[], Awaitable[None]]) -> None:
        try:
            await act()
        except ChatuiError as error:
            self._tell(str(error), wrong=True)
