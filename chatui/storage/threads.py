"""Threads: titles, owners, heads, pins. One row each; a list never opens a checkpoint."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chatui.errors import AmbiguousThread, UnknownThread
from chatui.storage.database import Database
from chatui.storage.messages import PARTING
from chatui.storage.partials import alive
from chatui.storage.records import Thread, now
from chatui.text import clean_line

if TYPE_CHECKING:
    import aiosqlite

_COLUMNS = """thread_id, title, owner, model, memory, created_at, updated_at, message_count, branch_count, head,
    pinned, archived, deleted_at IS NOT NULL,
    (SELECT process FROM chatui_partials p WHERE p.thread_id = t.thread_id AND NOT EXISTS (
        SELECT 1 FROM chatui_messages m WHERE m.thread_id = p.thread_id AND m.message_id = p.message_id) LIMIT 1)"""

# The threads that have a message with some words, and with a text that is too short for the full-text index.
_MATCHING = """SELECT m.thread_id FROM chatui_search f JOIN chatui_messages m ON m.id = f.rowid
    WHERE chatui_search MATCH ? AND NOT m.hidden"""
_CONTAINING = "SELECT thread_id FROM chatui_messages WHERE text LIKE ? ESCAPE '\\' AND NOT hidden"


def _thread(row: tuple[Any, ...]) -> Thread:
    (thread_id, title, owner, model, memory, created, updated, messages, branches, head, *flags) = row
    pinned, archived, deleted, process = flags
    return Thread(
        thread_id=thread_id,
        title=clean_line(title),
        user=clean_line(owner),
        model=clean_line(model) if model else None,
        memory=memory,
        created_at=created,
        updated_at=updated,
        message_count=messages,
        branch_count=branches,
        active_checkpoint_id=head,
        pinned=bool(pinned),
        archived=bool(archived),
        deleted=bool(deleted),
        interrupted=process is not None and not alive(process),
    )


def like(text: str) -> str:
    r"""A LIKE pattern that finds `text` anywhere, its own wildcards taken literally (ESCAPE '\')."""
    return "%" + text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"


class Threads:
    """The threads of one file. Reads are synchronous; writes take the connection of a transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self,
        *,
        owner: str | None = None,
        text: str = "",
        said: str = "",
        limit: int | None = None,
        offset: int = 0,
        archived: bool = False,
        deleted: bool = False,
    ) -> list[Thread]:
        """Return threads, pinned ones first, then by last use.

        Args:
            owner: Only this user's; None for everyone's.
            text: Only those whose title contains it, whatever the case.
            said: Only those whose title contains it, or that have a message which a search for it finds.
            limit: At most so many; None for all.
            offset: So many are left out at the start.
            archived: Archived ones too.
            deleted: Only the deleted ones, instead of only the others.
        """
        where, values = self._where(owner, text, archived, deleted)
        if said:
            # Imported here, as the first paint searches nothing.
            from chatui.storage.query import parse

            match = parse(said).match
            where = f"{where} AND (title LIKE ? ESCAPE '\\' OR thread_id IN ({_MATCHING if match else _CONTAINING}))"
            values += [like(said), match or like(said)]
        sql = f"""SELECT {_COLUMNS} FROM chatui_threads t WHERE {where}
            ORDER BY pinned DESC, updated_at DESC, rowid DESC LIMIT ? OFFSET ?"""
        with self._database.reading() as connection:
            rows = connection.execute(sql, [*values, -1 if limit is None else limit, offset]).fetchall()
        return [_thread(row) for row in rows]

    def count(self, *, owner: str | None = None, text: str = "", archived: bool = False, deleted: bool = False) -> int:
        """Return how many threads `page` would find."""
        where, values = self._where(owner, text, archived, deleted)
        with self._database.reading() as connection:
            row = connection.execute(f"SELECT count(*) FROM chatui_threads t WHERE {where}", values).fetchone()
        return int(row[0])

    def place(self, thread_id: str, *, owner: str | None = None, text: str = "") -> int | None:
        """Return how many threads stand before one in the list that `page` gives, None where it is not in it."""
        where, values = self._where(owner, text, False, False)
        order = "(pinned, updated_at, rowid)"
        sql = f"""SELECT (SELECT count(*) FROM chatui_threads WHERE {where} AND {order} > (t.pinned, t.updated_at, t.rowid))
            FROM chatui_threads t WHERE {where} AND thread_id = ?"""
        with self._database.reading() as connection:
            row = connection.execute(sql, [*values, *values, thread_id]).fetchone()
        return row[0] if row else None

    @staticmethod
    def _where(owner: str | None, text: str, archived: bool, deleted: bool) -> tuple[str, list[Any]]:
        where, values = ["deleted_at IS NOT NULL" if deleted else "deleted_at IS NULL"], list[Any]()
        if not archived and not deleted:
            where.append("archived = 0")
        if owner is not None:
            where.append("owner = ?")
            values.append(owner)
        if text:
            where.append("title LIKE ? ESCAPE '\\'")
            values.append(like(text))
        return " AND ".join(where), values

    def get(self, thread_id: str) -> Thread | None:
        """Return one thread, deleted ones too, or None."""
        with self._database.reading() as connection:
            row = connection.execute(
                f"SELECT {_COLUMNS} FROM chatui_threads t WHERE thread_id = ?", (thread_id,)
            ).fetchone()
        return _thread(row) if row else None

    def find(self, name: str) -> Thread:
        """Return the thread with this id, else with this unique prefix of an id, else with this title.

        Deleted threads are found too, so that they can be restored.

        Raises:
            UnknownThread: Nothing fits.
            AmbiguousThread: Several fit.
        """
        if not name:
            raise UnknownThread(name)
        if thread := self.get(name):
            return thread
        tries = [("substr(thread_id, 1, length(?)) = ?", (name, name)), ("title = ? COLLATE NOCASE", (name,))]
        with self._database.reading() as connection:
            for where, values in tries:
                sql = f"""SELECT {_COLUMNS} FROM chatui_threads t WHERE {where}
                    ORDER BY deleted_at IS NOT NULL, updated_at DESC LIMIT 100"""
                found = [_thread(row) for row in connection.execute(sql, values)]
                # A deleted namesake does not make a living thread ambiguous.
                living = [thread for thread in found if not thread.deleted] or found
                if len(living) > 1:
                    raise AmbiguousThread(clean_line(name, 80), len(living))
                if living:
                    return living[0]
        raise UnknownThread(clean_line(name, 80))

    def last_viewed(self, owner: str | None = None) -> Thread | None:
        """Return the thread that was viewed last, else the one that was used last."""
        return self._first("viewed DESC, updated_at DESC, rowid DESC", owner)

    def last_used(self, owner: str | None = None) -> Thread | None:
        """Return the thread that was used last."""
        return self._first("updated_at DESC, rowid DESC", owner)

    def _first(self, order: str, owner: str | None) -> Thread | None:
        # The plus keeps SQLite from the index that finds all threads of the list and then sorts them: in the order of another index
        # the first that fits is as good as at hand.
        sql = f"""SELECT {_COLUMNS} FROM chatui_threads t
            WHERE +deleted_at IS NULL AND +archived = 0 AND (?1 IS NULL OR owner = ?1) ORDER BY {order} LIMIT 1"""
        with self._database.reading() as connection:
            row = connection.execute(sql, (owner,)).fetchone()
        return _thread(row) if row else None

    def counts(self) -> list[tuple[str, int, int]]:
        """Return the owners of all threads, each with how many threads and messages they have that are not deleted."""
        sql = """SELECT owner, sum(deleted_at IS NULL), sum(iif(deleted_at IS NULL, message_count, 0))
            FROM chatui_threads GROUP BY owner ORDER BY owner"""
        with self._database.reading() as connection:
            return connection.execute(sql).fetchall()

    def head(self, thread_id: str) -> tuple[str | None, str | None]:
        """Return the head as (checkpoint id, node id): (None, None) if none was chosen yet, node '' before the first message."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT head, head_node FROM chatui_threads WHERE thread_id = ?", (thread_id,)
            ).fetchone()
        return (row[0], row[1]) if row else (None, None)

    def origin(self, thread_id: str) -> tuple[str | None, str]:
        """Return where a thread was copied from as (thread id, node id): (None, '') if it is no copy, node '' if whole."""
        sql = "SELECT origin_thread, coalesce(origin_node, '') FROM chatui_threads WHERE thread_id = ?"
        with self._database.reading() as connection:
            row = connection.execute(sql, (thread_id,)).fetchone()
        return (row[0], row[1]) if row else (None, "")

    def system_prompt(self, thread_id: str) -> str | None:
        """Return the system prompt of a thread, None where it has none of its own."""
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT system_prompt FROM chatui_threads WHERE thread_id = ?", (thread_id,)
            ).fetchone()
        return row[0] if row else None

    def automatic_title(self, thread_id: str) -> str | None:
        """Return the title of a thread, None where a person gave it, or where there is no such thread."""
        sql = "SELECT title FROM chatui_threads WHERE thread_id = ? AND title_by = 'auto'"
        with self._database.reading() as connection:
            row = connection.execute(sql, (thread_id,)).fetchone()
        return row[0] if row else None

    # Writes: each takes the connection of an open transaction, so that callers can put several into one.

    async def add(
        self, connection: aiosqlite.Connection, thread_id: str, *, owner: str, title: str = "", model: str | None = None
    ) -> None:
        """Make a thread's row unless it is there."""
        time = now()
        await connection.execute(
            """INSERT INTO chatui_threads (thread_id, owner, title, title_by, model, created_at, updated_at)
               VALUES (?, ?, ?, 'auto', ?, ?, ?) ON CONFLICT DO NOTHING""",
            (thread_id, owner, title, model, time, time),
        )

    async def update(self, connection: aiosqlite.Connection, thread_id: str, **values: Any) -> None:
        """Set columns of a thread's row. The names come from our own code, never from outside."""
        names = ", ".join(f"{name} = ?" for name in values)
        await connection.execute(
            f"UPDATE chatui_threads SET {names} WHERE thread_id = ?",
            [*values.values(), thread_id],
        )

    async def replace_title(self, connection: aiosqlite.Connection, thread_id: str, had: str, title: str) -> None:
        """Put a title in place of an automatic one, unless the thread has another by now."""
        await connection.execute(
            "UPDATE chatui_threads SET title = ? WHERE thread_id = ? AND title_by = 'auto' AND title = ?",
            (title, thread_id, had),
        )

    async def set_head(
        self,
        connection: aiosqlite.Connection,
        thread_id: str,
        checkpoint_id: str | None,
        node_id: str,
        *,
        left: str,
    ) -> None:
        """Move the head, and remember which way it went, so that one comes back to where one was.

        The way to the head that the file holds is remembered already, so this costs what the head moves, not how deep it stands.

        Args:
            connection: Of an open transaction.
            thread_id: The thread.
            checkpoint_id: The checkpoint that the next turn continues from, None before the first message.
            node_id: The message that it ends with, "" before the first.
            left: The message that was viewed until now, "" for none. The file may hold another: where nobody had moved the
                head yet, and where another window moved it.
        """
        sql = "SELECT coalesce(head_node, '') FROM chatui_threads WHERE thread_id = ?"
        async with connection.execute(sql, (thread_id,)) as cursor:
            row = await cursor.fetchone()
        stored = row[0] if row else ""
        if left != stored:
            await self._remember(connection, thread_id, left, stored)
        await self._remember(connection, thread_id, node_id, left)
        await connection.execute(
            """UPDATE chatui_threads SET head = ?, head_node = ?, viewed = (SELECT max(viewed) + 1 FROM chatui_threads)
               WHERE thread_id = ?""",
            (checkpoint_id, node_id, thread_id),
        )

    async def settle_head(
        self, connection: aiosqlite.Connection, thread_id: str, checkpoint_id: str, node_id: str
    ) -> None:
        """Set the head of a thread that nobody is viewing, as an import does: which thread was viewed last stays."""
        await self._remember(connection, thread_id, node_id, "")
        await self.update(connection, thread_id, head=checkpoint_id, head_node=node_id)

    @staticmethod
    async def _remember(connection: aiosqlite.Connection, thread_id: str, node_id: str, known: str) -> None:
        """Remember the way to a message from where it parts from the way to another, which is remembered already."""
        await connection.execute(
            f"""{PARTING} INSERT OR REPLACE INTO chatui_choices
                SELECT ?1, m.parent_id, m.node_id FROM ways w
                JOIN chatui_messages m ON m.thread_id = ?1 AND m.node_id = w.node_id
                WHERE w.node_id <> w.other_id AND w.depth >= w.other_depth""",
            (thread_id, node_id, known),
        )

    async def mark_viewed(self, connection: aiosqlite.Connection, thread_id: str) -> None:
        """Make this the thread that was viewed last."""
        await connection.execute(
            "UPDATE chatui_threads SET viewed = (SELECT max(viewed) + 1 FROM chatui_threads) WHERE thread_id = ?",
            (thread_id,),
        )
