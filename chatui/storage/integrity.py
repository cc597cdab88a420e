"""Whether the file is sound: SQLite's own check, and the message index against the checkpoints it was derived from."""

from __future__ import annotations

import sqlite3

from chatui.storage.database import Database
from chatui.storage.index import Index, row
from chatui.storage.tables import all_threads


def problems(database: Database, index: Index) -> list[str]:
    """Return what is wrong, one sentence each. Opens every checkpoint, so it takes its time on a large file.

    Args:
        database: The file.
        index: What derives the message index.
    """
    found = []
    with database.reading() as connection:
        found += [f"SQLite: {text}." for (text,) in connection.execute("PRAGMA quick_check").fetchall() if text != "ok"]
        found += _search(connection)
    threads = all_threads(database)
    for thread_id in threads:
        found += _thread(database, index, thread_id)
    with database.reading() as connection:
        indexed = {name for (name,) in connection.execute("SELECT DISTINCT thread_id FROM chatui_messages")}
    found += [
        f"Thread {name}: its messages are indexed, but it has no checkpoints."
        for name in sorted(indexed - set(threads))
    ]
    return found


def _search(connection: sqlite3.Connection) -> list[str]:
    """The full-text rows against the messages' text: FTS5 compares them itself, in a statement that looks like a write."""
    messages = connection.execute("SELECT count(*) FROM chatui_messages").fetchone()[0]
    rows = connection.execute("SELECT count(*) FROM chatui_search_docsize").fetchone()[0]
    return [] if messages == rows else [f"Search: {rows} of {messages} messages are in the full-text index."]


def _thread(database: Database, index: Index, thread_id: str) -> list[str]:
    plan = index.plan(thread_id, fresh=True)
    wanted = {}
    for step in plan.steps:
        for node in step.new:
            values = row(thread_id, node, step)
            wanted[node.node_id] = (values[2], values[6], values[7], values[8])
    with database.reading() as connection:
        sql = "SELECT node_id, parent_id, role, text, reasoning, hidden FROM chatui_messages WHERE thread_id = ?"
        rows = connection.execute(sql, (thread_id,)).fetchall()
        sql = "SELECT checkpoint_id, node_id FROM chatui_checkpoints WHERE thread_id = ?"
        ends = dict(connection.execute(sql, (thread_id,)).fetchall())
        sql = "SELECT message_count, branch_count, head_node FROM chatui_threads WHERE thread_id = ?"
        counts = connection.execute(sql, (thread_id,)).fetchone()
    stored = {node_id: tuple(values) for node_id, *values, _ in rows}
    shown = {node_id: parent_id for node_id, parent_id, *_, hidden in rows if not hidden}
    found = []
    missing, extra = len(wanted.keys() - stored.keys()), len(stored.keys() - wanted.keys())
    if missing:
        found.append(f"Thread {thread_id}: {missing} messages are not in the index.")
    if extra:
        found.append(f"Thread {thread_id}: {extra} messages of the index are in no checkpoint.")
    differing = sum(stored[node_id] != wanted[node_id] for node_id in wanted.keys() & stored.keys())
    if differing:
        found.append(f"Thread {thread_id}: {differing} messages of the index differ from the checkpoints.")
    if {step.checkpoint_id: step.node_id for step in plan.steps} != ends:
        found.append(f"Thread {thread_id}: the index of checkpoints is not complete.")
    leaves = len(shown.keys() - set(shown.values()))
    if counts is not None and counts[:2] != (len(shown), leaves):
        found.append(f"Thread {thread_id}: its counts are wrong.")
    if counts is not None and counts[2] and counts[2] not in wanted:
        found.append(f"Thread {thread_id}: its head is a message that does not exist.")
    return found
