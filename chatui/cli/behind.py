"""What goes on when a command has ended: a process of its own that nobody waits for."""

from __future__ import annotations

import subprocess
import sys

from chatui.cli.session import Session


def go_on(session: Session, *command: str) -> None:
    """Run a command of chatui on the same database, with the same config, behind this one. What it says is lost."""
    options = ["--db", str(session.database_path.absolute()), "--config", str(session.config_path.absolute())]
    if not session.config_path.exists():
        del options[2:]
    nowhere = subprocess.DEVNULL
    subprocess.Popen(
        [sys.executable, "-m", "chatui", *options, *command],
        stdin=nowhere,
        stdout=nowhere,
        stderr=nowhere,
        # Neither Ctrl+C nor the terminal's end is for it.
        start_new_session=True,
    )
