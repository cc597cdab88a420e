"""The part of the table of actions (actions.py) that is about memory."""

from __future__ import annotations

from chatui.tui.action import Action

MEMORY_ACTIONS: tuple[Action, ...] = (
    Action(
        "memory.strategy",
        "",
        "Memory strategy",
        "Which messages are sent, as in window:6 or summary,recall: in this thread, or of all this user's. None is changed.",
        "everywhere",
        "memory",
        "[strategy] [--user]",
    ),
    Action(
        "memory.remember",
        "",
        "Remember",
        "Something about you that goes to the model in all your threads.",
        "everywhere",
        "remember",
        "[text]",
    ),
    Action(
        "memory.facts",
        "",
        "What is remembered",
        "Of the user of this thread: add, change, forget, see where it came from.",
        "everywhere",
        "memories",
    ),
    Action(
        "memory.private",
        "",
        "Do not remember this thread, or again",
        "Nothing of it is recalled in other threads.",
        "everywhere",
        "private",
    ),
    Action(
        "memory.recall",
        "",
        "Recall of other threads",
        "Says how they are searched; a model for embeddings finds what is alike in meaning, `off` words alone.",
        "everywhere",
        "recall",
        "[model]",
    ),
    Action(
        "memory.propose",
        "",
        "Facts proposed by the model",
        "After a reply it proposes what to remember of you, if `on`. Nothing is kept before you accept it.",
        "everywhere",
        "propose",
        "[on/off]",
    ),
    Action(
        "memory.proposed",
        "",
        "Answer a proposal",
        "Goes to the fact that is proposed; or accept, edit, dismiss it.",
        "everywhere",
        "proposed",
        "[answer]",
    ),
    Action(
        "memory.summary",
        "",
        "Summary of this branch",
        "Read and edit it; `redo` has it written anew.",
        "everywhere",
        "summary",
        "[redo]",
    ),
    # The list of what is remembered.
    Action("memories.add", "a", "Add", "", "memories", action="screen.add"),
    Action("memories.edit", "e", "Change", "As Enter does.", "memories", action="screen.edit"),
    Action("memories.forget", "x,delete", "Forget", "Asks first.", "memories", action="screen.forget"),
    Action("memories.undo", "u", "Undo", "Brings back what was forgotten last.", "memories", action="screen.undo"),
    Action(
        "memories.thread", "o", "Its thread", "Opens the thread it came from.", "memories", action="screen.open_thread"
    ),
    Action("memories.filter", "slash,f", "Filter", "Type a part of it.", "memories", action="screen.filter"),
    Action(
        "memories.close",
        "escape,q",
        "Close",
        "Shows all first, where less is shown.",
        "memories",
        action="screen.close",
    ),
)
