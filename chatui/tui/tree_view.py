"""The tree with its search and its preview: a pane where there is room for a third, else a dialog."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message as TextualMessage
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from chatui.conversation.tree import Message
from chatui.text import clean, clean_line
from chatui.tui import labels
from chatui.tui.dialogs import Hint
from chatui.tui.keys import bindings
from chatui.tui.rows import Rows
from chatui.tui.tree import TreeRows


class SearchInput(Input):
    """What is searched for. Down and Enter go to the rows, Escape clears it and goes there too."""

    BINDINGS = bindings("search")

    class Left(TextualMessage):
        """Back to the rows."""

    def __init__(self) -> None:
        super().__init__(placeholder="Search the tree", id="tree-search", compact=True)

    def action_down(self) -> None:
        self.post_message(self.Left())

    def action_leave(self) -> None:
        self.value = ""
        self.post_message(self.Left())


class TreeView(Vertical):
    """The rows with what belongs to them. It reads nothing: it is shown a tree, and says where a person wants to go."""

    # Parsed when the first tree is opened: the main screen's own stylesheet is parsed before the first paint.
    DEFAULT_CSS = Path(__file__).with_name("tree.tcss").read_text(encoding="utf-8")
    SCOPED_CSS = False

    class Chosen(TextualMessage):
        """A message was chosen: Enter, or a click."""

        def __init__(self, node_id: str) -> None:
            super().__init__()
            self.node_id = node_id

    class Closed(TextualMessage):
        """Away from the tree; `stays` where it may stay on the screen."""

        def __init__(self, stays: bool) -> None:
            super().__init__()
            self.stays = stays

    def __init__(self, *, title: str = "", plain: bool = False, classes: str = "") -> None:
        super().__init__(id="tree", classes=classes)
        self.rows = TreeRows(plain=plain)
        self._title = title

    def compose(self) -> ComposeResult:
        yield SearchInput()
        yield Static("", id="tree-empty", markup=False)
        yield self.rows
        with VerticalScroll(id="preview", can_focus=False):
            yield Static("", markup=False)

    def on_mount(self) -> None:
        self.query_one("#tree-search").display = False
        self.query_one("#tree-empty").display = False
        self.query_one("#preview").display = False
        self.border_title = Content(self._title)

    def show(
        self, messages: Sequence[Message], head: str | None, answering: str | None = None, *, title: str | None = None
    ) -> None:
        """Show a state of the tree.

        Args:
            messages: Every message, depth first.
            head: The node of the head.
            answering: The prompt that is being answered.
            title: The thread's, where the border says it.
        """
        if title is not None:
            self.border_title = Content(clean_line(title, 60) or labels.UNTITLED)
        self.rows.show(messages, head, answering)

    def on_tree_rows_changed(self, event: TreeRows.Changed) -> None:
        event.stop()
        self._show_facts()

    def on_rows_moved(self, event: Rows.Moved) -> None:
        event.stop()
        self._show_preview()

    def _show_facts(self) -> None:
        rows = self.rows
        leaves = sum(node.children == 0 for node in rows.nodes)
        shown = [
            "" if rows.filter == "all" else f"only {rows.filter}",
            "subtree" if rows.root else "",
            labels.plural(len(rows.nodes), "message"),
            labels.plural(leaves, "branch", "branches") if rows.filter == "all" and not rows.words else "",
        ]
        self.border_subtitle = " · ".join(part for part in shown if part)
        empty = self.query_one("#tree-empty", Static)
        empty.display = not rows.nodes
        if rows.words:
            empty.update("No message has these words.\nEsc clears the search.")
        elif rows.filter == "all":
            empty.update("No message yet.")
        else:
            kinds = {"prompts": "prompts", "forks": "forks and ends", "named": "messages with a name or a star"}
            empty.update(f"None here: only {kinds[rows.filter]} are shown.\no shows others.")
        self._show_preview()

    def _show_preview(self) -> None:
        preview = self.query_one("#preview")
        if preview.display and (node := self.rows.current) is not None:
            preview.query_one(Static).update(Content(clean(node.message.text)))
            preview.scroll_home(animate=False)

    def on_tree_rows_preview_wanted(self, event: TreeRows.PreviewWanted) -> None:
        event.stop()
        preview = self.query_one("#preview")
        preview.display = not preview.display
        self.set_class(preview.display, "-previewing")
        self._show_preview()
        self.call_after_refresh(self.rows.rows_changed)

    def on_tree_rows_search_wanted(self, event: TreeRows.SearchWanted) -> None:
        event.stop()
        search = self.query_one("#tree-search")
        search.display = True
        search.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self.rows.search(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self._to_rows()

    def on_search_input_left(self, event: SearchInput.Left) -> None:
        event.stop()
        self._to_rows()

    def _to_rows(self) -> None:
        search = self.query_one("#tree-search", Input)
        search.display = bool(search.value)
        self.rows.focus()

    def on_tree_rows_closed(self, event: TreeRows.Closed) -> None:
        event.stop()
        search = self.query_one("#tree-search", Input)
        if event.stays and search.value:
            # Escape takes back the search first.
            search.value = ""
            search.display = False
            return
        self.post_message(self.Closed(event.stays))

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        event.stop()
        if (node := self.rows.current) is not None:
            self.post_message(self.Chosen(node.message.node_id))


class TreeScreen(ModalScreen[str | None]):
    """The tree over the messages. Gives the node to go to, None where nothing is to change.

    Args:
        messages: Every message, depth first.
        head: The node of the head.
        title: The thread's title.
    """

    VERTICAL_BREAKPOINTS = [(0, "-short"), (24, "-tall")]  # noqa: RUF012

    def __init__(self, messages: Sequence[Message], head: str | None, title: str, *, plain: bool = False) -> None:
        super().__init__()
        self.view = TreeView(title=clean_line(title, 60) or labels.UNTITLED, plain=plain, classes="dialog")
        self.view.rows.messages, self.view.rows.head = messages, head

    def compose(self) -> ComposeResult:
        yield self.view

    async def on_mount(self) -> None:
        hints = (("Enter", "Go"), ("←→", "Fold"), ("Space", "Read"), ("/", "Search"), ("o", "Filter"), ("z", "Subtree"))
        await self.view.mount(Hint(*hints, ("Esc", "Close")))
        self.view.rows.focus()

    def on_tree_view_chosen(self, event: TreeView.Chosen) -> None:
        self.dismiss(event.node_id)

    def on_tree_view_closed(self, event: TreeView.Closed) -> None:
        self.dismiss(None)
