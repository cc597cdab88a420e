"""What of SQLite chatui stands on, asked of SQLite itself: the lists of options that it was built with do not say all."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from chatui.storage.words import TOKENIZER

_PROBES = {
    "FTS5": f"""CREATE VIRTUAL TABLE probe USING fts5 (text, content='', prefix='3', tokenize="{TOKENIZER}")""",
    "JSON": """SELECT json_extract('{"a": 1}', '$.a')""",
}


def present() -> dict[str, bool]:
    """Say of each part whether this SQLite has it: `FTS5` for search, `JSON` for LangGraph's store."""
    with closing(sqlite3.connect(":memory:")) as connection:
        return {name: _works(connection, statement) for name, statement in _PROBES.items()}


def _works(connection: sqlite3.Connection, statement: str) -> bool:
    try:
        connection.execute(statement)
    except sqlite3.Error:
        return False
    return True
