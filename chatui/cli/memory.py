"""`chatui memory`: what is remembered of a user; and `chatui users`."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated

import typer

from chatui.cli import output
from chatui.cli.session import Session, complete, find
from chatui.cli.threads import Json, ThreadName
from chatui.cli.typer_app import group, json_before
from chatui.text import clean, clean_line

if TYPE_CHECKING:
    from chatui.conversation.library import Library
    from chatui.storage.records import Memory

app = group("What is remembered of a user, and goes to the model in all of that user's threads. Alone it lists it.")

MemoryId = Annotated[str, typer.Argument(metavar="ID", help="Its id, or the start of it.")]
Text = Annotated[str, typer.Argument(metavar="TEXT", help="What to remember.")]


@app.callback()
def alone(context: typer.Context, json: Json = False) -> None:
    """What is remembered of a user. Alone it lists it."""
    if context.invoked_subcommand is None:
        list_memories(context, json)
    elif json:
        raise json_before("memory", context.invoked_subcommand)


@app.command("list")
def list_memories(context: typer.Context, json: Json = False) -> None:
    """List what is remembered: of the user, or of everyone where none is set; and say how other threads are recalled."""
    from chatui.conversation.recall import recall_in_force

    async def run() -> None:
        session: Session = context.obj
        async with session.library() as library:
            user = None if session.options.all_users else session.user
            found = library.store.memories.of(user)
            if json:
                output.print_json(found)
                return
            who = library.memories_of().user
            how = recall_in_force(library.store, library.config, who)
        if not found:
            print("Nothing is remembered yet. `chatui memory add TEXT` does it.")
        for memory in found:
            print(clean(f"{memory.memory_id[:8]}  {memory.user}  {memory.text}"))
        print(output.dim(clean(f"Recall for {who}: {how}.")))

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


@app.command()
def recall(
    context: typer.Context,
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="[MODEL]",
            help="A model for embeddings, as in ollama:nomic-embed-text; `off` for full text alone, `default` for what the"
            " config file says.",
        ),
    ] = None,
    make: Annotated[bool, typer.Option("--make", help="Make the embeddings that are missing, now.")] = False,
) -> None:
    """Print, or set, how the user's other threads are searched for what fits a prompt (memory strategy `recall`)."""
    from chatui.conversation.recall import recall_in_force, set_embedding

    async def run() -> None:
        async with context.obj.library(make=model is not None) as library:
            user = library.memories_of().user
            if model is not None:
                await set_embedding(library.store, user, None if model == "default" else model)
            if make:
                await complete(library)
                await _make(library, user)
            print(clean(f"{user}: {recall_in_force(library.store, library.config, user)}"))

    asyncio.run(run())


async def _make(library: Library, user: str) -> None:
    """Make what embeddings are missing, with a line that counts them on a terminal."""
    made = 0
    async for made in library.recall.fill(user):
        if sys.stderr.isatty():
            print(f"\r{output.counted(made, 'embedding')} made", end="", file=sys.stderr, flush=True)
    if made and sys.stderr.isatty():
        print(file=sys.stderr)


@app.command()
def propose(context: typer.Context, switch: Annotated[str | None, typer.Argument(metavar="[on|off]")] = None) -> None:
    """Print, or set, whether the model proposes on the screen what to remember of the user. Nothing is kept unasked."""
    from chatui.conversation.proposals import parse_switch, proposes, set_proposing

    async def run() -> None:
        async with context.obj.library(make=switch is not None) as library:
            user = library.memories_of().user
            if switch is not None:
                await set_proposing(library.store, user, parse_switch(switch))
            print(clean(f"{user}: {'on' if proposes(library.store, library.config, user) else 'off'}"))

    asyncio.run(run())


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
