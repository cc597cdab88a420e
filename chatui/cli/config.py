"""`chatui config`: path, show."""

from __future__ import annotations

from typing import Any

import msgspec
import typer

from chatui.cli import output
from chatui.cli.threads import Json
from chatui.cli.typer_app import group
from chatui.text import clean

app = group("The config file. Alone it prints where it lies.")


@app.callback()
def alone(context: typer.Context) -> None:
    """The config file. Alone it prints where it lies."""
    if context.invoked_subcommand is None:
        path(context)


@app.command()
def path(context: typer.Context) -> None:
    """Print where the config file lies, whether it is there yet or not."""
    print(clean(str(context.obj.config_path.absolute())))


@app.command()
def show(context: typer.Context, json: Json = False) -> None:
    """Print every key with the value that is in force, as TOML."""
    values: dict[str, Any] = msgspec.to_builtins(context.obj.config)
    for host in values.get("hosts", {}).values():
        # Secrets are never shown.
        host["headers"] = dict.fromkeys(host["headers"], "***")
        if "@" in host["url"]:
            host["url"] = "***@" + host["url"].rpartition("@")[2]
    if json:
        output.print_json(values)
        return
    file = context.obj.config_path
    print(
        output.dim(f"# {clean(str(file.absolute()))}{'' if file.exists() else ' (not there: these are the defaults)'}")
    )
    tables = {name: value for name, value in values.items() if isinstance(value, dict)}
    for name, value in values.items():
        if name not in tables:
            print(_line(name, value))
    for name, table in tables.items():
        print(f"\n[{name}]")
        for key, value in table.items():
            print(_line(key, value))


def _line(key: str, value: Any) -> str:
    """One key as TOML; one without a value as a comment, since TOML has no null."""
    bare = key.replace("_", "").replace("-", "").isalnum() and key.isascii()
    name = key if bare else msgspec.json.encode(key).decode()
    if value is None:
        return output.dim(f"# {name} is not set")
    # A JSON string, number or truth value is TOML's too.
    return f"{name} = {clean(msgspec.json.encode(value).decode())}"
