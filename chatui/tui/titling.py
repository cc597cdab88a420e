"""Titles that come by themselves: asked for when nothing else runs, and given up as soon as something does."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from chatui.errors import ChatuiError

if TYPE_CHECKING:
    from textual.worker import Worker

    from chatui.conversation.engine import Conversation
    from chatui.tui.chat import ChatScreen


class Titling:
    """The request for a title, on behalf of the main screen. It shows nothing but the title when it comes."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self._worker: Worker[None] | None = None

    def begin(self, conversation: Conversation) -> None:
        """Ask for a thread's title in the background, where it still needs one."""
        self.cancel()
        self._worker = self._screen.run_worker(self._ask(conversation), group="titles", exit_on_error=False)

    def cancel(self) -> None:
        """Give the request up: a turn never waits for it."""
        if self._worker is not None:
            self._worker.cancel()
            self._worker = None

    async def finished(self) -> None:
        """Wait until it is no longer being asked for."""
        from textual.worker import WorkerError

        if self._worker is not None:
            with suppress(WorkerError):
                await self._worker.wait()

    async def _ask(self, conversation: Conversation) -> None:
        try:
            given = await conversation.give_title()
        except ChatuiError:
            # The file is busy or gone; whatever is done next says so.
            return
        if given:
            self._screen.refresh_threads()
            self._screen.show_state()
