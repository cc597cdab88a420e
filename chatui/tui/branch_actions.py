"""The actions of the comparison, the timeline and the tree, as rows of the one table in chatui.tui.actions."""

from __future__ import annotations

from chatui.tui.action import Action

BRANCH_ACTIONS: tuple[Action, ...] = (
    # Two branches side by side.
    Action("compare.left", "left,h", "Left branch", "", "compare", action="screen.side(0)"),
    Action("compare.right", "right,l", "Right branch", "", "compare", action="screen.side(1)"),
    Action("compare.continue", "enter", "Continue", "The branch that is marked.", "compare", action="screen.continue"),
    Action("compare.continue_left", "1", "Continue the left branch", "", "compare", action="screen.continue(0)"),
    Action("compare.continue_right", "2", "Continue the right branch", "", "compare", action="screen.continue(1)"),
    Action("compare.next", "n", "Next difference", "", "compare", action="difference(1)"),
    Action("compare.previous", "N,p", "Previous difference", "", "compare", action="difference(-1)"),
    Action("compare.close", "escape,q,equals_sign", "Close", "", "compare", action="screen.dismiss(None)"),
    Action("compare.help", "question_mark", "Help", "", "compare", action="app.do('help.open')"),
    # The timeline.
    Action("timeline.state", "space", "State", "The state at this checkpoint, as JSON.", "timeline", action="choose"),
    Action("timeline.fork", "f", "Fork", "The next message follows this checkpoint.", "timeline", action="screen.fork"),
    Action(
        "timeline.regenerate",
        "r",
        "Regenerate",
        "Another answer, where it ends with a message or an answer.",
        "timeline",
        action="screen.regenerate",
    ),
    Action("timeline.close", "escape,T,q", "Close", "", "timeline", action="screen.dismiss(None)"),
    # The tree.
    Action(
        "tree.fold",
        "left,h",
        "Fold",
        "Folds what is below, else goes to the fork above.",
        "tree",
        action="fold",
        show=True,
    ),
    Action("tree.unfold", "right,l", "Unfold", "", "tree", action="unfold"),
    Action("tree.preview", "space", "Read", "Read the message without leaving.", "tree", action="preview", show=True),
    Action("tree.search", "slash", "Search", "Only messages with some words.", "tree", action="search", show=True),
    Action(
        "tree.filter",
        "o",
        "Filter",
        "All, only prompts, only forks and ends, only named and starred ones.",
        "tree",
        action="filter",
        show=True,
    ),
    Action(
        "tree.hoist",
        "z",
        "Subtree",
        "Only this message and what is below it; once more, everything.",
        "tree",
        action="hoist",
        show=True,
    ),
    Action("tree.leave", "escape", "Prompt", "Back to writing; the pane stays.", "tree", action="leave", show=True),
    Action("tree.close", "t,q", "Close", "", "tree", action="close"),
    Action("search.down", "down", "To the rows", "", "search", action="down"),
    Action("search.leave", "escape", "Clear", "Clears the search.", "search", action="leave"),
)
