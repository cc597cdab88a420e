"""llm's logs.db. Both its schemas may be in one file.

The older keeps a row a turn; the newer (0.36) keeps messages by their content, each with its parent, and threads that name the
last. A fork is there a thread of its own that shares what came before: here it is a branch of the thread that it was forked from.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

from chatui.transfer import foreign, jsonstream
from chatui.transfer.messages import ROLES, arguments_of
from chatui.transfer.records import Item, SourceMessage, SourceThread, ToolCall, chained, in_order, iso, text_of
from chatui.transfer.sources import Source


def has(tables: dict[str, set[str]]) -> bool:
    """Whether a file has llm's tables, of either schema."""
    return _has_new(tables) or _has_old(tables)


def _has_new(tables: dict[str, set[str]]) -> bool:
    parts = {"message_hash", "position", "type", "text", "payload"} <= tables.get("parts", set())
    return parts and "tip_message_hash" in tables.get("threads", set())


def _has_old(tables: dict[str, set[str]]) -> bool:
    return {"prompt", "response", "conversation_id"} <= tables.get("responses", set()) and "conversations" in tables


def read(source: Source) -> Iterator[Item]:
    """Yield the conversations of a file."""
    with foreign.reading(source.path) as connection:
        tables = foreign.columns(connection)
        if _has_old(tables):
            yield from _Old(connection, tables, source).threads()
        if _has_new(tables):
            yield from _New(connection, tables, source).threads()


class _Old:
    """The schema of up to 0.35: a row a turn."""

    def __init__(self, connection: sqlite3.Connection, tables: dict[str, set[str]], source: Source) -> None:
        self._connection = connection
        self._tables = tables
        self._source = source

    def threads(self) -> Iterator[Item]:
        found = self._connection.execute("SELECT * FROM conversations ORDER BY id").fetchall()
        for number, row in enumerate(found):
            self._source.told(number / len(found))
            yield self._thread(row["id"], text_of(row["name"]))
        # A turn that belongs to no conversation is one of its own.
        for row in self._connection.execute(
            "SELECT id FROM responses WHERE conversation_id IS NULL ORDER BY id"
        ).fetchall():
            yield self._thread(None, "", alone=row["id"])

    def _thread(self, conversation: Any, title: str, alone: Any = None) -> SourceThread:
        rows = self._connection.execute(
            "SELECT * FROM responses WHERE CASE WHEN ?1 IS NULL THEN id = ?2 ELSE conversation_id = ?1 END ORDER BY id",
            (conversation, alone),
        ).fetchall()
        messages: list[SourceMessage] = []
        system = ""
        for row in rows:
            time, id_ = iso(row["datetime_utc"]), str(row["id"])
            said = self._whole(row, "system", "system_fragments")
            if said and said != system:
                messages.append(SourceMessage(id=f"{id_}.system", role="system", text=said, created_at=time))
                system = said
            messages += self._results(id_, time)
            if (prompt := self._whole(row, "prompt", "prompt_fragments")) or not messages:
                names = self._attachments(id_)
                messages.append(SourceMessage(id=f"{id_}.prompt", text=prompt, created_at=time, attachments=names))
            messages.append(self._answer(row, time))
        key, where = str(conversation or alone), f"{self._source.name}, conversation {conversation or alone}"
        named = bool(title) and not any(title.rstrip("…") == m.text[: len(title.rstrip("…"))] for m in messages)
        return SourceThread(key=key, where=where, messages=chained(messages), title=title, named=named)

    def _answer(self, row: sqlite3.Row, time: str | None) -> SourceMessage:
        columns = self._tables["responses"]
        usage = None
        if {"input_tokens", "output_tokens"} <= columns and isinstance(row["input_tokens"], int):
            usage = (row["input_tokens"], row["output_tokens"] or 0)
        duration = row["duration_ms"] if "duration_ms" in columns else None
        calls = []
        if "tool_calls" in self._tables:
            sql = "SELECT * FROM tool_calls WHERE response_id = ? ORDER BY id"
            for call in self._connection.execute(sql, (row["id"],)):
                name = text_of(call["name"])
                calls.append(
                    ToolCall(name, arguments_of(call["arguments"]), str(call["tool_call_id"] or f"call-{call['id']}"))
                )
        return SourceMessage(
            id=f"{row['id']}.response",
            role="assistant",
            text=text_of(row["response"]),
            reasoning=text_of(row["reasoning"]) if "reasoning" in columns else "",
            model=text_of(row["model"]) or None,
            created_at=time,
            tool_calls=calls,
            usage=usage,
            seconds=duration / 1000 if isinstance(duration, int) else None,
        )

    def _whole(self, row: sqlite3.Row, column: str, table: str) -> str:
        """A text, with the fragments that were put before it."""
        texts = [text_of(row[column])]
        if table in self._tables and "fragments" in self._tables:
            sql = f"""SELECT f.content FROM {table} p JOIN fragments f ON f.id = p.fragment_id
                WHERE p.response_id = ? ORDER BY p."order" """  # noqa: S608 - a name of ours
            texts = [text_of(found[0]) for found in self._connection.execute(sql, (row["id"],))] + texts
        return "\n".join(filter(None, texts))

    def _results(self, response: str, time: str | None) -> list[SourceMessage]:
        """What tools gave: they are logged with the turn that was told."""
        if "tool_results" not in self._tables:
            return []
        sql = "SELECT * FROM tool_results WHERE response_id = ? ORDER BY id"
        return [
            SourceMessage(
                id=f"{response}.tool.{row['id']}",
                role="tool",
                text=text_of(row["output"]),
                name=text_of(row["name"]) or None,
                tool_call_id=text_of(row["tool_call_id"]),
                created_at=time,
            )
            for row in self._connection.execute(sql, (response,))
        ]

    def _attachments(self, response: str) -> list[str]:
        if "prompt_attachments" not in self._tables or "attachments" not in self._tables:
            return []
        sql = """SELECT a.path, a.url, a.type FROM prompt_attachments p JOIN attachments a ON a.id = p.attachment_id
            WHERE p.response_id = ? ORDER BY p."order" """
        return [
            next((text for text in map(text_of, row) if text), "file")
            for row in self._connection.execute(sql, (response,))
        ]


class _New:
    """The schema since 0.36: messages by their content."""

    def __init__(self, connection: sqlite3.Connection, tables: dict[str, set[str]], source: Source) -> None:
        self._connection = connection
        self._tables = tables
        self._source = source

    def threads(self) -> Iterator[Item]:
        rows = self._connection.execute("SELECT * FROM threads ORDER BY datetime_utc, id").fetchall()
        by_id = {row["id"]: row for row in rows}
        families: dict[str, list[sqlite3.Row]] = {}
        for row in rows:
            root, seen = row, {row["id"]}
            while (above := by_id.get(root["forked_from"])) is not None and above["id"] not in seen:
                seen.add(above["id"])
                root = above
            families.setdefault(root["id"], []).append(row)
        for number, (root_id, family) in enumerate(families.items()):
            self._source.told(number / len(families))
            yield self._thread(by_id[root_id], family)

    def _thread(self, root: sqlite3.Row, family: list[sqlite3.Row]) -> SourceThread:
        turns: dict[str, sqlite3.Row] = {}
        for row in family:
            for turn in self._connection.execute("SELECT * FROM turns WHERE thread_id = ? ORDER BY id", (row["id"],)):
                turns.setdefault(turn["tip_message_hash"], turn)
                turns.setdefault(turn["parent_message_hash"], turn)
        found: dict[str, list[SourceMessage]] = {}
        active: str | None = None
        for row in [root, *(row for row in family if row["id"] != root["id"])]:
            chain: list[sqlite3.Row] = []
            at, seen = row["tip_message_hash"], set[str]()
            while at is not None and at not in seen and at not in found:
                seen.add(at)
                message = self._connection.execute("SELECT * FROM messages WHERE hash = ?", (at,)).fetchone()
                if message is None:
                    break
                chain.append(message)
                at = message["parent_hash"]
            for message in reversed(chain):
                above = found.get(message["parent_hash"])
                found[message["hash"]] = self._messages(message, above[-1].id if above else None, turns)
            if row["id"] == root["id"] and row["tip_message_hash"] in found:
                active = found[row["tip_message_hash"]][-1].id
        messages = in_order(message for made in found.values() for message in made)
        title = text_of(root["name"])
        first = next((message.text for message in messages if message.role == "user"), "")
        return SourceThread(
            key=str(root["id"]),
            where=f"{self._source.name}, thread {root['id']}",
            messages=messages,
            title=title,
            named=not first.startswith(title.rstrip("…")),
            created_at=iso(root["datetime_utc"]),
            active=active,
        )

    def _messages(self, row: sqlite3.Row, parent: str | None, turns: dict[str, sqlite3.Row]) -> list[SourceMessage]:
        """A message; the results of several tools, which are one here, are a message each, as each answers another call."""
        id_ = str(row["hash"])
        role = ROLES.get(str(row["role"]).lower(), "user")
        made = SourceMessage(id=id_, parent=parent, role=role)
        results: list[SourceMessage] = []
        sql = "SELECT * FROM parts WHERE message_hash = ? ORDER BY position"
        for part in self._connection.execute(sql, (id_,)).fetchall():
            kind = part["type"]
            payload = _payload(part["payload"])
            text = self._text(part)
            if kind == "text":
                made.text = "\n".join(filter(None, [made.text, text]))
            elif kind == "reasoning":
                made.reasoning = "\n\n".join(filter(None, [made.reasoning, text or text_of(payload.get("text"))]))
            elif kind == "tool_call":
                name = text_of(payload.get("name")) or text_of(part["tool_name"])
                call = str(payload.get("tool_call_id") or f"call-{part['id']}")
                made.tool_calls = [*made.tool_calls, ToolCall(name, arguments_of(payload.get("arguments")), call)]
            elif kind == "tool_result":
                results.append(
                    SourceMessage(
                        id=f"{id_}.{part['position']}",
                        role="tool",
                        text=text or _output(payload.get("output")),
                        name=text_of(payload.get("name")) or text_of(part["tool_name"]) or None,
                        tool_call_id=str(payload.get("tool_call_id") or ""),
                    )
                )
            elif kind == "attachment":
                made.attachments = [*made.attachments, *(self._attachments(part["id"]) or ["file"])]
        said = made.text or made.reasoning or made.tool_calls or made.attachments or not results
        both = [made, *results] if said else results
        both[0].parent = parent
        chained(both)
        turn = turns.get(id_)
        for message in both:
            message.created_at = iso(turn["datetime_utc"]) if turn is not None else None
        if turn is not None and role == "assistant":
            made.model = text_of(turn["model"]) or None
            made.seconds = turn["duration_ms"] / 1000 if isinstance(turn["duration_ms"], int) else None
            if isinstance(turn["input_tokens"], int) and isinstance(turn["output_tokens"], int):
                made.usage = (turn["input_tokens"], turn["output_tokens"])
        return both

    def _text(self, part: sqlite3.Row) -> str:
        """A part's text; a large one lies in fragments."""
        if "part_fragments" in self._tables and "fragments" in self._tables:
            sql = """SELECT f.content FROM part_fragments p JOIN fragments f ON f.id = p.fragment_id
                WHERE p.part_id = ? ORDER BY p."order" """
            fragments = [text_of(row[0]) for row in self._connection.execute(sql, (part["id"],))]
        else:
            fragments = []
        return "\n".join(filter(None, [*fragments, text_of(part["text"])]))

    def _attachments(self, part: int) -> list[str]:
        if "part_attachments" not in self._tables or "attachments" not in self._tables:
            return []
        sql = """SELECT a.path, a.url, a.type FROM part_attachments p JOIN attachments a ON a.id = p.attachment_id
            WHERE p.part_id = ? ORDER BY p."order" """
        return [
            next((text for text in map(text_of, row) if text), "file") for row in self._connection.execute(sql, (part,))
        ]


def _payload(value: Any) -> dict[str, Any]:
    try:
        found = jsonstream.decode(str(value).encode("utf-8", "replace")) if value else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _output(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)
