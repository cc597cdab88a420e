"""Moving in the tree: alternatives, continuing from a message, the tree, back and forward."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatui.conversation.tree import Message

if TYPE_CHECKING:
    from chatui.tui.chat import ChatScreen
    from chatui.tui.panes import TreePlace
    from chatui.tui.turns import Handler


class Travel:
    """Moves in the open thread, on behalf of the main screen. No move writes a checkpoint."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self._fork_line = ""
        #: Where the tree is shown, None until it was asked for.
        self.tree: TreePlace | None = None
        #: What the first of two branches to compare was, as a line; "" while none was chosen.
        self.comparing = ""

    def handlers(self) -> dict[str, Handler]:
        """Return what carries out which action."""
        transcript = self._screen.transcript
        return {
            "tree.open": self._tree,
            "message.tree": self._tree,
            "message.continue": self._continue,
            "message.alternative_previous": lambda _: self._alternative(-1),
            "message.alternative_next": lambda _: self._alternative(1),
            "message.back_to_prompt": lambda _: self._screen.prompt_focus(),
            "head.back": self._back,
            "head.forward": self._forward,
            "transcript.page_up": lambda _: transcript.scroll_page_up(animate=False),
            "transcript.page_down": lambda _: transcript.scroll_page_down(animate=False),
            "transcript.home": lambda _: transcript.action_select_first(),
            "transcript.end": lambda _: transcript.follow(),
        }

    def idle(self) -> bool:
        """Return whether no reply streams here; say so where one does."""
        if self._screen.reply is not None:
            self._screen.say("A reply streams here. Esc in the prompt stops it.")
            return False
        return True

    # Where the next message goes

    def fork_line(self) -> str:
        """Return the line that says what sending would start, "" at a leaf; below it, which branch waits to be compared."""
        return "\n".join(line for line in (self._fork_line, self.comparing) if line)

    def leave(self) -> None:
        """The thread is left: what was said of it holds no longer."""
        self._fork_line = self.comparing = ""

    def forget_fork(self) -> None:
        """Something is being sent: the line has done its work."""
        self._fork_line = ""

    def fork_place(self) -> int | None:
        """Return the depth at which the branch on the screen last parted from another, None where it never did."""
        parted = [message.depth for message in self._screen.transcript.records if message.alternatives > 1]
        return parted[-1] if parted else None

    def _note_fork(self) -> None:
        conversation = self._screen.conversation
        head = conversation.head()
        # A prompt without an answer is not followed by another: the new one becomes its alternative.
        follows = head.parent_id if head is not None and head.role == "user" else head.node_id if head else None
        siblings = sum(message.parent_id == follows for message in conversation.tree())
        number = (head.depth if head.role == "user" else head.depth + 1) if head else 1
        self._fork_line = f"This starts alternative {siblings + 1} of #{number}. Nothing is lost." if siblings else ""

    async def arrive(self, select: Message | None, *, leaf: bool = False) -> None:
        """The head is elsewhere: show the branch, with a message selected, and what sending would start.

        Args:
            select: The message.
            leaf: The head is known to be a leaf: the whole tree need not be read to see what follows it.
        """
        head = self._screen.conversation.head()
        if leaf and head is not None and head.role != "user":
            self._fork_line = ""
        else:
            self._note_fork()
        self._screen.refresh_branch(select)

    # Moves

    async def _continue(self, _text: str = "") -> None:
        screen = self._screen
        message = screen.transcript.selected
        if message is None or not self.idle():
            return
        if message.role == "user":
            await screen.conversation.go_to(message.parent_id)
            # What was being written is kept, behind the text that returns.
            screen.prompt.hold(f"{message.text}\n{screen.prompt.text}" if screen.prompt.text else message.text)
        else:
            await screen.conversation.go_to(message.node_id)
        await self.arrive(None)
        screen.prompt_focus()

    async def _alternative(self, step: int) -> None:
        screen = self._screen
        message = screen.transcript.selected
        if message is None or message.alternatives < 2 or not self.idle():
            return
        found = await screen.conversation.alternative(message.node_id, step)
        if found is not None:
            await self.arrive(found, leaf=True)

    async def _back(self, _text: str = "") -> None:
        if self.idle():
            await self._screen.conversation.back()
            await self.arrive(None)

    async def _forward(self, _text: str = "") -> None:
        if self.idle():
            await self._screen.conversation.forward()
            await self.arrive(None)

    # The tree

    async def _tree(self, _text: str = "") -> None:
        # Imported here, as the first paint has no tree.
        from chatui.tui.panes import TreePlace

        self.tree = self.tree or TreePlace(self._screen)
        await self.tree.toggle()
