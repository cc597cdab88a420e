"""What the model proposes to remember: asked for when nothing else runs, and offered where it takes no key from the prompt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from chatui.errors import ChatuiError, UsageError
from chatui.tui import labels
from chatui.tui.attempts import attempt

if TYPE_CHECKING:
    from textual.worker import Worker

    from chatui.conversation.engine import Conversation
    from chatui.tui.chat import ChatScreen
    from chatui.tui.titling import Titling

#: How many proposals wait at the most; the oldest go first.
MOST = 9
#: The names of the choices of an offer begin so.
PREFIX = "propose."


class Proposal(msgspec.Struct, frozen=True):
    """One fact that a model proposed, of a thread."""

    conversation: Conversation
    text: str


class Proposing:
    """The proposals, on behalf of the main screen."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self._worker: Worker[None] | None = None
        self._waiting: list[Proposal] = []
        self._refused: list[tuple[str, str]] = []  # by user: nobody else's proposals are dropped for it
        self._shown: Proposal | None = None

    def begin(self, conversation: Conversation, titling: Titling | None) -> None:
        """Ask for facts in the background, behind the title."""
        self.cancel()
        self._worker = self._screen.run_worker(self._ask(conversation, titling), group="proposals", exit_on_error=False)

    def cancel(self) -> None:
        """Give the request up: a turn never waits for it. What waits to be answered stays."""
        if self._worker is not None:
            self._worker.cancel()
            self._worker = None

    async def _ask(self, conversation: Conversation, titling: Titling | None) -> None:
        if titling is not None:
            await titling.finished()
        try:
            waiting = [(one.conversation.owner, one.text) for one in self._waiting]
            dropped = [text for user, text in [*self._refused, *waiting] if user == conversation.owner]
            found = await conversation.propose(dropped)
        except ChatuiError:
            # The file is busy or gone; whatever is done next says so.
            return
        self._waiting = [*self._waiting, *(Proposal(conversation, text) for text in found)][-MOST:]
        self.show()

    def show(self) -> bool:
        """Offer what waits for the user of the open thread, unless something else is offered there.

        Returns:
            Whether it is offered.
        """
        screen = self._screen
        here = screen.conversation.owner
        waiting = [
            one for one in self._waiting if one.conversation.owner == here and not one.conversation.memory.private
        ]
        if screen.offer.display and self._shown is None:
            return False
        if not waiting:
            if self._shown is not None:
                screen.offers.hide()
            return False
        if screen.reply is not None:
            # The reply's end brings it back.
            return False
        from chatui.tui.notices import Choice

        self._shown = waiting[0]
        more = f" (1 of {len(waiting)})" if len(waiting) > 1 else ""
        screen.offers.show(
            f"Remember of {labels.fit(here, 20)}{more}? {self._shown.text}",
            [
                Choice("a", "Accept", f"{PREFIX}accept"),
                Choice("e", "Edit", f"{PREFIX}edit"),
                Choice("d", "Dismiss", f"{PREFIX}dismiss"),
            ],
        )
        return True

    def hidden(self) -> None:
        """The offer was taken off the screen: what was not answered waits on."""
        self._shown = None

    async def answer(self, name: str) -> None:
        """Accept, edit or dismiss what is offered.

        Raises:
            UsageError: It is none of these.
        """
        proposal = self._shown
        if proposal is None:
            return
        if name not in {"accept", "edit", "dismiss"}:
            raise UsageError(f'"{labels.fit(name, 30)}" answers no proposal.', "Write accept, edit or dismiss.")
        if name == "edit":
            from chatui.tui.dialogs import AskLine

            async def edited(text: str | None) -> None:
                if text:
                    await self._keep(proposal, text)

            self._screen.app.push_screen(AskLine("Remember", proposal.text), edited)
        elif name == "accept":
            await self._keep(proposal, proposal.text)
        else:
            self._refused.append((proposal.conversation.owner, proposal.text))
            self._done(proposal)

    async def _keep(self, proposal: Proposal, text: str) -> None:
        screen = self._screen

        async def put() -> None:
            conversation = proposal.conversation
            memory = await conversation.memory.user.add(text, source=conversation.thread_id)
            screen.say(f"Remembered of {memory.user}: {memory.text}", severity="information")
            self._done(proposal)

        await attempt(screen, put)

    def _done(self, proposal: Proposal) -> None:
        self._waiting = [one for one in self._waiting if one is not proposal]
        self.show()
