"""What is shown around the messages: notices, the prompt's border, the status line and the line of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from chatui.text import clean_line
from chatui.tui import labels
from chatui.tui.facts import Facts
from chatui.tui.keys import scope_of
from chatui.tui.status import HELP, KeyLine, StatusLine

if TYPE_CHECKING:
    from textual.widget import Widget

    from chatui.tui.chat import ChatScreen
    from chatui.tui.notices import Notice
    from chatui.tui.tree_view import TreeView


#: What may stand between the messages and the prompt, from above, by id.
BETWEEN = ("notes", "forking", "queue", "offer", "menu", "files")


class Around:
    """The surroundings of the messages, on behalf of the main screen."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self._facts = Facts(screen)
        self._notices: dict[str, Notice] = {}
        #: What goes on in the background, "" for nothing.
        self.progress = ""

    def show(self) -> None:
        """Bring all of it up to date."""
        screen = self._screen
        empty = not screen.transcript.records and screen.reply is None
        screen.query_one("#empty").display = empty
        screen.transcript.display = not empty
        screen.travel.look()
        self._notice("notes", "\n".join(screen.turns.notes()))
        self._notice("forking", screen.travel.fork_line())
        waiting = screen.chat.replies.waiting.get(screen.thread_id, [])
        lines = [
            f"{'Next' if screen.reply else 'Waiting'}: {labels.fit(' '.join(text.split()), 90)}" for text in waiting
        ]
        if lines:
            lines.append(
                "↑ takes it back into the prompt, /drop drops it" + ("." if screen.reply else ", Enter sends it.")
            )
        self._notice("queue", "\n".join(lines))
        box = screen.query_one("#prompt-box")
        box.set_class(screen.turns.editing is not None, "-editing")
        self.show_prompt_title()
        model = screen.shelf.model
        box.border_subtitle = Content(clean_line(labels.short_model(model), 40)) if model else "no model yet"
        if screen.travel.tree is not None:
            screen.travel.tree.refresh()
        self.show_status()

    def put(self, widget: Widget) -> None:
        """Put one of what may stand between the messages and the prompt into its place, where it is not there yet.

        Each is made when it is first shown: the first paint has none of them.
        """
        if not widget.is_attached:
            below = {*BETWEEN[BETWEEN.index(widget.id or "") + 1 :], "prompt-box"}
            main = self._screen.query_one("#main")
            main.mount(widget, before=next(child for child in main.children if child.id in below))

    def restyle(self) -> None:
        """Style anew what has rules that the first paint did without: they were read behind it."""
        for widget in self._screen.query(
            "#filter, #thread-rows, #transcript, #prompt, " + ", ".join(f"#{name}" for name in BETWEEN)
        ):
            widget.update_node_styles(animate=False)

    def _notice(self, name: str, text: str) -> None:
        if text and name not in self._notices:
            from chatui.tui.notices import Notice

            self._notices[name] = Notice(name)
            self.put(self._notices[name])
        if name in self._notices:
            self._notices[name].show(text)

    def show_prompt_title(self) -> None:
        """Say what the prompt is for, and whether there is something new below the screen."""
        title = Content(self._screen.turns.prompt_title())
        if self._screen.transcript.news:
            # In the border, where it moves nothing.
            title = Content.assemble(title, "  ", (" ↓ new · Ctrl+End ", "$block-cursor-foreground on $primary bold"))
        self._screen.query_one("#prompt-box").border_title = title

    def tell_progress(self, text: str) -> None:
        """Say in the status line what goes on in the background; "" for nothing."""
        self.progress = text
        self._show_facts()

    def show_status(self) -> None:
        """Bring the two lines at the bottom up to date."""
        self._show_facts()
        self.show_keys()

    def _show_facts(self) -> None:
        thread = self._screen.conversation.thread()
        title = (thread.title if thread else "") or labels.UNTITLED
        facts = [self.progress, *self._facts.of()]
        self._screen.query_one(StatusLine).show(self._mode(), title, facts)

    def _mode(self) -> str:
        if self._screen.transcript.has_focus:
            return "MESSAGES"
        if self._tree_pane is not None and self._tree_pane.has_focus_within:
            return "TREE"
        if self._screen.threads.has_focus_within:
            return "THREADS"
        focused = self._screen.focused.id if self._screen.focused is not None else None
        return {"find-input": "FIND", "offer": "OFFER"}.get(focused or "", "PROMPT")

    @property
    def _tree_pane(self) -> TreeView | None:
        return self._screen.travel.tree.pane if self._screen.travel.tree else None

    def show_keys(self) -> None:
        """Bring the line of keys up to date."""
        screen = self._screen
        keys: list[tuple[str, str, str]] = []
        if screen.prompt.has_focus and screen.prompt.menu_open:
            keys += [("↑↓", "Choose", ""), ("Tab", "Complete", ""), ("Esc", "Close", "")]
        elif screen.prompt.has_focus:
            keys += [
                ("Enter", "Send", ""),
                ("Ctrl+J", "New line", ""),
                ("Esc", "Stop" if screen.reply else "Messages", ""),
            ]
        elif screen.threads.has_focus_within:
            keys.append(("Enter", "Open", ""))
            if not screen.threads.rows.has_focus:
                keys += [("↓", "To the list", ""), ("Esc", "Clear" if screen.threads.text else "Prompt", "")]
        elif self._tree_pane is not None and self._tree_pane.has_focus_within:
            keys.append(("Enter", "Go there", ""))
        # A binding of several keys is told once.
        shown = {active.binding.id: active.binding for active in reversed(screen.active_bindings.values())}
        # The key for help is the application's, and stands first of those that act everywhere.
        everywhere = {"everywhere", "app"}
        ordered = list(reversed(shown.values()))
        ordered.sort(key=lambda one: (scope_of(one.id) in everywhere, one.id != HELP))
        for binding in ordered:
            if binding.show and binding.id:
                key = binding.key_display or screen.app.get_key_display(binding)
                keys.append((key, binding.description, binding.action))
        screen.query_one(KeyLine).show(keys)
