"""The search of every branch of every thread: results while one types, Enter goes to the very message."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import ClassVar

import msgspec
from rich.style import Style
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.message import Message as TextualMessage
from textual.screen import ModalScreen
from textual.timer import Timer
from textual.widgets import Input, Static

from chatui.conversation.search import Hit, Results
from chatui.errors import ChatuiError
from chatui.text import clean_line
from chatui.tui import labels
from chatui.tui.dialogs import Hint
from chatui.tui.keys import bindings
from chatui.tui.rows import Piece, Rows

#: Results that are read at a time.
PAGE = 50
#: Seconds without a key before what was typed is searched for, and between two looks at how far the index is.
PAUSE, LOOK = 0.08, 0.5

#: Runs a search: (text, at most so many results) -> what is found so far.
Run = Callable[[str, int], AsyncGenerator[Results]]

ASK = "Every branch of every thread is searched.\nWords must all occur; quotes make a phrase: “night train”."


class Chosen(msgspec.Struct, frozen=True):
    """A message to go to, and what brings back this search: what was typed, and which of the results it was."""

    hit: Hit | None
    text: str
    place: int


class HitRows(Rows, can_focus=False):
    """The results. Two lines each, and a blank one where there is room. What is typed keeps the focus."""

    STYLES: ClassVar = {**Rows.STYLES, "found": "bold $warning"}
    ROW_HEIGHT = 3

    class MoreWanted(TextualMessage):
        """The cursor is near the end of what was read."""

    def __init__(self, *, plain: bool) -> None:
        super().__init__(id="hit-rows", classes="-active")
        self.hits: list[Hit] = []
        self.more = False
        self.show_user = False
        self._plain = plain

    @property
    def current(self) -> Hit | None:
        """The result under the cursor."""
        return self.hits[self.cursor] if self.cursor < len(self.hits) else None

    def row_count(self) -> int:
        return len(self.hits)

    def _in_cursor(self, line: int) -> bool:
        return line < 2

    def row(self, index: int, line: int, width: int) -> tuple[list[Piece], list[Piece]]:
        if index >= len(self.hits) - PAGE // 5 and self.more:
            self.post_message(self.MoreWanted())
        hit = self.hits[index]
        if line == 0:
            return self._title(hit, width)
        return ([("  ", ""), *self._said(hit)], []) if line == 1 else ([], [])

    def _title(self, hit: Hit, width: int) -> tuple[list[Piece], list[Piece]]:
        here = hit.on_active_path
        sign = ("* " if here else "- ") if self._plain else ("● " if here else "○ ")
        left: list[Piece] = [
            (sign, "sign" if here else "muted"),
            (hit.title or labels.UNTITLED, "strong"),
        ]
        facts = [
            clean_line(hit.user, 20) if self.show_user else "",
            "archived" if hit.archived else "",
            "" if here or width < 50 else "off the path",
            f"#{hit.depth}",
            f"{labels.age(hit.created_at):>4}",
        ]
        return left, [("  ".join(fact for fact in facts if fact), "muted")]

    @staticmethod
    def _said(hit: Hit) -> list[Piece]:
        who = "you: " if hit.role == "user" else "" if hit.role == "assistant" else f"{hit.role}: "
        pieces: list[Piece] = [(who, "user" if hit.role == "user" else "muted")]
        at = 0
        for start, end in hit.marks:
            pieces += [(hit.snippet[at:start], ""), (hit.snippet[start:end], "found")]
            at = end
        return [*pieces, (hit.snippet[at:], "")]

    def _style(self, kind: str, ground: str) -> Style:
        style = super()._style(kind, ground)
        # On the cursor's bar all is bold.
        return style + Style(underline=True) if ground == "cursor" and kind == "found" else style


class SearchInput(Input):
    """What is searched for. Its keys are the screen's: the field keeps the focus."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+a", "select_all", show=False)]


class SearchScreen(ModalScreen[Chosen]):
    """Gives the message to go to, or none, and in either case what was searched for.

    Args:
        run: Runs a search. Stopping to iterate it cancels it.
        indexing: Says how far the index is, as (threads done, threads in all); None where it is complete.
        text: What to search for first.
        place: Which of its results the cursor stands on first.
    """

    BINDINGS: ClassVar[list[BindingType]] = bindings("results")
    CSS_PATH = "search.tcss"
    VERTICAL_BREAKPOINTS = [(0, "-short"), (24, "-tall")]  # noqa: RUF012

    def __init__(
        self,
        run: Run,
        indexing: Callable[[], tuple[int, int] | None],
        *,
        text: str = "",
        place: int = 0,
        plain: bool = False,
    ) -> None:
        super().__init__()
        self._run = run
        self._indexing = indexing
        self._text = clean_line(text)
        self._place = place
        self._rows = HitRows(plain=plain)
        self._results: Results | None = None  # of what is typed; None while it was not searched for
        self._limit = PAGE
        self._timer: Timer | None = None
        self._was_indexing = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="search-dialog"):
            yield SearchInput(self._text, placeholder="Search every thread", compact=True)
            yield Static(ASK, id="search-empty", markup=False)
            yield self._rows
            yield Hint(("Enter", "Go there"), ("↑↓", "Results"), ("Esc", "Close"))

    def on_mount(self) -> None:
        self.query_one("#search-dialog").border_title = "Search"
        self._rows.display = False
        self.query_one(SearchInput).focus()
        self.set_interval(LOOK, self._look)
        self._look()
        self._search(self._place)

    def on_resize(self) -> None:
        self._rows.ROW_HEIGHT = 2 if self.size.height < 24 else 3
        self._rows.rows_changed()

    # What is found

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if event.value == self._text:
            return
        self._text = event.value
        self._limit = PAGE
        self._results = None
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(PAUSE, self._search)

    def _search(self, cursor: int = 0) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        # The next search takes the place of this one, wherever it is.
        self.run_worker(self._fill(self._text, cursor), group="search", exclusive=True, exit_on_error=False)

    async def _fill(self, text: str, cursor: int) -> None:
        if not text.strip():
            self._results = None
            self._show([], 0)
            return
        try:
            async with aclosing(self._run(text, self._limit)) as steps:
                first = True
                async for results in steps:
                    self._results = results
                    # While more comes in, the cursor stays where a person has put it.
                    self._show([*results.hits], cursor if first else None)
                    first = False
        except ChatuiError as error:
            self.notify(clean_line(str(error), 400), severity="error", markup=False)

    def _show(self, hits: list[Hit], cursor: int | None) -> None:
        rows = self._rows
        rows.hits = hits
        rows.more = self._results is not None and self._results.done and self._results.total > len(hits)
        rows.show_user = len({hit.user for hit in hits}) > 1
        rows.display = bool(hits)
        rows.rows_changed(cursor)
        self._show_state()

    def on_hit_rows_more_wanted(self, event: HitRows.MoreWanted) -> None:
        event.stop()
        if self._results is not None and self._rows.more:
            self._rows.more = False
            self._limit += PAGE
            self._search(self._rows.cursor)

    def _look(self) -> None:
        """Say how far the index is, and search again when it is complete."""
        indexing = self._indexing() is not None
        if self._was_indexing and not indexing and self._text.strip():
            self._search(self._rows.cursor)
        self._was_indexing = indexing
        self._show_state()

    def _show_state(self) -> None:
        results, rows = self._results, self._rows
        facts = []
        if results is not None and rows.hits:
            facts.append(f"{rows.cursor + 1} / {results.total:,}{'+' if results.more else ''}")
        if results is not None and not results.done:
            facts.append("searching …")
        if (indexing := self._indexing()) is not None:
            facts.append(f"still indexing: {indexing[0]:,} of {labels.plural(indexing[1], 'thread')}")
        self.query_one("#search-dialog").border_subtitle = " · ".join(facts)
        empty = self.query_one("#search-empty", Static)
        empty.display = not rows.hits
        if not self._text.strip():
            empty.update(ASK)
        elif results is not None and results.done:
            empty.update(self._none(indexing is not None))
        else:
            empty.update("Searching …")

    def _none(self, indexing: bool) -> str:
        if indexing:
            return "Nothing yet: older threads are still being indexed.\nWhat is found then appears here."
        if '"' in self._text:
            return "No message has this phrase.\nWithout the quotes its words are found apart too."
        if len(self._text.split()) > 1:
            return "No message has all of these words.\nFewer words find more."
        return "No message has this.\nFewer letters find more."

    # Keys

    def action_move(self, step: int) -> None:
        self._rows.action_cursor(step)

    def action_move_page(self, step: int) -> None:
        self._rows.action_cursor_page(step)

    def action_close(self) -> None:
        self.dismiss(Chosen(None, self._text, self._rows.cursor))

    def on_rows_moved(self, event: Rows.Moved) -> None:
        event.stop()
        self._show_state()

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        event.stop()
        self._choose()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._results is None:
            # What is shown was found for something else.
            self._search()
        else:
            self._choose()

    def _choose(self) -> None:
        if (hit := self._rows.current) is not None:
            self.dismiss(Chosen(hit, self._text, self._rows.cursor))
