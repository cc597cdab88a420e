"""Every branch of a thread as rows: one a message, indented only at forks; folded, filtered, searched, one subtree alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Literal, get_args

import msgspec
from textual.message import Message as TextualMessage

from chatui.conversation.tree import Message
from chatui.text import clean_line
from chatui.tui import labels
from chatui.tui.keys import bindings
from chatui.tui.rows import Piece, Rows

Filter = Literal["all", "prompts", "forks", "named"]
FILTERS: tuple[Filter, ...] = get_args(Filter)

#: From this width on a row tells the model too.
WITH_MODEL = 56


class Node(msgspec.Struct, frozen=True):
    """A message and its place in the drawing.

    Attributes:
        message: The message.
        guides: What is drawn before it.
        below: How many of the drawn messages are below it.
        children: How many of them follow it directly.
        parent: Its parent's place in the list, None at the top.
    """

    message: Message
    guides: str
    below: int
    children: int
    parent: int | None


def lay_out(messages: Sequence[Message], keep: Callable[[Message], bool] | None = None) -> list[Node]:
    """Place the messages of a tree.

    Args:
        messages: Depth first, alternatives in their order.
        keep: Whether a message is drawn; what is below one that is not hangs from the nearest above that is.
    """
    kept: list[Message] = []
    parents: list[int | None] = []
    nearest: dict[str, int | None] = {}  # of each message: the place of itself, or of what is drawn above it
    for message in messages:
        above = nearest.get(message.parent_id) if message.parent_id else None
        if keep is None or keep(message):
            nearest[message.node_id] = len(kept)
            kept.append(message)
            parents.append(above)
        else:
            nearest[message.node_id] = above
    return _draw(kept, parents)


def _draw(messages: Sequence[Message], parents: Sequence[int | None]) -> list[Node]:
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
        nodes.append(Node(message, guides, below[index], len(children.get(index, [])), parent))
    return nodes


def subtree(messages: Iterable[Message], root: str) -> list[Message]:
    """Return a message and all below it, in the order they came in.

    Args:
        messages: Depth first.
        root: The message's node.
    """
    inside = {root}
    found = []
    for message in messages:
        if message.node_id == root or message.parent_id in inside:
            inside.add(message.node_id)
            found.append(message)
    return found


class TreeRows(Rows):
    """The rows of the tree."""

    BINDINGS = bindings("tree")
    STYLES: ClassVar = {**Rows.STYLES, "name": "bold $secondary"}

    class Closed(TextualMessage):
        """The tree is to go, or only to lose the focus."""

        def __init__(self, stays: bool) -> None:
            super().__init__()
            self.stays = stays

    class PreviewWanted(TextualMessage):
        """The message under the cursor is to be read, or no longer."""

    class SearchWanted(TextualMessage):
        """A search is to be typed."""

    class Changed(TextualMessage):
        """Other rows are shown than before."""

    def __init__(self, messages: Sequence[Message] = (), head: str | None = None, *, plain: bool = False) -> None:
        super().__init__(id="tree-rows")
        self.plain = plain
        self.messages = messages
        self.head = head
        #: The prompt that is being answered, None while no reply streams.
        self.answering: str | None = None
        self.filter: Filter = "all"
        self.words: list[str] = []  # that a message must have
        self.root: str | None = None  # of the subtree that alone is shown
        self.nodes: list[Node] = []
        self._folded: set[str] = set()
        self._visible: list[int] = []

    @property
    def current(self) -> Node | None:
        """The node under the cursor."""
        return self.nodes[self._visible[self.cursor]] if self.cursor < len(self._visible) else None

    def on_mount(self) -> None:
        self._lay_out(self.head)

    def show(self, messages: Sequence[Message], head: str | None, answering: str | None = None) -> None:
        """Show another state of the tree. The cursor stays on its message, or follows the head where it stood there."""
        here = self.current.message.node_id if self.current else None
        followed = here is None or here == self.head
        self.messages, self.head, self.answering = messages, head, answering
        self._lay_out(head if followed else here)

    def search(self, text: str) -> None:
        """Show only messages that have each of some words."""
        self.words = text.casefold().split()
        self._relay()

    def _relay(self) -> None:
        self._lay_out(self.current.message.node_id if self.current else self.head)

    def _lay_out(self, cursor: str | None) -> None:
        messages = subtree(self.messages, self.root) if self.root else self.messages
        if self.root and not messages:
            self.root, messages = None, self.messages
        everything = self.filter == "all" and not self.words
        parents = {message.parent_id for message in self.messages} if self.filter == "forks" else set()
        self.nodes = lay_out(messages, None if everything else lambda message: self._kept(message, parents))
        self._refold(cursor)

    def _kept(self, message: Message, parents: set[str | None]) -> bool:
        if self.words:
            text = f"{message.name or ''}\n{message.text}".casefold()
            if not all(word in text for word in self.words):
                return False
        match self.filter:
            case "prompts":
                return message.role == "user"
            case "forks":
                # Where branches part, and where they end.
                return message.alternatives > 1 or message.node_id not in parents
            case "named":
                return bool(message.name) or message.starred
            case "all":
                return True

    def _refold(self, cursor: str | None) -> None:
        """Find out which rows are shown, and put the cursor on a message, or on the nearest shown above it."""
        self._visible = []
        skip_until = -1
        for index, node in enumerate(self.nodes):
            if index <= skip_until:
                continue
            self._visible.append(index)
            if node.message.node_id in self._folded:
                skip_until = index + node.below
        self.rows_changed(self._place(cursor))
        self.post_message(self.Changed())

    def _place(self, node_id: str | None) -> int:
        places = {self.nodes[index].message.node_id: row for row, index in enumerate(self._visible)}
        above = {message.node_id: message.parent_id for message in self.messages} if node_id not in places else {}
        while node_id is not None and node_id not in places:
            node_id = above.get(node_id)
        return places[node_id] if node_id is not None else 0

    def row_count(self) -> int:
        return len(self._visible)

    def row(self, index: int, line: int, width: int) -> tuple[list[Piece], list[Piece]]:
        node = self.nodes[self._visible[index]]
        message = node.message
        on_path = message.on_active_path
        sign = ("* " if on_path else "- ") if self.plain else ("● " if on_path else "○ ")
        text = clean_line(message.text, 300) or ("(no text)" if message.role == "assistant" else "(empty)")
        is_head = message.node_id == self.head
        left: list[Piece] = [
            (self._guides(node, width), "sign" if on_path else "line"),
            (sign, "sign" if on_path else "muted"),
        ]
        if message.starred:
            left.append(("starred " if self.plain else "★ ", "warning"))
        if message.name:
            left.append((f"{clean_line(message.name, 60)}: ", "name"))
        who = "you: " if message.role == "user" else "" if message.role == "assistant" else f"{message.role}: "
        left.append((who, "user" if message.role == "user" else "muted"))
        left.append((text, "strong" if is_head else "" if on_path else "muted"))
        return left, self._facts(node, width, is_head=is_head)

    def _guides(self, node: Node, width: int) -> str:
        # The text matters more than how deep it is.
        most = max(min(24, width // 3), 4)
        guides = node.guides if len(node.guides) <= most else "…" + node.guides[-most + 1 :]
        return " " * len(guides) if self.plain else guides

    def _facts(self, node: Node, width: int, *, is_head: bool) -> list[Piece]:
        message = node.message
        right: list[Piece] = []
        if message.node_id == self.answering:
            right.append(("writing  ", "sign"))
        elif is_head:
            right.append(("here  ", "sign"))
        if message.node_id in self._folded and node.below:
            right.append((f"+{node.below}  ", "sign"))
        if width > WITH_MODEL:
            model = message.model if message.role == "assistant" else ""
            right.append((f"{labels.fit(clean_line(labels.short_model(model)), 16):<16}  ", "muted"))
        right.append((f"{labels.age(message.created_at):>4}", "muted"))
        return right

    def action_fold(self) -> None:
        """Fold what is below; a message that has nothing to fold sends the cursor to the fork above."""
        node = self.current
        if node is None:
            return
        node_id = node.message.node_id
        if node.below and node_id not in self._folded:
            self._folded.add(node_id)
            self._refold(node_id)
            return
        parent = node.parent
        while parent is not None and self.nodes[parent].children < 2:
            parent = self.nodes[parent].parent
        if parent is not None:
            self.cursor = self._visible.index(parent)

    def action_unfold(self) -> None:
        node = self.current
        if node is None:
            return
        if node.message.node_id in self._folded:
            self._folded.discard(node.message.node_id)
            self._refold(node.message.node_id)
        else:
            self.action_cursor(1)

    def action_filter(self) -> None:
        """Show the next kind of rows: all, prompts, forks, named."""
        self.filter = FILTERS[(FILTERS.index(self.filter) + 1) % len(FILTERS)]
        self._relay()

    def action_hoist(self) -> None:
        """Show only what is below the cursor; once more, show everything."""
        here = self.current
        self.root = None if self.root or here is None else here.message.node_id
        self._relay()

    def action_preview(self) -> None:
        self.post_message(self.PreviewWanted())

    def action_search(self) -> None:
        self.post_message(self.SearchWanted())

    def action_close(self) -> None:
        self.post_message(self.Closed(stays=False))

    def action_leave(self) -> None:
        self.post_message(self.Closed(stays=True))
