"""Every action in one table. Bindings, help, the palette and the slash commands are all made from it.

An action's id is what the table `[keys]` of the config file names. Most are carried out by the main screen, which looks the id up
(`ChatScreen.action_do`); those with an `action` of their own belong to the widget of their scope.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Scope = Literal["app", "everywhere", "prompt", "messages", "threads", "filter", "tree", "compare", "timeline", "list"]


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
        "Another answer to the same message; 3r asks for three at once.",
        "messages",
        "regenerate",
        "[count]",
        show=True,
    ),
    Action(
        "message.regenerate_with",
        "R",
        "Regenerate with another model",
        "Choose who answers; 3R asks it for three at once.",
        "messages",
        "regenerate-with",
        "[count]",
    ),
    Action(
        "message.count",
        "1,2,3,4,5,6,7,8,9",
        "Count",
        "How many answers the r or R that follows asks for.",
        "messages",
        action="count({key})",
        display="1-9",
    ),
    Action(
        "message.go_on",
        "plus",
        "Go on",
        "The model goes on with a reply that was cut off. The whole becomes a new alternative.",
        "messages",
        "go-on",
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
        show=True,
        footer="Alternative",
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
        "message.compare",
        "equals_sign",
        "Compare two branches",
        "Press it on one branch, go to the other, press it again.",
        "messages",
        "compare",
        show=True,
        footer="Compare",
    ),
    Action(
        "message.copy",
        "y",
        "Copy",
        "Copies the exact source, never the wrapped lines of the screen.",
        "messages",
        "copy",
        show=True,
    ),
    Action(
        "message.copy_code",
        "Y",
        "Copy code",
        "Copies one of the message's blocks of code; asks which where there are several.",
        "messages",
        "copy-code",
    ),
    Action(
        "message.carry",
        "c",
        "Carry into the prompt",
        "Puts the message's text into the prompt, with a note where it came from.",
        "messages",
        "carry",
    ),
    Action("message.name", "b", "Name this branch", "An empty name takes it off.", "messages", "name", "[name]"),
    Action(
        "message.star",
        "m",
        "Star, or no longer",
        "At a fork that was not viewed yet, a starred alternative is shown first.",
        "messages",
        "star",
    ),
    Action(
        "message.delete",
        "x",
        "Delete with all below",
        "Says how many messages first. It can be undone, also after a restart.",
        "messages",
        "delete-message",
        show=True,
        footer="Delete",
    ),
    Action(
        "message.undo",
        "u",
        "Undo the last deleting of messages",
        "Brings them back.",
        "messages",
        "undo-delete-message",
    ),
    Action(
        "message.copy_out",
        "f",
        "Copy to a new thread",
        "The path to here, all branches below too, or the whole tree. Both are independent afterwards.",
        "messages",
        "copy-out",
        "[title]",
    ),
    Action(
        "message.timeline",
        "T",
        "Timeline",
        "LangGraph's raw checkpoints: look at the state of one, fork from any.",
        "messages",
        "timeline",
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
    # Two branches side by side.
    Action("compare.left", "left,h", "Left branch", "", "compare", action="screen.side(0)"),
    Action("compare.right", "right,l", "Right branch", "", "compare", action="screen.side(1)"),
    Action("compare.continue", "enter", "Continue", "The branch that is marked.", "compare", action="screen.continue"),
    Action("compare.continue_left", "1", "Continue the left branch", "", "compare", action="screen.continue(0)"),
    Action("compare.continue_right", "2", "Continue the right branch", "", "compare", action="screen.continue(1)"),
    Action("compare.next", "n", "Next difference", "", "compare", action="difference(1)"),
    Action("compare.previous", "N,p", "Previous difference", "", "compare", action="difference(-1)"),
    Action("compare.close", "escape,q,equals_sign", "Close", "", "compare", action="screen.dismiss(None)"),
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
