"""`chatui doctor`: one page that says what chatui needs, what of it is there, and what to do about the rest.

Each check stands alone: a broken config or database is a finding, not the end of the examination. Nothing is written, not even
the files that SQLite leaves beside a database. What could hang (servers, a keyring, a disk on a network) is asked side by side, and
all of it within one patience.

`--json` prints `{"checks": [check, ...]}`, each `{name, ok, detail, fix, state}`:

- `name`: `python, sqlite, packages, extras.NAME (each extra), terminal, clipboard, config, themes, environment, database, ollama,
  hosts.NAME (each [hosts.NAME] of the config), embedded, model, recall`, in this order.
- `state`: `ok`; `absent` for what chatui does without; `wrong` for what somebody should look at. `ok` is true for `ok` alone.
- `detail`: what was found. `fix`: what to do, "" for nothing; where `ok` too, if there is something to know. Both are for people:
  their words may change.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Thread
from typing import Any

import typer

from chatui import __version__
from chatui.cli import output
from chatui.cli.doctor import files, installation, terminal
from chatui.cli.doctor.check import Check, guarded, wrong
from chatui.cli.doctor.page import page
from chatui.cli.doctor.servers import Servers
from chatui.cli.session import Session
from chatui.cli.threads import Json
from chatui.config import Config
from chatui.errors import ChatuiError

#: Seconds for all that could hang together.
PATIENCE = 4.0


def doctor(context: typer.Context, json: Json = False) -> None:
    """Check everything that chatui needs. Says what is missing and what to do; changes nothing."""
    checks = examine(context.obj)
    if json:
        output.print_json({"checks": checks})
        return
    print(output.bold(f"chatui {__version__}"))
    for line in page(checks, output.width(), sys.stdout.encoding or "ascii"):
        print(line)


def examine(session: Session, patience: float = PATIENCE) -> list[Check]:
    """Make all checks.

    Args:
        session: Which config, database and user.
        patience: Seconds for all that could hang together.
    """
    return asyncio.run(_examine(session, patience))


async def _examine(session: Session, patience: float) -> list[Check]:
    asyncio.get_running_loop().set_default_executor(_Daemons())
    config = _settings(session)
    servers = Servers(config)
    database, environment, _ = await asyncio.gather(
        _within(patience, "database", lambda: files.database(session, config, patience / 2)),
        _within(patience, "environment", lambda: guarded("environment", installation.environment)),
        servers.ask(patience),
    )
    return [
        *guarded("python", installation.python),
        *guarded("sqlite", installation.sqlite),
        *guarded("packages", installation.packages),
        *guarded("extras", lambda: installation.extras(servers.keys)),
        *guarded("terminal", terminal.terminal),
        *guarded("clipboard", terminal.clipboard),
        *guarded("config", lambda: files.config(session)),
        *guarded("themes", lambda: installation.themes(config)),
        *environment,
        *[check for check in database if check.name == "database"],
        *servers.checks(),
        *[check for check in database if check.name != "database"],
    ]


def _settings(session: Session) -> Config:
    """The config, or the defaults where it is broken: that is another check's finding."""
    try:
        return session.config
    except ChatuiError:
        return Config()


async def _within(patience: float, name: str, look: Callable[[], list[Check]]) -> list[Check]:
    try:
        async with asyncio.timeout(patience):
            return await asyncio.to_thread(look)
    except TimeoutError:
        return [wrong(name, f"Looking at it took longer than {patience:g} s.", "Look at its disk, or try again.")]


class _Daemons(ThreadPoolExecutor):
    """Threads that nobody waits for at the end: of a server's name, a keyring or a disk that hangs, asyncio would."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        # As nobody can take it back from here on, it may end long after it was given up.
        future.set_running_or_notify_cancel()

        def run() -> None:
            try:
                result = function(*args, **kwargs)
            except BaseException as error:
                future.set_exception(error)
            else:
                future.set_result(result)

        Thread(target=run, daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Wait for nothing."""
