"""Names of files as a prompt writes them, `@name` and `@"a name"`: what one stands for, and how one that is begun can go on."""

from __future__ import annotations

import heapq
import os
import re
import time
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import msgspec

from chatui.text import clean

#: How many names a listing holds at most, and for how many seconds it reads a folder at most: a dead network would hold it.
MOST, PATIENCE = 200, 2.0

# `@name` or `@"name with spaces"`, where a word begins; a quotation mark in the name is written with a backslash before it.
_MENTION = re.compile(r'(?<!\S)@(?:"((?:[^"\\\n]|\\.)+)"|(\S+))')
# One that the cursor stands behind: without its second quotation mark.
_BEGUN = re.compile(r'(?<!\S)@(?:"((?:[^"\\]|\\.)*)|([^\s"]\S*|))$')
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_SEPARATORS = tuple({"/", os.sep})

# Between so many entries of a folder a listing looks whether it is still wanted, and lets go of the interpreter for so long.
_LOOK_EVERY, _PAUSE = 512, 0.0002


# What a prompt names


def mentions(text: str, replace: Callable[[list[tuple[str, str]], str], str]) -> str:
    """Replace every mention of a text.

    What is quoted names nothing: neither in a block of code nor in a line that begins with ">". So neither pasted code, nor a file
    that is attached already, nor what a model wrote can attach a file.

    Args:
        text: A prompt.
        replace: Given what a mention may stand for, as (name, what follows the name) with the likeliest first, and the whole of it;
            returns what is to stand there.
    """

    def found(match: re.Match[str]) -> str:
        quoted = match[1] is not None
        return replace(_readings(match[1] if quoted else match[2], quoted=quoted), match[0])

    return "".join(_MENTION.sub(found, line) if said else line for line, said in _lines(text))


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    """Each line with its end, and whether a person says it: it is no quotation."""
    fence = ""
    for line in text.splitlines(keepends=True):
        mark = _FENCE.match(line)
        if fence:
            yield line, False
            if mark and mark[1].startswith(fence) and not line[mark.end() :].strip():
                fence = ""
        else:
            fence = mark[1] if mark else ""
            yield line, not fence and not line.startswith(">")


def _readings(name: str, *, quoted: bool) -> list[tuple[str, str]]:
    """The name as it is written, and then without its backslashes, or without the punctuation of the sentence behind it."""
    other = _unescaped(name) if quoted else name.rstrip(".,;:!?)")
    if other in ("", name):
        return [(name, "")]
    return [(name, ""), (other, "" if quoted else name[len(other) :])]


def _unescaped(name: str) -> str:
    return re.sub(r'\\(["\\])', r"\1", name)


def place_of(name: str, folder: Path) -> Path:
    """Return the path that a name stands for, from a folder on.

    Raises:
        OSError, ValueError, RuntimeError: It can stand for none.
    """
    # A path forgets that it began with "./", which "./~name" needs.
    return folder / (Path(name).expanduser() if name.startswith("~") else name)


def is_path(name: str) -> bool:
    """Whether a name can only be meant as a path: it begins as one does."""
    return name.startswith(tuple(f"{start}{end}" for start in (".", "..", "~", "") for end in _SEPARATORS))


def written(name: str, *, ends: bool = True) -> str:
    """Return a name as a mention that finds it again.

    Args:
        name: A file's, with its folder or without.
        ends: Whether it is complete, or of a folder in which one goes on: the second quotation mark is left out then.
    """
    if name.startswith("~") and not is_path(name):
        # No user's home.
        name = f"./{name}"
    if not any(letter.isspace() for letter in name) and not name.startswith('"'):
        return f"@{name}"
    if '"' in name or name.endswith("\\"):
        name = re.sub(r'(["\\])', r"\\\1", name)
    return f'@"{name}"' if ends else f'@"{name}'


# What one that is begun can become


class Begun(msgspec.Struct, frozen=True):
    """A mention that the cursor stands behind.

    Attributes:
        start: The column of its @.
        end: The column behind it.
        folder: What is written of it up to the last separator, that included; "" for the working folder.
        prefix: What is written behind that.
    """

    start: int
    end: int
    folder: str
    prefix: str


class Entry(msgspec.Struct, frozen=True):
    """One way to go on.

    Attributes:
        name: The name of a file or a folder.
        written: The whole mention, complete, or with a folder so that it can go on.
        is_folder: Whether it is one.
        size: Of a file, in bytes.
    """

    name: str
    written: str
    is_folder: bool
    size: int = 0


class Listing(NamedTuple):
    """The ways to go on, by name, and whether there are more than these."""

    entries: list[Entry]
    more: bool


def begun_at(line: str, column: int) -> Begun | None:
    """Return the mention that ends at a column of a line, None where there is none."""
    match = _BEGUN.search(line[:column])
    rest = line[column : column + 1]
    if match is None or not (rest == "" or rest.isspace() or (rest == '"' and match[1] is not None)):
        return None
    typed = _unescaped(match[1]) if match[1] is not None else match[2]
    cut = max(typed.rfind(sign) for sign in _SEPARATORS) + 1
    return Begun(match.start(), column + (rest == '"'), typed[:cut], typed[cut:])


def listing(begun: Begun, folder: Path, given_up: Callable[[], bool] = lambda: False) -> Listing:
    """Read which files and folders a mention can become. For a thread of its own: a folder may be large, or far away.

    Names begin with what is written, in whatever case; hidden ones only where a dot is. Those that a prompt cannot hold, for a
    terminal could obey them, are left out.

    Args:
        begun: The mention.
        folder: Where names are looked for.
        given_up: Asked now and then; true ends the reading.
    """
    wanted, hidden = _folded(begun.prefix), begun.prefix.startswith(".")
    found: list[tuple[str, str, os.DirEntry[str]]] = []
    more = False
    until = time.monotonic() + PATIENCE
    try:
        with os.scandir(place_of(begun.folder, folder)) as names:
            for count, entry in enumerate(names, start=1):
                name = entry.name
                if (hidden or not name.startswith(".")) and (key := _folded(name)).startswith(wanted):
                    found.append((key, name, entry))
                if count % _LOOK_EVERY == 0:
                    if given_up() or time.monotonic() > until:
                        more = True
                        break
                    time.sleep(_PAUSE)
                    if len(found) > 10 * MOST:
                        found, more = heapq.nsmallest(MOST, found, key=lambda one: one[:2]), True
    except (OSError, ValueError, RuntimeError):
        return Listing([], False)
    found.sort(key=lambda one: one[:2])
    entries = [one for _, _, entry in found[:MOST] if (one := _entry(entry, begun.folder)) is not None]
    return Listing(entries, more or len(found) > MOST)


def _entry(entry: os.DirEntry[str], folder: str) -> Entry | None:
    """What is neither a file nor a folder can neither be attached nor looked into."""
    name = entry.name
    if clean(name) != name or not name.replace(" ", "").strip() or set(name) & set("\n\t\r\v\f"):
        return None
    try:
        if entry.is_dir():
            return Entry(name, written(f"{folder}{name}/", ends=False), True)
        return Entry(name, written(folder + name), False, entry.stat().st_size) if entry.is_file() else None
    except OSError:
        return None


def _folded(name: str) -> str:
    # The same letters may be written in two ways, and macOS has the other one.
    return name.casefold() if name.isascii() else unicodedata.normalize("NFC", name).casefold()
