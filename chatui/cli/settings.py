"""`chatui set`: the system prompt and the parameters of a thread, of its model, or of its user."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from chatui.cli import output
from chatui.cli.session import find
from chatui.cli.threads import Json, ThreadName
from chatui.errors import UsageError
from chatui.text import clean_line

if TYPE_CHECKING:
    from chatui.conversation.settings import Level


def set_(
    context: typer.Context,
    thread: ThreadName,
    values: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEY=VALUE...", help="As temperature=0.2; nothing behind = takes it away.", show_default=False
        ),
    ] = None,
    for_model: Annotated[bool, typer.Option("--for-model", help="As the default of the thread's model.")] = False,
    for_user: Annotated[bool, typer.Option("--for-user", help="As the default of the thread's user.")] = False,
    json: Json = False,
) -> None:
    """Set what the model of a thread is asked with. Without a KEY it prints what is in force, and whose value that is.

    A thread's value comes before its model's, that before its user's, and that before the config file's.
    """
    from chatui.conversation.parameters import FIELDS, parse, written

    if for_model and for_user:
        raise UsageError("Of --for-model and --for-user only one can be given.", "`chatui set --help` tells more.")
    level: Level = "model" if for_model else "user" if for_user else "thread"
    changes = {}
    for given in values or []:
        name, equals, value = given.encode("utf-8", "surrogateescape").decode("utf-8", "replace").partition("=")
        if not equals:
            raise UsageError(f'"{clean_line(given, 60)}" has no =.', "Write it as in temperature=0.2.")
        parsed = parse(name, value)
        key = next(field.name for field in FIELDS if field.name == name.strip().lower().replace("-", "_"))
        # There is no other way to take a system prompt away here; /system on the screen sets an empty one.
        changes[key] = parsed if parsed != "" else None

    async def run() -> None:
        async with context.obj.library() as library:
            conversation = library.conversation((await find(library, thread)).thread_id)
            row = conversation.thread()
            model = str(await library.models.choose(row.model if row else None))
            if changes:
                await conversation.settings.change(level, model, **changes)
            found = conversation.settings.resolve(model, level=level)
            shown = {
                field.name: {"value": getattr(found.values, field.name), "source": found.sources[field.name]}
                for field in FIELDS
            }
            if json:
                output.print_json({"thread_id": conversation.thread_id, "model": model, "parameters": shown})
                return
            for name, entry in shown.items():
                value = clean_line(written(name, entry["value"]), 200) or "-"
                print(f"{name:<16}{value}  {output.dim(entry['source'])}")

    asyncio.run(run())
