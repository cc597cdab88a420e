"""Writes what an importer reads: each thread whole or not at all, and of what was imported before only what is new.

A thread's id is made of the kind and of the source's key for it, and a message's node of its place and content. So nothing has to
be remembered to know both again: not the file's name, and not which messages were there.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from chatui.errors import UsageError
from chatui.storage import Store
from chatui.storage.channels import Shape
from chatui.storage.planting import Planted, Plot, Seedling, nodes_of
from chatui.storage.records import now
from chatui.text import clean, clean_line
from chatui.transfer.messages import to_langchain
from chatui.transfer.records import Item, Skipped, SourceThread

#: Ids of imported threads are made in this name space.
_SPACE = uuid.UUID("4f1c2a5e-6b8d-5d0f-9a37-2f6f0c1e9b44")
#: A transaction is ended behind so many messages, characters or seconds: other programs wait no longer for the file.
_MOST_MESSAGES, _MOST_CHARACTERS, _MOST_SECONDS = 2000, 4_000_000, 1.0
_TITLE_LENGTH = 200
#: What a message raises that LangChain or the serializer takes for none.
_UNKEPT = (AttributeError, KeyError, RecursionError, TypeError, ValueError)


class Report(msgspec.Struct):
    """What an import found and did; `new_` counts what was not there before."""

    kind: str = ""
    threads: int = 0
    messages: int = 0
    new_threads: int = 0
    new_messages: int = 0
    skipped: list[Skipped] = []


class Import:
    """One import into one file.

    Args:
        store: The file.
        fold: The reducer of the messages channel.
        frequency: After so many added messages the whole list is written.
        owner: Whose all threads are to be, None to keep the source's users.
        default: Whose those are that the source names no user for.
        told: Called with the report so far, after each transaction.
    """

    def __init__(
        self,
        store: Store,
        fold: Any,
        frequency: int,
        *,
        owner: str | None,
        default: str,
        told: Callable[[Report], None] | None = None,
    ) -> None:
        self._store = store
        self._index = store.index(fold)
        self._frequency = frequency
        self._owner = owner
        self._default = default
        self._told = told or (lambda report: None)
        #: Threads of this run, and their nodes: a source may hold the same one twice.
        self._made: dict[str, set[str]] = {}
        self.report = Report()

    async def run(self, kind: str, items: Iterator[tuple[str, Item]], *, dry: bool = False) -> Report:
        """Read a source to its end, and write what is new.

        Args:
            kind: What the source is.
            items: What it holds, each with its own kind.
            dry: Write nothing, and report what would be written.
        """
        self.report.kind = kind
        if not dry:
            self._store.database.check_writable()
            saver = await self._store.saver()
            await saver.setup()
        batch: list[tuple[str, SourceThread]] = []
        messages = characters = 0
        began = time.monotonic()
        for own, item in items:
            if isinstance(item, Skipped):
                self.skip(item.where, item.why)
                continue
            if not item.messages:
                self.skip(item.where, "It has no messages.")
                continue
            batch.append((own, item))
            messages += len(item.messages)
            characters += sum(len(message.text) for message in item.messages)
            full = messages >= _MOST_MESSAGES or characters >= _MOST_CHARACTERS
            if full or time.monotonic() - began >= _MOST_SECONDS:
                await self._write(batch, dry)
                batch, messages, characters, began = [], 0, 0, time.monotonic()
        await self._write(batch, dry)
        return self.report

    def skip(self, where: str, why: str) -> None:
        """Note what is not taken in."""
        self.report.skipped.append(Skipped(clean_line(where, 300), clean_line(why, 300)))

    async def _write(self, batch: list[tuple[str, SourceThread]], dry: bool) -> None:
        """Write some threads in one transaction; the report tells of them once they are in the file."""
        before = msgspec.structs.replace(self.report, skipped=list(self.report.skipped))
        try:
            if dry:
                self._try(batch)
            elif batch:
                async with self._store.database.transaction() as connection:
                    for kind, thread in batch:
                        await self._thread(connection, kind, thread)
        except BaseException:
            self.report = before
            raise
        self._told(self.report)

    def _seedlings(self, kind: str, thread: SourceThread) -> list[Seedling]:
        """The messages in LangChain's form.

        Raises:
            ValueError: One of them has no form there.
        """
        places: dict[str, int] = {}
        seedlings: list[Seedling] = []
        times: list[str] = []
        taken: set[str] = set()
        fallback = thread.created_at or thread.updated_at or now()
        for number, record in enumerate(thread.messages):
            parent = places.get(record.parent) if record.parent is not None else None
            # A time that the source lacks is that of the message before it.
            time = record.created_at or (times[parent] if parent is not None else fallback)
            own = str(getattr(record.message, "id", None) or "")
            message_id = own if own and own not in taken else f"{kind}-{record.id}"
            taken.add(message_id)
            model = record.model or (thread.model if record.role == "assistant" else None)
            message = to_langchain(record, message_id, time, model)
            answered = model if message.type == "ai" else None
            seedlings.append(Seedling(message, parent, time, answered))
            times.append(time)
            places[record.id] = number
        return seedlings

    def _active(self, thread: SourceThread) -> int:
        """The place of the message that the active path ends with."""
        places = {record.id: number for number, record in enumerate(thread.messages)}
        if thread.active in places:
            return places[thread.active]
        depths: dict[str, int] = {}
        for record in thread.messages:
            depths[record.id] = depths.get(record.parent or "", 0) + 1
        return places[max(depths, key=lambda id_: depths[id_])]

    async def _thread(self, connection: Any, kind: str, thread: SourceThread) -> None:
        thread_id, report = self._thread_id(kind, thread), self.report
        owner = clean_line(self._owner or thread.user or "", 100) or self._default
        known = self._store.threads.get(thread_id)
        again = thread_id in self._made
        plot = Plot(self._index, connection, thread_id, owner=known.user if known else owner, frequency=self._frequency)
        try:
            seedlings = self._seedlings(kind, thread)
            planted = await plot.sow(seedlings)
        except _UNKEPT as error:
            self.skip(
                thread.where, f"It cannot be kept: {clean(str(error)).splitlines()[0] if str(error) else error!r}."
            )
            return
        await plot.write()
        self._made.setdefault(thread_id, set())
        report.threads += not again
        report.messages += len(thread.messages)
        report.new_messages += planted.new
        active = self._active(thread)
        if again:
            await self._settle(connection, thread_id, planted, active)
        elif known is None:
            report.new_threads += 1
            await self._store.threads.update(connection, thread_id, **self._columns(kind, thread, seedlings))
            await self._settle(connection, thread_id, planted, active)
            await self._mark(connection, thread_id, thread, planted)
        elif planted.new and self._follows(thread_id, planted, seedlings, active):
            await self._settle(connection, thread_id, planted, active)

    async def _settle(self, connection: Any, thread_id: str, planted: Planted, active: int) -> None:
        node, checkpoint = planted.nodes[active], planted.checkpoints[active]
        await self._store.threads.settle_head(connection, thread_id, checkpoint, node)

    async def _mark(self, connection: Any, thread_id: str, thread: SourceThread, planted: Planted) -> None:
        """Set what was set for a new thread and its messages: stars, names, deletions."""
        marks = self._store.marks
        for record, node in zip(thread.messages, planted.nodes, strict=True):
            if record.starred:
                await marks.star(connection, thread_id, node, True)
            if record.branch:
                await marks.name(connection, thread_id, node, clean_line(record.branch, _TITLE_LENGTH))
            if record.deleted:
                await marks.delete(connection, thread_id, node)
        if thread.settings:
            await self._store.settings.change(connection, "thread", thread_id, **thread.settings)

    def _follows(self, thread_id: str, planted: Planted, seedlings: list[Seedling], active: int) -> bool:
        """Whether the head still stands on the active path of the source: then it goes on with it."""
        head = self._store.threads.head(thread_id)[1]
        at: int | None = active
        while at is not None:
            if planted.nodes[at] == head:
                return True
            at = seedlings[at].parent
        return False

    @staticmethod
    def _columns(kind: str, thread: SourceThread, seedlings: list[Seedling]) -> dict[str, Any]:
        times = [seedling.created_at for seedling in seedlings]
        values: dict[str, Any] = {
            "created_at": min([thread.created_at or times[0], *times]),
            # Of other programs' threads the messages tell it: what counts as a change there may be anything.
            "updated_at": (kind == "chatui" and thread.updated_at) or max(times),
            "archived": int(thread.archived),
            "pinned": int(thread.pinned),
            "deleted_at": now() if thread.deleted else None,
            "memory": thread.memory,
        }
        if title := clean_line(thread.title, _TITLE_LENGTH):
            values |= {"title": title, "title_by": "user" if thread.named else "auto"}
        if thread.model:
            values["model"] = clean_line(thread.model, _TITLE_LENGTH)
        if thread.system_prompt:
            values["system_prompt"] = thread.system_prompt
        return values

    def _thread_id(self, kind: str, thread: SourceThread) -> str:
        """The id in our file. A thread of ours keeps its own, but where the file has one of another graph's form under it."""
        own = thread.key
        if kind == "chatui" and own and clean_line(own, 200) == own:
            known = self._store.threads.get(own)
            if known is None or self._index.shape(own, known.active_checkpoint_id) == Shape():
                return own
        return thread_id_of(kind, thread)

    def _try(self, batch: list[tuple[str, SourceThread]]) -> None:
        """Count what a transaction would write."""
        for kind, thread in batch:
            try:
                seedlings = self._seedlings(kind, thread)
            except _UNKEPT as error:
                self.skip(thread.where, f"It cannot be kept: {error}.")
                continue
            thread_id = self._thread_id(kind, thread)
            there = self._store.threads.get(thread_id) is not None
            nodes = set(nodes_of(seedlings))
            again = thread_id in self._made
            have = self._made.setdefault(thread_id, self._store.messages.known(thread_id) if there else set())
            self.report.threads += not again
            self.report.messages += len(thread.messages)
            self.report.new_threads += not there and not again
            self.report.new_messages += len(nodes - have)
            have |= nodes


def thread_id_of(kind: str, thread: SourceThread) -> str:
    """Return the id that a thread of a source has in our file."""
    return str(uuid.uuid5(_SPACE, f"{kind}\0{thread.key}"))


def check_target(store: Store) -> None:
    """Make sure that threads can be imported into a file.

    Raises:
        UsageError: It is another program's.
    """
    if store.side is not None:
        raise UsageError(
            f"{store.path} is another program's file, and nothing is imported into it.",
            "Leave --db out, or give a file of chatui's.",
        )
