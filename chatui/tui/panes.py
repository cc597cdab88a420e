"""Where the tree is: a third pane on a wide terminal, else a dialog. Keeps it up to date while it is on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chatui.errors import ChatuiError
from chatui.tui.travel import TREE_PANE
from chatui.tui.tree_view import TreeScreen, TreeView

if TYPE_CHECKING:
    from chatui.tui.chat import ChatScreen

#: From this width on the tree is a pane.
WIDE = 120


class TreePlace:
    """The tree of the open thread, on behalf of the main screen."""

    def __init__(self, screen: ChatScreen) -> None:
        self._screen = screen
        self._pane: TreeView | None = None
        self._shown: object = None
        self._from_messages = False

    @property
    def pane(self) -> TreeView | None:
        """The pane, None while it is not on the screen."""
        pane = self._pane
        return pane if pane is not None and pane.display else None

    async def toggle(self) -> None:
        """Open the tree and go to it; where it has the focus, close it."""
        screen = self._screen
        if screen.size.width < WIDE:
            self._overlay()
        elif self.pane is not None and self.pane.has_focus_within:
            await self.close()
        else:
            self._from_messages = screen.transcript.has_focus
            await self.open()
            if self._pane is not None:
                self._pane.rows.focus()
            await screen.library.remember(TREE_PANE, "open")

    async def open(self) -> None:
        """Put the pane on the screen. On a narrow terminal it comes as soon as there is room."""
        screen = self._screen
        if self._pane is None:
            self._pane = TreeView(plain=screen.plain)
            await screen.query_one("#body").mount(self._pane)
        screen.add_class("-with-tree")
        self._shown = None
        self.refresh()

    async def close(self) -> None:
        """Take the pane away, until it is asked for again, and go back to where it was asked for."""
        self._screen.remove_class("-with-tree")
        self._screen.prompt_focus()
        if self._from_messages and self._screen.transcript.records:
            self._screen.transcript.focus()
        await self._screen.library.remember(TREE_PANE, "closed")

    def refresh(self) -> None:
        """Show the tree as it is now, wherever it is shown."""
        screen = self._screen
        # Not only on top: the help may lie over it.
        overlay = next((shown for shown in screen.app.screen_stack if isinstance(shown, TreeScreen)), None)
        view = overlay.view if overlay else self.pane
        if view is None:
            return
        conversation, reply = screen.conversation, screen.reply
        answering = reply.started.prompt.node_id if reply and reply.started else None
        head = conversation.head()
        thread = conversation.thread()
        title = thread.title if thread else ""
        messages = conversation.tree()
        state = (view, messages, head.node_id if head else None, answering, title)
        if state != self._shown:
            self._shown = state
            view.show(messages, head.node_id if head else None, answering, title=title)

    def _overlay(self) -> None:
        screen = self._screen
        messages = screen.conversation.tree()
        if not messages:
            screen.say("There is no tree yet: this thread has no message.", severity="information")
            return
        head = screen.conversation.head()
        thread = screen.conversation.thread()

        async def chosen(node_id: str | None) -> None:
            if node_id is not None:
                await self.go_to(node_id)

        dialog = TreeScreen(
            messages, head.node_id if head else None, thread.title if thread else "", plain=screen.plain
        )
        screen.app.push_screen(dialog, chosen)

    async def go_to(self, node_id: str) -> None:
        """Make a message the head."""
        screen = self._screen
        if not screen.travel.idle():
            return
        try:
            message = await screen.conversation.go_to(node_id)
        except ChatuiError as error:
            # Another window may have purged it.
            screen.say(error)
            return
        await screen.travel.arrive(message)
        screen.prompt_focus()
