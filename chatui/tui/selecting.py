"""Text that is selected with the mouse in the transcript.

Its places are counted by the message's place in the branch and the line of that message's text, so that they stay when other
messages are loaded, when far ones are dropped, and when the width changes.
"""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.selection import Selection
from textual.strip import Strip

from chatui.tui.message import MessageView

#: More lines than a message has: place = depth * LINES + line.
LINES = 1 << 24


def in_line(strip: Strip, span: tuple[int, int] | None, start: int, style: Style) -> Strip:
    """Paint the selected part of a row.

    Args:
        strip: The row.
        span: The selected characters of its line, from and to, the end -1 for all of it; None where nothing is selected.
        start: The character of the line that the first of the strip is, or would be.
        style: How what is selected looks.
    """
    if span is None:
        return strip
    text = strip.text
    first = max(span[0] - start, -start, 0)
    last = len(text.rstrip()) if span[1] < 0 else span[1] - start
    if first >= last or first >= len(text):
        return strip
    begin, end = cell_len(text[:first]), cell_len(text[:last])
    middle = strip.crop(begin, end)
    painted = Strip(Segment.apply_style(middle, post_style=style), middle.cell_length)
    return Strip.join([part for part in (strip.crop(0, begin), painted, strip.crop(end)) if part.cell_length])


def selected_text(selection: Selection, views: Iterable[tuple[int, MessageView]]) -> str:
    """Return the text of a selection, as it was written.

    Args:
        selection: What is selected.
        views: Messages with their depths.
    """
    found: list[str] = []
    for depth, view in views:
        first = depth * LINES
        lines = view.lines
        # A message's last line is followed by the blank one that divides it from the next.
        for number, line in enumerate([*lines, ""]):
            span = selection.get_span(first + number)
            if span is not None:
                begin, end = max(span[0], 0), len(line) if span[1] < 0 else max(span[1], 0)
                found.append(line[begin:end])
    return "\n".join(found).strip("\n")
