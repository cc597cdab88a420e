"""`python -m chatui`, and the `chatui` command."""

from __future__ import annotations


def main() -> None:
    """Run the command line."""
    from chatui.cli.main import run

    run()


if __name__ == "__main__":
    main()
