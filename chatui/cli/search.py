"""`chatui search`: every branch of every thread."""

from __future__ import annotations

import asyncio
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.cells import cell_len

from chatui.cli import output
from chatui.cli.session import complete
from chatui.cli.threads import Json
from chatui.errors import UsageError
from chatui.text import clean_line

if TYPE_CHECKING:
    from chatui.conversation.search import Hit, Results

#: Of a checkpoint's id, as `chatui tree` prints it.
_SHORT = 13


def search(
    context: typer.Context,
    text: Annotated[
        list[str], typer.Argument(metavar="TEXT", help="Words, '\"a phrase\"', or the beginning of a word*.")
    ],
    json: Json = False,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="At most so many.")] = 50,
    all_users: Annotated[bool, typer.Option("--all-users", help="Everyone's threads.")] = False,
) -> None:
    """Find messages in every branch of every thread, the best first. All words must occur; the last may be a beginning."""
    wanted = " ".join(text).strip()
    if not wanted:
        raise UsageError("There is nothing to search for.", "Give a word.")

    async def run() -> None:
        async with context.obj.library(all_users=all_users) as library:
            await complete(library)
            async for found in library.search(wanted, limit=limit):
                results = found
            if json:
                output.print_json([hit_json(hit) for hit in results.hits])
            elif results.hits:
                _print_hits(results)
            else:
                print(f"No message has this: {clean_line(wanted, 60)}")

    asyncio.run(run())


def hit_json(hit: Hit) -> dict[str, Any]:
    """Return a match as the JSON has it."""
    names = ("thread_id", "title", "checkpoint_id", "message_id", "role", "snippet", "on_active_path")
    return {name: getattr(hit, name) for name in names}


def _print_hits(results: Results) -> None:
    """Print matches under their threads; both in the order of the best match."""
    order = {thread_id: place for place, thread_id in reversed([*enumerate(hit.thread_id for hit in results.hits)])}
    owners = len({hit.user for hit in results.hits}) > 1
    hits = sorted(results.hits, key=lambda hit: order[hit.thread_id])
    for number, (_, group) in enumerate(groupby(hits, key=lambda hit: hit.thread_id)):
        some = list(group)
        first = some[0]
        facts = [first.thread_id[:8], first.user if owners else "", "archived" if first.archived else ""]
        title = output.bold(first.title or "(no title)")
        print(
            ("\n" if number else "") + title + output.dim(f" [{', '.join(clean_line(fact) for fact in facts if fact)}]")
        )
        for hit in some:
            print(_line(hit))
    if len(results.hits) < results.total or results.more:
        total = f"{results.total:,}{' or more' if results.more else ''}"
        # Only for a person: what reads a pipe counts lines.
        if output.width() is not None:
            print(output.dim(f"\n{len(results.hits):,} of {total}. --limit shows more."))


def _line(hit: Hit) -> str:
    left = f"  {'●' if hit.on_active_path else '○'} {hit.role:<9}  "
    place = (hit.checkpoint_id or "")[:_SHORT]
    limit = output.width()
    room = 1000 if limit is None else max(limit - cell_len(left) - len(place) - 2, 8)
    cut = output.fit(hit.snippet, room)
    text = cut
    for start, end in reversed(hit.marks):
        if end <= len(cut):
            text = text[:start] + output.marked(text[start:end]) + text[end:]
    gap = " " * (room - cell_len(cut)) if limit is not None else ""
    return f"{left}{text}{gap}  {output.dim(place)}".rstrip()
