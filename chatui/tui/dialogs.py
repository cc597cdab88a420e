"""Small dialogs: a question, a line of text, a page of facts."""

from __future__ import annotations

from textwrap import wrap
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static, TextArea

from chatui.text import clean, clean_line
from chatui.tui.keys import bindings


class Confirm(ModalScreen[bool]):
    """A question that y answers with yes; Enter and Escape are no, so that nothing happens by reflex."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "dismiss(True)", "Yes"),
        Binding("n,escape,enter,q", "dismiss(False)", "No"),
    ]

    def __init__(self, title: str, text: str, yes: str) -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._yes = yes

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -small"):
            yield Static(Content(self._text), markup=False)
            yield Static(_keys(("y", self._yes), ("Esc", "Back")), markup=False, classes="hint")

    def on_mount(self) -> None:
        self.query_one(".dialog").border_title = self._title


class AskLine(ModalScreen[str | None]):
    """A line of text. Escape gives None."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss(None)", "Cancel")]

    def __init__(self, title: str, value: str = "") -> None:
        super().__init__()
        self._title = title
        self._value = clean_line(value)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -small"):
            yield Input(self._value, compact=True, id="line")
            yield Static(_keys(("Enter", "Save"), ("Esc", "Cancel")), markup=False, classes="hint")

    def on_mount(self) -> None:
        self.query_one(".dialog").border_title = self._title
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self.dismiss(clean_line(event.value))


class EditText(ModalScreen[str | None]):
    """A text of several lines: Ctrl+S saves it, Escape gives None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "Cancel"),
        Binding("ctrl+s", "save", "Save", priority=True),
    ]

    def __init__(self, title: str, text: str, save: str = "Save as an alternative") -> None:
        super().__init__()
        self._title = title
        self._text = text
        self._save = save

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -large"):
            yield TextArea(self._text, soft_wrap=True, compact=True, id="text", highlight_cursor_line=False)
            yield Static(_keys(("Ctrl+S", self._save), ("Esc", "Cancel")), markup=False, classes="hint")

    def on_mount(self) -> None:
        self.query_one(".dialog").border_title = self._title
        self.query_one(TextArea).focus()

    def action_save(self) -> None:
        self.dismiss(clean(self.query_one(TextArea).text))


class Facts(ModalScreen[None]):
    """Names and values, to read."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,enter,i,q", "dismiss", "Close"), *bindings("list")[:0]]

    def __init__(self, title: str, facts: list[tuple[str, str]]) -> None:
        super().__init__()
        self._title = title
        self._facts = [(name, clean_line(value, 200)) for name, value in facts if value]

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="facts-dialog"):
            with VerticalScroll():
                yield Static("", markup=False)
            yield Static(_keys(("Esc", "Close")), markup=False, classes="hint")

    def on_mount(self) -> None:
        self.query_one(".dialog").border_title = self._title
        self.query_one(VerticalScroll).focus()

    def on_resize(self) -> None:
        """Lay the facts out; what goes on to a next line stands below its beginning."""
        # 92 of 100 columns, 76 at the most, without border, padding and scrollbar.
        room = min(76, self.size.width * 92 // 100) - 8
        width = max((len(name) for name, _ in self._facts), default=0) + 2
        lines: list[Content] = []
        for name, value in self._facts:
            for index, part in enumerate(wrap(value, max(room - width, 10))):
                lines.append(Content.assemble(((name if index == 0 else "").ljust(width), "$muted"), part))
        self.query_one("VerticalScroll Static", Static).update(Content("\n").join(lines))
        # As high as the facts, and never higher than the screen: the key that closes it stays in view.
        self.query_one(".dialog").styles.height = len(lines) + 6


def _keys(*pairs: tuple[str, str]) -> Content:
    parts = [Content.assemble((key, "$footer-key-foreground bold"), f" {title}") for key, title in pairs]
    return Content("   ").join(parts).stylize_before("$muted")


key_hints = _keys


class Hint(Static):
    """The keys of a dialog, each whole or not at all. The last, which closes it, is always there.

    Args:
        pairs: Keys and what they do, the most important first.
        lines: How many lines they may take.
    """

    def __init__(self, *pairs: tuple[str, str], lines: int = 1) -> None:
        super().__init__("", markup=False, classes="hint")
        self._pairs = pairs
        self._lines = lines

    def show(self, *pairs: tuple[str, str]) -> None:
        """Show other keys."""
        if pairs != self._pairs:
            self._pairs = pairs
            if self.is_attached and self.size.width:
                self.on_resize()

    def on_resize(self) -> None:
        *others, last = self._pairs
        while (lines := self._laid([*others, last])) is None and others:
            others.pop()
        self.update(Content("\n").join(lines or [_keys(last)]))

    def _laid(self, pairs: list[tuple[str, str]]) -> list[Content] | None:
        """The keys in as many lines as they need; None where there are not so many."""
        rows: list[list[tuple[str, str]]] = [[]]
        for pair in pairs:
            if rows[-1] and _keys(*rows[-1], pair).cell_length > self.content_size.width:
                rows.append([])
            rows[-1].append(pair)
        return [_keys(*row) for row in rows] if len(rows) <= self._lines else None
