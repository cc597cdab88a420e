"""What stands between the messages and the prompt: one line that explains, what waits to be sent, and offers of one key each."""

from __future__ import annotations

import msgspec
from textual import events
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from chatui.text import clean_line


class Notice(Static):
    """One line, hidden while it is empty."""

    def __init__(self, name: str) -> None:
        super().__init__("", id=name, markup=False, classes="notice")

    def show(self, text: str) -> None:
        """Show a text; "" hides the line."""
        self.display = bool(text)
        self.update(Content(text))


class Choice(msgspec.Struct, frozen=True):
    """One answer to an offer: its key, what it does, and the name that `Offer.Chosen` carries."""

    key: str
    title: str
    name: str


class Offer(Static, can_focus=True):
    """A sentence with answers of one key each.

    It takes no key unless a person goes to it: whoever types on is not answering it. Any other letter goes into the prompt.
    """

    class Chosen(Message):
        """One of its keys."""

        def __init__(self, name: str) -> None:
            super().__init__()
            self.name = name

    class Typed(Message):
        """Another letter, for the prompt; "" for Escape."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self) -> None:
        super().__init__("", id="offer", markup=False)
        self.display = False
        self.choices: list[Choice] = []

    def show(self, text: str, choices: list[Choice], *, tone: str = "") -> None:
        """Show an offer; "" hides it.

        Args:
            text: What is offered.
            choices: The answers.
            tone: "error", or "".
        """
        self.choices = choices
        self.display = bool(text)
        if not text:
            return
        self.set_class(tone == "error", "-error")
        answers = [
            Content.assemble((choice.key, "$footer-key-foreground bold"), " ", (choice.title, "$muted"))
            for choice in choices
        ]
        if answers:
            answers.append(Content.styled("(Tab goes here)", "$muted"))
        self.update(Content("\n").join([Content(clean_line(text, 400)), Content("   ").join(answers)]))

    def on_key(self, event: events.Key) -> None:
        key = event.character or event.key
        for choice in self.choices:
            if key == choice.key:
                event.stop()
                event.prevent_default()
                self.post_message(self.Chosen(choice.name))
                return
        if event.key == "escape":
            event.stop()
            self.post_message(self.Typed(""))
        elif event.is_printable and event.character:
            event.stop()
            self.post_message(self.Typed(event.character))
