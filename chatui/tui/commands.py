"""The palette and the slash commands, both made from the table of actions."""

from __future__ import annotations

from functools import partial
from typing import Protocol

import msgspec
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from chatui.tui.keys import ACTIONS, Action, shown_keys, slash_commands

#: Actions that make sense only as a key.
_NOT_IN_PALETTE = {
    "pane.next",
    "pane.previous",
    "palette.open",
    "app.copy_or_stop",
    "message.back_to_prompt",
    "messages.help",
    "message.tree",
    "messages.find",
}
_WITHOUT_A_MESSAGE = {"message.back_to_prompt", "message.tree", "message.timeline", "message.undo"}
_SCOPES = {"everywhere": "", "app": "", "messages": "Message: "}


class Carrier(Protocol):
    """A screen that carries actions out."""

    async def action_do(self, action_id: str, text: str = "") -> None:
        """Carry an action out."""


class ChatCommands(Provider):
    """The palette's entries: everything that the main screen can do, with its key."""

    def _entries(self) -> list[Action]:
        if not hasattr(self.screen, "action_do"):
            return []
        return [
            entry
            for entry in ACTIONS
            if entry.scope in _SCOPES and not entry.action and entry.id not in _NOT_IN_PALETTE
        ]

    def _title(self, entry: Action) -> str:
        return _SCOPES[entry.scope] + entry.title

    def _shown(self, entry: Action, title: Content) -> Content:
        keys = shown_keys(entry, self.app._keymap) or (f"/{entry.slash}" if entry.slash else "")
        return Content.assemble(title, (f"   {keys}" if keys else "", "$muted"))

    async def discover(self) -> Hits:
        """Yield every entry, for an empty search."""
        for entry in self._entries():
            title = self._title(entry)
            yield DiscoveryHit(
                self._shown(entry, Content(title)), partial(self._run, entry.id), text=title, help=entry.help or None
            )

    async def search(self, query: str) -> Hits:
        """Yield the entries that fit."""
        matcher = self.matcher(query)
        for entry in self._entries():
            title = self._title(entry)
            score = max(matcher.match(title), matcher.match(f"/{entry.slash}") if entry.slash else 0)
            if score > 0:
                yield Hit(
                    score,
                    self._shown(entry, matcher.highlight(title)),
                    partial(self._run, entry.id),
                    text=title,
                    help=entry.help or None,
                )

    async def _run(self, action_id: str) -> None:
        await self.screen.action_do(action_id)  # type: ignore[attr-defined]


class Slash(msgspec.Struct, frozen=True):
    """A slash command that was written: its action and what follows it."""

    action: Action
    text: str


def parse_slash(text: str) -> Slash | str | None:
    """Read a slash command.

    Returns:
        The command; or the word of an unknown one; or None where the text is a message. A slash followed by anything but a
        letter, and a path such as /etc/hosts, is a message.
    """
    if not text.startswith("/") or "\n" in text:
        return None
    word, _, rest = text[1:].partition(" ")
    if not word or not word.replace("-", "").isalpha():
        return None
    for entry in slash_commands():
        if entry.slash == word.lower():
            return Slash(entry, rest.strip())
    return word


def acts_on_a_message(action_id: str) -> bool:
    """Whether an action of the table does something with the selected message."""
    return action_id.startswith("message.") and action_id not in _WITHOUT_A_MESSAGE


def similar_command(word: str) -> str | None:
    """Return the slash command that a misspelt word looks like, None where it looks like none."""
    from difflib import get_close_matches

    found = get_close_matches(word.lower(), [entry.slash for entry in slash_commands()], n=1)
    return found[0] if found else None
