"""A message history for existing LangChain programs: what they say is a thread of chatui's.

Nothing in chatui imports this module: LangChain has marked the class that it derives from as deprecated.
"""

from __future__ import annotations

import asyncio
import os
import threading
import uuid
from collections.abc import AsyncIterator, Coroutine, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.messages import BaseMessage, BaseMessageChunk, message_chunk_to_message

from chatui import config, paths
from chatui.conversation.engine import Conversation
from chatui.conversation.library import DEFAULT_USER
from chatui.models import Models
from chatui.storage import Store
from chatui.storage.index import FACTS
from chatui.storage.records import now

__all__ = ["ThreadChatMessageHistory"]

T = TypeVar("T")

#: Ids of sessions' threads are made in this name space.
_SPACE = uuid.UUID("0b7d6a38-0a43-5f0e-8a5e-3c1f6d2b7e91")


class ThreadChatMessageHistory(BaseChatMessageHistory):
    """A session's messages, kept as a thread: those of the branch that its head ends.

    Each message is a step of its own, so each can be gone back to and forked from in chatui; where the head was set there, the
    session goes on. All that is read and written is the file's, at each call: an object keeps nothing open and nothing in memory,
    and several may stand for one session. The methods may be called from any thread, and with or without a running event loop.

    Args:
        session_id: The session; of one user the same id is the same thread.
        user: Whose it is; None for `CHATUI_USER`, else the config file's user, else "default".
        db: The file, made where it is missing; None for the one that chatui itself opens.

    Attributes:
        session_id: The session.
        user: Whose it is.
        thread_id: The thread's id in chatui, the same for the same user and session always.
        path: The file.

    Raises:
        ConfigError: The config file, or a value in it, cannot be used.
    """

    def __init__(self, session_id: str, *, user: str | None = None, db: str | Path | None = None) -> None:
        self.session_id = session_id
        self._config = config.load(paths.config_file(), required=bool(os.environ.get("CHATUI_CONFIG")))
        self.user = user or os.environ.get("CHATUI_USER") or self._config.user or DEFAULT_USER
        self.path = paths.database() if db is None else Path(db).expanduser()
        # The user's length keeps ("a", "b:c") and ("a:b", "c") apart.
        self.thread_id = str(uuid.uuid5(_SPACE, f"{len(self.user)}:{self.user}:{session_id}"))

    @property
    def messages(self) -> list[BaseMessage]:  # type: ignore[override]
        """The messages of the thread's head branch, root first.

        Raises:
            DatabaseError: The file cannot be used.
        """
        return _submit(self._read()).result()

    async def aget_messages(self) -> list[BaseMessage]:
        """Return the messages of the thread's head branch, root first."""
        return await asyncio.wrap_future(_submit(self._read()))

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Put messages at the head, in one go; a message that was added before is added once more.

        Raises:
            DatabaseError: The file cannot be written. The messages before the one that failed are kept.
        """
        _submit(self._add(list(messages))).result()

    async def aadd_messages(self, messages: Sequence[BaseMessage]) -> None:
        """Put messages at the head, as `add_messages` does."""
        await asyncio.wrap_future(_submit(self._add(list(messages))))

    def clear(self) -> None:
        """Begin anew: the session has no messages then. What was said stays in the thread, as a branch beside what comes."""
        _submit(self._clear()).result()

    async def aclear(self) -> None:
        """Begin anew, as `clear` does."""
        await asyncio.wrap_future(_submit(self._clear()))

    async def _read(self) -> list[BaseMessage]:
        async with self._conversation() as conversation:
            return [_without_facts(message) for message in await conversation.originals()]

    async def _add(self, messages: list[BaseMessage]) -> None:
        async with self._conversation() as conversation:
            taken = {message.message_id for message in conversation.branch()}
            prepared = []
            for message in messages:
                prepared.append(_with_facts(message, taken))
                taken.add(str(prepared[-1].id))
            await conversation.add(prepared)

    async def _clear(self) -> None:
        async with self._conversation() as conversation:
            # A session that was never used has nothing to begin anew.
            if conversation.thread() is not None:
                await conversation.go_to(None)

    @asynccontextmanager
    async def _conversation(self) -> AsyncIterator[Conversation]:
        """Open the thread for one call. One call at a time for each file: simultaneous turns would become alternatives."""
        async with _locks.setdefault(str(self.path.resolve()), asyncio.Lock()):
            store = Store.open(self.path)
            try:
                thread = store.threads.get(self.thread_id)
                owner = thread.user if thread else self.user
                yield Conversation(store, Models(self._config), self._config, self.thread_id, owner)
            finally:
                await store.close()


def _with_facts(message: BaseMessage, taken: set[str]) -> BaseMessage:
    """Return a copy with the time and with an id that no other has: a message with a known id would take that one's place."""
    if isinstance(message, BaseMessageChunk):
        message = message_chunk_to_message(message)
    known = message.id is not None and message.id not in taken
    metadata = dict(message.response_metadata)
    metadata[FACTS] = {"created_at": now(), **_dict(metadata.get(FACTS))}
    if message.type == "ai" and isinstance(name := metadata.get("model_name") or metadata.get("model"), str):
        metadata[FACTS].setdefault("model", name)
    message_id = message.id if known else f"history-{uuid.uuid4()}"
    return message.model_copy(update={"id": message_id, "response_metadata": metadata})


def _without_facts(message: BaseMessage) -> BaseMessage:
    metadata = {key: value for key, value in message.response_metadata.items() if key != FACTS}
    return message.model_copy(update={"response_metadata": metadata})


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


# One event loop in a thread of its own: a synchronous method can wait for it even where the caller's thread runs another loop.

#: One for each file; made and used in that loop alone.
_locks: dict[str, asyncio.Lock] = {}
_starting = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None
_process = 0


def _submit(work: Coroutine[Any, Any, T]) -> Future[T]:
    """Run something in the loop and return what will come of it."""
    global _loop, _process
    with _starting:
        # A forked process has the loop's object, and not its thread.
        if _loop is None or _process != os.getpid():
            _loop, _process = asyncio.new_event_loop(), os.getpid()
            _locks.clear()
            threading.Thread(target=_loop.run_forever, name="chatui-history", daemon=True).start()
    return asyncio.run_coroutine_threadsafe(work, _loop)
