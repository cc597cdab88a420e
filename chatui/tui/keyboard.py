"""What the terminal sends, read as it was meant where Textual's own parser does not.

Two things, both of which would send half of a message:

- In a paste that holds an escape sequence (a coloured log), Textual's parser takes the sequence for keys, its Enter too, and
  the paste comes late and torn. Here all between the two marks of a bracketed paste is one paste, whatever is in it.
- Alt+Enter comes as ESC CR from every terminal that does not speak the kitty protocol; Textual's parser makes Enter of it.

The parser is private to Textual. Where a later Textual has none of that name, nothing is changed, and all else works as ever.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable

from textual._xterm_parser import XTermParser
from textual.driver import Driver
from textual.events import Key, Paste
from textual.message import Message

_START, _END = "\x1b[200~", "\x1b[201~"
#: As much of a mark as one read can hold without its end.
_PART = len(_START) - 1
#: Colours, moves of the cursor, titles and links, whole: `chatui.text.clean` would take the escape alone out of them.
_SEQUENCE = r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\))"


class Parser(XTermParser):
    """Textual's parser, with what is pasted and Alt+Enter understood."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._pasted: list[str] | None = None  # what came of the paste that has begun
        self._recent = ""  # the end of what came, which may be a part of a mark

    def feed(self, data: str) -> Iterable[Message]:
        if not data:
            # The end of the input.
            yield from super().feed(data)
        while data:
            known = self._recent
            whole = known + data
            if self._pasted is None:
                at = whole.find(_START)
                end = len(data) if at < 0 else at + len(_START) - len(known)
                yield from super().feed(data[:end])
                data = data[end:]
                self._recent = whole[-_PART:] if at < 0 else ""
                self._pasted = None if at < 0 else []
                continue
            at = whole.find(_END)
            # A part of the mark at the end waits for the rest of it.
            self._pasted.append(whole[:at] if at >= 0 else whole[:-_PART])
            self._recent = "" if at >= 0 else whole[-_PART:]
            if at < 0:
                return
            text, self._pasted = "".join(self._pasted), None
            data = whole[at + len(_END) :]
            # To Textual it was an empty paste.
            yield from (event for event in super().feed(_END) if not isinstance(event, Paste))
            yield Paste(re.sub(_SEQUENCE, "", text) if "\x1b" in text else text)

    def _sequence_to_key_events(self, sequence: str, alt: bool = False) -> Iterable[Key]:
        if sequence == "\x1b\r":
            return [Key("alt+enter", None)]
        return super()._sequence_to_key_events(sequence, alt)


def guard(driver: type[Driver]) -> None:
    """Let a driver read the keyboard with the parser of this module. Each driver names Textual's parser in its own module."""
    names = vars(sys.modules[driver.__module__])
    if names.get("XTermParser") is XTermParser:
        names["XTermParser"] = Parser
