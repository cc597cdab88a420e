"""Message mode: the messages of the active branch, one of them selected. Letters act only here."""

from __future__ import annotations

import re

from textual import events
from textual.geometry import Offset
from textual.message import Message as TextualMessage
from textual.selection import Selection
from textual.widget import Widget

from chatui.conversation.tree import Message
from chatui.tui.keys import bindings
from chatui.tui.message import MessageView, UserView
from chatui.tui.replies import Reply
from chatui.tui.selecting import LINES, selected_text
from chatui.tui.sheet import Branch
from chatui.tui.window import MessageWindow


class Transcript(MessageWindow, can_focus=True, inherit_bindings=False):
    """The active branch. Message mode is this widget's focus."""

    BINDINGS = bindings("messages")

    class Selected(TextualMessage):
        """Another message is selected, or a number was typed."""

    class PicturesWanted(TextualMessage):
        """The images of a prompt were opened, and are not drawn."""

        def __init__(self, view: UserView) -> None:
            super().__init__()
            self.view = view

    def __init__(self, *, plain: bool = False) -> None:
        super().__init__(plain=plain)
        self._selected: Message | None = None
        self._clicked: Offset | None = None
        self._stays_marked = False
        #: How many answers the next regenerating asks for, 0 where no number was typed.
        self.count = 0

    @property
    def selected(self) -> Message | None:
        """The selected message; the last one that is loaded where none was selected; None before the first message."""
        if not self.sheet.length:
            return None
        return self._selected or (self.sheet.records[-1] if self.sheet.records else None)

    @property
    def selected_view(self) -> MessageView | None:
        """The selected message as it is laid out, None where it is not loaded."""
        message = self.selected
        return next((view for view in self.sheet.views if message and view.node_id == message.node_id), None)

    def records_changed(self) -> None:
        if self._selected is not None:
            depth = self._selected.depth
            if self.sheet.has(depth):
                there = self.sheet.record(depth)
                # Another message stands in its place where the branch is another.
                self._selected = there if there.node_id == self._selected.node_id else None
            elif depth > self.sheet.length:
                self._selected = None
        self._mark_selected()

    def show(self, branch: Branch, reply: Reply | None = None) -> None:
        self._selected = None
        super().show(branch, reply)

    def begin(self, reply: Reply) -> None:
        # What is asked for now is the end of the branch, and is looked at next.
        self._selected = None
        self._mark_selected()
        super().begin(reply)

    def on_focus(self) -> None:
        if self._selected is None and self.sheet.records:
            # The last one that can be seen: where somebody has scrolled up, that is not the end.
            found = None if self.following else self.sheet.at(round(self.scroll_y) + self.size.height - 1)
            seen = found[1].message if found else None
            self._select(seen or self.sheet.records[-1], reveal=False)

    def on_blur(self) -> None:
        self.count = 0

    def watch_has_focus(self, has_focus: bool) -> None:
        # Textual says so only after it has called on_focus and on_blur.
        super().watch_has_focus(has_focus)
        self._mark_selected()

    def action_count(self, key: str) -> None:
        """Take a number that is typed before r or R."""
        self.count = int(key)
        self.post_message(self.Selected())

    def take_count(self) -> int:
        """Return the number that was typed, 1 where there was none, and forget it."""
        count, self.count = self.count or 1, 0
        return count

    def select(self, message: Message, pattern: re.Pattern[str] | None = None) -> None:
        """Select a message of the branch and bring it into view; where it is taller than the screen, what a pattern finds in it."""
        self.select_depth(message.depth)
        view, height = self.sheet.view(message.depth), self.size.height
        if pattern is None or view is None or view.height <= height:
            return
        from chatui.tui.matching import matched_row

        row = matched_row(view, pattern)
        if row is not None:
            self.scroll_to(y=self.sheet.top(message.depth) + max(row - height // 3, 0))

    def select_depth(self, depth: int) -> None:
        """Select the message at a depth of the branch."""
        if not self.sheet.has(depth):
            self._load_around(depth)
        if self.sheet.has(depth):
            self._select(self.sheet.record(depth))

    def _select(self, message: Message, *, reveal: bool = True) -> None:
        self.count = 0
        self._selected = message
        self._mark_selected()
        self.post_message(self.Selected())
        if reveal:
            self._reveal(message)

    def _reveal(self, message: Message) -> None:
        """Bring a loaded message into view: the whole of it, or its beginning if it is taller than the screen."""
        if message.depth == self.sheet.length and self.sheet.live is None:
            self.follow()
            return
        view = self.sheet.view(message.depth)
        if view is None:
            return
        top, height = self.sheet.top(message.depth), self.size.height
        if view.height > height or top < self.scroll_y:
            self.scroll_to(y=top)
        elif top + view.height > self.scroll_y + height:
            self.scroll_to(y=top + view.height - height)

    def stay_marked(self, on: bool) -> None:
        """Show the selected message as such although the focus is elsewhere, where one looks through the branch; or no longer."""
        self._stays_marked = on
        self._mark_selected()

    def _mark_selected(self) -> None:
        selected = self.selected_view if self.has_focus or self._stays_marked else None
        for view in self.sheet.views:
            if view.selected != (view is selected):
                view.selected = view is selected
                self._lay(view)
                self.refresh()

    def action_select(self, step: int) -> None:
        """Select the previous or the next message; a message taller than the screen is scrolled through first."""
        message = self.selected
        if message is None:
            return
        view = self.sheet.view(message.depth)
        if view is not None:
            top, height = self.sheet.top(message.depth), self.size.height
            bottom = top + view.height
            if step > 0 and bottom > self.scroll_y + height + 1 and top <= self.scroll_y:
                self.scroll_relative(y=height // 2, animate=False)
                return
            if step < 0 and top < self.scroll_y and bottom >= self.scroll_y + height:
                self.scroll_relative(y=-(height // 2), animate=False)
                return
        depth = message.depth + step
        if depth < 1:
            self.scroll_home(animate=False)
        elif depth > self.sheet.length:
            self.follow()
        else:
            self.select_depth(depth)

    def action_page(self, step: int) -> None:
        """Scroll by a page; at an end, select the first or the last message."""
        if step < 0 and self.scroll_y <= 0:
            self.action_select_first()
        elif step > 0 and self.following:
            self.action_select_last()
        else:
            self.scroll_relative(y=step * self.size.height)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if self.has_focus:
            self._select_on_screen()

    def _select_on_screen(self) -> None:
        """Select the nearest message on the screen where the selected one was scrolled off it: keys act on what one sees."""
        message = self.selected
        if message is None:
            return
        view = self.sheet.view(message.depth)
        # Without the blank row behind it.
        top, rows = self.sheet.top(message.depth), (view.height if view else 1) - 1
        first, last = round(self.scroll_y), round(self.scroll_y) + self.size.height - 1
        if first < top + rows and top <= last:
            return
        found = self.sheet.at(last if top > last else first)
        if found is not None and found[1].message is not None:
            self._select(found[1].message, reveal=False)

    def action_select_first(self) -> None:
        """Select the first message of the branch."""
        if self.sheet.records:
            self.select_depth(1)
            self.scroll_home(animate=False)

    def action_select_last(self) -> None:
        """Select the last message, and follow the end again."""
        if self.sheet.records:
            self.follow()
            self._select(self.sheet.records[-1])

    def action_select_fork(self, step: int) -> None:
        """Select the previous or the next message that has alternatives, however far away."""
        message = self.selected
        if message is None or self._branch is None:
            return
        depth = self._branch.next_fork(message.depth, step)
        if depth is not None:
            self.select_depth(depth)

    def toggle(self) -> bool:
        """Open or fold the thinking or the files of the selected message. Returns whether there is any."""
        view = self.selected_view
        return view is not None and self._toggle(view)

    def _toggle(self, view: MessageView) -> bool:
        if not view.toggle():
            return False
        self.lay_again(view)
        if isinstance(view, UserView) and view.wants_pictures:
            self.post_message(self.PicturesWanted(view))
        return True

    def lay_again(self, view: MessageView) -> None:
        """Show what has been opened or folded in a message, without moving what is on the screen above it."""
        if view in self.sheet.views:
            place = self._place()
            self._lay(view)
            self.following = False
            self._settle(place)

    # The mouse

    def on_click(self, event: events.Click) -> None:
        offset = event.get_content_offset(self)
        found = self.line_at(offset) if offset is not None else None
        # A click that ends the selecting of text with the mouse selects no message.
        if found is None or self.text_selection is not None:
            return
        _, view, line = found
        if view.message is not None:
            self._select(view.message, reveal=False)
        if view.is_folded(line):
            self._toggle(view)

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self._clicked = event.get_content_offset(self)

    @property
    def select_container(self) -> Widget:
        # What three clicks select: not the whole screen.
        return self

    def text_select_all(self) -> None:
        """Select the line that was clicked twice, not all of the branch."""
        found = self.line_at(self._clicked) if self._clicked is not None else None
        if found is not None:
            depth, view, line = found
            at = depth * LINES + line
            end = len(view.lines[line]) if line < len(view.lines) else 0
            self.screen.selections = {self: Selection(Offset(0, at), Offset(end, at))}

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        return selected_text(selection, self.sheet.numbered()), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        self.refresh()

    def line_at(self, offset: Offset) -> tuple[int, MessageView, int] | None:
        """Return the message at a place of the widget's content, with its depth, and the line of its text."""
        row = offset.y + self.scroll_offset.y
        found = self.sheet.at(row)
        if found is None:
            return None
        depth, view = found
        return depth, view, view.row(row - self.sheet.top(depth)).line
