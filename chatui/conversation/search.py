"""Searching every branch of every thread: quick where the index knows the words, page by page where it does not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence

import msgspec

from chatui.storage import Store
from chatui.storage.query import Query, literal, parse, snippet
from chatui.storage.records import Hit
from chatui.storage.search import RANKED

__all__ = ["Hit", "Query", "Results", "literal", "parse", "search", "snippet"]


class Results(msgspec.Struct, frozen=True):
    """What a search has found so far.

    Attributes:
        hits: The messages, the best first; only as many as were asked for.
        total: How many match. Where `more` is set, there are at least so many.
        more: Whether there may be more than were counted.
        done: Whether this is the last of the search.
    """

    hits: Sequence[Hit]
    total: int
    more: bool
    done: bool


async def search(
    store: Store, text: str, *, owner: str | None, limit: int, head: Callable[[str], str]
) -> AsyncGenerator[Results]:
    """Search, off the event loop.

    Args:
        store: The file.
        text: What was typed (see `chatui.storage.query`).
        owner: Only this user's threads; None for everyone's.
        limit: At most so many messages.
        head: Returns the node of a thread's head; called in another thread.

    Yields:
        What is found so far: once where the index is asked, else each time that more was found, and at the end. Stop iterating, and
        nothing more is read.
    """
    query = parse(text)
    if query.match:
        yield await asyncio.to_thread(_ranked, store, query, owner, limit, head)
        return
    found: list[Hit] = []
    before: int | None = None
    done = False
    while not done:
        # One more than is asked for tells whether there are more.
        wanted = limit + 1 - len(found)
        page = await asyncio.to_thread(store.search.scan, query, owner=owner, before=before, limit=wanted)
        before = page.before
        done = before is None or len(page.hits) == wanted
        if page.hits or done:
            found += await asyncio.to_thread(_placed, store, page.hits, head)
            shown = found[:limit]
            yield Results(shown, len(shown), before is not None or len(found) > limit, done)


def _ranked(store: Store, query: Query, owner: str | None, limit: int, head: Callable[[str], str]) -> Results:
    page = store.search.page(query, owner=owner, limit=limit)
    return Results(_placed(store, page.hits, head), page.total, page.total == RANKED, True)


def _placed(store: Store, hits: Sequence[Hit], head: Callable[[str], str]) -> list[Hit]:
    """Say of each message whether it is on the active path of its thread."""
    threads: dict[str, list[Hit]] = {}
    for hit in hits:
        threads.setdefault(hit.thread_id, []).append(hit)
    active: set[tuple[str, str]] = set()
    for thread_id, group in threads.items():
        nodes = {hit.node_id: hit.depth for hit in group}
        active |= {(thread_id, node) for node in store.search.on_path(thread_id, head(thread_id), nodes)}
    return [msgspec.structs.replace(hit, on_active_path=(hit.thread_id, hit.node_id) in active) for hit in hits]
