"""Moving in the tree: alternatives, continuing from a message, the tree, back and forward."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatui.conversation.tree import Message
from chatui.text import clean_line

if TYPE_CHECKING:
    from chatui.conversation.origin import Origin
    from chatui.tui.chat import ChatScreen
    from chatui.tui.panes import TreePlace
    from chatui.tui.turns import Handler

#: Said where a thread has messages, and the head is before all of them.
BEFORE_FIRST = "This is before the first message: /forward goes back to it."
#: What the file remembers of the tree: whether its pane was open.
TREE_PANE = "tree_pane"


class Travel:
    """Moves in the open thread, on behalf of the main screen. No move writes a checkpoint."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self._fork_line = ""
        self._parted: int | None = None
        #: Where the tree is shown, None until it was asked for.
        self.tree: TreePlace | None = None
        #: What the first of two branches to compare was, as a line; "" while none was chosen.
        self.comparing = ""
        #: Where the open thread was copied from, None if it is no copy.
        self.origin: Origin | None = None
        self._origin_line = ""

    def handlers(self) -> dict[str, Handler]:
        """Return what carries out which action."""
        transcript = self._screen.transcript
        return {
            "tree.open": self._tree,
            "message.tree": self._tree,
            "message.continue": self._continue,
            "message.alternative_previous": lambda _: self._alternative(-1),
            "message.alternative_next": lambda _: self._alternative(1),
            "message.back_to_prompt": lambda _: self._to_prompt(),
            "thread.origin": self._go_to_origin,
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
        """Return the lines that say where a copy comes from, what sending would start, and which branch waits to be compared."""
        return "\n".join(line for line in (self._origin_line, self._fork_line, self.comparing) if line)

    def enter(self) -> None:
        """A thread is opened: see whether it is a copy."""
        self.origin = self._screen.conversation.upkeep.origin()
        # Short enough for one line of a small terminal.
        self._origin_line = self.origin.sentence("“”", 36) if self.origin else ""
        if self.origin is not None and self.origin.thread is not None and not self.origin.thread.deleted:
            self._origin_line += " /origin goes there."
        self._note_fork()

    def leave(self) -> None:
        """The thread is left: what was said of it holds no longer."""
        self._fork_line = self.comparing = self._origin_line = ""

    def forget_fork(self) -> None:
        """Something is being sent: the lines about the place have done their work."""
        self._fork_line = self._origin_line = self.comparing = ""

    def _to_prompt(self) -> None:
        if self.comparing:
            self.comparing = ""
            self._screen.show_state()
        self._screen.prompt_focus()

    def copied_at(self) -> str:
        """Return what the status line says of a copy, "" for any other thread."""
        if self.origin is None:
            return ""
        return f"copied at #{self.origin.message.depth}" if self.origin.message else "copied"

    def fork_place(self) -> int | None:
        """Return the depth at which the branch on the screen last parted from another, None where it never did."""
        return self._parted

    def look(self) -> None:
        """Look where the branch on the screen parted: on a long one that takes a while, so it is not done for every paint."""
        conversation = self._screen.conversation
        self._parted = conversation.next_fork(conversation.length + 1, -1)

    def note(self) -> None:
        """The tree has grown, here or in another window: say what sending would start now."""
        if self._screen.reply is None:
            self._note_fork()

    def _note_fork(self) -> None:
        conversation = self._screen.conversation
        head = conversation.head()
        # A prompt without an answer is not followed by another: the new one becomes its alternative.
        follows = head.parent_id if head is not None and head.role == "user" else head.node_id if head else None
        siblings = conversation.count_following(follows)
        number = (head.depth if head.role == "user" else head.depth + 1) if head else 1
        # Nothing else on the screen tells that there are messages.
        lost = "Nothing is lost." if head else "Nothing is lost: /forward goes back."
        self._fork_line = f"This starts alternative {siblings + 1} of #{number}. {lost}" if siblings else ""

    def no_message(self) -> str:
        """Return why there is no message to act on."""
        return BEFORE_FIRST if self._fork_line else "This thread has no message yet."

    async def arrive(self, select: Message | None) -> None:
        """The head is elsewhere: show the branch, with a message selected, and what sending would start."""
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
        if screen.reply is not None and screen.reply.sign:
            # Several answers stream: it goes between them.
            if screen.reply.answers.step(step):
                screen.transcript.begin(screen.reply)
                screen.show_state()
            return
        if message is None or not self.idle():
            return
        if message.alternatives < 2:
            screen.say("This message has no alternative. [ and ] go to those that have one.", severity="information")
            return
        found = await screen.conversation.alternative(message.node_id, step)
        if found is not None:
            await self.arrive(found)

    async def _back(self, _text: str = "") -> None:
        if self.idle():
            await self._screen.conversation.back()
            await self.arrive(None)
            if not self._screen.transcript.display:
                # Before the first message there is no message mode.
                self._screen.prompt_focus()
                self._screen.say(self.no_message(), severity="information")

    async def _forward(self, _text: str = "") -> None:
        if self.idle():
            await self._screen.conversation.forward()
            await self.arrive(None)

    async def _go_to_origin(self, _text: str = "") -> None:
        """Open the thread that this one was copied from, at the message where it was cut."""
        screen = self._screen
        # Asked anew: what it came from may have been deleted or renamed since this thread was opened.
        origin = screen.conversation.upkeep.origin()
        if origin is None:
            screen.say("This thread is no copy of another.", severity="information")
            return
        if origin.thread is None:
            screen.say("The thread that this one was copied from was purged: nothing of it is left.")
            return
        if origin.thread.deleted:
            name = clean_line(origin.thread.title, 60)
            screen.say(f"“{name}” is deleted. `chatui restore {origin.thread.thread_id}` in a shell brings it back.")
            return
        await screen.open(origin.thread.thread_id)
        if origin.message is None or origin.message_deleted:
            if origin.message is not None:
                screen.say(
                    f"#{origin.message.depth} is deleted here. u in message mode brings back what was deleted last."
                )
            elif not origin.whole:
                screen.say("The message that the copy ends with was purged here.")
            return
        message = origin.message
        shown = screen.conversation.part(message.depth, 1)
        if [there.node_id for there in shown] != [message.node_id] and self.idle():
            await screen.conversation.view(message.node_id)
        await self.arrive(screen.conversation.message(message.node_id))
        screen.transcript.focus()

    # The tree

    async def _tree(self, _text: str = "") -> None:
        await self._place().toggle()

    async def reopen_tree(self) -> None:
        """Show the tree's pane where it was open when the program was quit."""
        if self._screen.library.remembered(TREE_PANE) == "open":
            await self._place().open()

    def _place(self) -> TreePlace:
        # Imported here, as the first paint has no tree.
        from chatui.tui.panes import TreePlace

        self.tree = self.tree or TreePlace(self._screen)
        return self.tree
