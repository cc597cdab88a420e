"""Every branch of a thread: one row a message, indented only at forks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message as TextualMessage
from textual.screen import ModalScreen
from textual.widgets import Static

from chatui.conversation.tree import Message
from chatui.text import clean, clean_line
from chatui.tui import labels
from chatui.tui.dialogs import key_hints
from chatui.tui.keys import bindings
from chatui.tui.rows import Piece, Rows

#: Guides wider than this are cut at the left: the text matters more than how deep it is.
MOST_GUIDES = 24


class Node(NamedTuple):
    """A message and its place in the drawing.

    Attributes:
        message: The message.
        guides: What is drawn before it.
        below: How many messages are below it.
        children: How many of them follow it directly.
        parent: Its parent's place in the list, None at the top.
    """

    message: Message
    guides: str
    below: int
    children: int
    parent: int | None


def lay_out(messages: Sequence[Message]) -> list[Node]:
    """Place the messages of a tree.

    Args:
        messages: Depth first, alternatives in their order.
    """
    place = {message.node_id: index for index, message in enumerate(messages)}
    parents = [place.get(message.parent_id) if message.parent_id else None for message in messages]
    children: dict[int | None, list[int]] = {}
    for index, parent in enumerate(parents):
        children.setdefault(parent, []).append(index)
    below = [0] * len(messages)
    for index in range(len(messages) - 1, -1, -1):
        if (parent := parents[index]) is not None:
            below[parent] += below[index] + 1
    nodes: list[Node] = []
    carried: list[str] = []  # what is drawn before what follows a message
    for index, message in enumerate(messages):
        parent = parents[index]
        siblings = children[parent]
        before = carried[parent] if parent is not None else ""
        if len(siblings) > 1:
            last = siblings[-1] == index
            guides, carry = before + ("└─" if last else "├─"), before + ("  " if last else "│ ")
        else:
            guides = carry = before
        carried.append(carry)
        shown = guides if len(guides) <= MOST_GUIDES else "…" + guides[-MOST_GUIDES + 1 :]
        nodes.append(Node(message, shown, below[index], len(children.get(index, [])), parent))
    return nodes


class TreeRows(Rows):
    """The rows of the tree."""

    BINDINGS = bindings("tree")

    class Closed(TextualMessage):
        """Escape."""

    class PreviewWanted(TextualMessage):
        """Space."""

    def __init__(self, messages: Sequence[Message], head: str | None, *, plain: bool = False) -> None:
        super().__init__(id="tree-rows")
        self.plain = plain
        self.head = head
        self.nodes = lay_out(messages)
        self._folded: set[int] = set()
        self._visible = list(range(len(self.nodes)))

    @property
    def current(self) -> Node | None:
        """The node under the cursor."""
        return self.nodes[self._visible[self.cursor]] if self._visible else None

    def on_mount(self) -> None:
        head = next((i for i, node in enumerate(self.nodes) if node.message.node_id == self.head), 0)
        self.rows_changed(head)

    def row_count(self) -> int:
        return len(self._visible)

    def row(self, index: int, line: int, width: int) -> tuple[list[Piece], list[Piece]]:
        place = self._visible[index]
        node = self.nodes[place]
        message = node.message
        on_path = message.on_active_path
        is_head = message.node_id == self.head
        guides = node.guides
        if self.plain:
            guides = " " * len(guides)
        sign = ("* " if on_path else "- ") if self.plain else ("● " if on_path else "○ ")
        who = "you: " if message.role == "user" else "" if message.role == "assistant" else f"{message.role}: "
        kind = "" if on_path else "rows--muted"
        text = clean_line(message.text, 300) or ("(no text)" if message.role == "assistant" else "(empty)")
        left: list[Piece] = [
            (guides, "rows--sign" if on_path else "rows--line"),
            (sign, "rows--sign" if on_path else "rows--muted"),
            (who, "rows--user" if message.role == "user" else "rows--muted"),
            (text, "rows--strong" if is_head else kind),
        ]
        right: list[Piece] = []
        if is_head:
            right.append(("here  ", "rows--sign"))
        if place in self._folded:
            right.append((f"+{node.below}  ", "rows--sign"))
        if width > 56:
            model = message.model if message.role == "assistant" else ""
            right.append((f"{labels.fit(clean_line(labels.short_model(model)), 16):<16}  ", "rows--muted"))
        right.append((f"{labels.age(message.created_at):>4}", "rows--muted"))
        return left, right

    def _refold(self, place: int) -> None:
        visible: list[int] = []
        skip_until = -1
        for index, node in enumerate(self.nodes):
            if index <= skip_until:
                continue
            visible.append(index)
            if index in self._folded:
                skip_until = index + node.below
        self._visible = visible
        self.rows_changed(visible.index(place))

    def action_fold(self) -> None:
        """Fold what is below; a message that has nothing to fold sends the cursor to the fork above."""
        if not self._visible:
            return
        place = self._visible[self.cursor]
        node = self.nodes[place]
        if node.below and place not in self._folded:
            self._folded.add(place)
            self._refold(place)
            return
        parent = node.parent
        while parent is not None and self.nodes[parent].children < 2:
            parent = self.nodes[parent].parent
        if parent is not None:
            self.cursor = self._visible.index(parent)

    def action_unfold(self) -> None:
        if not self._visible:
            return
        place = self._visible[self.cursor]
        if place in self._folded:
            self._folded.discard(place)
            self._refold(place)
        else:
            self.action_cursor(1)

    def action_preview(self) -> None:
        self.post_message(self.PreviewWanted())

    def action_close(self) -> None:
        self.post_message(self.Closed())


class TreeScreen(ModalScreen[str | None]):
    """The tree of one thread. Gives the node to go to, None where nothing is to change.

    Args:
        messages: Every message, depth first.
        head: The node of the head.
        title: The thread's title.
    """

    CSS_PATH = "tree.tcss"

    def __init__(self, messages: Sequence[Message], head: str | None, title: str, *, plain: bool = False) -> None:
        super().__init__()
        self._rows = TreeRows(messages, head, plain=plain)
        self._title = clean_line(title, 60) or labels.UNTITLED

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog", id="tree-dialog"):
            yield self._rows
            with VerticalScroll(id="preview", can_focus=False):
                yield Static("", markup=False)
            yield Static(
                key_hints(("Enter", "Go there"), ("←→", "Fold"), ("Space", "Preview"), ("Esc", "Close")),
                markup=False,
                classes="hint",
            )

    def on_mount(self) -> None:
        dialog = self.query_one("#tree-dialog")
        nodes = self._rows.nodes
        leaves = sum(node.children == 0 for node in nodes)
        dialog.border_title = Content(self._title)
        dialog.border_subtitle = (
            f"{labels.plural(len(nodes), 'message')} · {labels.plural(leaves, 'branch', 'branches')}"
        )
        self.query_one("#preview").display = False
        self._rows.focus()

    def on_rows_chosen(self, event: Rows.Chosen) -> None:
        node = self._rows.current
        self.dismiss(node.message.node_id if node else None)

    def on_rows_moved(self, event: Rows.Moved) -> None:
        self._show_preview()

    def on_tree_rows_closed(self, event: TreeRows.Closed) -> None:
        self.dismiss(None)

    def on_tree_rows_preview_wanted(self, event: TreeRows.PreviewWanted) -> None:
        preview = self.query_one("#preview")
        preview.display = not preview.display
        self.query_one("#tree-dialog").set_class(preview.display, "-previewing")
        self._show_preview()

    def _show_preview(self) -> None:
        preview = self.query_one("#preview")
        if preview.display and (node := self._rows.current) is not None:
            preview.query_one(Static).update(Content(clean(node.message.text)))
            preview.scroll_home(animate=False)
