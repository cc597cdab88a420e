"""The messages of the active branch: a window on it, which follows the end, or holds still.

Textual's line API: one widget, however long the branch is. The messages around the screen are loaded and laid out; of the others
only their number is known, and their rows are estimated, so that the scrollbar tells where in the branch one is. While the end
is not followed, the first visible message keeps its place, whatever is loaded above it, streams below it, or becomes of the
width.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, ClassVar, NamedTuple, Protocol

from textual.geometry import Offset, Size
from textual.message import Message as TextualMessage
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.scrollbar import ScrollBar
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from chatui.conversation.tree import Message
from chatui.errors import ChatuiError
from chatui.tui.leaf import can_colour
from chatui.tui.look import PARTS, PREFIX, Look
from chatui.tui.message import AnswerView, MessageView, UserView, view_of
from chatui.tui.replies import Reply
from chatui.tui.selecting import LINES, in_line, selected_text

#: How many messages are read at a time.
PAGE = 6
#: How many may be loaded at once; those far from the screen go then.
MOST = 120


class Branch(Protocol):
    """The active branch of a thread, as the transcript asks for it. Messages are counted from 1 at the root."""

    @property
    def length(self) -> int:
        """How many messages it has."""

    def part(self, first: int, count: int) -> list[Message]:
        """Return `count` messages from the `first` on, fewer at its end."""

    def next_fork(self, depth: int, step: int) -> int | None:
        """Return the depth of the next message (step 1) or the previous one (-1) that has alternatives."""


class Place(NamedTuple):
    """A row of the branch: so many rows below the top of the message at a depth."""

    depth: int
    row: int


class MessageWindow(ScrollView, inherit_bindings=False):
    """A part of a branch, and the reply that streams at its end."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {PREFIX + part for part in PARTS}

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
        self._branch: Branch | None = None
        self._length = 0  # of the branch, as it is shown
        self._records: list[Message] = []  # the loaded ones, one after the other
        self._views: list[MessageView] = []
        self._pending: UserView | None = None
        self._live: AnswerView | None = None
        self._tops: list[int] = [0]  # the first row of each view, those at the end too, and the row behind the last
        self._rows_each = 8.0  # estimated, for a message that is not loaded
        self._look: Look | None = None
        self._laid_width = 0
        #: Whether the end stays in view.
        self.following = True
        self._colouring = False
        self._extending = False
        self._widening = False

    # What is shown

    @property
    def records(self) -> Sequence[Message]:
        """The loaded messages of the branch, the newest last."""
        return self._records

    @property
    def views(self) -> list[MessageView]:
        """The loaded messages as they are laid out, and the reply that streams."""
        return [*self._views, *(view for view in (self._pending, self._live) if view is not None)]

    def records_changed(self) -> None:
        """Called when other messages are loaded than before."""

    def show(self, branch: Branch, reply: Reply | None = None) -> None:
        """Show a branch, from its end.

        Args:
            branch: The branch.
            reply: The reply that streams there.
        """
        self._branch = branch
        self._pending = self._live = None
        if reply is not None:
            self._take_reply(reply)
        self._load_at_end()

    def _load_at_end(self) -> None:
        """Load the last messages, and follow the end."""
        self._length = self._branch.length if self._branch else 0
        self._records, self._views = [], []
        self._load(max(self._length - PAGE + 1, 1), PAGE)
        self._estimate()
        self.following = True
        self.news = False
        self._settle()
        self._fill()

    def _estimate(self) -> None:
        """Take the loaded messages for what the others are like."""
        if self._views and self._laid_width:
            self._rows_each = max(sum(view.height for view in self._views) / len(self._views), 1.0)

    def _load_around(self, depth: int) -> None:
        """Load what is around a message, in place of what is loaded."""
        self._records, self._views = [], []
        self._load(max(depth - 1, 1), PAGE)
        self.following = False
        self._settle(Place(depth, 0))
        self._fill()

    def _load(self, first: int, count: int, *, above: bool = False) -> bool:
        """Read messages and put them above or below the loaded ones. Returns whether any came."""
        fresh = self._read(first, count)
        if not fresh:
            return False
        views = [view_of(message, plain=self.plain) for message in fresh]
        for view in views:
            self._lay(view)
        place = 0 if above else len(self._records)
        self._records[place:place] = fresh
        self._views[place:place] = views
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
        before, self._length = self._length, self._branch.length
        if not self._records or not self._stays(before):
            live = self._unsaved()
            self._pending = self._live = None
            if live is not None:
                self._take_reply(live)
            self._load_at_end()
        if select is not None and not self._is_loaded(select.depth):
            self._load_around(select.depth)

    def _stays(self, before: int) -> bool:
        """Compare what is loaded with the branch, and mend it. Returns False where nothing of it is the same."""
        first, last = self._records[0].depth, self._records[-1].depth
        to_end = last == before
        fresh = self._read(first, last - first + 1 + (PAGE if to_end else 0))
        same = 0
        for old, new in zip(self._records, fresh, strict=False):
            if old.node_id != new.node_id:
                break
            same += 1
        if not same:
            return False
        place, following = self._place(), self.following
        for view, old, new in zip(self._views, self._records, fresh[:same], strict=False):
            if old != new:
                view.take(new)
                self._lay(view)
        del self._views[same:]
        self._records[:] = fresh[:same]
        if to_end:
            for message in fresh[same:]:
                self._add(message)
        elif self._live is not None and self._live.reply and self._live.reply.started:
            self._pending = None  # it is one of the messages that are not loaded
        if following and self._records[-1].depth != self._length:
            return False
        self.records_changed()
        self.following = following
        self._settle(place)
        self._fill()
        return True

    def _add(self, message: Message) -> None:
        """Put a message at the end; the view that already shows it stays."""
        if self._live is not None and self._live.message_id == message.message_id:
            view: MessageView = self._live
            self._live.finish(message)
            self._live = None
        elif self._pending is not None and message.role == "user":
            view, self._pending = self._pending, None
            view.take(message)
        else:
            view = view_of(message, plain=self.plain)
        self._lay(view)
        self._records.append(message)
        self._views.append(view)

    def _unsaved(self) -> Reply | None:
        """The reply that is on the screen, unless it is saved by now."""
        live = self._live
        if live is None or self._branch is None:
            return None
        newest = self._read(max(self._length - 1, 1), 2)
        return None if live.message_id in {message.message_id for message in newest} else live.reply

    # The reply that streams

    def begin(self, reply: Reply) -> None:
        """Show a reply that was just asked for, at the end."""
        self._pending = self._live = None
        self._take_reply(reply)
        self.follow()

    def _take_reply(self, reply: Reply) -> None:
        if reply.started is None and reply.prompt_text:
            self._pending = UserView(None, reply.prompt_text, plain=self.plain)
            self._lay(self._pending)
        self._live = AnswerView(None, reply, plain=self.plain)
        self._live.stream()
        self._lay(self._live)

    def forget_reply(self) -> None:
        """Take away what is shown of a reply that is not saved."""
        if self._pending is not None or self._live is not None:
            place = self._place()
            self._pending = self._live = None
            self._settle(place)

    def paint(self) -> None:
        """Show what has come of the reply that streams. Called about ten times a second."""
        live = self._live
        if live is None or not live.stream():
            return
        place, before = self._place(), live.height
        self._lay(live)
        if live.height == before:
            self._refresh_rows(self._tops[-1] - before, before)
        else:
            self._settle(place)
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
        """Colour the code that is shown: what makes the colours is loaded after the first paint, which it would hold up."""
        import chatui.tui.highlight  # noqa: F401

        for view in self.views:
            if isinstance(view, AnswerView) and view.has_code:
                view.forget_code()
                self._lay(view)
        self.refresh()

    @property
    def look(self) -> Look:
        """The styles in force."""
        if self._look is None:
            self._look = Look(self, plain=self.plain)
        return self._look

    @property
    def _above(self) -> int:
        """The rows above the first loaded message, estimated."""
        return round((self._records[0].depth - 1) * self._rows_each) if self._records else 0

    @property
    def _below(self) -> int:
        """The rows below the last loaded message, estimated, without the reply that streams."""
        return round((self._length - self._records[-1].depth) * self._rows_each) if self._records else 0

    def _is_loaded(self, depth: int) -> bool:
        return bool(self._records) and self._records[0].depth <= depth <= self._records[-1].depth

    def _settle(self, place: Place | None = None) -> None:
        """Count the rows anew, and be at the end if that is followed, else at a place."""
        views = self.views
        heights = [view.height for view in views]
        if self._records and heights:
            heights.insert(len(self._records), self._below)
        self._tops = list(accumulate(heights, initial=self._above))
        rows = self._tops[-1]
        size = Size(self._laid_width, rows)
        if size != self.virtual_size:
            self.virtual_size = size
        if self.following:
            self._be_at(self._end)
        elif place is not None:
            self._be_at(min(self._row_of(place), self._end))
        self.refresh()

    @property
    def _end(self) -> int:
        """Where the last row is at the bottom of the screen."""
        return max(self._tops[-1] - self.scrollable_content_region.height, 0)

    def _be_at(self, row: int) -> None:
        """Be at a row without scrolling there: no watcher, no animation."""
        if row != self.scroll_y:
            self.set_reactive(Widget.scroll_y, float(row))
            self.set_reactive(Widget.scroll_target_y, float(row))
            self.vertical_scrollbar.set_reactive(ScrollBar.position, row)
            self.vertical_scrollbar.refresh()

    def _place(self) -> Place:
        """Which row of which message is at the top of the screen."""
        row = round(self.scroll_y)
        found = self._at(row)
        if found is not None:
            return Place(found[0], row - self._top_of(found[0]))
        if self._records and row >= self._above:
            past = row - self._tops[len(self._records)]
            return Place(self._records[-1].depth + 1 + int(past / self._rows_each), 0)
        return Place(1 + int(row / self._rows_each), 0)

    def _row_of(self, place: Place) -> int:
        depth, row = place
        view = self._view_at(depth)
        return self._top_of(depth) + (min(row, max(view.height - 1, 0)) if view else 0)

    def _view_at(self, depth: int) -> MessageView | None:
        index = depth - self._records[0].depth if self._records else depth - self._length - 1
        if 0 <= index < len(self._records):
            return self._views[index]
        beyond = depth - self._length - 1
        ending = self.views[len(self._records) :]
        return ending[beyond] if 0 <= beyond < len(ending) else None

    def _top_of(self, depth: int) -> int:
        """The first row of the message at a depth, estimated where that is not loaded."""
        if not self._records:
            return self._tops[min(max(depth - self._length - 1, 0), len(self._tops) - 1)]
        index = depth - self._records[0].depth
        if index < 0:
            return round((depth - 1) * self._rows_each)
        if index < len(self._records):
            return self._tops[index]
        if depth <= self._length:
            return self._tops[len(self._records)] + round((depth - self._records[-1].depth - 1) * self._rows_each)
        return self._tops[min(len(self._records) + depth - self._length, len(self._tops) - 1)]

    def _at(self, row: int) -> tuple[int, MessageView] | None:
        """The depth and the view of the message at a row, None where none is loaded."""
        index = bisect_right(self._tops, row) - 1
        if not 0 <= index < len(self._tops) - 1:
            return None
        if not self._records:
            return self._length + 1 + index, self.views[index]
        saved = len(self._records)
        if index < saved:
            return self._records[index].depth, self._views[index]
        # The entry behind the loaded ones is what is not loaded below.
        return None if index == saved else (self._length + index - saved, self.views[index - 1])

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        row = y + self.scroll_offset.y
        ground = self.look.base.rich_style
        found = self._at(row) if self._laid_width else None
        if found is None:
            return Strip.blank(width, ground)
        depth, view = found
        strip, line, start = view.row(row - self._top_of(depth))
        strip = strip.adjust_cell_length(width, ground)
        at = depth * LINES + line
        if (selection := self.text_selection) is not None:
            style = self.screen.get_component_rich_style("screen--selection")
            strip = in_line(strip, selection.get_span(at), start, style)
        return strip.apply_offsets(start, at)

    def _refresh_rows(self, first: int, count: int) -> None:
        self.refresh_lines(first, count)

    # Scrolling

    def follow(self) -> None:
        """Go to the end, and keep it in view from now on, until somebody scrolls up."""
        if self._records and self._records[-1].depth != self._length:
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
        while self._records and self._laid_width and height and pages != 0:
            pages = None if pages is None else pages - 1
            top, bottom = self._tops[0], self._tops[len(self._records)]
            first, last = self._records[0].depth, self._records[-1].depth
            at = round(self.scroll_y)
            if (first > 1 and at + height < top) or (last < self._length and bottom < at < bottom + self._below):
                # Somebody dragged the scrollbar far away.
                self._jump(self._place().depth)
                continue
            place = self._place()
            if first > 1 and top > at - margin:
                if not self._load(max(first - PAGE, 1), min(PAGE, first - 1), above=True):
                    return False
            elif last < self._length and bottom < at + height + margin:
                if not self._load(last + 1, PAGE):
                    return False
            else:
                self._drop()
                return False
            self._settle(place)
        return True

    def _jump(self, depth: int) -> None:
        depth = min(max(depth, 1), self._length)
        self._records, self._views = [], []
        if self._load(depth, PAGE):
            self._settle(Place(depth, 0))

    def _drop(self) -> None:
        """Forget messages that are far from the screen. What is selected with the mouse stays, to be copied."""
        if len(self._records) <= MOST or self.text_selection is not None:
            return
        place, far = self._place(), 3 * self.size.height
        at = round(self.scroll_y)
        above = sum(top < at - far for top in self._tops[1 : len(self._records) + 1])
        below = sum(top > at + far for top in self._tops[: len(self._records)])
        end = len(self._records) - below
        if above >= end:
            return
        self._records[:] = self._records[above:end]
        self._views[:] = self._views[above:end]
        self.records_changed()
        self._settle(place)

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
        if self.scrollable_content_region.width != self._laid_width:
            self._lay_anew()
        else:
            self._settle(self._place())
        self._fill()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        before, self._look = self._look, None
        # Called for each change of the focus too.
        if self._laid_width and before is not None and self.look != before:
            self._lay_anew()

    def _lay_anew(self) -> None:
        """Lay out for another width or another theme: what is near the screen, as the rest is read again when it is needed."""
        place = self._place()
        near = range(place.depth - PAGE, place.depth + 3 * PAGE)
        if self._laid_width and len(self._records) > len(near):
            kept = [index for index, message in enumerate(self._records) if message.depth in near]
            if kept:
                self._records[:] = self._records[kept[0] : kept[-1] + 1]
                self._views[:] = self._views[kept[0] : kept[-1] + 1]
                self.records_changed()
        self._laid_width = self.scrollable_content_region.width
        for view in self.views:
            self._lay(view)
        self._estimate()
        self._settle(place)

    # Selecting with the mouse

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        return selected_text(selection, self._numbered()), "\n"

    def _numbered(self) -> Iterator[tuple[int, MessageView]]:
        for index, view in enumerate(self.views):
            saved = index < len(self._records)
            yield (self._records[index].depth if saved else self._length + 1 + index - len(self._records)), view

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    def line_at(self, offset: Offset) -> tuple[MessageView, int, int] | None:
        """Return the message at a place of the widget's content, the line of its text, and the row of that message."""
        row = offset.y + self.scroll_offset.y
        found = self._at(row)
        if found is None:
            return None
        depth, view = found
        inner = row - self._top_of(depth)
        return view, view.row(inner).line, inner
