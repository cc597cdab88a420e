"""The messages of the active branch: a window on it, which follows the end, or holds still.

Only about two screens of messages are widgets; more come while one scrolls, and those far away go. While the end is not
followed, the first visible message keeps its place, whatever is loaded above it, streams below it, or becomes of the width.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from textual.containers import VerticalScroll
from textual.geometry import Size
from textual.layout import DockArrangeResult
from textual.message import Message as TextualMessage
from textual.reactive import reactive
from textual.scrollbar import ScrollBar
from textual.widget import Widget

from chatui.conversation.tree import Message
from chatui.tui.message import AnswerView, MessageView, UserView, view_of
from chatui.tui.replies import Reply

#: Prose is never wider than this, and heights are estimated with it.
PROSE = 100


def estimated_rows(message: Message, width: int) -> int:
    """Return about how many rows a message takes: enough to know how many messages fill a screen."""
    line = max(min(width - 4, PROSE), 20)
    return 3 + sum(1 + len(text) // line for text in message.text[:20_000].split("\n"))


class MessageWindow(VerticalScroll, inherit_bindings=False):
    """The end of a branch, or a part of it, and the reply that streams there."""

    #: Whether there is something new below that is not on the screen.
    news = reactive(False)

    class EarlierWanted(TextualMessage):
        """Messages above the first one that is loaded are needed; `all` of them, or a page."""

        def __init__(self, before: str, all_of_them: bool) -> None:
            super().__init__()
            self.before = before
            self.all_of_them = all_of_them

    class News(TextualMessage):
        """There is something new below the screen, or no longer."""

        def __init__(self, waiting: bool) -> None:
            super().__init__()
            self.waiting = waiting

    def __init__(self, *, plain: bool = False) -> None:
        super().__init__(id="transcript")
        self.plain = plain
        self._records: list[Message] = []
        self._first = 0  # of the records that are mounted
        self._views: list[MessageView] = []
        self._pending: UserView | None = None
        self._live: AnswerView | None = None
        #: Whether the end stays in view. Textual's own anchor would push a short conversation to the bottom of the screen.
        self.following = True
        self._held: tuple[Widget, float] | None = None
        self._asked_for: str | None = None
        # Timers, workers and the message queue call from tasks of their own: one change at a time.
        self._changing = asyncio.Lock()

    # What is shown

    @property
    def records(self) -> Sequence[Message]:
        """The loaded messages of the branch, the newest last."""
        return self._records

    def records_changed(self) -> None:
        """Called when other messages are loaded than before."""

    def follow(self) -> None:
        """Keep the end in view from now on, until somebody scrolls up."""
        self.following = True
        self.news = False
        self.refresh(layout=True)

    async def show(self, messages: list[Message], reply: Reply | None = None) -> None:
        """Show the end of a branch, from its end.

        Args:
            messages: The last messages of the branch.
            reply: The reply that streams there.
        """
        async with self._changing:
            await self._show(messages, reply)

    async def _show(self, messages: list[Message], reply: Reply | None) -> None:
        with self.app.batch_update():
            await self.remove_children()
            self._records, self._views, self._pending, self._live = list(messages), [], None, None
            self._held = self._asked_for = None
            self._first = len(messages) - self._fitting(messages)
            self._views = [view_of(message, plain=self.plain) for message in messages[self._first :]]
            await self.mount_all(self._views)
            if reply is not None:
                await self._mount_reply(reply)
            self.records_changed()
            self.follow()

    def _fitting(self, messages: Sequence[Message]) -> int:
        """How many messages from the end fill two screens."""
        room = 2 * (self.size.height or self.app.size.height)
        for count, message in enumerate(reversed(messages), start=1):
            room -= estimated_rows(message, self.size.width or self.app.size.width)
            if room <= 0:
                return max(count, min(2, len(messages)))
        return len(messages)

    async def sync(self, messages: list[Message]) -> None:
        """Show the end of a branch that is perhaps another than before, touching only what differs.

        Args:
            messages: The last messages of the branch, at least two screens of them.
        """
        async with self._changing:
            await self._sync(messages)

    async def _sync(self, messages: list[Message]) -> None:
        ids = {message.node_id: index for index, message in enumerate(self._records)}
        start = ids.get(messages[0].node_id) if messages and self._records else 0
        if start is None:
            await self._show(messages, self._unsaved(messages))
            return
        fresh = self._records[:start] + messages
        same = 0
        while same < min(len(fresh), len(self._records)) and fresh[same].node_id == self._records[same].node_id:
            same += 1
        if same < self._first or (same == self._first and self._first > 0):
            await self._show(messages, self._unsaved(messages))
            return
        following = self.following
        with self.app.batch_update():
            for view, message in zip(self._views, fresh[self._first : same], strict=False):
                if view.message != message:
                    view.take(message)
            keep = min(same - self._first, len(self._views))
            mounted_to_end = self._first + len(self._views) >= same
            for view in self._views[keep:]:
                await view.remove()
            del self._views[keep:]
            self._records = fresh
            if mounted_to_end:
                for message in fresh[self._first + keep :]:
                    await self._add(message)
            self.records_changed()
            if following:
                self.follow()

    def _unsaved(self, messages: Sequence[Message]) -> Reply | None:
        """The reply that is on the screen, unless it is one of these messages by now."""
        live = self._live
        if live is None or live.message_id in {message.message_id for message in messages}:
            return None
        return live.reply

    async def _add(self, message: Message) -> None:
        """Mount a message at the end; the view that already shows it stays."""
        if self._live is not None and self._live.message_id == message.message_id:
            view: MessageView = self._live
            await self._live.finish(message)
            self._live = None
        elif self._pending is not None and message.role == "user":
            view = self._pending
            view.take(message)
            self._pending = None
        else:
            view = view_of(message, plain=self.plain)
            await self.mount(view, before=self._pending or self._live)
        self._views.append(view)

    async def _mount_reply(self, reply: Reply) -> None:
        if reply.started is None and reply.prompt_text:
            self._pending = UserView(None, reply.prompt_text, plain=self.plain)
            await self.mount(self._pending)
        self._live = AnswerView(None, reply, plain=self.plain)
        await self.mount(self._live)
        await self._live.paint()

    async def begin(self, reply: Reply) -> None:
        """Show a reply that was just asked for, at the end."""
        async with self._changing:
            await self._forget_reply()
            await self._mount_reply(reply)
        self.follow()

    async def forget_reply(self) -> None:
        """Take away what was shown of a reply that is not saved."""
        async with self._changing:
            await self._forget_reply()

    async def _forget_reply(self) -> None:
        for view in (self._pending, self._live):
            if view is not None:
                await view.remove()
        self._pending = self._live = None

    async def paint(self) -> None:
        """Show what has come of the reply that streams. Called about ten times a second."""
        if self._live is not None and not self._changing.locked():
            async with self._changing:
                before = self._live.size.height
                await self._live.paint()
                if not self.following and self._live is not None and self._live.size.height != before:
                    self.news = True
        if self.following:
            self.news = False

    def watch_news(self, waiting: bool) -> None:
        self.post_message(self.News(waiting))

    # The window

    async def add_earlier(self, messages: list[Message]) -> None:
        """Put messages before the first loaded one, as the answer to `EarlierWanted`."""
        self._asked_for = None
        if messages and self._records and messages[-1].node_id == self._records[0].parent_id:
            self._records[:0] = messages
            self._first += len(messages)
            await self._check_window()

    async def _load_above(self) -> None:
        """Mount about a screen more above, and drop what is far below."""
        if self._first == 0:
            if self._records and self._records[0].depth > 1 and self._asked_for != self._records[0].node_id:
                self._asked_for = self._records[0].node_id
                self.post_message(self.EarlierWanted(self._asked_for, False))
            return
        count = self._fitting(self._records[: self._first])
        fresh = self._records[max(self._first - count, 0) : self._first]
        views = [view_of(message, plain=self.plain) for message in fresh]
        self._first -= len(views)
        self._views[:0] = views
        self._hold()
        with self.app.batch_update():
            await self.mount(*views, before=0)
            await self._drop_below()

    async def _load_below(self) -> None:
        last = self._first + len(self._views)
        fresh = self._records[last : last + self._fitting(self._records[last:][::-1])]
        if not fresh:
            return
        views = [view_of(message, plain=self.plain) for message in fresh]
        self._hold()
        with self.app.batch_update():
            await self.mount(*views, before=self._pending or self._live)
            self._views += views
            await self._drop_above()

    async def _drop_below(self) -> None:
        """Keep at most about six screens: drop from the end, where nobody looks while scrolling up."""
        bottom = self.scroll_y + 5 * self.size.height
        far = [view for view in self._views if view.virtual_region.y > bottom]
        # What streams stands at the end, and goes on there.
        if far and self._live is None and self._pending is None:
            del self._views[-len(far) :]
            for view in far:
                await view.remove()

    async def _drop_above(self) -> None:
        top = self.scroll_y - 5 * self.size.height
        far = [view for view in self._views if view.virtual_region.bottom < top]
        if far:
            del self._views[: len(far)]
            self._first += len(far)
            for view in far:
                await view.remove()

    def _hold(self) -> None:
        """Remember which message is at the top of the screen, and where."""
        for view in self._views:
            region = view.virtual_region
            if region.height and region.bottom > self.scroll_y:
                self._held = (view, region.y - self.scroll_y)
                return

    def arrange(self, size: Size, optimal: bool = False) -> DockArrangeResult:
        """Lay out, and put the end, or the held message, back to where it was.

        Textual does the same for its anchor right after this: any later, and the screen would jump for one paint.
        """
        result = super().arrange(size, optimal)
        if optimal:
            return result
        if self.following:
            self._put_scroll(max(result.total_region.bottom - size.height, 0))
        elif self._held is not None:
            widget, distance = self._held
            for placement in result.placements:
                if placement.widget is widget:
                    place = placement.region.y - distance
                    self._put_scroll(min(max(place, 0), max(result.total_region.bottom - size.height, 0)))
                    break
        return result

    def _put_scroll(self, place: float) -> None:
        """Be at a place without scrolling there: no watcher, no animation."""
        if abs(place - self.scroll_y) >= 1:
            self.set_reactive(Widget.scroll_y, place)
            self.set_reactive(Widget.scroll_target_y, place)
            self.vertical_scrollbar.set_reactive(ScrollBar.position, place)

    async def _check_window(self) -> None:
        """Load what the screen comes near to."""
        async with self._changing:
            if self.scroll_y < self.size.height / 2:
                await self._load_above()
            elif self.max_scroll_y - self.scroll_y < self.size.height / 2:
                await self._load_below()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self.following = new_value >= self.max_scroll_y - 0.5
        if self.following:
            self._held = None
            self.news = False
        else:
            self._hold()
        if round(old_value) != round(new_value):
            self.call_later(self._check_window)

    async def mount_around(self, index: int) -> bool:
        """Mount what is around a loaded message, if that one is far away. Returns whether anything had to be mounted."""
        async with self._changing:
            if self._first <= index < self._first + len(self._views) or index >= len(self._records):
                return False
            with self.app.batch_update():
                for view in self._views:
                    await view.remove()
                self._first = max(index - 2, 0)
                rest = self._records[self._first :]
                count = max(self._fitting(rest[::-1]), 6)
                self._views = [view_of(message, plain=self.plain) for message in rest[:count]]
                await self.mount(*self._views, before=self._pending or self._live)
                self._held = None
                self.following = False
            return True
