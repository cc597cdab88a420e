"""`chatui memory`: what is remembered of a user; and `chatui users`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import typer

from chatui.cli import output
from chatui.cli.session import Session, complete, find
from chatui.cli.threads import Json, ThreadName
from chatui.cli.typer_app import group
from chatui.text import clean, clean_line

if TYPE_CHECKING:
    from chatui.conversation.library import Library
    from chatui.storage.records import Memory

app = group("What is remembered of a user, and goes to the model in all of that user's threads. Alone it lists it.")

MemoryId = Annotated[str, typer.Argument(metavar="ID", help="Its id, or the start of it.")]
Text = Annotated[str, typer.Argument(metavar="TEXT", help="What to remember.")]


@app.callback()
def alone(context: typer.Context) -> None:
    """What is remembered of a user. Alone it lists it."""
    if context.invoked_subcommand is None:
        list_memories(context)


@app.command("list")
def list_memories(context: typer.Context, json: Json = False) -> None:
    """List what is remembered: of the user, or of everyone where none is set."""

    async def run() -> None:
        session: Session = context.obj
        async with session.library() as library:
            user = None if session.options.all_users else session.user
            found = library.store.memories.of(user)
        if json:
            output.print_json(found)
        elif not found:
            print("Nothing is remembered yet. `chatui memory add TEXT` does it.")
        for memory in [] if json else found:
            print(clean(f"{memory.memory_id[:8]}  {memory.user}  {memory.text}"))

    asyncio.run(run())


@app.command()
def add(
    context: typer.Context,
    text: Text,
    thread: Annotated[
        str | None, typer.Option("-t", "--thread", metavar="THREAD", help="The thread that it comes from.")
    ] = None,
    json: Json = False,
) -> None:
    """Remember something."""

    async def change(library: Library) -> Memory:
        source = await find(library, thread) if thread is not None else None
        # The user who is set, else the one whose thread it comes from.
        user = library.user or (source.user if source else None)
        return await library.memories_of(user).add(text, source=source.thread_id if source else None)

    _change(context.obj, change, "Remembered", json, make=True)


@app.command()
def edit(context: typer.Context, memory: MemoryId, text: Text, json: Json = False) -> None:
    """Put another text in place of something remembered."""
    _change(context.obj, lambda library: library.memories_of().edit(memory, text), "Changed", json)


@app.command()
def strategy(
    context: typer.Context,
    text: Annotated[
        str | None, typer.Argument(metavar="[STRATEGY]", help="As window:6; default leaves it to the config file.")
    ] = None,
) -> None:
    """Print, or set, which messages are sent in the user's threads that have no strategy of their own."""

    async def run() -> None:
        async with context.obj.library(make=text is not None) as library:
            memory = library.memories_of()
            if text is not None:
                await memory.set_strategy(None if text == "default" else text)
            print(clean_line(f"{memory.user}: {memory.strategy()}"))

    asyncio.run(run())


@app.command(hidden=True)
def summarise(context: typer.Context, thread: ThreadName) -> None:
    """Write the summary that a thread needs for its strategy, if it needs one. `ask` has it done behind its back."""

    async def run() -> None:
        async with context.obj.library() as library:
            await library.conversation((await find(library, thread)).thread_id).summaries.write_needed()

    asyncio.run(run())


@app.command()
def forget(context: typer.Context, memory: MemoryId, json: Json = False) -> None:
    """Forget something for good. Replies that were given with it say that something is forgotten, and not what."""
    _change(context.obj, lambda library: library.memories_of().forget(memory), "Forgotten", json)


def _change(
    session: Session,
    change: Callable[[Library], Awaitable[Memory]],
    done: str,
    json: bool,
    *,
    make: bool = False,
) -> None:
    async def run() -> None:
        async with session.library(make=make) as library:
            memory = await change(library)
        if json:
            output.print_json(memory)
        else:
            print(clean(f"{done}, of {memory.user}: {memory.text}"))

    asyncio.run(run())


def users(context: typer.Context, json: Json = False) -> None:
    """List the users of the file, with their threads and messages."""

    async def run() -> None:
        async with context.obj.library(all_users=True) as library:
            await complete(library)
            found = library.users()
        if json:
            output.print_json(found)
        for user in [] if json else found:
            threads, messages = output.counted(user.threads, "thread"), output.counted(user.messages, "message")
            print(f"{clean_line(user.user)}: {threads}, {messages}")

    asyncio.run(run())
