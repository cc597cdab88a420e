"""What is at a path: of which kind each file is, told by its content and never by its name, and what it holds.

A kind is a module of this package with `read(source) -> Iterator[Item]`, and either `looks(value)`, which is given the first value
of a JSON file, or `has(tables)`, which is given the tables of a SQLite file with their columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from chatui.errors import ChatuiError, UsageError
from chatui.text import clean_line
from chatui.transfer import foreign, jsonstream
from chatui.transfer.jsonstream import Element
from chatui.transfer.records import Item, Skipped, Wanted

#: The kinds, each with its module, in the order they are tried: a kind that looks at more stands before one that looks at less.
KINDS = {
    "chatui": "chatui_json",
    "chatgpt": "chatgpt",
    "claude": "claude",
    "openwebui": "openwebui",
    "sillytavern": "sillytavern",
    "langchain-json": "langchain_json",
    "langgraph": "langgraph",
    "langchain-sql": "langchain_sql",
    "elia": "elia",
    "oterm": "oterm",
    "llm": "llm",
}
#: What an export may have beside its conversations, and nothing of a conversation is in.
_BESIDE = (
    "user.json",
    "users.json",
    "projects.json",
    "message_feedback.json",
    "shared_conversations.json",
    "memories.json",
)
_DATA = {".zip", ".json", ".jsonl", ".db", ".sqlite", ".sqlite3", ".pkl", ".pickle"}
_SMALL = 1000
#: Opcodes that a pickle begins with, of protocols 2 and up.
_PICKLE = re.compile(rb"\x80[\x02-\x05]")


class Source:
    """One file to import.

    Attributes:
        path: The file.
        name: Its path below the folder that was given, else its name.
        wanted: What the person said about it.
        alone: Whether the file itself was given, and no folder.
        told: Called with how much of it is read, from 0 to 1.
    """

    def __init__(self, path: Path, name: str, wanted: Wanted, alone: bool, told: Callable[[float], None]) -> None:
        self.path = path
        self.alone = alone
        self.name = name
        self.wanted = wanted
        self.told = told

    def each(self, convert: Callable[[Any, str], Iterator[Item]]) -> Iterator[Item]:
        """Yield what the elements of a JSON list, or one object, are converted to.

        Args:
            convert: Given an element and where it is.
        """
        if jsonstream.first_byte(self.path) != b"[":
            yield from convert(jsonstream.whole(self.path), self.name)
            return
        size = self.path.stat().st_size or 1
        for element in jsonstream.elements(self.path):
            if isinstance(element, Skipped):
                yield element
                continue
            self.told(element.end / size)
            yield from guarded(convert, element.value, f"{self.name}, element {element.number}")


def guarded(convert: Callable[[Any, str], Iterator[Item]], value: Any, where: str) -> Iterator[Item]:
    """Yield what a record is converted to; one of a form that nobody foresaw is skipped, and the rest goes on."""
    try:
        yield from convert(value, where)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError) as error:
        yield Skipped(where, f"It is of a form that is not known ({type(error).__name__}: {error}).")


class Found:
    """What is at a path.

    Attributes:
        kind: The kind of what it holds; several are joined by a comma.

    Args:
        path: A file or a folder.
        kind: The kind that it is of, None to tell by the content.
        wanted: What the person said about it.

    Raises:
        UsageError: There is nothing that can be imported.
    """

    def __init__(self, path: Path, kind: str | None, wanted: Wanted) -> None:
        if kind is not None and kind not in kinds():
            raise UsageError(f'"{clean_line(kind, 60)}" is no kind.', f"Kinds are {', '.join(kinds())}.")
        check_split(wanted.split)
        self._wanted = wanted
        self._alone = not path.is_dir()
        self._parts: list[tuple[str, Path, str]] = []
        self._skipped: list[Skipped] = []
        for file, name in _files(path):
            self._look(file, name, kind, alone=self._alone)
        found = list(dict.fromkeys(part[0] for part in self._parts))
        if not found:
            why = self._skipped[0].why if self._skipped else "It holds no file of a known kind."
            raise UsageError(
                f"{clean_line(str(path), 200)} cannot be imported: {why[:1].lower()}{why[1:]}",
                f"Kinds are {', '.join(kinds())}.",
            )
        self.kind = ", ".join(found)

    def _look(self, file: Path, name: str, kind: str | None, *, alone: bool) -> None:
        try:
            found = kind or detect(file)
            if kind is not None and foreign.is_sqlite(file) != hasattr(_module(kind), "has"):
                self._skipped.append(Skipped(name, f"It is no file of the kind {kind}."))
                return
        except (ValueError, OSError, ChatuiError) as error:
            self._skipped.append(Skipped(name, f"It cannot be read: {clean_line(str(error), 200)}."))
            return
        if found is not None:
            self._parts.append((found, file, name))
        elif alone or (file.suffix.lower() in _DATA and file.name not in _BESIDE):
            self._skipped.append(Skipped(name, refusal(file)))

    def items(self, told: Callable[[float], None] | None = None) -> Iterator[tuple[str, Item]]:
        """Yield all that it holds, each with its kind.

        Args:
            told: Called with how much is read, from 0 to 1.
        """
        for skipped in self._skipped:
            yield self.kind, skipped
        told = told or (lambda share: None)
        count = len(self._parts)
        for number, (kind, file, name) in enumerate(self._parts):
            part = partial(_part, told, number, count)
            source = Source(file, name, self._wanted, self._alone, part)
            try:
                for item in _module(kind).read(source):
                    yield kind, item
            except (ValueError, OSError) as error:
                yield kind, Skipped(name, f"It cannot be read: {clean_line(str(error), 200)}.")
            except UsageError:
                raise
            except ChatuiError as error:
                yield kind, Skipped(name, error.title)


def _part(told: Callable[[float], None], number: int, count: int, share: float) -> None:
    """Tell how much of all files is read, by how much of one is."""
    told((number + share) / count)


def kinds() -> list[str]:
    """Return the kinds that can be imported."""
    return [kind for kind, module in KINDS.items() if find_spec(f"chatui.transfer.{module}") is not None]


def _module(kind: str) -> Any:
    return import_module(f"chatui.transfer.{KINDS[kind]}")


def _files(path: Path) -> Iterator[tuple[Path, str]]:
    if path.is_dir():
        for file in sorted(path.rglob("*")):
            name = file.relative_to(path)
            if file.is_file() and not any(part.startswith(".") for part in name.parts) and file.stat().st_size:
                yield file, str(name)
    elif path.is_file():
        yield path, path.name
    else:
        raise UsageError(f"There is no file {clean_line(str(path), 200)}.", "Check the path.")


def detect(path: Path) -> str | None:
    """Return the kind of a file, None for one of no known kind.

    Raises:
        ValueError: It cannot be read.
        OSError: The same.
        DatabaseError: The same.
    """
    if foreign.is_sqlite(path):
        with foreign.reading(path) as connection:
            tables = foreign.columns(connection)
        return next((kind for kind in kinds() if hasattr(m := _module(kind), "has") and m.has(tables)), None)
    first = jsonstream.first_byte(path)
    if first not in (b"[", b"{"):
        return None
    value = _first(path, first)
    return next((kind for kind in kinds() if hasattr(m := _module(kind), "looks") and m.looks(value)), None)


def _first(path: Path, first: bytes) -> Any:
    """Return the first element of a list, the first line of JSON lines, or the one object that a file is."""
    if first == b"[":
        found = (element.value for element in jsonstream.elements(path) if isinstance(element, Element))
        # An empty list is a history in which nothing was said yet; one of numbers or texts is none.
        return next(found, [] if path.stat().st_size < _SMALL and jsonstream.whole(path) == [] else None)
    with path.open("rb") as file:
        line = file.readline(jsonstream.MOST_BYTES)
    try:
        return jsonstream.decode(line.removeprefix(b"\xef\xbb\xbf"))
    except ValueError:
        return jsonstream.whole(path)


def refusal(path: Path) -> str:
    """Say why a file of no kind is not taken in."""
    with path.open("rb") as file:
        start = file.read(2)
    if start == b"PK":
        return "It is a zip archive: unpack it, and give the folder."
    if _PICKLE.match(start):
        return "It is a pickle, which could run any program and is never opened."
    return "It is of no known kind."


def check_split(pattern: str | None) -> None:
    """Make sure that a pattern can split session names.

    Raises:
        UsageError: It cannot.
    """
    if pattern is not None:
        names = re.findall(r"\{([^{}]*)\}", pattern)
        if "thread" not in names or set(names) - {"user", "thread"} or len(names) != len(set(names)):
            raise UsageError(f'--split "{clean_line(pattern, 60)}" is no pattern.', 'Give one like "{user}--{thread}".')


def split(pattern: str | None, name: str) -> tuple[str | None, str]:
    """Return the user and the thread that a session's name tells.

    Args:
        pattern: As in {user}--{thread}; None for none.
        name: The name. One that does not follow the pattern is a thread's, of no user.
    """
    if pattern is None:
        return None, name
    parts = re.split(r"(\{user\}|\{thread\})", pattern)
    groups = {"{user}": "(?P<user>.+?)", "{thread}": "(?P<thread>.+)"}
    found = re.fullmatch("".join(groups.get(part, re.escape(part)) for part in parts), name, re.DOTALL)
    return (found.groupdict().get("user"), found["thread"]) if found else (None, name)
