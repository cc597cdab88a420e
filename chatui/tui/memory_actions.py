"""The part of the table of actions (actions.py) that is about memory."""

from __future__ import annotations

from chatui.tui.action import Action

MEMORY_ACTIONS: tuple[Action, ...] = (
    Action(
        "memory.strategy",
        "",
        "Memory strategy",
        "Which messages of this thread are sent, as in window:6 or summary,recall. None of them is changed.",
        "everywhere",
        "memory",
        "[strategy]",
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
    Action("memory.facts", "", "What is remembered", "Of the user of this thread.", "everywhere", "memories"),
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
)
