"""Random sequences of everything one can do in a thread, against a plain tree in memory. Both must always agree."""

from __future__ import annotations

import asyncio
import itertools
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chatui.conversation.engine import Conversation
from chatui.conversation.library import Library
from tests.conversation.conftest import Bench, say


class Node:
    """A message of the model. Texts are unique, so they name the messages on both sides."""

    def __init__(self, text: str, parent: Node | None) -> None:
        self.text = text
        self.parent = parent
        self.children: list[Node] = []
        self.deleted = False
        self.starred = False
        self.chosen: Node | None = None  # the one below that was viewed last
        if parent is not None:
            parent.children.append(self)

    @property
    def prompt(self) -> bool:
        return self.text.startswith("p")

    @property
    def number(self) -> int:
        """Counts the messages in the order they were made."""
        return int(self.text[1:])

    @property
    def shown(self) -> list[Node]:
        return [child for child in self.children if not child.deleted]

    def path(self) -> list[Node]:
        """From the first message to this one; the root stands for no message."""
        return [] if self.parent is None else [*self.parent.path(), self]

    def all(self) -> list[Node]:
        return [child for top in self.shown for child in [top, *top.all()]]

    def below(self) -> Node | None:
        """What is shown below: what was viewed last, else the newest with a star, else the newest."""
        if self.chosen in self.shown:
            return self.chosen
        return max(self.shown, key=lambda node: (node.starred, node.number), default=None)

    def leaf(self) -> Node:
        below = self.below()
        return self if below is None else below.leaf()


class Threads(RuleBasedStateMachine):
    """A thread in the engine, and the same as a plain tree."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.loop = asyncio.new_event_loop()
        self.counter = 0
        self.root = Node("", None)
        self.head = self.root
        self.stored = self.root  # the head that was moved last, in whichever window
        #: A second window on the same file, while this one waits: its library, its conversation, its head.
        self.other: tuple[Library, Conversation, Node] | None = None
        self.deleted: list[Node] = []

    @initialize()
    def start(self) -> None:
        async def make() -> tuple[Bench, Conversation]:
            bench = Bench(Path(self.folder.name) / "chatui.db")
            return bench, bench.library.conversation()

        self.bench, self.conversation = self.loop.run_until_complete(make())

    def teardown(self) -> None:
        self.close_other()
        self.loop.run_until_complete(self.bench.library.close())
        self.loop.close()
        self.folder.cleanup()

    def do(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)

    def new(self, kind: str) -> str:
        self.counter += 1
        return f"{kind}{self.counter}"

    def id_of(self, node: Node) -> str:
        return next(message.node_id for message in self.conversation.tree() if message.text == node.text)

    def pick(self, data: st.DataObject, which: Any = lambda node: True) -> Node | None:
        nodes = [node for node in self.root.all() if which(node)]
        return data.draw(st.sampled_from(nodes)) if nodes else None

    def moved(self, head: Node) -> None:
        # What a window leaves was viewed there until now, whatever another one did since.
        for viewed in (self.head, head):
            for parent, child in itertools.pairwise([self.root, *viewed.path()]):
                parent.chosen = child
        self.head = self.stored = head

    def opened(self) -> Node:
        """The head of a window that is opened now."""
        if any(node.deleted for node in self.stored.path()):
            leaves = [node for node in self.root.all() if not node.shown]
            return max(leaves, key=lambda node: node.number, default=self.root)
        return self.stored

    def close_other(self) -> None:
        if self.other is not None:
            self.do(self.other[0].close())
            self.other = None

    def answered(self, prompt: Node) -> None:
        reply = self.new("r")
        self.bench.models.script = [reply]
        self.moved(prompt)
        self.moved(Node(reply, prompt))

    @rule()
    def send(self) -> None:
        text = self.new("p")
        follows = self.head.parent if self.head.prompt else self.head
        assert follows is not None
        self.answered(Node(text, follows))
        self.do(say(self.conversation.send(text)))

    @rule(data=st.data())
    def edit(self, data: st.DataObject) -> None:
        if node := self.pick(data, lambda node: node.prompt):
            node_id, text = self.id_of(node), self.new("p")
            assert node.parent is not None
            self.answered(Node(text, node.parent))
            self.do(say(self.conversation.edit(node_id, text)))

    @rule(data=st.data())
    def regenerate(self, data: st.DataObject) -> None:
        if node := self.pick(data):
            node_id = self.id_of(node)
            prompt = node if node.prompt else node.parent
            assert prompt is not None
            self.answered(prompt)
            self.do(say(self.conversation.regenerate(node_id)))

    @rule(data=st.data())
    def edit_answer(self, data: st.DataObject) -> None:
        if node := self.pick(data, lambda node: not node.prompt):
            node_id, text = self.id_of(node), self.new("r")
            self.moved(Node(text, node.parent))
            self.do(self.conversation.edit_answer(node_id, text))

    @rule(data=st.data())
    def fork(self, data: st.DataObject) -> None:
        if node := self.pick(data):
            self.do(self.conversation.go_to(self.id_of(node)))
            self.moved(node)

    @rule(data=st.data())
    def switch(self, data: st.DataObject) -> None:
        node = self.pick(data)
        step = data.draw(st.sampled_from([-1, 1]))
        if node is not None and node.parent is not None:
            siblings = node.parent.shown
            place = siblings.index(node) + step
            shown = self.do(self.conversation.alternative(self.id_of(node), step))
            if 0 <= place < len(siblings):
                assert shown.text == siblings[place].text
                self.moved(siblings[place].leaf())
            else:
                assert shown is None

    @rule()
    def back(self) -> None:
        self.do(self.conversation.back())
        at: Node | None = self.head
        while at is not None and at is not self.root and not at.prompt:
            at = at.parent
        if self.head is not self.root:
            self.moved(at.parent if at is not None and at.parent is not None else self.root)

    @rule()
    def forward(self) -> None:
        at = self.head.below()
        assert (self.do(self.conversation.forward()) is None) == (at is None)
        while at is not None and (below := at.below()) is not None and not below.prompt:
            at = below
        if at is not None:
            self.moved(at)

    @rule(data=st.data())
    def star(self, data: st.DataObject) -> None:
        if node := self.pick(data):
            node.starred = not node.starred
            self.do(self.conversation.upkeep.star(self.id_of(node), node.starred))

    @precondition(lambda self: self.root.children)
    @rule()
    def go_to_the_other_window(self) -> None:
        if self.other is None:
            library = self.bench.another()
            self.other = (library, library.conversation(self.conversation.thread_id), self.opened())
            assert self.other[1].head_node is not None
        library, conversation, head = self.other
        self.other = (self.bench.library, self.conversation, self.head)
        self.bench.library, self.conversation, self.head = library, conversation, head

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        if node := self.pick(data):
            gone = [node, *node.all()]
            assert self.do(self.conversation.upkeep.delete(self.id_of(node))) == len(gone)
            node.deleted = True
            self.deleted.append(node)
            if self.other is not None and self.other[2] in gone:
                self.close_other()
            if self.head in gone:
                assert node.parent is not None
                self.moved(node.parent)

    @precondition(lambda self: self.deleted)
    @rule()
    def undo(self) -> None:
        node = self.deleted.pop()
        node.deleted = False
        if all(not above.deleted for above in node.path()):
            self.do(self.conversation.upkeep.restore())
            self.moved(node.leaf())
        else:
            node.deleted = True
            self.deleted.append(node)

    @rule()
    def reopen(self) -> None:
        library = self.do(self.bench.reopen())
        self.conversation = library.conversation(self.conversation.thread_id if self.root.children else None)
        self.head = self.opened()

    @rule()
    def crash(self) -> None:
        """Leave the index behind LangGraph's rows, as a process that ends at once does."""
        store = self.bench.library._store

        async def forget() -> None:
            async with store.database.transaction() as connection:
                await connection.execute("DELETE FROM chatui_messages")
                await connection.execute("DELETE FROM chatui_checkpoints")
                await connection.execute(
                    "UPDATE chatui_threads SET indexed_rowid = 0, message_count = 0, branch_count = 0"
                )
            async for _ in (await self.bench.reopen()).catch_up():
                pass

        if self.root.children:
            self.do(forget())
            self.conversation = self.bench.library.conversation(self.conversation.thread_id)
            self.head = self.opened()

    @precondition(lambda self: self.root.all())
    @rule(data=st.data())
    def copy_out(self, data: st.DataObject) -> None:
        node = self.pick(data)
        assert node is not None
        thread = self.do(self.conversation.upkeep.copy_out(self.id_of(node), with_branches=False))
        copy = self.bench.library.conversation(thread.thread_id)
        assert [message.text for message in copy.tree()] == [above.text for above in node.path()]

    @invariant()
    def both_agree(self) -> None:
        if not hasattr(self, "conversation"):
            return
        assert [message.text for message in self.conversation.branch()] == [node.text for node in self.head.path()]
        nodes = self.root.all()
        tree = self.conversation.tree()
        assert [message.text for message in tree] == [node.text for node in nodes]
        for message, node in zip(tree, nodes, strict=True):
            assert node.parent is not None
            assert (message.alternative, message.alternatives) == (
                node.parent.shown.index(node) + 1,
                len(node.parent.shown),
            )

    @precondition(lambda self: self.counter % 7 == 0)
    @invariant()
    def the_file_is_sound(self) -> None:
        if hasattr(self, "conversation"):
            assert self.do(self.bench.library.check()) == []


TestThreads = Threads.TestCase
TestThreads.settings = settings(
    max_examples=60, stateful_step_count=50, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
