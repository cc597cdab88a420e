"""Where one writes. Enter sends, a paste never does, Up and Down at the edges recall what was sent before."""

from __future__ import annotations

from collections.abc import Sequence

from textual.events import Paste
from textual.message import Message
from textual.widget import Widget
from textual.widgets import TextArea

from chatui.text import clean
from chatui.tui.attaching import pasted
from chatui.tui.keys import bindings


class Prompt(TextArea, inherit_css=False):
    """The prompt. It knows nothing of threads: it says what was done, and is told what to hold.

    Its rules stand in chat.tcss, all of them: to read Textual's own for text areas would hold up the first paint.
    """

    COMPONENT_CLASSES = TextArea.COMPONENT_CLASSES

    BINDINGS = bindings("prompt")

    class Submitted(Message):
        """Enter, with text or without."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Left(Message):
        """Escape."""

    class Typed(Message):
        """The text is another one, or the cursor is elsewhere while a menu is open. `by_hand`: nothing else put it there."""

        def __init__(self, text: str, *, by_hand: bool = True) -> None:
            super().__init__()
            self.text = text
            self.by_hand = by_hand

    class HistoryWanted(Message):
        """Up at the first line: what was sent before is to be put into `recall`."""

    class MenuKey(Message):
        """A key that a menu takes while it is open: "up", "down", "complete", "submit".

        "complete" comes while it is closed too: it is Tab then, and goes to the next pane.
        """

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self) -> None:
        super().__init__(
            id="prompt",
            soft_wrap=True,
            show_line_numbers=False,
            highlight_cursor_line=False,
            tab_behavior="focus",
        )
        #: Whether a menu is open; its owner sets it.
        self.menu_open = False
        self._held: str | None = None  # what was put here, until a person changes it
        self._history: list[str] = []
        self._at = 0  # place in the history; its length is "what is being written"
        self._writing = ""

    def watch_has_focus(self, has_focus: bool) -> None:
        """Show it on the box around. No rule of the prompt's own is about its focus, so it need not be styled anew."""
        if isinstance(self.parent, Widget):
            self.parent.set_class(has_focus, "-focus")

    def hold(self, text: str) -> None:
        """Put a text into the prompt, the cursor behind it."""
        self._held = clean(text)
        self.text = text
        self.move_cursor(self.document.end)

    def complete(self, start: int, end: int, text: str, *, ends: bool) -> None:
        """Put a text in place of a part of the cursor's line, the cursor behind it.

        Args:
            start: The column of the part.
            end: The column behind it.
            text: The text.
            ends: Whether it is complete: a space follows it then.
        """
        row, _ = self.cursor_location
        rest = self.document.get_line(row)[end : end + 1]
        text += " " if ends and not rest.isspace() else ""
        self.replace(text, (row, start), (row, end))
        self.move_cursor((row, start + len(text) + (ends and rest.isspace())))

    def recall(self, history: Sequence[str]) -> None:
        """Show the newest of what was sent before; `history` is oldest first. Answers `HistoryWanted`."""
        self._history = list(history)
        self._writing = self.text
        self._at = len(self._history)
        self._step(-1)

    def _step(self, step: int) -> None:
        place = self._at + step
        if not 0 <= place <= len(self._history):
            return
        self._at = place
        self.hold(self._history[place] if place < len(self._history) else self._writing)
        if place == len(self._history):
            self._history = []

    def insert_typed(self, text: str) -> None:
        """Take a character that was typed while something else had the focus."""
        self.insert(text)

    async def _on_paste(self, event: Paste) -> None:
        event.prevent_default()
        await super()._on_paste(Paste(pasted(event.text)))

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        event.stop()
        if (cleaned := clean(self.text)) != self.text:
            # A paste may carry escapes.
            self.hold(cleaned)
            return
        if self.text != self._held:
            self._held = None
        self.post_message(self.Typed(self.text, by_hand=self._held is None))

    def on_text_area_selection_changed(self, event: TextArea.SelectionChanged) -> None:
        event.stop()
        if self.menu_open:
            self.post_message(self.Typed(self.text))

    # The keys of these come before the widget's own, so they are handled at once, while the characters that were typed before
    # them still wait in this widget's queue: over a slow line a whole sentence and its Enter come in one read. Each action
    # therefore queues behind them.

    def action_submit(self) -> None:
        self.call_later(self._submit)

    def action_newline(self) -> None:
        self.call_later(self._newline)

    def action_leave(self) -> None:
        self.call_later(self._leave)

    def action_complete(self) -> None:
        self.call_later(self._complete)

    def action_up(self) -> None:
        self.call_later(self._up)

    def action_down(self) -> None:
        self.call_later(self._down)

    def _submit(self) -> None:
        if self.menu_open:
            self.post_message(self.MenuKey("submit"))
            return
        self._history = []
        self.post_message(self.Submitted(self.text))

    def _newline(self) -> None:
        self.insert("\n")

    def _leave(self) -> None:
        self.post_message(self.Left())

    def _complete(self) -> None:
        self.post_message(self.MenuKey("complete"))

    def _up(self) -> None:
        if self.menu_open:
            self.post_message(self.MenuKey("up"))
        elif self.cursor_location[0] > 0 or self.wrapped_document.location_to_offset(self.cursor_location).y > 0:
            self.action_cursor_up()
        elif self._history:
            self._step(-1)
        else:
            self.post_message(self.HistoryWanted())

    def _down(self) -> None:
        if self.menu_open:
            self.post_message(self.MenuKey("down"))
        elif self.wrapped_document.location_to_offset(self.cursor_location).y < self.wrapped_document.height - 1:
            self.action_cursor_down()
        elif self._history:
            self._step(1)
