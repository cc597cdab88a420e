"""Message mode: the messages of the active branch, one of them selected. Letters act only here."""

from __future__ import annotations

from textual.message import Message as TextualMessage

from chatui.conversation.tree import Message
from chatui.tui.keys import bindings
from chatui.tui.message import MessageView
from chatui.tui.replies import Reply
from chatui.tui.window import MessageWindow


class Transcript(MessageWindow, can_focus=True, inherit_bindings=False):
    """The active branch. Message mode is this widget's focus."""

    BINDINGS = bindings("messages")

    class Selected(TextualMessage):
        """Another message is selected, or a number was typed."""

    def __init__(self, *, plain: bool = False) -> None:
        super().__init__(plain=plain)
        self._selected: str | None = None
        #: How many answers the next regenerating asks for, 0 where no number was typed.
        self.count = 0

    @property
    def selected(self) -> Message | None:
        """The selected message; the last one where none was selected."""
        for message in self._records:
            if message.node_id == self._selected:
                return message
        return self._records[-1] if self._records else None

    @property
    def selected_view(self) -> MessageView | None:
        """The widget of the selected message, None where it is not mounted."""
        message = self.selected
        return next((view for view in self._views if message and view.node_id == message.node_id), None)

    def records_changed(self) -> None:
        if self._selected not in {message.node_id for message in self._records}:
            self._selected = None
        self._mark_selected()

    async def begin(self, reply: Reply) -> None:
        # What is asked for now is the end of the branch, and is looked at next.
        self._selected = None
        await super().begin(reply)

    def on_focus(self) -> None:
        if self._selected is None and self._records:
            self._select(len(self._records) - 1, scroll=False)
        self._mark_selected()

    def on_blur(self) -> None:
        self.count = 0
        self._mark_selected()

    def action_count(self, key: str) -> None:
        """Take a number that is typed before r or R."""
        self.count = int(key)
        self.post_message(self.Selected())

    def take_count(self) -> int:
        """Return the number that was typed, 1 where there was none, and forget it."""
        count, self.count = self.count or 1, 0
        return count

    def select_node(self, node_id: str) -> None:
        """Select a loaded message and bring it into view."""
        for index, message in enumerate(self._records):
            if message.node_id == node_id:
                self._select(index)

    def _select(self, index: int, *, scroll: bool = True) -> None:
        self.count = 0
        self._selected = self._records[index].node_id
        self._mark_selected()
        self.post_message(self.Selected())
        if scroll:
            self.call_later(self._reveal, index)

    async def _reveal(self, index: int) -> None:
        """Mount a loaded message, if it is far away, and scroll to it."""
        if await self.mount_around(index):
            self._mark_selected()
            self.call_after_refresh(self._reveal, index)
            return
        if not self._first <= index < self._first + len(self._views):
            return
        view = self._views[index - self._first]
        last = index == len(self._records) - 1
        if last and self._live is None:
            self.follow()
        else:
            self.scroll_to_widget(view, animate=False, top=view.size.height > self.size.height)

    def _mark_selected(self) -> None:
        selected = self.selected_view if self.has_focus else None
        for view in self._views:
            view.set_class(view is selected, "-selected")

    def _selected_index(self) -> int:
        message = self.selected
        return self._records.index(message) if message else -1

    def action_select(self, step: int) -> None:
        """Select the previous or the next message; a message taller than the screen is scrolled through first."""
        view = self.selected_view
        if view is not None:
            region = view.virtual_region
            if step > 0 and region.bottom > self.scroll_y + self.size.height + 1 and region.y <= self.scroll_y:
                self.scroll_relative(y=self.size.height // 2, animate=False)
                return
            if step < 0 and region.y < self.scroll_y and region.bottom >= self.scroll_y + self.size.height:
                self.scroll_relative(y=-(self.size.height // 2), animate=False)
                return
        index = self._selected_index() + step
        if 0 <= index < len(self._records):
            self._select(index)
        elif index < 0:
            self.scroll_home(animate=False)
        else:
            self.follow()

    def action_select_first(self) -> None:
        """Select the first message of the branch."""
        if self._records and self._records[0].depth > 1:
            self.post_message(self.EarlierWanted(self._records[0].node_id, True))
        elif self._records:
            self._select(0)

    def action_select_last(self) -> None:
        """Select the last message, and follow the end again."""
        if self._records:
            self._select(len(self._records) - 1)

    def action_select_fork(self, step: int) -> None:
        """Select the previous or the next message that has alternatives."""
        index = self._selected_index() + step
        while 0 <= index < len(self._records):
            if self._records[index].alternatives > 1:
                self._select(index)
                return
            index += step

    def on_message_view_clicked(self, event: MessageView.Clicked) -> None:
        event.stop()
        if event.view.node_id:
            self._selected = event.view.node_id
            self._mark_selected()
            self.post_message(self.Selected())
