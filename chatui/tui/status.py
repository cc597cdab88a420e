"""The two lines at the bottom: the facts of the thread, and the keys that act now."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.content import Content
from textual.events import Resize
from textual.message import Message
from textual.widgets import Static

from chatui.text import clean_line
from chatui.tui import labels

#: What stands between two keys.
_GAP = "   "
#: The action that helps.
HELP = "help.open"


class StatusLine(Static):
    """Facts, the most important first; those that do not fit are left out whole, from the end."""

    def __init__(self) -> None:
        super().__init__("", id="status", markup=False)
        self._mode = ""
        self._title = ""
        self._facts: Sequence[str] = ()

    def show(self, mode: str, title: str, facts: Sequence[str]) -> None:
        """Show facts.

        Args:
            mode: What the keys do now.
            title: The thread's title.
            facts: The others, in the order of importance; empty ones are skipped.
        """
        self._mode, self._title = mode, clean_line(title, 200)
        self._facts = [clean_line(fact, 80) for fact in facts if fact]
        self._lay_out()

    def on_resize(self, event: Resize) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        room = max(self.size.width, 20)
        chip = f" {self._mode} "
        # The title gives way first, down to a third of the line.
        kept: list[str] = []
        used = len(chip) + 1 + min(cell_len(self._title), max(room // 3, 12))
        for fact in self._facts:
            if used + cell_len(fact) + 3 > room:
                break
            kept.append(fact)
            used += cell_len(fact) + 3
        title = labels.fit(self._title, room - len(chip) - 2 - sum(cell_len(fact) + 3 for fact in kept))
        self.update(
            Content.assemble(
                (chip, "$background on $muted bold"),
                (f" {title}", "bold"),
                (("").join(f" · {fact}" for fact in kept), "$muted"),
            ),
            layout=False,  # it is one row, whatever it says, and it says something new at each paint of a reply
        )


class KeyLine(Static):
    """The keys that act now, each whole or not at all. The one for help, which tells all others, is always there."""

    class Pressed(Message):
        """A click on a key's description."""

        def __init__(self, action: str) -> None:
            super().__init__()
            self.action = action

    def __init__(self) -> None:
        super().__init__("", id="keys", markup=False)
        self._keys: list[tuple[str, str, str]] = []

    def show(self, keys: list[tuple[str, str, str]]) -> None:
        """Show keys: (key as it is read, what it does, the action)."""
        if keys != self._keys:
            self._keys = keys
            self._lay_out()

    def on_resize(self, event: Resize) -> None:
        self._lay_out()

    def _lay_out(self) -> None:
        room = max(self.size.width, 20) + len(_GAP)
        parts = [self._part(key, title) for key, title, _ in self._keys]
        helping = next((index for index, (_, _, action) in enumerate(self._keys) if HELP in action), None)
        kept = list(parts)
        while sum(part.cell_length + len(_GAP) for part in kept) > room and len(kept) > 1:
            # From the end, the least important first.
            del kept[-2 if helping is not None and kept[-1] is parts[helping] else -1]
        self.update(Content(_GAP).join(kept), layout=False)

    @staticmethod
    def _part(key: str, title: str) -> Content:
        return Content.assemble((key, "$footer-key-foreground bold"), " ", (title, "$footer-description-foreground"))
