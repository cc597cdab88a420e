"""The part of the table of actions (actions.py) that is about users."""

from __future__ import annotations

from chatui.tui.action import Action

USER_ACTIONS: tuple[Action, ...] = (
    Action(
        "user.switch",
        "",
        "Another user",
        "Threads, memories and defaults of each are apart. Replies that stream go on.",
        "everywhere",
        "user",
        "[name]",
    ),
    # The dialog.
    Action(
        "users.new", "n", "New user", "Its first message makes its first thread.", "users", action="screen.new_user"
    ),
    Action("users.close", "escape,q", "Close", "", "users", action="screen.dismiss(None)"),
)
