"""Running one command through typer, with its errors said our way."""

from __future__ import annotations

from typing import Any

import typer

from chatui.cli import commands
from chatui.cli.options import option_of
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
    try:
        code = command.main(args=arguments, prog_name=f"chatui {name}", standalone_mode=False, obj=session)
    except typer.TyperException as error:
        raise _explain(error, name) from None
    except typer.Abort:
        return 130
    return code if isinstance(code, int) else 0


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
