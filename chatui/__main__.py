"""`python -m chatui`, and the `chatui` command."""

from __future__ import annotations

import gc


def main() -> None:
    """Run the command line."""
    # Imports and the first screen make a hundred thousand objects that stay: collecting among them is a tenth of the start. The
    # screen switches it on once it has painted; a command is over before it matters.
    gc.disable()
    from chatui.cli.main import run

    run()


if __name__ == "__main__":
    main()
