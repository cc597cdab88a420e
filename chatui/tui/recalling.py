"""Recall and proposals on the main screen: their switches, and which recall is in force."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from chatui.conversation.proposals import parse_switch, proposes, set_proposing
from chatui.conversation.recall import recall_in_force, set_embedding
from chatui.conversation.strategy import parse_strategy
from chatui.tui.attempts import attempt

if TYPE_CHECKING:
    from chatui.tui.chat import ChatScreen
    from chatui.tui.turns import Handler


class Recalling:
    """What is recalled of other threads, and what is proposed to be remembered, on behalf of the main screen."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen

    def handlers(self) -> dict[str, Handler]:
        """Return what carries out which action."""
        return {
            "memory.recall": self._recall,
            "memory.propose": self._propose,
            "memory.proposed": self._proposed,
        }

    async def _recall(self, text: str = "") -> None:
        screen = self._screen
        if text:

            async def change() -> None:
                await set_embedding(
                    screen.library.store, screen.conversation.owner, None if text == "default" else text
                )

            await attempt(screen, change)
        screen.say(await in_force(screen), severity="information")

    async def _propose(self, text: str = "") -> None:
        screen, store = self._screen, self._screen.library.store
        user = screen.conversation.owner
        if text:
            on = parse_switch(text)
            await attempt(screen, lambda: set_proposing(store, user, on))
        if proposes(store, screen.library.config, user):
            said = "After a reply the model proposes facts to remember. Nothing is kept before you accept it."
        else:
            said = "No facts are proposed. /propose on has them proposed after replies."
        screen.say(said, severity="information")

    async def _proposed(self, text: str = "") -> None:
        screen, proposing = self._screen, self._screen.turns.proposing
        if proposing is None or not proposing.show():
            screen.say("Nothing is proposed now. /propose on has facts proposed after replies.", severity="information")
        elif text:
            await proposing.answer(text.lower())
        else:
            screen.offer.focus()


async def in_force(screen: ChatScreen) -> str:
    """Return which recall is in force in the open thread, as a sentence."""
    library, conversation = screen.library, screen.conversation
    # It counts the messages, of a large file for a moment.
    how = await asyncio.to_thread(recall_in_force, library.store, library.config, conversation.owner)
    strategy = parse_strategy(conversation.memory.strategy()[0])
    if strategy.recall:
        return f"Other threads are recalled {how}."
    return f"Nothing of other threads is recalled here: /memory {strategy},recall does it, {how}."
