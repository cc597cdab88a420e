"""`chatui threads`, and what changes a thread as a whole: rename, pin, archive."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chatui.cli import output
from chatui.cli.session import Session, complete, find
from chatui.errors import UsageError
from chatui.text import clean_line

if TYPE_CHECKING:
    from chatui.conversation.library import Library
    from chatui.conversation.tree import Thread

ThreadName = Annotated[str, typer.Argument(metavar="THREAD", help="Its id, the start of its id, or its title.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Yes = Annotated[
    bool, typer.Option("--yes", help="In another program's older file: let its tables be brought to today's form.")
]


def threads(
    context: typer.Context,
    json: Json = False,
    search: Annotated[
        str, typer.Option("--search", metavar="TEXT", help="Only those with this in title or messages.")
    ] = "",
    limit: Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="At most so many.")] = None,
    archived: Annotated[bool, typer.Option("--archived", help="The archived ones too.")] = False,
    deleted: Annotated[bool, typer.Option("--deleted", help="The deleted ones instead.")] = False,
    all_users: Annotated[bool, typer.Option("--all-users", help="Everyone's threads.")] = False,
) -> None:
    """List threads: pinned ones first, then by last use."""

    async def run() -> None:
        async with context.obj.library(all_users=all_users) as library:
            await complete(library)
            found = library.threads(said=search, limit=limit, archived=archived, deleted=deleted)
            if json:
                output.print_json([thread_json(thread) for thread in found])
            elif found:
                _print_threads(found)
            else:
                print("No thread has this, in its title or a message." if search else _none(library, deleted=deleted))

    asyncio.run(run())


def rename(
    context: typer.Context,
    thread: ThreadName,
    title: Annotated[str, typer.Argument(metavar="TITLE", help="The new title.")],
    json: Json = False,
) -> None:
    """Give a thread another title."""
    if not title.strip():
        raise UsageError("A title needs at least one letter.", "Put it in quotes.")
    _change(context.obj, thread, lambda library, id_: library.rename(id_, title), json, "It is called {title} now.")


def pin(
    context: typer.Context,
    thread: ThreadName,
    off: Annotated[bool, typer.Option("--off", help="Let it go from the top again.")] = False,
    json: Json = False,
) -> None:
    """Keep a thread at the top of the list."""
    done = "{title} is pinned no more." if off else "{title} is pinned."
    _change(context.obj, thread, lambda library, id_: library.pin(id_, not off), json, done)


def archive(
    context: typer.Context,
    thread: ThreadName,
    off: Annotated[bool, typer.Option("--off", help="Put it back into the list.")] = False,
    json: Json = False,
) -> None:
    """Take a thread out of the list. `chatui threads --archived` shows it still."""
    done = "{title} is in the list again." if off else "{title} is archived."
    _change(context.obj, thread, lambda library, id_: library.archive(id_, not off), json, done)


def _change(
    session: Session, name: str, change: Callable[[Library, str], Awaitable[Any]], json: bool, done: str
) -> None:
    """Change one thread and print it, or a sentence about it."""

    async def run() -> None:
        async with session.library() as library:
            thread_id = (await find(library, name)).thread_id
            await change(library, thread_id)
            thread = library.thread(thread_id)
            if json:
                output.print_json(thread_json(thread))
            else:
                print(done.format(title=called(thread.title)))

    asyncio.run(run())


def called(title: str, room: int = 200) -> str:
    """Return a thread's title as a sentence has it: in quotes, or that it has none, as the lists say it.

    Args:
        title: The title, "" for none.
        room: How many letters of it are told.
    """
    title = clean_line(title, room)
    return f'"{title}"' if title else "(no title)"


def thread_json(thread: Thread) -> dict[str, Any]:
    """Return a thread as the JSON of every command has it."""
    import msgspec

    values = msgspec.structs.asdict(thread)
    # Only the screen's business: the tree and the branch say it of the message.
    del values["interrupted"]
    return values


def _none(library: Library, *, deleted: bool) -> str:
    """Say why a list is empty: the file may hold threads all the same."""
    user = None if library.all_users else library.user
    of = f" of {clean_line(user, 60)}" if user else ""
    if deleted:
        return f"No thread{of} is deleted."
    if library.threads(limit=1, archived=True):
        return f"All threads{of} are archived or deleted. `chatui threads --archived` lists the archived ones."
    if library.threads(limit=1, deleted=True):
        return f"All threads{of} are deleted. `chatui threads --deleted` lists them."
    if user and any(other.threads for other in library.users()):
        return f"There are no threads{of} yet. `chatui users` lists whose there are."
    return "There are no threads yet. `chatui` starts one."


def _print_threads(found: list[Thread]) -> None:
    owners = len({thread.user for thread in found}) > 1
    short = short_ids([thread.thread_id for thread in found])
    columns = [output.Column("ID"), output.Column("TITLE", flexible=True)]
    columns += [output.Column("USER")] if owners else []
    columns += [
        output.Column("MODEL"),
        output.Column("MESSAGES", right=True),
        output.Column("BRANCHES", right=True),
        output.Column("USED", right=True),
    ]
    rows = []
    for thread, id_ in zip(found, short, strict=True):
        marks = [
            text
            for text, on in (
                ("pinned", thread.pinned),
                ("archived", thread.archived),
                ("reply cut off", thread.interrupted),
            )
            if on
        ]
        title = (thread.title or "(no title)") + (f" [{', '.join(marks)}]" if marks else "")
        row = [id_, title]
        row += [thread.user] if owners else []
        row += [thread.model or "", str(thread.message_count), str(thread.branch_count), output.ago(thread.updated_at)]
        rows.append(row)
    output.print_table(columns, rows)


def short_ids(ids: list[str], least: int = 8) -> list[str]:
    """Return the shortest starts, of one length, that tell these ids apart."""
    for length in range(least, max(map(len, ids), default=least) + 1):
        if len({id_[:length] for id_ in ids}) == len(set(ids)):
            return [id_[:length] for id_ in ids]
    return ids
