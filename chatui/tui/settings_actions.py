"""The part of the table of actions (actions.py) that is about the settings of a thread."""

from __future__ import annotations

from chatui.tui.action import Action

SETTINGS_ACTIONS: tuple[Action, ...] = (
    Action(
        "settings.open",
        "f4",
        "Settings of this thread",
        "System prompt and parameters, for this thread, its model or its user; and presets of them.",
        "everywhere",
        "settings",
        "[name value]",
        priority=True,
    ),
    Action(
        "settings.system",
        "",
        "System prompt",
        "What is sent before the messages of this thread.",
        "everywhere",
        "system",
        "[text]",
    ),
    # The dialog.
    Action(
        "settings.level_next",
        "right,l,tab",
        "Set for another",
        "This thread, its model, its user.",
        "settings",
        action="screen.level(1)",
    ),
    Action(
        "settings.level_previous",
        "left,h,shift+tab",
        "Set for the one before",
        "",
        "settings",
        action="screen.level(-1)",
    ),
    Action(
        "settings.take_away",
        "x,delete",
        "Take away",
        "Then the next one's value is in force.",
        "settings",
        action="screen.take_away",
    ),
    Action(
        "settings.presets", "p", "Presets", "Values that were saved under a name.", "settings", action="screen.presets"
    ),
    Action(
        "settings.save",
        "s",
        "Save as a preset",
        "The values that are set, under a name.",
        "settings",
        action="screen.save_preset",
    ),
    Action(
        "settings.for_model",
        "M",
        "Default of the model",
        "What is set for this thread is set for its model too.",
        "settings",
        action="screen.make_default('model')",
    ),
    Action(
        "settings.for_user",
        "U",
        "Default of the user",
        "What is set for this thread is set for its user too.",
        "settings",
        action="screen.make_default('user')",
    ),
    Action("settings.close", "escape,q,f4", "Close", "", "settings", action="screen.dismiss(None)"),
)
