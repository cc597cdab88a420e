"""`chatui models`: list, pull, show, remove."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chatui.cli import output
from chatui.cli.asking import agreed
from chatui.cli.session import Session
from chatui.cli.threads import Json
from chatui.cli.typer_app import group, json_before
from chatui.text import clean, clean_line
from chatui.tui import labels

if TYPE_CHECKING:
    from chatui.models import ModelInfo, Models, PullMeter, PullProgress

_NO_TERMINAL = "There is no terminal to ask on.", "Say --yes to remove the model."

app = group("The models that can be used. Alone it lists them.")

Reference = Annotated[
    str, typer.Argument(metavar="REF", help="The model, as in embedded:smollm2-135m or ollama:llama3.2.")
]


@app.callback()
def alone(context: typer.Context, json: Json = False) -> None:
    """The models that can be used. Alone it lists them."""
    if context.invoked_subcommand is None:
        list_models(context, json)
    elif json:
        raise json_before("models", context.invoked_subcommand)


@app.command("list")
def list_models(context: typer.Context, json: Json = False) -> None:
    """List the models of every provider that answers."""

    async def run() -> None:
        models = _models(context.obj)
        try:
            listing = await models.look_round()
        finally:
            await models.close()
        found = listing.models
        for note in listing.notes:
            print(clean_line(note, 400), file=sys.stderr)
        if json:
            output.print_json(found)
        elif found:
            _print_models(found)
        else:
            print("There is no model yet. `chatui doctor` tells what answers, and what to do.")

    asyncio.run(run())


@app.command()
def pull(context: typer.Context, model: Reference) -> None:
    """Fetch a model. Running it again after an interruption goes on, or starts afresh where it cannot."""
    from chatui.models import parse_ref

    reference = parse_ref(model)

    async def run() -> None:
        models = _models(context.obj)
        bar = _Bar(str(reference))
        try:
            async with aclosing(models.pull(reference)) as steps:
                async for step in steps:
                    bar.show(step)
        finally:
            bar.end()
            await models.close()
        print(f"{clean(str(reference))} is ready.")

    asyncio.run(run())


@app.command()
def show(context: typer.Context, model: Reference, json: Json = False) -> None:
    """Print what is known of a model."""
    from chatui.models import parse_ref

    reference = parse_ref(model)

    async def run() -> None:
        models = _models(context.obj)
        try:
            details = await models.show(reference)
        finally:
            await models.close()
        if json:
            output.print_json(details)
        else:
            for name, value in details.items():
                print(f"{output.bold(clean_line(str(name)) + ':')} {_value(name, value)}")

    asyncio.run(run())


@app.command()
def remove(
    context: typer.Context,
    model: Reference,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    json: Json = False,
) -> int:
    """Take a model off the disk: from its server, or the demo model from this machine. Asks first.

    What it has written in your threads stays.
    """
    from chatui.models import parse_ref

    reference = parse_ref(model)

    async def run() -> int:
        models = _models(context.obj)
        try:
            if not (yes or agreed(f"Remove {clean_line(str(reference))} from the disk?", *_NO_TERMINAL)):
                return 1
            await models.remove(reference)
        finally:
            await models.close()
        if json:
            output.print_json({"model": str(reference), "removed": True})
        else:
            print(f"{clean(str(reference))} is removed.")
        return 0

    return asyncio.run(run())


def _models(session: Session) -> Models:
    from chatui.models import Models

    return Models(session.config)


def _value(name: str, value: Any) -> str:
    if name == "size" and isinstance(value, int):
        return labels.size(value)
    if isinstance(value, list | tuple):
        return clean_line(", ".join(str(item) for item in value))
    return "" if value is None else clean(str(value))


def _print_models(found: list[ModelInfo]) -> None:
    columns = [
        output.Column("MODEL", flexible=True),
        output.Column("SIZE", right=True),
        output.Column("PARAMETERS", right=True),
        output.Column("QUANTIZATION"),
        output.Column("CONTEXT", right=True),
        output.Column("CAPABILITIES"),
        output.Column("LOADED"),
    ]
    rows = [
        [
            info.model,
            labels.size(info.size),
            info.parameters or "",
            info.quantization or "",
            str(info.context_length or ""),
            ", ".join(word for word in info.capabilities if word != "completion"),
            "yes" if info.loaded else "",
        ]
        for info in found
    ]
    output.print_table(columns, rows)


class _Bar:
    """The progress of a pull, on standard error: a bar on a terminal, a line for each step elsewhere."""

    def __init__(self, model: str) -> None:
        from chatui.models import PullMeter

        self._model = clean_line(model, 40)
        self._terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._status = ""
        self._meter = PullMeter()

    def show(self, step: PullProgress) -> None:
        """Show how far it is."""
        status = clean_line(step.status, 60)
        if not self._terminal:
            if status != self._status:
                print(f"{self._model}: {status}", file=sys.stderr, flush=True)
            self._status = status
            return
        self._meter.take(step)
        columns = os.get_terminal_size(sys.stderr.fileno()).columns
        sys.stderr.write("\r\x1b[K" + output.fit(bar(self._model, self._meter), max(columns - 1, 1)))
        sys.stderr.flush()

    def end(self) -> None:
        """Take the bar away."""
        if self._terminal:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def bar(model: str, meter: PullMeter) -> str:
    """Return a line that tells how far a pull is, the most important first."""
    status = clean_line(meter.status, 60)
    if meter.fraction is None:
        return f"{model}  {status}"
    filled = int(meter.fraction * 24)
    facts = [
        # Rounded down: it is whole only when it is whole.
        f"{model}  {'━' * filled}{'─' * (24 - filled)} {int(meter.fraction * 100):3}%",
        f"{labels.size(meter.completed)} of {labels.size(meter.total)}",
    ]
    if (speed := meter.speed) is not None:
        facts.append(f"{labels.size(round(speed))}/s")
    if (left := meter.seconds_left) is not None:
        facts.append(f"{_duration(left)} left")
    return "  ".join([*facts, status])


def _duration(seconds: float) -> str:
    """Say how long something takes: "12 s", "3 min", "2 h"."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.0f} h"
