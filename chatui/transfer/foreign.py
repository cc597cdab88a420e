"""Other programs' SQLite files, only read: nothing of them changes, and nothing is left beside them."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from chatui.errors import DatabaseError
from chatui.text import clean_line

if TYPE_CHECKING:
    from chatui.transfer.sources import Source

#: The most bytes of one text or blob: SQLite refuses to hand out a larger one.
MOST_BYTES = 100_000_000
_MAGIC = b"SQLite format 3\0"


def is_sqlite(path: Path) -> bool:
    """Whether a file begins as SQLite's do."""
    with path.open("rb") as file:
        return file.read(len(_MAGIC)) == _MAGIC


@contextmanager
def settled(path: Path) -> Iterator[Path]:
    """Lend a file that nothing is to be folded into: the file itself, or a copy where its program may be running."""
    wal = path.with_name(path.name + "-wal")
    if not (wal.exists() and wal.stat().st_size):
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="chatui-") as folder:
        copy = Path(folder) / "copy.db"
        shutil.copyfile(path, copy)
        shutil.copyfile(wal, copy.with_name("copy.db-wal"))
        # Folds the log into the copy.
        with closing(sqlite3.connect(copy)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        yield copy


def uri(path: Path) -> str:
    """Return the name by which SQLite opens a file and promises to change nothing."""
    return f"{path.absolute().as_uri()}?mode=ro&immutable=1"


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """Lend a connection to a file of another program.

    Raises:
        DatabaseError: It is damaged, or none of SQLite's.
    """
    try:
        with settled(path) as file, closing(sqlite3.connect(uri(file), uri=True)) as connection:
            connection.row_factory = sqlite3.Row
            # A text that is no UTF-8 is shown as far as it is one.
            connection.text_factory = lambda data: data.decode("utf-8", "replace")
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MOST_BYTES)
            # What a hostile file may declare is not run: no views or triggers that call functions of ours or load anything.
            connection.execute("PRAGMA trusted_schema=OFF")
            yield connection
    except sqlite3.Error as error:
        raise DatabaseError(
            f"{clean_line(str(path), 200)} cannot be read: {clean_line(str(error), 200)}.",
            "It may be damaged; what was imported before stays.",
        ) from error


def columns(connection: sqlite3.Connection) -> dict[str, set[str]]:
    """Return the tables of a file, each with the names of its columns."""
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {}
    for name in names:
        rows = connection.execute("SELECT name FROM pragma_table_info(?)", (name,))
        found[name] = {row[0] for row in rows}
    return found


def chats(source: Source) -> Iterator[tuple[str, sqlite3.Row, list[sqlite3.Row], dict[str, set[str]]]]:
    """Yield the chats of a file with the tables `chat` and `message`: where it is, its row, its messages' rows, and all columns."""
    with reading(source.path) as connection:
        known = columns(connection)
        found = connection.execute("SELECT * FROM chat ORDER BY id").fetchall()
        for number, chat in enumerate(found):
            source.told(number / len(found))
            rows = connection.execute("SELECT * FROM message WHERE chat_id = ? ORDER BY id", (chat["id"],)).fetchall()
            yield f"{source.name}, chat {chat['id']}", chat, rows, known


def quoted(name: str) -> str:
    """Return a name as SQL takes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'
