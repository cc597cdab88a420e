"""Running one command through typer, with its errors said our way."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import typer

from chatui.cli import commands
from chatui.cli.options import as_text, option_of
from chatui.cli.session import Session
from chatui.errors import UsageError
from chatui.text import clean_line


def group(help_text: str) -> typer.Typer:
    """Return a group of commands, as `chatui models` is one. Without a subcommand it runs its callback."""
    return typer.Typer(
        help=help_text,
        invoke_without_command=True,
        add_completion=False,
        # Rich's boxes cost a fifth of a second at each `--help`, and a screen reader reads every one of them aloud.
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )


def json_before(name: str, subcommand: str) -> UsageError:
    """Return the error of a `--json` between a group and its subcommand, where it would mean nothing."""
    return UsageError("--json stands behind the subcommand.", f"Try `chatui {name} {clean_line(subcommand)} --json`.")


def run_command(name: str, arguments: list[str], session: Session) -> int:
    """Run a command of the table.

    Args:
        name: The command.
        arguments: What follows it.
        session: What the options before it mean; the command finds it in its context.

    Returns:
        The exit code.

    Raises:
        UsageError: What typer says about the arguments.
        ChatuiError: What the command says.
    """
    target = commands.load(name)
    if not isinstance(target, typer.Typer):
        app = typer.Typer(
            add_completion=False, rich_markup_mode=None, context_settings={"help_option_names": ["-h", "--help"]}
        )
        app.command(name)(target)
        target = app
    command: Any = typer.main.get_command(target)
    _take_text(command)
    try:
        # Not by its `main`: that leaves with 1 where a pipe was closed, while to us its reader just has enough.
        with command.make_context(f"chatui {name}", arguments, obj=session) as context:
            code = command.invoke(context)
    except typer.Exit as leaving:
        code = leaving.exit_code
    except typer.TyperException as error:
        raise _explain(error, name) from None
    except typer.Abort:
        return 130
    return code if isinstance(code, int) else 0


def _take_text(command: Any) -> None:
    """Let a command and those below it get their arguments as text that can be stored, whatever bytes were given."""
    act: Callable[..., Any] | None = command.callback
    if act is not None:
        command.callback = wraps(act)(lambda *given, **named: act(*given, **{key: _text(named[key]) for key in named}))
    for below in getattr(command, "commands", {}).values():
        _take_text(below)


def _text(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(map(_text, value))
    return as_text(value) if isinstance(value, str) else value


def _explain(error: typer.TyperException, name: str) -> UsageError:
    message = clean_line(error.format_message()).rstrip(".")
    option = option_of(getattr(error, "option_name", ""))
    if option is not None:
        value = f" {option.value}" if option.value else ""
        return UsageError(
            f"{option.names[-1]} stands before the command.", f"Try `chatui {option.names[-1]}{value} {name} ...`."
        )
    # A subcommand has a page of its own: `chatui models remove`.
    page = getattr(getattr(error, "ctx", None), "command_path", f"chatui {name}")
    return UsageError(f"{message}.", f"`{clean_line(page)} --help` tells what it takes.")
