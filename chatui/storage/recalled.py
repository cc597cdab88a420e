"""What replies were sent of other threads, found again: a reply keeps only its place, so that it goes when its thread goes."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from chatui.storage import memories, vectors
from chatui.storage.database import Database
from chatui.storage.records import Recalled
from chatui.text import clean_line


def kept(items: Sequence[Recalled]) -> list[Recalled]:
    """Return what is kept of it with a reply."""
    return [msgspec.structs.replace(item, title="", text="") for item in items]


def looked_up(database: Database, items: Sequence[Recalled], prompt: str) -> list[Recalled]:
    """Return what is kept with a reply, with the titles and the texts that are still there.

    Args:
        database: Where the threads lie.
        items: As `kept` made them.
        prompt: What they were found for: it decides which part of a long message was sent.
    """
    sql = """SELECT t.title, m.text FROM chatui_messages m JOIN chatui_threads t ON t.thread_id = m.thread_id
        WHERE m.thread_id = ? AND m.node_id = ?"""
    found = []
    with database.reading() as connection:
        for item in items:
            row = connection.execute(sql, (item.thread_id, item.node_id)).fetchone()
            if row is not None:
                text = memories.as_sent(row[1], prompt) if item.worded else vectors.as_sent(row[1])
                item = msgspec.structs.replace(item, title=clean_line(row[0]), text=text)
            found.append(item)
    return found
