"""Every key, made from the table of actions and from what the config file has changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from chatui.tui.dialogs import key_hints
from chatui.tui.keys import ACTIONS, Scope, scope_of, shown_keys

#: The parts of the page, and what each is about.
PARTS: tuple[tuple[Scope, str, str], ...] = (
    ("prompt", "Prompt", "Where you write. A paste never sends."),
    ("messages", "Messages", "Esc or Tab from the prompt; letters act only there. No text is lost."),
    ("everywhere", "Everywhere", "Each of these, and most of the above, is in the palette too."),
    ("threads", "Threads", "F2; ↓ from the filter."),
    ("tree", "Tree", "Ctrl+T, or t on a message."),
    ("results", "Search", "F3, or / in the list of threads: words, “a phrase”, a beginning*."),
    ("find", "Find in this thread", "Ctrl+F, or / on a message."),
    ("models", "Models", "Ctrl+O. What is typed filters by name and ability, or is a name to fetch."),
    ("compare", "Compare", "= on one branch, then = on another."),
    ("timeline", "Timeline", "T on a message."),
    ("settings", "Settings", "F4."),
    ("users", "Users", "/user."),
    ("memories", "What is remembered", "/memories."),
    ("list", "Lists", ""),
)
#: Fields, and the part that tells of the list they belong to.
FIELDS: Mapping[Scope, Scope] = {"filter": "threads", "search": "tree"}


def part_of(screens: Sequence[Screen[Any]]) -> Scope:
    """Return the part of the page that tells of what has the focus: the first one whose keys act there.

    Args:
        screens: The screens that lie over each other, the uppermost last. A small dialog without a part of its own belongs to
            what it lies over.
    """
    parts = {scope for scope, _, _ in PARTS} - {"everywhere", "list"}
    for screen in reversed(screens):
        for active in screen.active_bindings.values():
            scope = scope_of(active.binding.id)
            if scope is not None and (part := FIELDS.get(scope, scope)) in parts:
                return part
    return "prompt"


class HelpScreen(ModalScreen[None]):
    """The page of keys.

    Args:
        keymap: Binding id to key, as the config file says.
        first: The part that stands first: where the focus was.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,enter", "dismiss", "Close")]
    CSS_PATH = "help.tcss"

    def __init__(self, keymap: Mapping[str, str], first: Scope = "prompt") -> None:
        super().__init__()
        self._keymap = keymap
        self._parts = sorted(PARTS, key=lambda part: part[0] != first)

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="help-dialog"):
            with VerticalScroll(id="help-page"):
                yield Static(self._page(), markup=False)
            yield Static(key_hints(("↑↓", "Scroll"), ("Esc", "Close")), markup=False, classes="hint")

    def on_mount(self) -> None:
        self.query_one("#help-dialog").border_title = "Help"
        self.query_one("#help-page").focus()

    def _page(self) -> Content:
        lines: list[Content] = []
        width = max(len(shown_keys(entry, self._keymap)) for entry in ACTIONS) + 2
        for scope, title, about in self._parts:
            lines.append(Content.assemble((title, "$primary bold"), (f"  {about}" if about else "", "$muted")))
            for entry in ACTIONS:
                keys = shown_keys(entry, self._keymap)
                # What acts everywhere is one list, whether a dialog hides it or not.
                where = "everywhere" if entry.scope == "app" else entry.scope
                if where != scope or not (keys or entry.slash):
                    continue
                slash = f"  /{entry.slash} {entry.takes}".rstrip() if entry.slash else ""
                lines.append(
                    Content.assemble(
                        (keys.ljust(width), "$footer-key-foreground bold"), entry.title, (slash, "$code-name")
                    )
                )
                if entry.help:
                    lines.append(Content.assemble(" " * width, (entry.help, "$muted")))
            lines.append(Content(""))
        return Content("\n").join(lines[:-1])
