"""What is typed and not sent: kept for each thread, over switching, quitting and a crash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatui.errors import ChatuiError

if TYPE_CHECKING:
    from chatui.tui.chat import ChatScreen


class Drafts:
    """The draft of the open thread, on behalf of the main screen."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self._kept = ""  # what the file has

    def arrive(self) -> None:
        """A thread was opened: put its draft into the prompt."""
        self._kept = self._screen.conversation.draft()
        self._screen.prompt.hold(self._kept)

    async def keep(self) -> None:
        """Keep what is written and not sent."""
        screen = self._screen
        text = screen.prompt.text
        if text == self._kept or screen.turns.editing is not None or screen.library.read_only:
            return
        if screen.reply is not None and screen.reply.started is None:
            # What was sent is nowhere else until the prompt is saved.
            return
        self._kept = text
        # What is written counts in the gauge.
        screen.around.show_status()
        try:
            await screen.conversation.keep_draft(text)
        except ChatuiError as error:
            screen.say(error)
