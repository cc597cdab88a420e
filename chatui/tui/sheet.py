"""The rows of a branch: those of the messages that are loaded, and how many the others may take.

A message is loaded or it is not; the loaded ones follow one another. Of the others only their number is known, so their rows are
estimated. What streams stands behind all of them.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Protocol

import msgspec

from chatui.conversation.tree import Message
from chatui.tui.message import AnswerView, MessageView, UserView


class Branch(Protocol):
    """The active branch of a thread, as the transcript asks for it. Messages are counted from 1 at the root."""

    @property
    def length(self) -> int:
        """How many messages it has."""

    def part(self, first: int, count: int) -> list[Message]:
        """Return `count` messages from the `first` on, fewer at its end."""

    def next_fork(self, depth: int, step: int) -> int | None:
        """Return the depth of the next message (step 1) or the previous one (-1) that has alternatives."""


class Place(msgspec.Struct, frozen=True):
    """A row of the branch: so many rows below the top of the message at a depth."""

    depth: int
    row: int


class Sheet:
    """The rows of one branch. Call `count` after anything has changed.

    Attributes:
        length: How many messages the branch has. Depths count from 1; what streams has the depths behind the length.
        records: The loaded messages.
        views: They, laid out.
        pending: The prompt that was sent and is not saved yet.
        live: The reply that streams.
        rows: How many rows there are in all.
    """

    def __init__(self) -> None:
        self.length = 0
        self.records: list[Message] = []
        self.views: list[MessageView] = []
        self.pending: UserView | None = None
        self.live: AnswerView | None = None
        self.rows = 0
        self._tops: list[int] = [0]  # the first row of each view and of what streams, and the row behind the last
        self._each = 8.0

    # What is loaded

    @property
    def shown(self) -> list[MessageView]:
        """The loaded messages and what streams, laid out."""
        return [*self.views, *(view for view in (self.pending, self.live) if view is not None)]

    @property
    def first(self) -> int:
        """The depth of the first loaded message; 1 where none is loaded."""
        return self.records[0].depth if self.records else 1

    @property
    def last(self) -> int:
        """The depth of the last loaded message; 0 where none is loaded."""
        return self.records[-1].depth if self.records else 0

    def has(self, depth: int) -> bool:
        """Say whether the message at a depth is loaded."""
        return bool(self.records) and self.first <= depth <= self.last

    def record(self, depth: int) -> Message:
        """Return the loaded message at a depth."""
        return self.records[depth - self.first]

    def numbered(self) -> Iterator[tuple[int, MessageView]]:
        """Return what is shown, each with its depth."""
        for index, view in enumerate(self.shown):
            yield (self._depth(index), view)

    def _depth(self, index: int) -> int:
        saved = len(self.records)
        return self.records[index].depth if index < saved else self.length + 1 + index - saved

    def clear(self) -> None:
        """Forget what is loaded; what streams stays."""
        self.records, self.views = [], []

    def put(self, records: Sequence[Message], views: Sequence[MessageView], *, above: bool = False) -> None:
        """Put messages below the loaded ones, or above them."""
        place = 0 if above else len(self.records)
        self.records[place:place] = records
        self.views[place:place] = views

    def keep(self, first: int, last: int) -> None:
        """Forget the loaded messages outside of these depths."""
        begin, end = max(first - self.first, 0), last - self.first + 1
        self.records[:] = self.records[begin:end]
        self.views[:] = self.views[begin:end]

    # Rows

    def estimate(self) -> None:
        """Take the loaded messages for what the others are like."""
        if self.views:
            self._each = max(sum(view.height for view in self.views) / len(self.views), 1.0)

    @property
    def above(self) -> int:
        """The rows above the first loaded message, estimated."""
        return round((self.first - 1) * self._each)

    @property
    def below(self) -> int:
        """The rows of the messages below the last loaded one, estimated."""
        return round((self.length - self.last) * self._each) if self.records else 0

    @property
    def bottom(self) -> int:
        """The row behind the last loaded message."""
        return self._tops[len(self.records)]

    def count(self) -> None:
        """Count the rows anew."""
        heights = [view.height for view in self.shown]
        if self.records:
            heights.insert(len(self.records), self.below)
        self._tops = list(accumulate(heights, initial=self.above))
        self.rows = self._tops[-1]

    def at(self, row: int) -> tuple[int, MessageView] | None:
        """Return the depth and the view of the message at a row, None where none is loaded."""
        index = bisect_right(self._tops, row) - 1
        if not 0 <= index < len(self._tops) - 1:
            return None
        saved = len(self.records)
        if saved and index >= saved:
            # The entry behind the loaded ones is what is not loaded below them.
            if index == saved:
                return None
            index -= 1
        # Asked for each row of each paint: the list of all is made only for what streams.
        return self._depth(index), (self.views[index] if index < saved else self.shown[index])

    def view(self, depth: int) -> MessageView | None:
        """Return what is shown at a depth, None where nothing is loaded."""
        if depth > self.length:
            ending = self.shown[len(self.records) :]
            return ending[depth - self.length - 1] if depth - self.length <= len(ending) else None
        return self.views[depth - self.first] if self.has(depth) else None

    def top(self, depth: int) -> int:
        """Return the first row of the message at a depth, estimated where that is not loaded."""
        saved = len(self.records)
        if depth > self.length:
            index = depth - self.length - (0 if saved else 1)
            return self._tops[min(max(saved + index, 0), len(self._tops) - 1)]
        if depth < self.first:
            return round((depth - 1) * self._each)
        if depth <= self.last:
            return self._tops[depth - self.first]
        return self.bottom + round((depth - self.last - 1) * self._each)

    def place(self, row: int) -> Place:
        """Return the place of a row."""
        found = self.at(row)
        if found is not None:
            return Place(found[0], row - self.top(found[0]))
        if self.records and row >= self.bottom:
            return Place(self.last + 1 + int((row - self.bottom) / self._each), 0)
        return Place(1 + int(row / self._each), 0)

    def row(self, place: Place) -> int:
        """Return the row of a place; the last one of its message where that has fewer rows now."""
        view = self.view(place.depth)
        return self.top(place.depth) + (min(place.row, max(view.height - 1, 0)) if view else 0)
