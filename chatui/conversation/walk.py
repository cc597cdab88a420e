"""Walking in a thread: reading its messages and moving its head. No LangGraph is needed, and no checkpoint is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatui.config import Config
from chatui.conversation.tree import Message, Thread, depth_first
from chatui.errors import UnknownCheckpoint, UsageError
from chatui.storage import Store
from chatui.text import clean

if TYPE_CHECKING:
    from chatui.conversation.memories import ThreadMemory
    from chatui.conversation.settings import ThreadSettings

#: So many messages at the end of a branch are found by going up from its head each time.
NEAR = 200


class Walk:
    """One thread as a person reads and moves in it.

    The head is this object's own: where another window moves the head of the same thread, this one stays where its user
    sees it, and simultaneous turns become alternatives.

    Args:
        store: The file.
        config: For defaults.
        thread_id: The thread; a new id for a thread that is made with its first message.
        owner: The user that a new thread belongs to.
    """

    def __init__(self, store: Store, config: Config, thread_id: str, owner: str) -> None:
        self._store = store
        self._config = config
        self.thread_id = thread_id
        self.owner = owner
        self._head_node: str | None = None
        self._ids: tuple[str, list[str]] | None = None  # of the active branch, from its head up

    @property
    def running(self) -> bool:
        """Whether a turn runs now. Walking alone runs none."""
        return False

    # Reading

    def thread(self) -> Thread | None:
        """Return the thread's row, None before its first message."""
        return self._store.threads.get(self.thread_id)

    def model(self) -> str | None:
        """Return the model of the thread, else the default one of its user; None to leave it to the config file."""
        thread = self.thread()
        if thread is not None and thread.model:
            return thread.model
        default = self._store.settings.get("user", self.owner).get("model")
        return default if isinstance(default, str) else None

    def branch(self) -> list[Message]:
        """Return the whole active branch, root first."""
        return self._store.messages.path(self.thread_id, self.head_node)

    def branch_ids(self) -> list[str]:
        """Return the nodes of the active branch, root first."""
        return self._upwards()[::-1]

    def _upwards(self) -> list[str]:
        """The nodes of the active branch, from its head up: a message stays below the same others for as long as it is one."""
        head = self.head_node
        if self._ids is None or self._ids[0] != head:
            self._ids = (head, self._store.messages.path_ids(self.thread_id, head))
        return self._ids[1]

    def find(self, text: str) -> list[str]:
        """Return the nodes of the active branch whose text contains another, whatever the case and the accents, root first."""
        return self._store.search.find(self.thread_id, self.head_node, text)

    @property
    def length(self) -> int:
        """How many messages the active branch has."""
        head = self.head()
        return head.depth if head else 0

    def part(self, first: int, count: int) -> list[Message]:
        """Return a part of the active branch. Opens the rows of the part alone; the ids of a long branch are read once.

        Args:
            first: The depth of its first message; the root's is 1.
            count: At most so many; fewer at the end of the branch.
        """
        head, length = self.head_node, self.length
        last = min(first + count - 1, length)
        if last < first:
            return []
        if length - first < NEAR:
            return self._store.messages.path(self.thread_id, head, last=last - first + 1, skip=length - last)
        return self._store.messages.of(self.thread_id, self._upwards()[length - last : length - first + 1])

    def next_fork(self, depth: int, step: int) -> int | None:
        """Return the depth of the nearest message of the active branch that has alternatives.

        Args:
            depth: Where to start; a message there is not looked at.
            step: -1 looks up, 1 looks down.

        Returns:
            None where there is none in that direction.
        """
        return self._store.messages.next_fork(self.thread_id, self.head_node, depth, step)

    def prompts(self) -> list[str]:
        """Return what was said by the person on the active branch, the oldest first."""
        return self._store.messages.prompts(self.thread_id, self.head_node)

    def count_following(self, node_id: str | None) -> int:
        """Return how many messages follow one directly; None for those that begin the thread."""
        return self._store.messages.count_following(self.thread_id, node_id or "")

    def places(self, start: str) -> list[str]:
        """Return the ids that begin so: of messages' checkpoints, and of the nodes of those that have none of their own."""
        return self._store.messages.places(self.thread_id, start)

    def tree(self) -> list[Message]:
        """Return every message, depth first, alternatives in the order they were made."""
        return depth_first(self._store.messages.tree(self.thread_id, self.head_node))

    def message(self, node_id: str) -> Message:
        """Return one message. Its `on_active_path` is not looked up.

        Raises:
            UsageError: The thread has no such message.
        """
        message = self._store.messages.get(self.thread_id, node_id)
        if message is None:
            raise UsageError("This thread has no such message.", "Another window may have removed it; open it again.")
        return message

    def prompt_of(self, message: Message) -> str:
        """Return the text that a message answers, "" where it is none, or gone."""
        above = self._store.messages.get(self.thread_id, message.parent_id) if message.parent_id else None
        return above.text if above is not None and above.role == "user" else ""

    def path(self, node_id: str) -> list[Message]:
        """Return the branch that ends with a message, root first."""
        return self._store.messages.path(self.thread_id, self.message(node_id).node_id)

    def at(self, checkpoint_id: str) -> str | None:
        """Return the node that a checkpoint ends with, None before the first message.

        A message that came with others in one step may have no checkpoint yet: its node's id stands for it.

        Raises:
            UnknownCheckpoint: The thread has none of this id.
        """
        node_id = None
        if self._store.has_checkpoint(self.thread_id, checkpoint_id):
            node_id = self._store.messages.node_of(self.thread_id, checkpoint_id)
        elif checkpoint_id and self._store.messages.get(self.thread_id, checkpoint_id, deleted=True) is not None:
            node_id = checkpoint_id
        if node_id is None:
            raise UnknownCheckpoint(clean(checkpoint_id), self.thread_id)
        return node_id or None

    def head(self) -> Message | None:
        """Return the message that the next turn continues from, None before the first."""
        return self._store.messages.get(self.thread_id, self.head_node, active=True)

    @property
    def head_node(self) -> str:
        """The node id of the head, "" before the first message."""
        if self._head_node is None:
            _, node_id = self._store.threads.head(self.thread_id)
            if node_id is None or (node_id and self._store.messages.get(self.thread_id, node_id) is None):
                # Nobody has viewed the thread here yet.
                node_id = self._store.messages.newest_leaf(self.thread_id)
            self._head_node = node_id
        return self._head_node

    def draft(self) -> str:
        """Return what was typed here and not sent."""
        return self._store.drafts.text(self.thread_id)

    def system_prompt(self) -> str:
        """Return what is sent before the messages: the thread's own, else its user's, else the configured one."""
        return self.settings.resolve(None).values.system_prompt or ""

    @property
    def settings(self) -> ThreadSettings:
        """The parameters that its model is asked with."""
        # Imported here, as the first paint asks nobody.
        from chatui.conversation.settings import ThreadSettings

        return ThreadSettings(self._store, self._config, self.thread_id, self.owner)

    @property
    def memory(self) -> ThreadMemory:
        """What is sent of it, and what is remembered of its user."""
        from chatui.conversation.memories import ThreadMemory

        return ThreadMemory(self._store, self._config, self.thread_id, self.owner)

    # Moving

    async def go_to(self, node_id: str | None) -> Message | None:
        """Set the head to a message; None sets it before the first. The next turn starts an alternative where it has any below."""
        message = self.message(node_id) if node_id else None
        left, self._head_node = self.head_node, node_id or ""
        if not self._store.database.frozen:
            async with self._store.database.transaction() as connection:
                checkpoint_id = message.checkpoint_id if message else None
                await self._store.threads.set_head(connection, self.thread_id, checkpoint_id, node_id or "", left=left)
        return message

    async def view(self, node_id: str) -> Message:
        """Set the head to the leaf below a message that was viewed last there, and return that leaf."""
        leaf = self._store.messages.descend(self.thread_id, self.message(node_id).node_id)
        await self.go_to(leaf)
        return self.message(leaf)

    async def alternative(self, node_id: str, step: int) -> Message | None:
        """Show another alternative of a message, with what was viewed last below it.

        Args:
            node_id: The message.
            step: -1 for the previous, 1 for the next.

        Returns:
            The alternative, None where there is none in that direction.
        """
        siblings = self._store.messages.siblings(self.thread_id, node_id)
        place = siblings.index(node_id) + step if node_id in siblings else -1
        if not 0 <= place < len(siblings):
            return None
        await self.view(siblings[place])
        return self.message(siblings[place])

    async def back(self) -> Message | None:
        """Set the head one turn back: before the last prompt. None at the start, where there is nothing to step over."""
        at = self.head()
        if at is None:
            return None
        while at is not None and at.role != "user":
            at = self.message(at.parent_id) if at.parent_id else None
        return await self.go_to(at.parent_id if at else None)

    async def forward(self) -> Message | None:
        """Set the head one turn forward, the way that was viewed last. None at a leaf."""
        below = self._store.messages.child(self.thread_id, self.head_node)
        if below is None:
            return None
        # Up to the end of the turn: the next prompt is where the one after it begins.
        while (after := self._store.messages.child(self.thread_id, below)) and self.message(after).role != "user":
            below = after
        return await self.go_to(below)

    async def fork(self, checkpoint_id: str) -> Message | None:
        """Set the head by a checkpoint's id.

        Raises:
            UnknownCheckpoint: The thread has none of this id.
        """
        return await self.go_to(self.at(checkpoint_id))

    async def keep_draft(self, text: str) -> None:
        """Keep what was typed and not sent, over quitting and a crash."""
        async with self._store.database.transaction() as connection:
            await self._store.drafts.keep(connection, self.thread_id, self.owner, text)

    async def set_system_prompt(self, text: str) -> None:
        """Set what is sent before this thread's messages; "" for nothing."""
        await self.settings.change("thread", system_prompt=text)

    def _moved(self, node_id: str) -> None:
        self._head_node = node_id
