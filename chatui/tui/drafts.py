"""What is typed and not sent, and what waits to be sent: kept for each thread, over switching, quitting and a crash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatui.errors import ChatuiError

if TYPE_CHECKING:
    from chatui.conversation.engine import Conversation
    from chatui.tui.chat import ChatScreen
    from chatui.tui.replies import Reply


def joined(*texts: str) -> str:
    """Put texts below each other, leaving out empty ones."""
    return "\n".join(text for text in texts if text)


class Drafts:
    """The drafts of the threads that are open or have replies, on behalf of the main screen.

    What was sent is nowhere else until the prompt is saved, so until then it is kept as the draft, in front of what is written
    meanwhile. Saving the prompt drops the draft, and what was written meanwhile is kept anew.
    """

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self._kept = ""  # what the file has of the open thread
        self._meanwhile: dict[str, str] = {}  # by thread: what was written while a prompt of it is on its way
        self._queued: dict[str, list[str]] = {}  # by thread: what of the file's waits

    def arrive(self) -> None:
        """A thread was opened: put its draft into the prompt, and what waits in it above."""
        screen, thread_id = self._screen, self._screen.thread_id
        self._kept = screen.conversation.draft()
        screen.prompt.hold(self._meanwhile.get(thread_id, "") if self._on_its_way() else self._kept)
        if thread_id not in screen.chat.replies.waiting and (waiting := screen.conversation.waiting()):
            screen.chat.replies.waiting[thread_id] = waiting
            self._queued[thread_id] = list(waiting)

    def _on_its_way(self) -> Reply | None:
        """The reply of the open thread whose prompt is not saved."""
        reply = self._screen.reply
        return reply if reply is not None and reply.started is None else None

    async def keep(self) -> None:
        """Keep what is written and not sent. While an old prompt is edited, the draft stays as it was."""
        screen = self._screen
        if screen.turns.editing is not None or screen.library.read_only:
            return
        text = screen.prompt.text
        if (reply := self._on_its_way()) is not None:
            self._meanwhile[screen.thread_id] = text
            text = joined(reply.prompt_text, text)
        if text == self._kept:
            return
        self._kept = text
        # What is written counts in the gauge.
        screen.around.show_status()
        await self._put(screen.conversation, text)

    async def keep_waiting(self, conversation: Conversation) -> None:
        """Keep the messages that wait in a thread."""
        thread_id = conversation.thread_id
        waiting = self._screen.chat.replies.waiting.get(thread_id, [])
        if waiting == self._queued.get(thread_id, []):
            return
        self._queued[thread_id] = list(waiting)
        try:
            await conversation.keep_waiting(waiting)
        except ChatuiError as error:
            self._screen.say(error)

    def leave_alone(self, conversation: Conversation) -> None:
        """What waits is about to be sent in a thread that is not open: its draft is no part of it."""
        self._meanwhile[conversation.thread_id] = conversation.draft()

    async def sent(self, reply: Reply, *, here: bool) -> None:
        """The prompt of a reply is saved, and the draft is dropped with it: keep what is written beside it.

        Args:
            reply: The reply.
            here: Whether its thread is open.
        """
        meanwhile = self._meanwhile.pop(reply.conversation.thread_id, None)
        if here:
            if self._kept or self._screen.prompt.text:
                self._kept = ""
                await self._put(self._screen.conversation, "")
                await self.keep()
        elif meanwhile is not None:
            await self._put(reply.conversation, meanwhile)
        # Only now: a crash in between sends a message twice rather than never.
        await self.keep_waiting(reply.conversation)

    async def refused(self, reply: Reply, text: str, *, here: bool) -> None:
        """A turn never began: what was to be sent is a draft again, in front of what was written meanwhile.

        Args:
            reply: The reply.
            text: What was to be sent.
            here: Whether its thread is open: the prompt has the text then.
        """
        conversation = reply.conversation
        meanwhile = self._meanwhile.pop(conversation.thread_id, None)
        if here:
            await self.keep()
        elif text:
            await self._put(conversation, joined(text, conversation.draft() if meanwhile is None else meanwhile))
        await self.keep_waiting(conversation)

    async def _put(self, conversation: Conversation, text: str) -> None:
        try:
            await conversation.keep_draft(text)
        except ChatuiError as error:
            self._screen.say(error)
