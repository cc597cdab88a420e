"""What is made from the table of actions: bindings, and keys as a person reads them."""

from __future__ import annotations

from collections.abc import Mapping

from textual.binding import Binding, BindingType

from chatui.errors import ConfigError
from chatui.text import clean_line
from chatui.tui.action import Action, Scope
from chatui.tui.actions import ACTIONS

__all__ = [
    "ACTIONS",
    "Action",
    "Scope",
    "action",
    "bindings",
    "pretty",
    "problem",
    "scope_of",
    "shown_keys",
    "slash_commands",
    "unknown",
]

_BY_ID = {action.id: action for action in ACTIONS}
_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "equals_sign": "=",
    "plus": "+",
    "escape": "Esc",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
}


def action(action_id: str) -> Action:
    """Return one action."""
    return _BY_ID[action_id]


def scope_of(action_id: str | None) -> Scope | None:
    """Return where the keys of an action act, None where the table has no such action."""
    found = _BY_ID.get(action_id or "")
    return found.scope if found else None


def bindings(scope: Scope) -> list[BindingType]:
    """Return the bindings of a scope, for a widget's or a screen's BINDINGS."""
    return [
        binding for entry in ACTIONS if entry.scope == scope and entry.keys for binding in _bindings_of(entry, scope)
    ]


def _bindings_of(entry: Action, scope: Scope) -> list[Binding]:
    # An action that is told its key cannot be given another: its keys are what they say.
    told = "{key}" in entry.action
    carried = f"{'app' if scope == 'app' else 'screen'}.do('{entry.id}')"
    return [
        Binding(
            keys,
            entry.action.format(key=keys) or carried,
            entry.footer or entry.title,
            show=entry.show,
            key_display=_shown(entry) if entry.show or entry.display else None,
            priority=entry.priority,
            tooltip=entry.help,
            id=None if told else entry.id,
        )
        for keys in (entry.keys.split(",") if told else [entry.keys])
    ]


def shown_keys(entry: Action, keymap: Mapping[str, str]) -> str:
    """Return an action's keys as a person reads them, the config file's in place of the table's."""
    if entry.id in keymap:
        return " ".join(pretty(key) for key in keymap[entry.id].split(",") if key)
    return entry.display or " ".join(pretty(key) for key in entry.keys.split(",") if key)


def _shown(entry: Action) -> str | None:
    return entry.display or pretty(entry.keys.split(",")[0])


def pretty(key: str) -> str:
    """Return a key's name as a person reads it: `ctrl+j` is "Ctrl+J", a letter stays as it is."""
    *modifiers, last = key.strip().split("+")
    name = _NAMES.get(last, last if len(last) == 1 and not modifiers else last.capitalize())
    return "+".join([*(modifier.capitalize() for modifier in modifiers), name])


def unknown(keymap: Mapping[str, str]) -> list[str]:
    """Return the ids of a config file's `[keys]` that no action has."""
    return [name for name in keymap if name not in _BY_ID]


def problem(keymap: Mapping[str, str]) -> ConfigError | None:
    """Return what is wrong with a config file's `[keys]`, None for nothing."""
    found = unknown(keymap)
    names = ", ".join(clean_line(name, 40) for name in found[:3])
    return ConfigError(f"[keys] in the config file names no action: {names}.", "F1 lists them.") if found else None


def slash_commands() -> list[Action]:
    """Return the actions that have a slash command, by its name."""
    return sorted((entry for entry in ACTIONS if entry.slash), key=lambda entry: entry.slash)
