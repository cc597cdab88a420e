"""The messages of the active branch: a window on it, which follows the end, or holds still.

Textual's line API: one widget, however long the branch is. The messages around the screen are loaded and laid out; of the others
only their number is known, and their rows are estimated, so that the scrollbar tells where in the branch one is. While the end
is not followed, the first visible message keeps its place, whatever is loaded above it, streams below it, or becomes of the
width.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.geometry import Region, Size
from textual.message import Message as TextualMessage
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.strip import Strip
from textual.widget import Widget

from chatui.conversation.tree import Message
from chatui.errors import ChatuiError
from chatui.tui.leaf import can_colour
from chatui.tui.lines import take_size
from chatui.tui.look import Look
from chatui.tui.message import AnswerView, MessageView, UserView, recolour, view_of
from chatui.tui.replies import Reply
from chatui.tui.selecting import LINES, in_line
from chatui.tui.sheet import Branch, Place, Sheet

#: How many messages are read at a time.
PAGE = 6
#: How many may be loaded at once; those far from the screen go then.
MOST = 120


class MessageWindow(ScrollView, inherit_bindings=False):
    """A part of a branch, and the reply that streams at its end."""

    #: Whether there is something new below that is not on the screen.
    news = reactive(False)

    class News(TextualMessage):
        """There is something new below the screen, or no longer."""

        def __init__(self, waiting: bool) -> None:
            super().__init__()
            self.waiting = waiting

    class ReadFailed(TextualMessage):
        """Messages could not be read."""

        def __init__(self, error: ChatuiError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, *, plain: bool = False) -> None:
        super().__init__(id="transcript")
        self.plain = plain
        #: Whether the thinking of answers is shown whole at first.
        self.thoughts_open = False
        self._branch: Branch | None = None
        self.sheet = Sheet()
        self._look: Look | None = None
        self._laid_width = 0
        #: Whether the end stays in view.
        self.following = True
        self._colouring = self._extending = self._widening = False

    # What is shown

    @property
    def records(self) -> Sequence[Message]:
        """The loaded messages of the branch, the newest last."""
        return self.sheet.records

    @property
    def views(self) -> list[MessageView]:
        """The loaded messages as they are laid out, and the reply that streams."""
        return self.sheet.shown

    def records_changed(self) -> None:
        """Called when other messages are loaded than before."""

    def show(self, branch: Branch, reply: Reply | None = None) -> None:
        """Show a branch, from its end.

        Args:
            branch: The branch.
            reply: The reply that streams there.
        """
        self._branch = branch
        self.sheet.pending = self.sheet.live = None
        if reply is not None:
            self._take_reply(reply)
        self._load_at_end()

    def _load_at_end(self) -> None:
        """Load the last messages, and follow the end."""
        self.sheet.length = self._branch.length if self._branch else 0
        self.sheet.clear()
        self._load(max(self.sheet.length - PAGE + 1, 1), PAGE)
        self.sheet.estimate()
        self.following = True
        self.news = False
        self._settle()
        self._fill()

    def _load_around(self, depth: int) -> None:
        """Load what is around a message, in place of what is loaded."""
        self.sheet.clear()
        self._load(max(depth - 1, 1), PAGE)
        self.following = False
        self._settle(Place(depth, 0))
        self._fill()

    def _load(self, first: int, count: int, *, above: bool = False) -> bool:
        """Read messages and put them above or below the loaded ones. Returns whether any came."""
        fresh = self._read(first, count)
        if not fresh:
            return False
        views = [view_of(message, plain=self.plain, opened=self.thoughts_open) for message in fresh]
        for view in views:
            self._lay(view)
        self.sheet.put(fresh, views, above=above)
        self.records_changed()
        return True

    def _read(self, first: int, count: int) -> list[Message]:
        if self._branch is None or count < 1:
            return []
        try:
            found = self._branch.part(first, count)
        except ChatuiError as error:
            self.post_message(self.ReadFailed(error))
            return []
        # Another window may have purged some of the branch: what comes then is no part of what is shown.
        whole = all(message.depth == first + place for place, message in enumerate(found))
        return found if whole else []

    def sync(self, select: Message | None = None) -> None:
        """Show the branch as it is now, which may have become another one below some message, touching only what differs.

        Args:
            select: A message of it that is to be seen.
        """
        if self._branch is None:
            return
        before, self.sheet.length = self.sheet.length, self._branch.length
        if not self.sheet.records or not self._stays(before):
            live = self._unsaved()
            self.sheet.pending = self.sheet.live = None
            if live is not None:
                self._take_reply(live)
            self._load_at_end()
        if select is not None and not self.sheet.has(select.depth):
            self._load_around(select.depth)

    def _stays(self, before: int) -> bool:
        """Compare what is loaded with the branch, and mend it. Returns False where nothing of it is the same."""
        first, last = self.sheet.first, self.sheet.last
        to_end = last == before
        fresh = self._read(first, last - first + 1 + (PAGE if to_end else 0))
        same = 0
        for old, new in zip(self.sheet.records, fresh, strict=False):
            if old.node_id != new.node_id:
                break
            same += 1
        if not same:
            return False
        place, following = self._place(), self.following
        for view, old, new in zip(self.sheet.views, self.sheet.records, fresh[:same], strict=False):
            if old != new:
                view.take(new)
                self._lay(view)
        del self.sheet.views[same:]
        self.sheet.records[:] = fresh[:same]
        if to_end:
            for message in fresh[same:]:
                self._add(message)
        elif self.sheet.live is not None and self.sheet.live.reply and self.sheet.live.reply.started:
            self.sheet.pending = None  # it is one of the messages that are not loaded
        if following and self.sheet.last != self.sheet.length:
            return False
        self.records_changed()
        self.following = following
        self._settle(place)
        self._fill()
        return True

    def _add(self, message: Message) -> None:
        """Put a message at the end; the view that already shows it stays."""
        if self.sheet.live is not None and self.sheet.live.message_id == message.message_id:
            view: MessageView = self.sheet.live
            self.sheet.live.finish(message)
            self.sheet.live = None
        elif self.sheet.pending is not None and message.role == "user":
            view, self.sheet.pending = self.sheet.pending, None
            view.take(message)
        else:
            view = view_of(message, plain=self.plain, opened=self.thoughts_open)
        self._lay(view)
        self.sheet.records.append(message)
        self.sheet.views.append(view)

    def _unsaved(self) -> Reply | None:
        """The reply that is on the screen, unless it is saved by now."""
        live = self.sheet.live
        if live is None or self._branch is None:
            return None
        newest = {message.message_id for message in self._read(max(self.sheet.length - 1, 1), 2)}
        return None if live.message_id in newest else live.reply

    # The reply that streams

    def begin(self, reply: Reply) -> None:
        """Show a reply that was just asked for, at the end."""
        self.sheet.pending = self.sheet.live = None
        self._take_reply(reply)
        self.follow()

    def _take_reply(self, reply: Reply) -> None:
        if reply.started is None and reply.prompt_text:
            self.sheet.pending = UserView(None, reply.prompt_text, plain=self.plain)
            self._lay(self.sheet.pending)
        self.sheet.live = AnswerView(None, reply, plain=self.plain, opened=self.thoughts_open)
        self.sheet.live.stream()
        self._lay(self.sheet.live)

    def forget_reply(self) -> None:
        """Take away what is shown of a reply that is not saved."""
        if self.sheet.pending is not None or self.sheet.live is not None:
            place = self._place()
            self.sheet.pending = self.sheet.live = None
            self._settle(place)

    def paint(self) -> None:
        """Show what has come of the reply that streams. Called about ten times a second."""
        live = self.sheet.live
        if live is None or not live.stream():
            return
        place, before = self._place(), live.height
        top = self.sheet.rows - before
        self._lay(live)
        if live.height == before:
            self.refresh_lines(top, before)
        else:
            self._settle(place, seen=self.following or top < self.scroll_y + self.size.height)
            if not self.following:
                self.news = True

    def watch_news(self, waiting: bool) -> None:
        self.post_message(self.News(waiting))

    # Rows

    def _lay(self, view: MessageView) -> None:
        if not self._laid_width:
            return
        view.lay(self.look, self._laid_width)
        if not self._colouring and not can_colour() and isinstance(view, AnswerView) and view.has_code:
            self._colouring = True
            self.call_after_refresh(self._colour)

    def _colour(self) -> None:
        for view in recolour(self.views):
            self._lay(view)
        self.refresh()

    @property
    def look(self) -> Look:
        """The styles in force."""
        if self._look is None:
            self._look = Look(self, plain=self.plain)
        return self._look

    def _settle(self, place: Place | None = None, *, seen: bool = True) -> None:
        """Count the rows anew, and be at the end if that is followed, else at a place.

        Args:
            place: The place.
            seen: Whether what is on the screen has changed; else it need not be painted once more, which a slow line would feel.
        """
        self.sheet.count()
        take_size(self, Size(self._laid_width, self.sheet.rows))
        if self.following:
            self._be_at(self._end)
        elif place is not None:
            self._be_at(min(self.sheet.row(place), self._end))
        if seen:
            self.refresh()

    @property
    def _end(self) -> int:
        """Where the last row is at the bottom of the screen."""
        return max(self.sheet.rows - self.scrollable_content_region.height, 0)

    def _be_at(self, row: int) -> None:
        """Be at a row without scrolling there: no watcher, no animation."""
        if row != self.scroll_y:
            self.set_reactive(Widget.scroll_y, float(row))
            self.set_reactive(Widget.scroll_target_y, float(row))
            self.vertical_scrollbar.set_reactive(ScrollBar.position, row)
            self.vertical_scrollbar.refresh()

    def _place(self) -> Place:
        """Which row of which message is at the top of the screen."""
        return self.sheet.place(round(self.scroll_y))

    def render_lines(self, crop: Region) -> list[Strip]:
        if not self._laid_width:
            # The first paint comes before the first word of a size.
            self.on_resize()
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        row = y + self.scroll_offset.y
        ground = self.look.base.rich_style
        found = self.sheet.at(row) if self._laid_width else None
        if found is None:
            return Strip.blank(width, ground)
        depth, view = found
        strip, line, start = view.row(row - self.sheet.top(depth))
        strip = strip.adjust_cell_length(width, ground)
        at = depth * LINES + line
        if (selection := self.text_selection) is not None:
            style = self.screen.get_component_rich_style("screen--selection")
            strip = in_line(strip, selection.get_span(at), start, style)
        return strip.apply_offsets(start, at)

    # Scrolling

    def follow(self) -> None:
        """Go to the end, and keep it in view from now on, until somebody scrolls up."""
        if self.sheet.records and self.sheet.last != self.sheet.length:
            self._load_at_end()
            return
        self.following = True
        self.news = False
        self._settle()
        self._fill()

    def _fill(self) -> None:
        """Load what the screen shows now, and what is near it bit by bit, between the paints."""
        self._extend(0)
        self._widen()

    def _widen(self) -> None:
        if not self._widening:
            self._widening = True
            self.call_after_refresh(self._widen_once)

    def _widen_once(self) -> None:
        self._widening = False
        if self._extend(max(self.size.height, 10), pages=1):
            self._widen()

    def _extend(self, margin: int, *, pages: int | None = None) -> bool:
        """Load what is on the screen and so many rows around it.

        Args:
            margin: In rows.
            pages: Read so often at the most; None for as often as it takes.

        Returns:
            Whether there may be more to load.
        """
        height = self.size.height
        while self.sheet.records and self._laid_width and height and pages != 0:
            pages = None if pages is None else pages - 1
            top, bottom = self.sheet.above, self.sheet.bottom
            first, last = self.sheet.first, self.sheet.last
            at = round(self.scroll_y)
            whole = top <= at and at + height <= bottom
            if (first > 1 and at + height < top) or (
                last < self.sheet.length and bottom < at < bottom + self.sheet.below
            ):
                # Somebody dragged the scrollbar far away.
                there = Place(self._place().depth, 0)
                self.sheet.clear()
                if self._load(there.depth, PAGE):
                    self._settle(there)
                continue
            place = self._place()
            if first > 1 and top > at - margin:
                if not self._load(max(first - PAGE, 1), min(PAGE, first - 1), above=True):
                    return False
            elif last < self.sheet.length and bottom < at + height + margin:
                if not self._load(last + 1, PAGE):
                    return False
            else:
                self._drop()
                return False
            self._settle(place, seen=not whole)
        return pages == 0

    def _drop(self) -> None:
        """Forget messages that are far from the screen. What is selected with the mouse stays, to be copied."""
        if len(self.sheet.records) <= MOST or self.text_selection is not None:
            return
        place, far = self._place(), 3 * self.size.height
        at = round(self.scroll_y)
        self.sheet.keep(self.sheet.place(max(at - far, 0)).depth, self.sheet.place(at + far).depth)
        self.records_changed()
        self._settle(place, seen=False)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self._extending:
            return
        self._extending = True
        try:
            self._extend(0)
        finally:
            self._extending = False
        self.following = self.scroll_y >= self._end - 0.5
        if self.following:
            self.news = False
        self._widen()

    def scroll_to(self, *args: Any, **kwargs: Any) -> None:
        # Rows that are loaded on the way would move an animation's goal.
        super().scroll_to(*args, **{**kwargs, "animate": False})

    def on_resize(self) -> None:
        same = self.scrollable_content_region.width == self._laid_width
        self._settle(self._place()) if same else self._lay_anew()
        self._fill()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        before, self._look = self._look, None  # this is called for each change of the focus too
        if self._laid_width and before is not None and self.look != before:
            self._lay_anew()

    def _lay_anew(self) -> None:
        """Lay out for another width or another theme: what is near the screen, as the rest is read again when it is needed."""
        place = self._place()
        near = range(place.depth - PAGE, place.depth + 3 * PAGE)
        if self._laid_width and len(self.sheet.records) > len(near):
            self.sheet.keep(near[0], near[-1])
            self.records_changed()
        self._laid_width = self.scrollable_content_region.width
        for view in self.views:
            self._lay(view)
        self.sheet.estimate()
        self._settle(place)
