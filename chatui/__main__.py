"""`python -m chatui`, and the `chatui` command."""

from __future__ import annotations

import gc


def main() -> None:
    """Run the command line."""
    # Imports and the first screen make a hundred thousand objects that stay: collecting among them is a tenth of the start. It is
    # switched on once the screen has painted, or before a command runs: some of those take long and read much.
    gc.disable()
    from chatui.cli.main import run

    run()


if __name__ == "__main__":
    main()
