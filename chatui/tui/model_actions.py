"""The part of the table of actions (actions.py) that is about the dialog of models: what is typed goes into its field."""

from __future__ import annotations

from chatui.tui.action import Action

MODEL_ACTIONS: tuple[Action, ...] = (
    Action("models.previous", "up", "Previous model", "", "models", action="move(-1)", priority=True),
    Action("models.next", "down", "Next model", "", "models", action="move(1)", priority=True),
    Action("models.page_up", "pageup", "Page up", "", "models", action="move_page(-1)", priority=True),
    Action("models.page_down", "pagedown", "Page down", "", "models", action="move_page(1)", priority=True),
    Action(
        "models.details",
        "ctrl+d",
        "Details",
        "All that is known of the model.",
        "models",
        action="details",
        show=True,
        priority=True,
    ),
    Action(
        "models.favourite",
        "ctrl+s",
        "Favourite, or no longer",
        "Favourites stand first.",
        "models",
        action="favourite",
        show=True,
        priority=True,
        footer="Star",
    ),
    Action(
        "models.pull",
        "ctrl+l",
        "Fetch",
        "Fetches the name that is typed, or the newest version of the model. Doing it again goes on.",
        "models",
        action="pull",
        show=True,
        priority=True,
    ),
    Action(
        "models.remove",
        "ctrl+r",
        "Remove",
        "Takes the model off the disk. Asks first.",
        "models",
        action="remove",
        show=True,
        priority=True,
    ),
    Action(
        "models.close",
        "escape",
        "Close",
        "Cancels what is being fetched first; what came of it is kept.",
        "models",
        action="close",
        show=True,
    ),
)
