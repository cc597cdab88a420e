"""What an action is: an entry of the table in actions.py."""

from __future__ import annotations

from typing import Literal

import msgspec

Scope = Literal[
    "app",
    "everywhere",
    "prompt",
    "messages",
    "threads",
    "filter",
    "tree",
    "search",
    "compare",
    "timeline",
    "settings",
    "users",
    "memories",
    "list",
    "results",
    "find",
    "models",
]


class Action(msgspec.Struct, frozen=True):
    """One thing a person can do.

    Attributes:
        id: Its name in the config file.
        keys: Textual's key names, by commas; "" for none.
        title: What it does, as the footer and the palette say it.
        help: One sentence more.
        scope: Where its keys act; those of "app" over every dialog too.
        slash: The slash command, "" for none. Those that take text say so in `takes`.
        takes: What follows the slash command.
        action: The widget's own action; "" for one of the main screen.
        show: Whether the footer shows it.
        priority: Whether it comes before the keys of the widget with the focus.
        display: How the keys are shown where Textual's own way says too little.
        footer: A shorter title for the line of keys.
    """

    id: str
    keys: str
    title: str
    help: str
    scope: Scope
    slash: str = ""
    takes: str = ""
    action: str = ""
    show: bool = False
    priority: bool = False
    display: str = ""
    footer: str = ""
