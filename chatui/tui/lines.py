"""What the widgets share that draw themselves line by line."""

from __future__ import annotations

from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.widget import Widget


def take_size(view: ScrollView, size: Size) -> None:
    """Let a view have more or fewer lines.

    Textual lays the whole screen out for each new `virtual_size`, which took half of the time from a key in the filter to its
    paint. It has to only where the scrollbar comes or goes. Being no further down than the last line is the view's business.
    """
    height = view.scrollable_content_region.height
    if (size.height > height) != (view.virtual_size.height > height) or size.width != view.virtual_size.width:
        view.virtual_size = size
    elif size != view.virtual_size:
        view.set_reactive(Widget.virtual_size, size)
        view.vertical_scrollbar.window_virtual_size = size.height
