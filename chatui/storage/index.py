"""The message index, written: which messages the checkpoints of a thread hold, and how they hang together.

A checkpoint's messages are its parent's and what was added: the rows that tasks wrote under the parent, or, where the
checkpoint holds the whole list (a snapshot, or a plain list of a graph without DeltaChannel), that list. So each
checkpoint is opened once, and a turn costs what it adds. Nothing is ordered by time or by id: LangGraph's ids follow
the clock, and clocks are set back; rows are taken in the order they were written.

A node is keyed by its place and content, never by its message id alone: an `update_state` with the same id replaces
a text in place, and both texts are nodes then.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, get_args

import aiosqlite
import msgspec
from langchain_core.messages import AIMessage, BaseMessage, RemoveMessage

from chatui.storage.attached import FACTS as FACTS
from chatui.storage.attached import text_of
from chatui.storage.channels import DEFAULT_CHANNEL, Shape, find_channel, find_shape, messages_in
from chatui.storage.checkpoints import serializer
from chatui.storage.database import Database
from chatui.storage.lineage import Lineage
from chatui.storage.records import Interruption, Sent, Usage, now
from chatui.storage.tables import has_tables, metadata_of, newer, rows_are_gone
from chatui.text import clean, clean_line

#: Folds messages that were written into a list: (list, messages in order) -> list.
Fold = Callable[[Sequence[BaseMessage], Sequence[BaseMessage]], list[BaseMessage]]

_ROLES = {"human": "user", "ai": "assistant", "system": "system", "tool": "tool", "function": "tool"}
_INTERRUPTIONS = get_args(Interruption)
TITLE_LENGTH = 60
#: Seconds of a pause between two checkpoints: a thread that waits for the interpreter else waits for 5 ms each time.
_PAUSE = 0.0002


class Node(msgspec.Struct, frozen=True):
    """A row to be, with the message it was made from."""

    node_id: str
    parent_id: str
    message: BaseMessage


class Step(msgspec.Struct):
    """What one checkpoint adds to the index."""

    rowid: int
    checkpoint_id: str
    node_id: str
    new: list[Node]
    written_at: str


class Plan(msgspec.Struct):
    """What is to be written so that the index of a thread is complete. Made by reading, applied in one transaction."""

    thread_id: str
    channel: str
    owner: str | None
    title: str | None
    steps: list[Step]
    #: Of chatui_messages, made with the rest of the plan: off the event loop, as cleaning the texts of a long thread takes a while.
    rows: list[tuple[Any, ...]] = []


def node_id(parent_id: str, message: BaseMessage) -> str:
    """Return the id of a message at a place: the same however often the index is made again.

    Args:
        parent_id: The node above, "" at a root.
        message: The message; its id, role, content and tool calls count.
    """
    content = (
        message.content
        if isinstance(message.content, str)
        else json.dumps(message.content, sort_keys=True, default=str)
    )
    calls = json.dumps(message.tool_calls, sort_keys=True, default=str) if isinstance(message, AIMessage) else ""
    parts = "\0".join([parent_id, message.id or "", message.type, content, calls])
    return hashlib.blake2b(parts.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def chain(messages: Iterable[BaseMessage], parent_id: str = "") -> list[Node]:
    """Return messages as nodes, each below the one before."""
    nodes = []
    for message in messages:
        node = Node(node_id(parent_id, message), parent_id, message)
        nodes.append(node)
        parent_id = node.node_id
    return nodes


class Index:
    """Derives the message index of a file from its checkpoints.

    Args:
        database: The file.
        fold: The reducer of the messages channel: what a replaced or removed message does to a list is its to say.
    """

    def __init__(self, database: Database, fold: Fold) -> None:
        self._database = database
        self._fold = fold
        self._serde = serializer()

    def plan(self, thread_id: str, *, fresh: bool = False, gentle: bool = False) -> Plan:
        """Read what the index of a thread lacks. Opens no checkpoint that is indexed already.

        Args:
            thread_id: The thread.
            fresh: Plan as if nothing were indexed.
            gentle: Let go of the interpreter after each checkpoint, for a screen that waits for it in another thread.
        """
        with self._database.reading() as connection:
            plan = Reading(connection, thread_id, self._fold, self._serde, fresh).plan(_PAUSE if gentle else None)
        plan.rows = [row(thread_id, node, step) for step in plan.steps for node in step.new]
        return plan

    async def apply(self, connection: aiosqlite.Connection, plan: Plan) -> None:
        """Write a plan in the caller's transaction. Applying the same again, here or in another process, changes nothing."""
        if not plan.steps:
            return
        thread_id = plan.thread_id
        times = [step.written_at for step in plan.steps if step.written_at] or [now()]
        await connection.execute(
            """INSERT INTO chatui_threads (thread_id, owner, title, channel, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
               ON CONFLICT DO UPDATE SET channel = ?4""",
            (thread_id, plan.owner or "default", plan.title or "", plan.channel, min(times), max(times)),
        )
        await connection.executemany(
            """INSERT INTO chatui_messages (thread_id, node_id, parent_id, depth, rank, checkpoint_id, message_id, role, text,
                   reasoning, model, created_at, usage, seconds, first_token_seconds, interrupted, reasoning_seconds, sent, hidden)
               VALUES (?1, ?2, ?3,
                   coalesce((SELECT depth + 1 FROM chatui_messages WHERE thread_id = ?1 AND node_id = ?3), 1),
                   ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17,
                   coalesce((SELECT hidden FROM chatui_messages WHERE thread_id = ?1 AND node_id = ?3), 0) OR EXISTS (
                       SELECT 1 FROM chatui_marks WHERE thread_id = ?1 AND node_id = ?2 AND deleted_at IS NOT NULL))
               ON CONFLICT (thread_id, node_id) DO NOTHING""",
            plan.rows,
        )
        # A message that came with others in one step gets its checkpoint once there is one that ends with it.
        await connection.executemany(
            "UPDATE chatui_messages SET checkpoint_id = ? WHERE thread_id = ? AND node_id = ? AND checkpoint_id IS NULL",
            [(step.checkpoint_id, thread_id, step.node_id) for step in plan.steps if step.node_id],
        )
        await connection.executemany(
            "INSERT INTO chatui_checkpoints VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [(thread_id, step.checkpoint_id, step.node_id) for step in plan.steps],
        )
        first = next((row for row in plan.rows if row[6] == "user" and row[2] == ""), None)
        await connection.execute(
            """UPDATE chatui_threads SET indexed_rowid = max(indexed_rowid, ?), updated_at = max(updated_at, ?),
                   title = CASE WHEN title = '' THEN ? ELSE title END
               WHERE thread_id = ?""",
            (plan.steps[-1].rowid, max(times), clean_line(first[7], TITLE_LENGTH) if first else "", thread_id),
        )

    def state(self, thread_id: str, checkpoint_id: str) -> dict[str, Any]:
        """Return every channel of the state at a checkpoint, the messages whole. Channels of LangGraph's own are left out."""
        with self._database.reading() as connection:
            reading = Reading(connection, thread_id, self._fold, self._serde, fresh=True)
            values = reading.values(checkpoint_id)
            values[reading.channel] = reading.state(checkpoint_id)
        return values

    def shape(self, thread_id: str, checkpoint_id: str | None) -> Shape:
        """Return the shape of the state that a turn continues; None for the first turn of a new thread."""
        with self._database.reading() as connection:
            if not has_tables(connection):
                return Shape()
            return find_shape(connection, thread_id, checkpoint_id, self._serde)

    def lineage(self, thread_id: str) -> Lineage:
        """Return how the checkpoints of a thread hang together."""
        with self._database.reading() as connection:
            channel = find_channel(connection, thread_id, self._serde)

            def holds_all(kind: str, blob: bytes) -> bool:
                return channel in (self._serde.loads_typed((kind, blob)).get("channel_values") or {})

            return Lineage(connection, thread_id, holds_all)

    async def catch_up(self, thread_id: str, *, gentle: bool = False) -> None:
        """Complete the index of a thread. Reads off the event loop; writes in one transaction.

        Args:
            thread_id: The thread.
            gentle: As in `plan`.
        """
        if rows_are_gone(self._database, thread_id):
            await self.rebuild(thread_id)
            return
        plan = await asyncio.to_thread(self.plan, thread_id, gentle=gentle)
        if plan.steps:
            async with self._database.transaction() as connection:
                await self.apply(connection, plan)

    async def rebuild(self, thread_id: str) -> None:
        """Make the index of a thread anew, in one transaction."""
        plan = await asyncio.to_thread(self.plan, thread_id, fresh=True)
        async with self._database.transaction() as connection:
            await self._forget(connection, thread_id)
            await self.apply(connection, plan)

    async def _forget(self, connection: aiosqlite.Connection, thread_id: str) -> None:
        """Drop a thread's part of the index, so that the next plan makes it anew. Stars, names, heads and titles stay."""
        await connection.execute("DELETE FROM chatui_messages WHERE thread_id = ?", (thread_id,))
        await connection.execute("DELETE FROM chatui_checkpoints WHERE thread_id = ?", (thread_id,))
        await connection.execute(
            "UPDATE chatui_threads SET indexed_rowid = 0, message_count = 0, branch_count = 0 WHERE thread_id = ?",
            (thread_id,),
        )


class Reading:
    """One pass over the checkpoints of one thread that are not indexed."""

    def __init__(self, connection: sqlite3.Connection, thread_id: str, fold: Fold, serde: Any, fresh: bool) -> None:
        self._connection = connection
        self._thread_id = thread_id
        self.channel = find_channel(connection, thread_id, serde) if has_tables(connection) else DEFAULT_CHANNEL
        self._fold = fold
        self._serde = serde
        self._fresh = fresh
        self._ends: dict[str, str] = {}  # checkpoint id -> the node it ends with
        self._seen: set[str] = set()  # nodes of this pass
        self._message_ids: set[str] = set()  # of this pass

    def plan(self, pause: float | None = None) -> Plan:
        """Return what the pass adds to the index, rows left out; `pause` is one after each checkpoint, in seconds."""
        plan = Plan(self._thread_id, self.channel, None, None, [])
        if not has_tables(self._connection):
            return plan
        condition, values = "+rowid > ? AND thread_id = ? AND checkpoint_ns = ''", (0, self._thread_id)
        if not self._fresh:
            condition, values = newer(self._connection, self._thread_id)
        rows = self._connection.execute(
            f"""SELECT rowid, checkpoint_id, parent_checkpoint_id, type, checkpoint, metadata FROM checkpoints
                WHERE {condition} ORDER BY rowid""",
            values,
        )
        for rowid, checkpoint_id, parent_id, kind, blob, metadata in rows:
            if pause is not None:
                time.sleep(pause)
            checkpoint = self._serde.loads_typed((kind, blob))
            base, nodes = self._nodes_of(parent_id, checkpoint)
            end = nodes[-1].node_id if nodes else base
            new = [node for node in nodes if node.node_id not in self._seen]
            self._seen.update(node.node_id for node in new)
            self._message_ids.update(node.message.id or "" for node in new)
            self._ends[checkpoint_id] = end
            plan.steps.append(Step(rowid, checkpoint_id, end, new, _time(checkpoint.get("ts"))))
            facts = metadata_of(metadata)
            plan.owner = plan.owner or _line(facts.get("user_id"))
            plan.title = plan.title or _line(facts.get("title"))
        return plan

    def _nodes_of(self, parent_id: str | None, checkpoint: dict[str, Any]) -> tuple[str, list[Node]]:
        """Return a node that is indexed already, and the nodes that follow it up to the checkpoint's last message."""
        whole = self._whole(checkpoint)
        if whole is not None:
            return "", chain(whole)
        if parent_id is None:
            return "", []
        above = self._end_of(parent_id)
        reset, written = self._written(parent_id)
        if reset is not None:
            return "", chain(self._fold(reset, written))
        if not any(isinstance(message, RemoveMessage) or self._known(message) for message in written):
            return above, chain(written, above)
        # Something of the list is replaced or taken away: fold the real list, as the graph does.
        return "", chain(self._fold(self.state(parent_id), written))

    def state(self, checkpoint_id: str) -> list[BaseMessage]:
        """Return the messages of a checkpoint by opening its ancestors, up to one that holds the whole list."""
        batches: list[list[BaseMessage]] = []
        base: list[BaseMessage] | None = None
        at: str | None = checkpoint_id
        while at is not None and base is None:
            row = self._connection.execute(
                """SELECT parent_checkpoint_id, type, checkpoint FROM checkpoints
                   WHERE thread_id = ? AND checkpoint_ns = '' AND checkpoint_id = ?""",
                (self._thread_id, at),
            ).fetchone()
            if row is None:
                break
            parent, kind, blob = row
            base = self._whole(self._serde.loads_typed((kind, blob)))
            if base is None and parent is not None:
                base, written = self._written(parent)
                batches.append(written)
            at = parent
        return self._fold(base or [], [message for batch in reversed(batches) for message in batch])

    def values(self, checkpoint_id: str) -> dict[str, Any]:
        """Return the other channels that a checkpoint holds."""
        row = self._connection.execute(
            "SELECT type, checkpoint FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = '' AND checkpoint_id = ?",
            (self._thread_id, checkpoint_id),
        ).fetchone()
        values = (self._serde.loads_typed(row).get("channel_values") or {}) if row else {}
        return {
            name: value
            for name, value in values.items()
            if not name.startswith(("__", "branch:")) and name != self.channel
        }

    def _whole(self, checkpoint: dict[str, Any]) -> list[BaseMessage] | None:
        """Return the list that a checkpoint holds itself, None where it builds on its parent."""
        values = checkpoint.get("channel_values") or {}
        if self.channel not in values:
            return None
        # _DeltaSnapshot is private in LangGraph; what it wraps is its attribute `value`.
        value = values[self.channel]
        return messages_in(getattr(value, "value", value))

    def _written(self, checkpoint_id: str) -> tuple[list[BaseMessage] | None, list[BaseMessage]]:
        """Return what tasks wrote under a checkpoint: the list it was overwritten with, if it was, and what came after."""
        rows = self._connection.execute(
            f"""SELECT type, value FROM writes WHERE thread_id = ? AND checkpoint_ns = '' AND checkpoint_id = ? AND channel = ?
                ORDER BY {self._writes_order}""",
            (self._thread_id, checkpoint_id, self.channel),
        )
        reset: list[BaseMessage] | None = None
        written: list[BaseMessage] = []
        for kind, blob in rows:
            value = self._serde.loads_typed((kind, blob))
            if (overwrite := _overwrite(value)) is not None:
                reset, written = messages_in(overwrite), []
            else:
                written.extend(messages_in(value))
        return reset, written

    @cached_property
    def _writes_order(self) -> str:
        """As LangGraph replays them; files of older generations have no task_path."""
        columns = {row[1] for row in self._connection.execute("PRAGMA table_info(writes)")}
        return "task_path, task_id, idx" if "task_path" in columns else "task_id, idx"

    def _end_of(self, checkpoint_id: str) -> str:
        if self._fresh:
            return self._ends.get(checkpoint_id, "")
        if checkpoint_id not in self._ends:
            row = self._connection.execute(
                "SELECT node_id FROM chatui_checkpoints WHERE thread_id = ? AND checkpoint_id = ?",
                (self._thread_id, checkpoint_id),
            ).fetchone()
            self._ends[checkpoint_id] = row[0] if row else ""
        return self._ends[checkpoint_id]

    def _known(self, message: BaseMessage) -> bool:
        """Say whether this thread has a message of the same id, on any branch."""
        if not message.id:
            return False
        if message.id in self._message_ids:
            return True
        if self._fresh:
            return False
        sql = "SELECT 1 FROM chatui_messages WHERE thread_id = ? AND message_id = ?"
        return self._connection.execute(sql, (self._thread_id, message.id)).fetchone() is not None


def _overwrite(value: Any) -> Any | None:
    """Return what LangGraph's `Overwrite` replaces a channel with, None for any other write."""
    if isinstance(value, dict) and set(value) == {"__overwrite__"}:
        return value["__overwrite__"] or []
    if type(value).__name__ == "Overwrite":
        return getattr(value, "value", None) or []
    return None


def _time(value: Any) -> str:
    """A checkpoint's `ts` in our form: it is ISO 8601 with an offset."""
    try:
        moment = datetime.fromisoformat(str(value)).astimezone(UTC)
    except ValueError:
        return ""
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _line(value: Any) -> str | None:
    return clean_line(value, 100) or None if isinstance(value, str) else None


def row(thread_id: str, node: Node, step: Step) -> tuple[Any, ...]:
    """Return the columns of chatui_messages for a node, all text clean, in the order that `Index.apply` names them."""
    message = node.message
    facts = message.response_metadata.get(FACTS)
    facts = facts if isinstance(facts, dict) else {}
    usage = None
    if isinstance(message, AIMessage) and message.usage_metadata:
        counted = message.usage_metadata
        usage = msgspec.json.encode(
            Usage(counted["input_tokens"], counted["output_tokens"], counted["total_tokens"])
        ).decode()
    model = facts.get("model") or message.response_metadata.get("model_name") or message.response_metadata.get("model")
    reasoning = message.additional_kwargs.get("reasoning_content")
    return (
        thread_id,
        node.node_id,
        node.parent_id,
        step.rowid,
        step.checkpoint_id if node.node_id == step.node_id else None,
        clean_line(message.id or ""),
        _ROLES.get(message.type) or (getattr(message, "role", None) in _ROLES.values() and message.role) or "user",  # type: ignore[attr-defined]
        clean(text_of(message)),
        clean(reasoning) if isinstance(reasoning, str) else "",
        clean_line(model, 200) if isinstance(model, str) else None,
        clean_line(str(facts.get("created_at") or step.written_at or now())),
        usage,
        _number(facts.get("seconds")),
        _number(facts.get("first_token_seconds")),
        facts.get("interrupted") if facts.get("interrupted") in _INTERRUPTIONS else None,
        _number(facts.get("reasoning_seconds")),
        _sent(facts.get("sent")),
    )


def _sent(value: Any) -> str | None:
    """What was sent, as it is kept in the index; None where the message does not say it, or says something else."""
    try:
        return msgspec.json.encode(msgspec.convert(value, Sent)).decode()
    except msgspec.ValidationError:
        return None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
