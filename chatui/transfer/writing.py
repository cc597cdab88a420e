"""Putting a document into a file: whole or not at all, and readable to its owner alone."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from chatui.errors import ChatuiError, UsageError
from chatui.text import clean_line


def write(path: Path, pieces: Iterable[str], *, over: bool = False) -> int:
    """Write a document beside its place, and put it there when it is whole.

    Args:
        path: The file.
        pieces: The document.
        over: Whether a file that is there is written over.

    Returns:
        How many bytes it has.

    Raises:
        UsageError: There is a file already, or a folder.
        ChatuiError: It cannot be written.
    """
    shown = clean_line(str(path), 200)
    if path.is_dir():
        raise UsageError(f"{shown} is a folder.", "Give the name of a file.")
    if path.exists() and not over:
        raise UsageError(f"{shown} is there already.", "Choose another name, or say --yes to write over it.")
    try:
        # Made with mode 0600: it holds what people say to a model.
        number, name = tempfile.mkstemp(prefix=f".{path.name[:60]}-", dir=path.parent)
        try:
            with os.fdopen(number, "w", encoding="utf-8", errors="replace", newline="") as file:
                file.writelines(pieces)
            size = Path(name).stat().st_size
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ChatuiError(f"{shown} cannot be written: {error.strerror}.", "Choose another place.") from None
    return size
