"""The line at the bottom that looks through the open thread."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message as TextualMessage
from textual.timer import Timer
from textual.widgets import Input, Static

from chatui.tui.keys import bindings

#: Seconds without a key before what was typed is looked for.
PAUSE = 0.08


class FindBar(Horizontal):
    """The field, and where one is among the matches. It says what is wanted; others look and go there."""

    # Parsed when it is first opened: the main screen's own stylesheet is parsed before the first paint.
    DEFAULT_CSS = Path(__file__).with_name("find.tcss").read_text(encoding="utf-8")
    SCOPED_CSS = False
    BINDINGS: ClassVar[list[BindingType]] = bindings("find")

    class Typed(TextualMessage):
        """Something else is looked for. The first match from where one is on is wanted."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Further(TextualMessage):
        """The next match, or the previous one, is wanted."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

    class Closed(TextualMessage):
        """The field is left."""

    def __init__(self) -> None:
        super().__init__(id="find")
        self.input = Input(placeholder="Find in this thread", id="find-input", compact=True)
        self._timer: Timer | None = None
        self._said = ""

    def compose(self) -> ComposeResult:
        yield self.input
        yield Static("", id="find-place", markup=False)

    @property
    def text(self) -> str:
        """What is looked for."""
        return self.input.value

    def tell(self, text: str, *, nothing: bool = False) -> None:
        """Say where one is among the matches, or that there are none."""
        self.query_one("#find-place", Static).update(Content(text))
        self.set_class(nothing, "-nothing")

    def flush(self) -> bool:
        """Say at once what was typed last. Returns whether that was still to be said."""
        if self._timer is None:
            return False
        self._timer.stop()
        self._timer = None
        self.post_message(self.Typed(self.text))
        return True

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(PAUSE, self.flush)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_further(1)

    def action_further(self, step: int) -> None:
        """Want the next match (1), or the previous one (-1); what was typed just now is looked for first."""
        if not self.flush():
            self.post_message(self.Further(step))

    def action_close(self) -> None:
        """Leave the field."""
        self.post_message(self.Closed())
