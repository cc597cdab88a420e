"""What a person does to messages besides talking: stars, names, deleting with undo, copying out to a new thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatui.conversation.tree import Message
from chatui.tui import labels
from chatui.tui.attempts import attempt
from chatui.tui.copyout import CopyOut, Wanted
from chatui.tui.dialogs import AskLine, Confirm

if TYPE_CHECKING:
    from chatui.tui.chat import ChatScreen
    from chatui.tui.turns import Handler


class Marks:
    """The upkeep of the open thread, on behalf of the main screen. No text is lost by any of it."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen

    def handlers(self) -> dict[str, Handler]:
        """Return what carries out which action."""
        return {
            "message.star": lambda _: self._star(),
            "message.name": self._name,
            "message.delete": lambda _: self._delete(),
            "message.undo": lambda _: self._undo(),
            "message.copy_out": self._copy_out,
        }

    def _selected(self) -> Message | None:
        message = self._screen.transcript.selected
        if message is None:
            self._screen.say(self._screen.travel.no_message(), severity="information")
        return message

    async def _star(self) -> None:
        message = self._selected()
        if message is not None:
            await self._screen.conversation.upkeep.star(message.node_id, not message.starred)
            self._screen.refresh_branch()

    async def _name(self, text: str = "") -> None:
        message = self._selected()
        if message is None:
            return
        screen, node_id = self._screen, message.node_id

        async def name(text: str) -> None:
            await screen.conversation.upkeep.name(node_id, text)
            screen.refresh_branch()

        async def answered(text: str | None) -> None:
            if text is not None:
                await attempt(screen, lambda: name(text))

        if text:
            await name(text)
        else:
            title = f"Name the branch at #{message.depth}"
            screen.app.push_screen(AskLine(title, message.name or ""), answered)

    def _delete(self) -> None:
        screen, message = self._screen, self._selected()
        if message is None or not screen.travel.idle():
            return
        node_id = message.node_id
        count = screen.conversation.upkeep.count_below(node_id)

        async def delete() -> None:
            await screen.conversation.upkeep.delete(node_id)
            await screen.travel.arrive(screen.conversation.head())
            screen.refresh_threads()
            gone = labels.plural(count, "message is", "messages are")
            how = "u"
            if not screen.transcript.display:
                # Without a message there is no message mode, and u would be a letter.
                screen.prompt_focus()
                how = "/undo-delete-message"
            screen.say(f"{gone} deleted. {how} brings {'it' if count == 1 else 'them'} back.", severity="information")

        async def answered(yes: bool | None) -> None:
            if yes:
                await attempt(screen, delete)

        what = f"#{message.depth}" if count == 1 else f"#{message.depth} and all below it"
        alone = labels.plural(count, "message")
        text = f"This deletes {what}: {alone}. No text is lost: u brings {'it' if count == 1 else 'them'} back."
        screen.app.push_screen(Confirm(f"Delete {alone}", text, "Delete"), answered)

    async def _undo(self) -> None:
        screen = self._screen
        if not screen.travel.idle():
            return
        message = await screen.conversation.upkeep.restore()
        await screen.travel.arrive(message)
        screen.refresh_threads()
        screen.say("What was deleted last is back.", severity="information")

    def _copy_out(self, title: str = "") -> None:
        screen, message = self._screen, self._selected()
        thread = screen.conversation.thread()
        if message is None or thread is None:
            return
        upkeep = screen.conversation.upkeep
        below = upkeep.count_below(message.node_id) - 1

        async def copy(wanted: Wanted) -> None:
            node_id = None if wanted.extent == "tree" else message.node_id
            copied = await upkeep.copy_out(node_id, title=wanted.title, with_branches=wanted.extent == "below")
            screen.refresh_threads()
            # That this is the copy, and of what, stands above the prompt then.
            await screen.open(copied.thread_id)

        async def answered(wanted: Wanted | None) -> None:
            if wanted is not None:
                await attempt(screen, lambda: copy(wanted))

        name = title or f"{thread.title or labels.UNTITLED} (copy)"
        screen.app.push_screen(CopyOut(message, below, thread.message_count, name), answered)
