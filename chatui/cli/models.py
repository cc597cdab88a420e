"""`chatui models`: list, pull, show."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated, Any

import typer

from chatui.cli import output
from chatui.cli.session import Session
from chatui.cli.threads import Json
from chatui.cli.typer_app import group
from chatui.text import clean, clean_line

if TYPE_CHECKING:
    from chatui.models import ModelInfo, Models, PullProgress

app = group("The models that can be used. Alone it lists them.")

Reference = Annotated[
    str, typer.Argument(metavar="REF", help="The model, as in embedded:smollm2-135m or ollama:llama3.2.")
]


@app.callback()
def alone(context: typer.Context) -> None:
    """The models that can be used. Alone it lists them."""
    if context.invoked_subcommand is None:
        list_models(context)


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
                print(f"{output.bold(clean_line(str(name)) + ':')} {_value(value)}")

    asyncio.run(run())


def _models(session: Session) -> Models:
    from chatui.models import Models

    return Models(session.config)


def _value(value: Any) -> str:
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
        output.Column("LOADED"),
    ]
    rows = [
        [
            info.model,
            output.size(info.size),
            info.parameters or "",
            info.quantization or "",
            str(info.context_length or ""),
            "yes" if info.loaded else "",
        ]
        for info in found
    ]
    output.print_table(columns, rows)


class _Bar:
    """The progress of a pull, on standard error: a bar on a terminal, a line for each step elsewhere."""

    def __init__(self, model: str) -> None:
        self._model = clean_line(model, 40)
        self._terminal = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._status = ""

    def show(self, step: PullProgress) -> None:
        """Show how far it is."""
        status = clean_line(step.status, 60)
        if not self._terminal:
            if status != self._status:
                print(f"{self._model}: {status}", file=sys.stderr, flush=True)
            self._status = status
            return
        line = f"{self._model}  {status}"
        if step.total:
            part = min((step.completed or 0) / step.total, 1.0)
            filled = round(part * 24)
            line = (
                f"{self._model}  {'━' * filled}{'─' * (24 - filled)} {part:4.0%}  "
                f"{output.size(step.completed or 0)} of {output.size(step.total)}  {status}"
            )
        columns = os.get_terminal_size(sys.stderr.fileno()).columns
        sys.stderr.write("\r\x1b[K" + output.fit(line, max(columns - 1, 1)))
        sys.stderr.flush()

    def end(self) -> None:
        """Take the bar away."""
        if self._terminal:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
