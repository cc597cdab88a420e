"""`chatui export`: threads as documents, for people and for programs."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chatui.cli import output
from chatui.cli.session import complete, find
from chatui.errors import UsageError
from chatui.text import clean_line

if TYPE_CHECKING:
    from chatui.conversation.library import Library
    from chatui.conversation.tree import Thread
    from chatui.transfer.export import Exported


def export(
    context: typer.Context,
    threads: Annotated[
        list[str] | None, typer.Argument(metavar="[THREAD...]", help="Their ids, starts of ids, or titles.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every thread that the list has, the archived ones too.")] = False,
    kind: Annotated[
        str, typer.Option("-f", "--format", metavar="FORMAT", help="md, html, json, jsonl or messages.")
    ] = "md",
    path: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="PATH", help="The file; else standard output.")
    ] = None,
    all_branches: Annotated[
        bool, typer.Option("--all-branches", help="Every branch; html, json and jsonl have all anyway.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Write over a file that is there.")] = False,
) -> None:
    """Export threads. json and jsonl hold all of a thread, and `chatui import` takes them in again."""
    from chatui.transfer.export import FORMATS, pieces
    from chatui.transfer.writing import write

    names = threads or []
    if kind not in FORMATS:
        raise UsageError(f'"{clean_line(kind, 60)}" is no format.', f"Formats are {', '.join(FORMATS)}.")
    if bool(names) == all_:
        raise UsageError("Say which threads to export.", "Give their ids or titles, or --all.")

    async def run() -> None:
        async with context.obj.library() as library:
            if all_:
                await complete(library)
                found = library.threads(archived=True)
            else:
                found = [await find(library, name) for name in names]
            found = list({thread.thread_id: thread for thread in found}.values())
            document = pieces(kind, _read(library, found), all_branches=all_branches)
            if path is not None:
                write(path.expanduser(), document, over=yes)
                print(f"{output.counted(len(found), 'thread')} written to {clean_line(str(path), 200)}.")
            elif len(found) > 1 and sys.stdout.isatty():
                raise UsageError("Several threads do not go to the screen.", "Give a file with -o.")
            else:
                for piece in document:
                    print(piece, end="")

    asyncio.run(run())


def _read(library: Library, threads: list[Thread]) -> Iterator[Exported]:
    """Read one thread after the other, when its turn comes."""
    from chatui.conversation.state import fold_messages
    from chatui.transfer.export import exported

    for thread in threads:
        head = library.conversation(thread.thread_id).head_node
        yield exported(library.store, fold_messages, thread, head)
