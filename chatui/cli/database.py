"""`chatui db`: path, stats, check, reindex, vacuum."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from chatui.cli import output
from chatui.cli.main import say
from chatui.cli.output import Column
from chatui.cli.session import Session, complete, side_place
from chatui.cli.threads import Json, short_ids
from chatui.cli.typer_app import group
from chatui.errors import ChatuiError
from chatui.text import clean
from chatui.tui import labels

if TYPE_CHECKING:
    from chatui.storage import Share

#: How many of the largest threads `stats` tells.
_LARGEST = 10

app = group("The database. Alone it prints where it lies.")


@app.callback()
def alone(context: typer.Context) -> None:
    """The database. Alone it prints where it lies."""
    if context.invoked_subcommand is None:
        path(context)


@app.command()
def path(context: typer.Context) -> None:
    """Print where the database lies, whether it is there yet or not.

    Of another program's file, standard error tells where what is chatui's lies.
    """
    print(clean(str(context.obj.database_path.absolute())))
    if context.obj.database_path.exists():
        # Apart from the output, which scripts take for a path.
        with suppress(ChatuiError):
            side = asyncio.run(_side(context.obj))
            if side is not None:
                say(_beside(side))


async def _side(session: Session) -> Path | None:
    async with session.looking() as store:
        return side_place(store.side) if store.side is not None else None


def _beside(side: Path) -> str:
    return f"The file is another program's; titles, heads, stars and the index for it lie in {side}."


@app.command()
def stats(
    context: typer.Context,
    json: Json = False,
    limit: Annotated[
        int, typer.Option("--limit", metavar="N", min=0, help="So many of the largest threads.")
    ] = _LARGEST,
) -> None:
    """Count what the database holds: its size, its largest threads, and what could be freed."""

    async def run() -> None:
        async with context.obj.library() as library:
            if library.side is not None:
                # It counts what the index has, which another program does not keep.
                await complete(library)
            found, largest = library.stats(), library.largest(limit)
            if json:
                output.print_json({**msgspec.structs.asdict(found), "largest": largest})
                return
            print(f"{clean(found.path)}")
            if library.side is not None:
                print(clean(_beside(library.side)))
            print(
                ", ".join(
                    output.counted(number, thing)
                    for number, thing in (
                        (found.threads, "thread"),
                        (found.messages, "message"),
                        (found.checkpoints, "checkpoint"),
                    )
                )
            )
            free = f", of which `chatui db vacuum` frees {labels.size(found.reclaimable_bytes)}"
            print(labels.size(found.bytes) + (free if found.reclaimable_bytes else ""))
            if deleted := library.largest(-1, deleted=True):
                size = labels.size(sum(share.bytes for share in deleted))
                print(
                    f"{output.counted(len(deleted), 'deleted thread')} of {size}, which `chatui purge` removes for good"
                )
            if largest:
                print()
                _print_shares(largest, {share.thread_id for share in deleted})

    asyncio.run(run())


def _print_shares(largest: list[Share], deleted: set[str]) -> None:
    ids = short_ids([share.thread_id for share in largest])
    rows = [
        [
            name,
            (share.title or "(no title)") + (" [deleted]" if share.thread_id in deleted else ""),
            str(share.messages),
            labels.size(share.bytes),
        ]
        for name, share in zip(ids, largest, strict=True)
    ]
    output.print_table(
        [Column("id"), Column("title", flexible=True), Column("messages", True), Column("size", True)], rows
    )


@app.command()
def check(context: typer.Context, json: Json = False) -> int:
    """Check the file, and compare the message index with LangGraph's checkpoints."""

    async def run() -> int:
        async with context.obj.library() as library:
            problems = await library.check()
        if json:
            output.print_json({"ok": not problems, "problems": problems})
        elif problems:
            for problem in problems:
                print(clean(problem))
            print("`chatui db reindex` makes the index anew.")
        else:
            print("The file is whole, and the index agrees with the checkpoints.")
        return 1 if problems else 0

    return asyncio.run(run())


@app.command()
def reindex(context: typer.Context) -> None:
    """Make the message index anew from the checkpoints. Titles, heads, stars and names stay."""

    async def run() -> None:
        count = 0
        async with context.obj.library() as library:
            async for done, total in library.reindex():
                count = total
                if sys.stderr.isatty():
                    print(f"\r{done} of {total} threads", end="", file=sys.stderr, flush=True)
        if count and sys.stderr.isatty():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
        print(f"The index of {output.counted(count, 'thread')} was made anew.")

    asyncio.run(run())


@app.command()
def vacuum(context: typer.Context) -> None:
    """Write the file anew without what was removed from it. Purging does so by itself."""

    async def run() -> None:
        async with context.obj.library() as library:
            freed = await library.vacuum()
        print(f"Done: {labels.size(freed)} freed.")

    asyncio.run(run())
