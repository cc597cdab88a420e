"""Every action in one table. Bindings, help, the palette and the slash commands are all made from it.

An action's id is what the table `[keys]` of the config file names. Most are carried out by the main screen, which looks the id up
(`ChatScreen.action_do`); those with an `action` of their own belong to the widget of their scope.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from textual.binding import Binding, BindingType

Scope = Literal["app", "everywhere", "prompt", "messages", "threads", "filter", "tree", "list"]


class Action(NamedTuple):
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


ACTIONS: tuple[Action, ...] = (
    # Everywhere. The footer cuts at the right, so what a newcomer needs most stands first.
    Action(
        "help.open",
        "f1",
        "Help",
        "Every key, read from the bindings that are in force.",
        "everywhere",
        "help",
        show=True,
    ),
    Action("palette.open", "ctrl+p", "Commands", "Find any command by typing.", "everywhere", show=True, priority=True),
    Action("thread.list", "f2", "Threads", "Go to the list of threads.", "everywhere", "threads", show=True),
    Action(
        "thread.new",
        "ctrl+n",
        "New",
        "Start a new thread. It is saved with its first message.",
        "everywhere",
        "new",
        show=True,
        priority=True,
    ),
    Action(
        "tree.open",
        "ctrl+t",
        "Tree",
        "See every branch of this thread, and go to any message.",
        "everywhere",
        "tree",
        show=True,
        priority=True,
    ),
    Action(
        "model.pick",
        "ctrl+o",
        "Model",
        "Choose who answers in this thread.",
        "everywhere",
        "model",
        "[name]",
        show=True,
        priority=True,
    ),
    Action(
        "app.quit",
        "ctrl+q",
        "Quit",
        "Asks only while replies stream; what came of them is kept.",
        "app",
        "quit",
        show=True,
        priority=True,
    ),
    Action(
        "app.copy_or_stop",
        "ctrl+c",
        "Copy or stop",
        "Copy the selection, else stop the reply; twice in a row quits.",
        "app",
        priority=True,
    ),
    Action("reply.stop", "", "Stop the reply", "What came is kept.", "everywhere", "stop"),
    Action(
        "thread.rename", "", "Rename this thread", "Give it a title of your own.", "everywhere", "rename", "[title]"
    ),
    Action("thread.delete", "", "Delete this thread", "It can be undone, and no text is lost.", "everywhere", "delete"),
    Action("thread.undo_delete", "", "Undo the last deleting", "Bring the thread back.", "everywhere", "undo"),
    Action("thread.pin", "", "Pin this thread, or no longer", "Pinned threads stand first.", "everywhere", "pin"),
    Action("theme.pick", "", "Theme", "Choose another theme.", "everywhere", "theme", "[name]"),
    Action(
        "queue.edit",
        "",
        "Edit the waiting message",
        "Takes the newest one that waits back into the prompt.",
        "everywhere",
        "queue",
    ),
    Action("queue.drop", "", "Drop the waiting messages", "None of them is sent.", "everywhere", "drop"),
    Action("app.suspend", "", "Suspend", "Back to the shell; `fg` returns.", "everywhere", "suspend"),
    Action("pane.next", "tab", "Next pane", "Goes round the prompt, the messages and the threads.", "everywhere"),
    Action("pane.previous", "shift+tab", "Previous pane", "Goes round the other way.", "everywhere"),
    # The prompt.
    Action(
        "prompt.send",
        "enter",
        "Send",
        "Sends what is written; waits in a queue while a reply streams.",
        "prompt",
        action="submit",
        priority=True,
    ),
    Action(
        "prompt.newline",
        "ctrl+j,shift+enter,alt+enter,shift+\r",
        "New line",
        "Begin a new line.",
        "prompt",
        action="newline",
        priority=True,
        display="Ctrl+J",
    ),
    Action(
        "prompt.leave",
        "escape",
        "Stop or messages",
        "Closes a menu, else stops the reply, else goes to the messages.",
        "prompt",
        action="leave",
        priority=True,
    ),
    Action(
        "prompt.complete", "tab", "Complete", "Completes a slash command.", "prompt", action="complete", priority=True
    ),
    Action(
        "prompt.up",
        "up",
        "Earlier prompt",
        "At the first line: recall what was sent before.",
        "prompt",
        action="up",
        priority=True,
    ),
    Action(
        "prompt.down",
        "down",
        "Later prompt",
        "At the last line: back to what was being written.",
        "prompt",
        action="down",
        priority=True,
    ),
    Action(
        "transcript.page_up",
        "pageup",
        "Page up",
        "Moves the messages without leaving the prompt.",
        "prompt",
        priority=True,
    ),
    Action(
        "transcript.page_down",
        "pagedown",
        "Page down",
        "Moves the messages without leaving the prompt.",
        "prompt",
        priority=True,
    ),
    Action(
        "transcript.home",
        "ctrl+home",
        "To the beginning",
        "Moves the messages without leaving the prompt.",
        "prompt",
        priority=True,
    ),
    Action("transcript.end", "ctrl+end", "To the end", "Follows the reply again.", "prompt", priority=True),
    # Messages: letters act only here.
    Action("message.back_to_prompt", "escape", "Prompt", "Back to writing.", "messages", show=True),
    Action("message.previous", "up,k", "Previous message", "", "messages", action="select(-1)"),
    Action("message.next", "down,j", "Next message", "", "messages", action="select(1)"),
    Action("message.first", "g,home", "First message", "", "messages", action="select_first"),
    Action("message.last", "G,end", "Last message", "", "messages", action="select_last"),
    Action(
        "message.continue",
        "enter",
        "Continue",
        "Continue from here: the next message follows this one. On your own message: its text returns to the prompt.",
        "messages",
        "continue",
        show=True,
    ),
    Action(
        "message.edit",
        "e",
        "Edit",
        "Your message is sent again, an answer's text replaced; always a new alternative.",
        "messages",
        "edit",
        show=True,
    ),
    Action(
        "message.regenerate",
        "r",
        "Regenerate",
        "Another answer to the same message.",
        "messages",
        "regenerate",
        show=True,
    ),
    Action(
        "message.regenerate_with",
        "R",
        "Regenerate with another model",
        "Choose who answers.",
        "messages",
        "regenerate-with",
    ),
    Action(
        "message.alternative_previous",
        "left,h",
        "Previous alternative",
        "Lands where its branch was viewed last.",
        "messages",
        "previous",
    ),
    Action(
        "message.alternative_next",
        "right,l",
        "Next alternative",
        "Lands where its branch was viewed last.",
        "messages",
        "next",
    ),
    Action(
        "message.fork_previous",
        "left_square_bracket",
        "Previous message with alternatives",
        "",
        "messages",
        action="select_fork(-1)",
    ),
    Action(
        "message.fork_next",
        "right_square_bracket",
        "Next message with alternatives",
        "",
        "messages",
        action="select_fork(1)",
    ),
    Action("message.tree", "t", "Tree", "Every branch of this thread.", "messages", show=True),
    Action(
        "message.copy",
        "y",
        "Copy",
        "Copies the exact source, never the wrapped lines of the screen.",
        "messages",
        "copy",
        show=True,
    ),
    Action("message.details", "i", "Details", "Exact time, model, tokens, seconds, ids.", "messages", "details"),
    Action("message.reasoning", "o", "Thinking", "Opens or folds what the model thought.", "messages", "thinking"),
    Action("head.back", "ctrl+z", "One turn back", "Moves the head; nothing is written or lost.", "messages", "back"),
    Action(
        "head.forward",
        "ctrl+y",
        "One turn forward",
        "Moves the head; nothing is written or lost.",
        "messages",
        "forward",
    ),
    Action("messages.help", "question_mark", "Help", "", "messages"),
    # The list of threads.
    Action("threads.close", "escape", "Prompt", "Back to writing.", "threads", show=True),
    Action("threads.rename", "r", "Rename", "Give the thread a title of your own.", "threads", show=True),
    Action("threads.delete", "x", "Delete", "It can be undone, and no text is lost.", "threads", show=True),
    Action("threads.undo", "u", "Undo", "Bring the last deleted thread back.", "threads", show=True),
    Action("threads.pin", "p", "Pin", "Pinned threads stand first.", "threads"),
    Action("threads.filter", "slash", "Filter", "Type a part of the title.", "threads", action="filter"),
    Action("threads.help", "question_mark", "Help", "", "threads"),
    Action("filter.down", "down", "To the list", "", "filter", action="down"),
    Action("filter.leave", "escape", "Clear", "Clears the filter, else back to writing.", "filter", action="leave"),
    # Lists of every kind.
    Action("list.up", "up,k", "Up", "", "list", action="cursor(-1)"),
    Action("list.down", "down,j", "Down", "", "list", action="cursor(1)"),
    Action("list.page_up", "pageup", "Page up", "", "list", action="cursor_page(-1)"),
    Action("list.page_down", "pagedown", "Page down", "", "list", action="cursor_page(1)"),
    Action("list.first", "home,g", "First", "", "list", action="cursor_first"),
    Action("list.last", "end,G", "Last", "", "list", action="cursor_last"),
    Action("list.choose", "enter", "Choose", "", "list", action="choose"),
    # The tree.
    Action("tree.fold", "left,h", "Fold", "Folds what is below, else goes to the fork above.", "tree", action="fold"),
    Action("tree.unfold", "right,l", "Unfold", "", "tree", action="unfold"),
    Action("tree.preview", "space", "Preview", "Read the message without leaving.", "tree", action="preview"),
    Action("tree.close", "escape,t,q", "Close", "", "tree", action="close"),
)

_BY_ID = {action.id: action for action in ACTIONS}
_NAMES = {
    "question_mark": "?",
    "slash": "/",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
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


def bindings(scope: Scope) -> list[BindingType]:
    """Return the bindings of a scope, for a widget's or a screen's BINDINGS."""
    return [
        Binding(
            entry.keys,
            entry.action or f"{'app' if scope == 'app' else 'screen'}.do('{entry.id}')",
            entry.title,
            show=entry.show,
            key_display=_shown(entry) if entry.show or entry.display else None,
            priority=entry.priority,
            tooltip=entry.help,
            id=entry.id,
        )
        for entry in ACTIONS
        if entry.scope == scope and entry.keys
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


def slash_commands() -> list[Action]:
    """Return the actions that have a slash command, by its name."""
    return sorted((entry for entry in ACTIONS if entry.slash), key=lambda entry: entry.slash)
