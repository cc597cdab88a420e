"""Reading large JSON files piece by piece: the elements of a list, or the lines of a JSONL file, one after the other.

Only one element is in memory at a time, as bytes, and is decoded by itself: one that is broken does not hide those after it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import msgspec

from chatui.transfer.records import Skipped

#: The most bytes of one element: more is no conversation.
MOST_BYTES = 100_000_000
#: The most bytes of a file that is read whole, as one that is no list has to be.
MOST_WHOLE = 200_000_000
_BLOCK = 1 << 20
_SPACE = b" \t\r\n"
# A whole string, or a bracket. A string that the block cuts off has no end and matches as nothing but its first quote.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+"|["{}\[\]]', re.DOTALL)


class Element(msgspec.Struct, frozen=True):
    """One element: its number from 0, its value, and how many bytes of the file end with it."""

    number: int
    value: Any
    end: int


def decode(data: bytes) -> Any:
    """Return what JSON text stands for.

    Raises:
        ValueError: It is none; says why in a few words.
    """
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        pass
    try:
        # The library of Python reads halves of surrogate pairs and UTF-16 too.
        return json.loads(data)
    except UnicodeDecodeError:
        raise ValueError("it is no UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON ({error.msg} at character {error.pos})") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def first_byte(path: Path) -> bytes:
    """Return the first byte of a text that is no white space, b"" where there is none."""
    with path.open("rb") as file:
        return file.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip(_SPACE)[:1]


def whole(path: Path) -> Any:
    """Return what a file of JSON stands for, read at once.

    Raises:
        ValueError: It is too large, or none.
    """
    size = path.stat().st_size
    if size > MOST_WHOLE:
        raise ValueError(f"it is larger than {MOST_WHOLE // 1_000_000} MB")
    return decode(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))


def elements(path: Path) -> Iterator[Element | Skipped]:
    """Yield the elements of a file that is one JSON list, and what could not be read of it.

    Args:
        path: The file.
    """
    with path.open("rb") as file:
        yield from _elements(file, path.name)


def _elements(file: IO[bytes], name: str) -> Iterator[Element | Skipped]:
    buffer = bytearray()
    passed = 0  # bytes of the file before the buffer
    place = 0  # in the buffer: what is before it is looked at
    start = -1  # in the buffer: where the element begins
    depth = number = 0
    opened = skipping = False
    while True:
        block = file.read(_BLOCK)
        buffer += block
        if not opened:
            text = buffer.removeprefix(b"\xef\xbb\xbf").lstrip(_SPACE)
            if text[:1] != b"[":
                yield Skipped(name, "It is no JSON list.")
                return
            place = buffer.index(b"[") + 1
            opened = True
        for token in _TOKEN.finditer(buffer, place):
            sign = token[0]
            if len(sign) == 1:
                if sign == b'"':
                    # Cut off by the block, or by the end of the file.
                    place = token.start()
                    break
                if sign in b"{[":
                    if depth == 0:
                        start = token.start()
                    depth += 1
                else:
                    depth -= 1
                    if depth < 0:
                        return
                    if depth == 0:
                        if not skipping:
                            yield _decoded(bytes(buffer[start : token.end()]), name, number, passed + token.end())
                        number, start, skipping = number + 1, -1, False
            place = token.end()
        else:
            place = max(place, len(buffer))
        if not block:
            yield Skipped(
                f"{name}, element {number}", f"The file ends in the middle of it, at byte {passed + len(buffer)}."
            )
            return
        if start >= 0 and len(buffer) - start > MOST_BYTES and not skipping:
            yield Skipped(f"{name}, element {number}", f"It is larger than {MOST_BYTES // 1_000_000} MB.")
            skipping = True
        keep = place if start < 0 or skipping else start
        del buffer[:keep]
        passed, place = passed + keep, place - keep
        start = -1 if start < 0 else 0


def _decoded(data: bytes, name: str, number: int, end: int) -> Element | Skipped:
    try:
        return Element(number, decode(data), end)
    except ValueError as error:
        return Skipped(f"{name}, element {number}", f"It cannot be read: {error}.")


def lines(path: Path) -> Iterator[Element | Skipped]:
    """Yield the values of a file of JSON lines, counted from 0, and what could not be read of it."""
    end = 0
    with path.open("rb") as file:
        number = 0
        while line := file.readline(MOST_BYTES):
            end += len(line)
            if text := line.removeprefix(b"\xef\xbb\xbf").strip():
                try:
                    yield Element(number, decode(text), end)
                except ValueError as error:
                    yield Skipped(f"{path.name}, line {number + 1}", f"It cannot be read: {error}.")
            number += 1
