"""LangChain's SQLChatMessageHistory: a table of any name with a session's name and a message as JSON in each row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

from chatui.transfer import foreign, jsonstream
from chatui.transfer.langchain_json import add
from chatui.transfer.messages import from_dict
from chatui.transfer.records import Item, Skipped, SourceThread
from chatui.transfer.sources import Source, split

_MESSAGE = "message"


def has(tables: dict[str, set[str]]) -> bool:
    """Whether a file has such a table."""
    return bool(_tables(tables))


def _tables(tables: dict[str, set[str]]) -> list[tuple[str, str]]:
    """The tables, each with the column that names the session."""
    found = []
    for name, columns in tables.items():
        rest = columns - {"id", _MESSAGE}
        if {"id", _MESSAGE} <= columns and len(rest) == 1:
            found.append((name, next(iter(rest))))
    return found


def read(source: Source) -> Iterator[Item]:
    """Yield the sessions of a file."""
    with foreign.reading(source.path) as connection:
        for table, field in _tables(foreign.columns(connection)):
            name, column = foreign.quoted(table), foreign.quoted(field)
            sql = f"SELECT {column}, min(id) FROM {name} GROUP BY {column} ORDER BY min(id)"  # noqa: S608 - quoted
            sessions = [row[0] for row in connection.execute(sql)]
            for number, session in enumerate(sessions):
                source.told(number / len(sessions))
                where = f"{source.name}, {table}, {session}"
                user, title = split(source.wanted.split, str(session))
                thread = SourceThread(key="", where=where, messages=[], title=title, named=False, user=user)
                sql = f"SELECT id, {_MESSAGE} FROM {name} WHERE {column} IS ? ORDER BY id"  # noqa: S608 - quoted
                with closing(connection.execute(sql, (session,))) as rows:
                    for id_, text in rows:
                        try:
                            message = from_dict(jsonstream.decode(str(text).encode("utf-8", "surrogatepass")))
                        except ValueError as error:
                            yield Skipped(f"{where}, row {id_}", f"It cannot be read: {error}.")
                            continue
                        # The first message tells sessions of the same name in two files apart.
                        thread.key = thread.key or f"{table}\0{session}\0{id_}\0{text}"
                        add(thread, message, str(id_))
                yield thread
