"""Checkpoints of LangGraph's SQLite saver, of every generation: the branches of each thread, by parents and never by time.

The message index reads them, as it does for a file that is opened in place; here it does so in memory, and the file is only read.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

from chatui.storage.guests import Guest
from chatui.transfer import foreign
from chatui.transfer.messages import role_of
from chatui.transfer.records import Item, Skipped, SourceMessage, SourceThread
from chatui.transfer.sources import Source, split


def has(tables: dict[str, set[str]]) -> bool:
    """Whether a file has the table of checkpoints."""
    return {"thread_id", "checkpoint", "metadata"} <= tables.get("checkpoints", set())


def read(source: Source) -> Iterator[Item]:
    """Yield the threads of a file."""
    keys = {"user": "user_id", "title": "title", **source.wanted.map}
    with foreign.settled(source.path) as file, Guest(foreign.uri(file), foreign.MOST_BYTES) as guest:
        threads = guest.threads()
        for number, thread_id in enumerate(threads):
            source.told(number / len(threads))
            where = f"{source.name}, {thread_id}"
            try:
                found = guest.read(thread_id, channel=keys.get("messages"))
            except (sqlite3.Error, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
                yield Skipped(where, f"Its checkpoints cannot be read ({type(error).__name__}: {error}).")
                continue
            if found is None:
                yield Skipped(where, "It has no messages.")
                continue
            facts = found.facts
            user, title = split(source.wanted.split, thread_id)
            named = facts.get(keys["title"])
            given = facts.get(keys["user"])
            yield SourceThread(
                # The first checkpoint's id tells threads of the same name in two files apart.
                key=f"{thread_id}\0{found.first}",
                where=where,
                messages=[
                    SourceMessage(
                        id=node.node_id,
                        parent=node.parent_id or None,
                        role=role_of(node.message),
                        text=node.message.text,
                        model=_model(node.message.response_metadata),
                        created_at=time or None,
                        message=node.message,
                    )
                    for node, time in found.nodes
                ],
                title=named if isinstance(named, str) and named else title,
                named=isinstance(named, str) and bool(named),
                user=str(given)
                if isinstance(given, str | int) and not isinstance(given, bool) and given != ""
                else user,
            )


def _model(metadata: dict[str, object]) -> str | None:
    model = metadata.get("model_name") or metadata.get("model")
    return model if isinstance(model, str) else None
