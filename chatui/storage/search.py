"""Full-text search over every branch of every thread, and in one branch.

**Ranking.** bm25 of all matches of a word that every second message has takes longer than a person waits (100,000 messages: over
100 ms), and says little: so the `RANKED` matches that were indexed last are ranked, which for all but very common words is every
match there is. Of equal ranks the newest comes first.

**Short queries.** What the index cannot find (one or two letters, signs alone) is scanned for in the texts, from the newest message
on and a page at a time, so that a caller can show what there is and stop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any

import msgspec

from chatui.storage.database import Database
from chatui.storage.messages import UPWARDS
from chatui.storage.query import Query, snippet
from chatui.storage.records import Hit
from chatui.storage.threads import like
from chatui.storage.words import fold
from chatui.text import clean_line

#: How many matches are ranked at the most.
RANKED = 1000
#: How many messages one call of `scan` reads.
SCANNED = 2000
_HIGHEST = 2**63 - 1

# Deleted messages and deleted threads are never found; ?1 is an owner, or NULL for everyone.
_SHOWN = "NOT m.hidden AND t.deleted_at IS NULL AND (?1 IS NULL OR t.owner = ?1)"

# The order of the joins is fixed: the matches come one by one, newest first, and stop at the limit. Sorting all of them by rank
# before the limit is what takes long.
_MATCHES = f"""SELECT f.rowid, bm25(chatui_search)
    FROM chatui_search f CROSS JOIN chatui_messages m ON m.id = f.rowid CROSS JOIN chatui_threads t ON t.thread_id = m.thread_id
    WHERE chatui_search MATCH ?2 AND {_SHOWN} ORDER BY f.rowid DESC LIMIT {RANKED}"""

# LIKE tells A from a no more than FTS5 does, but Ä from ä: ?4 and ?5 are the text in capitals and in small letters.
_SCAN = f"""SELECT m.id FROM chatui_messages m CROSS JOIN chatui_threads t ON t.thread_id = m.thread_id
    WHERE m.id BETWEEN ?2 AND ?3 AND (m.text LIKE ?4 ESCAPE '\\' OR m.text LIKE ?5 ESCAPE '\\') AND {_SHOWN}
    ORDER BY m.id DESC LIMIT ?6"""
# The messages of a page, the newest first: the last of so many.
_FLOOR = "SELECT id FROM chatui_messages WHERE id <= ? ORDER BY id DESC LIMIT 1 OFFSET ?"

_HITS = """SELECT m.id, m.thread_id, t.title, t.owner, t.archived, m.checkpoint_id, m.message_id, m.node_id, m.role, m.text,
        m.created_at, m.depth
    FROM chatui_messages m JOIN chatui_threads t ON t.thread_id = m.thread_id WHERE m.id IN ({places})"""


class Page(msgspec.Struct, frozen=True):
    """A page of matches, the best first.

    Attributes:
        hits: The matches.
        total: How many there are in all, at most `RANKED`.
    """

    hits: Sequence[Hit]
    total: int


class Scanned(msgspec.Struct, frozen=True):
    """What one page of messages held.

    Attributes:
        hits: The matches, the newest first.
        before: Where the next page goes on, None at the end.
    """

    hits: Sequence[Hit]
    before: int | None


class Search:
    """The search of one file. Every call reads synchronously: a screen calls it in a thread."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, query: Query, *, owner: str | None = None, limit: int = 50, offset: int = 0) -> Page:
        """Return a page of what the index finds.

        Args:
            query: The search; one that `match` is empty of finds nothing here.
            owner: Only this user's threads; None for everyone's.
            limit: At most so many.
            offset: So many of the best are left out.
        """
        if not query.match:
            return Page([], 0)
        with self._database.reading() as connection:
            found = connection.execute(_MATCHES, (owner, query.match)).fetchall()
            # Of equal ranks the newest stays first, as they come.
            found.sort(key=itemgetter(1))
            hits = self._hits(connection, [id_ for id_, _ in found[offset : offset + limit]], query)
        return Page(hits, len(found))

    def scan(self, query: Query, *, owner: str | None = None, before: int | None = None, limit: int = 50) -> Scanned:
        """Look through a page of messages for the typed text, whatever the case. Accents count here.

        Args:
            query: The search.
            owner: Only this user's threads; None for everyone's.
            before: `Scanned.before` of the page that was looked through last; None to begin with the newest.
            limit: At most so many matches; where there are more in the page, the next one goes on behind the last.
        """
        if query.pattern is None:
            return Scanned([], None)
        last = _HIGHEST if before is None else before - 1
        likes = [like(query.text.upper()), like(query.text.lower())]
        with self._database.reading() as connection:
            floor = connection.execute(_FLOOR, (last, SCANNED - 1)).fetchone()
            rows = connection.execute(_SCAN, (owner, floor[0] if floor else 0, last, *likes, limit)).fetchall()
            hits = self._hits(connection, [id_ for (id_,) in rows], query)
        if len(rows) == limit:
            return Scanned(hits, rows[-1][0])
        return Scanned(hits, floor[0] if floor else None)

    @staticmethod
    def _hits(connection: Any, ids: Sequence[int], query: Query) -> list[Hit]:
        rows: dict[int, tuple[Any, ...]] = {}
        for start in range(0, len(ids), 500):
            some = ids[start : start + 500]
            sql = _HITS.format(places=", ".join("?" * len(some)))
            rows |= {row[0]: row[1:] for row in connection.execute(sql, some)}
        return [_hit(rows[id_], query) for id_ in ids]

    def on_path(self, thread_id: str, head_node: str, nodes: Mapping[str, int]) -> set[str]:
        """Return those of some messages of a thread that are on the path to a head.

        Args:
            thread_id: The thread.
            head_node: The head, "" before the first message.
            nodes: The messages' nodes, and how deep they are.
        """
        # No further up than the highest of them: a path may be thousands of messages long.
        sql = f"""{UPWARDS} SELECT node_id FROM path LIMIT max(0, coalesce((
            SELECT depth FROM chatui_messages WHERE thread_id = ?1 AND node_id = ?2) - ?3 + 1, 0))"""
        with self._database.reading() as connection:
            rows = connection.execute(sql, (thread_id, head_node, min(nodes.values(), default=0))).fetchall()
        return nodes.keys() & {node for (node,) in rows}

    def find(self, thread_id: str, node_id: str, text: str) -> list[str]:
        """Return the messages of a branch that contain a text, whatever the case and the accents, root first.

        Args:
            thread_id: The thread.
            node_id: The message that the branch ends with, "" for none.
            text: What is looked for, as it stands: no words and no quotes here.
        """
        wanted = fold(clean_line(text))
        if not wanted or not node_id:
            return []
        sql = f"""{UPWARDS} SELECT p.node_id, m.text FROM path p
            JOIN chatui_messages m ON m.thread_id = ?1 AND m.node_id = p.node_id ORDER BY p.place DESC"""
        with self._database.reading() as connection:
            return [node for node, said in connection.execute(sql, (thread_id, node_id)) if wanted in fold(said)]


def _hit(row: tuple[Any, ...], query: Query) -> Hit:
    thread_id, title, owner, archived, checkpoint, message, node, role, text, created, depth = row
    line, marks = snippet(text, query)
    return Hit(
        thread_id=thread_id,
        title=clean_line(title),
        user=clean_line(owner),
        archived=bool(archived),
        checkpoint_id=checkpoint,
        message_id=message,
        node_id=node,
        role=role,
        snippet=line,
        marks=marks,
        created_at=created,
        depth=depth,
    )
