"""chatui's own form in JSON lines: a line for a thread, and one for each of its messages behind it. chatui_json.py reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from chatui.transfer.chatui_json import encode, message_object, thread_object
from chatui.transfer.export import Exported


def pieces(threads: Iterable[Exported], all_branches: bool) -> Iterator[str]:
    """Yield the lines."""
    for thread in threads:
        yield encode(thread_object(thread)) + "\n"
        for entry in thread.entries:
            yield encode(message_object(entry)) + "\n"
