"""A question before what cannot be undone."""

from __future__ import annotations

import sys

from chatui.cli.main import say
from chatui.errors import UsageError
from chatui.text import clean


def agreed(question: str, problem: str, advice: str) -> bool:
    """Ask on the terminal.

    Args:
        question: What is asked, without the choices.
        problem: What is wrong where there is no terminal.
        advice: What to do then.

    Raises:
        UsageError: There is none.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(problem, advice)
    # On standard error: standard output may be JSON that goes elsewhere.
    sys.stderr.write(f"{clean(question)} [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        return True
    say("Nothing was removed.")
    return False
