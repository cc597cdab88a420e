"""`chatui import`: take in what people had in other programs."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from chatui.cli import output
from chatui.cli.main import say
from chatui.cli.session import Session
from chatui.cli.threads import Json
from chatui.text import clean

if TYPE_CHECKING:
    from chatui.transfer.importing import Report
    from chatui.transfer.sources import Found

#: How many skipped records are told one by one, where no JSON is asked for.
_TOLD = 10


def import_(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A file, or a folder of files.")],
    kind: Annotated[
        str | None, typer.Option("--from", metavar="KIND", help="What it is; else its content tells.")
    ] = None,
    split: Annotated[
        str | None,
        typer.Option("--split", metavar="PATTERN", help='How names of sessions tell the user, as "{user}--{thread}".'),
    ] = None,
    mapped: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="user=KEY", help="Of a LangGraph file: which key of its metadata has the user."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing; tell what would be.")] = False,
    json: Json = False,
) -> None:
    """Import conversations of other programs. Their files are only read, and importing again adds what is new."""
    from chatui.transfer.records import Wanted, keys_of
    from chatui.transfer.sources import Found

    found = Found(path.expanduser(), kind, Wanted(split, keys_of(mapped or [])))
    report = asyncio.run(_run(context.obj, found, dry_run))
    if json:
        output.print_json(report)
    else:
        _print(report, dry_run)


async def _run(session: Session, found: Found, dry: bool) -> Report:
    from chatui.conversation.library import DEFAULT_USER
    from chatui.conversation.state import SNAPSHOT_FREQUENCY, fold_messages
    from chatui.transfer.importing import Import, check_target

    async with session.library(make=not dry) as library:
        check_target(library.store)
        progress = _Progress()
        importing = Import(
            library.store,
            fold_messages,
            SNAPSHOT_FREQUENCY,
            owner=session.options.user,
            default=library.user or DEFAULT_USER,
            told=progress.told,
        )
        try:
            return await importing.run(found.kind, found.items(progress.read), dry=dry)
        except (KeyboardInterrupt, asyncio.CancelledError):
            progress.clear()
            done = output.counted(importing.report.new_threads, "new thread")
            say(f"Interrupted: {done} stand whole in the database. The same command goes on from there.")
            raise
        finally:
            progress.clear()


class _Progress:
    """How far an import is, on standard error where that is a terminal."""

    def __init__(self) -> None:
        self._share = 0.0
        self._shown = False

    def read(self, share: float) -> None:
        self._share = min(1.0, share)

    def told(self, report: Report) -> None:
        if sys.stderr.isatty():
            self._shown = True
            threads, messages = output.counted(report.threads, "thread"), output.counted(report.messages, "message")
            print(f"\r\x1b[K{self._share:4.0%}  {threads}, {messages}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
            self._shown = False


def _print(report: Report, dry: bool) -> None:
    threads, messages = output.counted(report.threads, "thread"), output.counted(report.messages, "message")
    print(f"{report.kind}: {threads} with {messages}.")
    new, added = output.counted(report.new_threads, "thread"), output.counted(report.new_messages, "message")
    if not report.new_messages:
        print("Nothing of it is new.")
    elif dry:
        print(f"New would be {new} and {added}.")
    else:
        print(f"New are {new} and {added}.")
    if report.skipped:
        print(f"{output.counted(len(report.skipped), 'record')} skipped:")
        for skipped in report.skipped[:_TOLD]:
            print(clean(f"  {skipped.where}: {skipped.why}"))
        if len(report.skipped) > _TOLD:
            print(f"  and {len(report.skipped) - _TOLD:,} more; --json lists them all.")
