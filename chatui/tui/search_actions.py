"""The part of the table of actions (actions.py) that is about searching."""

from __future__ import annotations

from chatui.tui.action import Action

SEARCH_ACTIONS: tuple[Action, ...] = (
    Action(
        "search.open",
        "f3",
        "Search",
        "Every branch of every thread; Enter goes to the very message.",
        "everywhere",
        "search",
        "[text]",
        priority=True,
    ),
    Action("threads.search", "slash", "Search", "Every branch of every thread.", "threads", show=True),
    Action(
        "find.open",
        "ctrl+f",
        "Find in this thread",
        "Looks through the whole branch, whatever the case and the accents.",
        "everywhere",
        "find",
        "[text]",
        priority=True,
    ),
    Action("messages.find", "slash", "Find", "In this thread.", "messages"),
    Action("find.next", "n", "Next match", "Of what was looked for in this thread.", "messages"),
    Action("find.previous", "N", "Previous match", "Of what was looked for in this thread.", "messages"),
    # The dialog that searches every thread: what is typed goes into its field.
    Action("results.previous", "up", "Previous result", "", "results", action="move(-1)", priority=True),
    Action("results.next", "down", "Next result", "", "results", action="move(1)", priority=True),
    Action("results.page_up", "pageup", "Page up", "", "results", action="move_page(-1)", priority=True),
    Action("results.page_down", "pagedown", "Page down", "", "results", action="move_page(1)", priority=True),
    Action("results.close", "escape,f3", "Close", "What was typed is there the next time.", "results", action="close"),
    # The line at the bottom that looks through this thread.
    Action("find.further", "down", "Next", "Enter does the same.", "find", action="further(1)", show=True),
    Action("find.back", "up,shift+enter", "Previous", "", "find", action="further(-1)", show=True),
    Action("find.close", "escape", "Close", "Back to the messages; n and N go on.", "find", action="close", show=True),
)
