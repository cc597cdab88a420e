"""`chatui set`: the system prompt, the parameters, the model and the memory strategy of a thread, of its model, or of its user."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chatui.cli import output
from chatui.cli.main import say
from chatui.cli.session import find
from chatui.cli.threads import Json, ThreadName
from chatui.errors import UsageError
from chatui.text import clean_line

if TYPE_CHECKING:
    from chatui.conversation.engine import Conversation
    from chatui.conversation.library import Library
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

    A thread's value comes before its model's, that before its user's, and that before the config file's. model=REF and
    memory=STRATEGY are those of the thread, or with --for-user of the user's threads that have none of their own.
    """
    from chatui.conversation.parameters import FIELDS, parse, written
    from chatui.conversation.settings import KEEPS, RELOAD

    if for_model and for_user:
        raise UsageError("Of --for-model and --for-user only one can be given.", "`chatui set --help` tells more.")
    level: Level = "model" if for_model else "user" if for_user else "thread"
    changes, own = dict[str, Any](), dict[str, str | None]()
    for given in values or []:
        name, equals, value = given.partition("=")
        if not equals:
            raise UsageError(f'"{clean_line(given, 60)}" has no =.', "Write it as in temperature=0.2.")
        if name.strip().lower() in ("model", "memory"):
            own[name.strip().lower()] = _checked(name.strip().lower(), value, level)
            continue
        parsed = parse(name, value)
        key = next(field.name for field in FIELDS if field.name == name.strip().lower().replace("-", "_"))
        # There is no other way to take a system prompt away here; /system on the screen sets an empty one.
        changes[key] = parsed if parsed != "" else None

    async def run() -> None:
        async with context.obj.library() as library:
            conversation = library.conversation((await find(library, thread)).thread_id)
            await _set_own(library, conversation, own, for_user=for_user)
            model = str(await library.models.choose(conversation.model()))
            settings = conversation.settings
            before = settings.resolve(model).values.num_ctx
            if changes:
                await settings.change(level, model, **changes)
            if "num_ctx" in changes:
                now = settings.resolve(model)
                if now.values.num_ctx != before:
                    say(RELOAD)
                elif level != "thread" and now.sources["num_ctx"] == "first reply":
                    say(KEEPS)
            found = settings.resolve(model, level=level)
            shown = {
                field.name: {"value": getattr(found.values, field.name), "source": found.sources[field.name]}
                for field in FIELDS
            }
            strategy, source = (
                (conversation.memory.user.strategy(), "user") if for_user else conversation.memory.strategy()
            )
            if source == "user" and conversation.memory.user.own_strategy() is None:
                shown["memory"] = {"value": strategy, "source": "default"}
            else:
                shown["memory"] = {"value": strategy, "source": source}
            if json:
                output.print_json({"thread_id": conversation.thread_id, "model": model, "parameters": shown})
                return
            print(f"{'model':<16}{clean_line(model, 200)}")
            for name, entry in shown.items():
                value = clean_line(strategy if name == "memory" else written(name, entry["value"]), 200) or "-"
                print(f"{name:<16}{value}  {output.dim(entry['source'])}")

    asyncio.run(run())


def _checked(name: str, value: str, level: Level) -> str | None:
    """Return a model or a strategy as it is kept, None to take it away, before anything is written.

    Raises:
        UsageError: It is none, or it cannot be one of a model's settings.
    """
    from chatui.conversation.strategy import parse_strategy
    from chatui.models import parse_ref

    if level == "model":
        raise UsageError(f"A model has no {name} of its own.", "Leave --for-model out, or say --for-user.")
    value = value.strip()
    return str(parse_strategy(value) if name == "memory" else parse_ref(value)) if value else None


async def _set_own(library: Library, conversation: Conversation, own: dict[str, str | None], *, for_user: bool) -> None:
    """Set the model and the strategy of a thread, or of its user."""
    if "memory" in own:
        await (conversation.memory.user if for_user else conversation.memory).set_strategy(own["memory"])
    if "model" in own and for_user:
        await library.set_default_model(conversation.owner, own["model"])
    elif "model" in own:
        await library.set_model(conversation.thread_id, own["model"])
