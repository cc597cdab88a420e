"""The attachments in a prompt's text, found again: files that were quoted, and the lines that stand for images and the like.

They are told by their form, as `conversation/attachments.py` writes it. Whoever writes the same by hand sees the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from chatui.storage.attached import IMAGE, OTHER
from chatui.tui import labels

# Compiled by `re` when a prompt may have one: the first paint seldom does.
_QUOTED = r"(?ms)^([^\n]{1,100}) \((\d[\d.]* (?:B|kB|MB))\):\n(`{3,})\n(.*?)\n\3$(?:\n(?=\n))?"
_LINE = rf"(?m)^(?:{IMAGE}|{OTHER}) ([^\n]+)$"


class Attached(msgspec.Struct, frozen=True):
    """An attachment in a text.

    Attributes:
        facts: Its name, type and size, as one reads them.
        text: What is in it where it is a quoted text, None for anything else.
        sign: What stands before the facts where it is no quoted text.
    """

    facts: str
    text: str | None = None
    sign: str = ""

    @property
    def whole(self) -> str:
        """What stands in the prompt for what is no quoted text."""
        return f"{self.sign} {self.facts}"

    @property
    def is_image(self) -> bool:
        """Whether it is an image."""
        return self.sign == IMAGE

    @property
    def opens(self) -> bool:
        """Whether there is something to see in it."""
        return self.text is not None or self.is_image

    def line(self, *, opened: bool, plain: bool) -> str:
        """Return what stands for it: one line, or all of it where it was opened."""
        facts = self.whole if self.sign else self.facts
        if plain:
            line = f"Attached: {self.facts}"
        elif self.opens:
            line = f"{'▾' if opened else '▸'} {facts}"
        else:
            line = facts
        return f"{line}\n{self.text}" if opened and self.text is not None else line


def parts(text: str) -> Iterator[str | Attached]:
    """Yield a prompt's text and its attachments, in their order.

    Args:
        text: The text, clean.
    """
    at = 0
    if "):\n```" in text:
        for match in re.finditer(_QUOTED, text):
            yield from _lines(text[at : match.start()])
            count = labels.plural(match[4].count("\n") + 1, "line")
            yield Attached(f"{match[1]} · text · {match[2]} · {count}", match[4])
            at = match.end()
    yield from _lines(text[at:])


def _lines(text: str) -> Iterator[str | Attached]:
    at = 0
    if IMAGE in text or OTHER in text:
        for match in re.finditer(_LINE, text):
            if said := text[at : match.start()].strip("\n"):
                yield said
            yield Attached(match[1], sign=match[0][0])
            at = match.end()
    if said := text[at:].strip("\n"):
        yield said
