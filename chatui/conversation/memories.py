"""What a thread and its user are remembered by: the strategy, the facts, the summary, and what other threads said."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from chatui.config import Config
from chatui.conversation.strategy import BY_TEXT, Strategy, parse_strategy
from chatui.errors import UsageError
from chatui.storage import Store
from chatui.storage.records import Memory, Recalled, Sent
from chatui.text import clean_line

if TYPE_CHECKING:
    from chatui.conversation.memory import Remembered

#: The longest thing to remember, in characters.
LONGEST = 2000


class UserMemory:
    """What is remembered of a user, and the strategy of threads that have none of their own.

    Args:
        store: The file.
        config: For defaults.
        user: Whose it is.
    """

    def __init__(self, store: Store, config: Config, user: str) -> None:
        self._store = store
        self._config = config
        self.user = user

    def list(self) -> list[Memory]:
        """Return what is remembered, the oldest first."""
        return self._store.memories.of(self.user)

    async def add(self, text: str, *, source: str | None = None) -> Memory:
        """Remember something.

        Args:
            text: What to remember.
            source: The thread that it comes from.

        Raises:
            UsageError: There is nothing to remember, or that thread is not to be remembered.
        """
        text = _sound(text)
        if source is not None and not remembers(self._store, source):
            raise UsageError("This thread is not to be remembered.", "Allow it with /private, or say it in another.")
        async with self._store.database.transaction() as connection:
            memory_id = await self._store.memories.put(connection, self.user, text, source=source)
        return self.find(memory_id)

    async def edit(self, memory_id: str, text: str) -> Memory:
        """Put another text in place of something remembered.

        Raises:
            UsageError: There is no such memory, or no text.
        """
        found, text = self.find(memory_id), _sound(text)
        async with self._store.database.transaction() as connection:
            await self._store.memories.put(connection, self.user, text, memory_id=found.memory_id)
        return self.find(found.memory_id)

    async def forget(self, memory_id: str) -> Memory:
        """Forget something for good, and return what it was. Replies that were given with it know no longer what it said.

        Raises:
            UsageError: There is no such memory.
            DatabaseError: It is forgotten, but another process uses the file, so that its text may still be in there.
        """
        from chatui.storage.removal import compact

        found = self.find(memory_id)
        async with self._store.database.transaction() as connection:
            await self._store.memories.forget(connection, self.user, found.memory_id)
        await compact(self._store.database, "It is forgotten, but its text", theirs=False)
        return found

    async def bring_back(self, memory: Memory) -> Memory:
        """Remember again what was forgotten. Replies that were given with it stay without it."""
        async with self._store.database.transaction() as connection:
            # A new id: the old one stands for what was forgotten.
            memory_id = await self._store.memories.put(
                connection, self.user, memory.text, source=memory.source_thread_id, created_at=memory.created_at
            )
        return self.find(memory_id)

    def told(self, sent: Sent) -> Sequence[str | None]:
        """Return what a model was sent of the memories for a reply, None for each that is forgotten."""
        return self._store.memories.told(self.user, sent.memories)

    def recalled(self, sent: Sent, prompt: str) -> Sequence[Recalled]:
        """Return what a model was sent of other threads for the reply to a prompt, without a text where that is gone."""
        # Imported here, as the first paint recalls nothing.
        from chatui.storage.recalled import looked_up

        return looked_up(self._store.database, sent.recalled, prompt)

    def find(self, memory_id: str) -> Memory:
        """Return the memory with this id, or with this beginning of one.

        Raises:
            UsageError: This user has none, or several.
        """
        found = [memory for memory in self.list() if memory_id and memory.memory_id.startswith(memory_id)]
        exact = [memory for memory in found if memory.memory_id == memory_id]
        if len(exact or found) != 1:
            many = "Several memories begin" if found else f"{clean_line(self.user, 40)} has no memory that begins"
            advice = "`chatui memory list` shows their ids."
            raise UsageError(
                f'{many} with "{clean_line(memory_id, 60)}".', (not found and self._whose(memory_id)) or advice
            )
        return (exact or found)[0]

    def _whose(self, memory_id: str) -> str:
        """Say whose a memory is that this user has not: the list shows everyone's where no user is set. "" for nobody's."""
        others = self._store.memories.of(None) if memory_id else []
        users = {memory.user for memory in others if memory.memory_id.startswith(memory_id)}
        if len(users) != 1:
            return ""
        (user,) = users
        return f"It is {clean_line(user, 40)}'s: say `-u {clean_line(shlex.quote(user), 60)}` before the command."

    def strategy(self) -> str:
        """Return the strategy of threads that have none of their own: the user's, else the configured one."""
        own = self.own_strategy()
        return self._config.remembering.strategy if own is None else own

    def own_strategy(self) -> str | None:
        """Return the strategy that the user has set, None where the config file's holds."""
        own = self._store.settings.get("user", self.user).get("memory")
        return own if isinstance(own, str) else None

    async def set_strategy(self, text: str | None) -> None:
        """Set the strategy of this user's threads that have none of their own; None leaves it to the config file.

        Raises:
            UsageError: It is none.
        """
        value = str(parse_strategy(text)) if text is not None else None
        async with self._store.database.transaction() as connection:
            await self._store.settings.change(connection, "user", self.user, memory=value)


class ThreadMemory:
    """What is sent of one thread, and what is remembered of its user.

    Args:
        store: The file.
        config: For defaults.
        thread_id: The thread, which need not have a message yet.
        user: Its user.
    """

    def __init__(self, store: Store, config: Config, thread_id: str, user: str) -> None:
        self._store = store
        self._thread_id = thread_id
        self.user = UserMemory(store, config, user)

    def for_turn(self, follows: str, prompt: str) -> Remembered:
        """Return what there is to send besides the branch. Reads synchronously.

        Args:
            follows: The node that the prompt follows, "" for none.
            prompt: What was said.

        Raises:
            UsageError: The strategy in the config file is none.
        """
        # Imported here, as the first paint asks for the strategy, and this imports LangChain.
        from chatui.conversation.memory import Remembered

        strategy = parse_strategy(self.strategy()[0])
        memories, thread_id = self._store.memories, self._thread_id
        summary = memories.summary(thread_id, follows) if strategy.kind == "summary" and follows else None
        return Remembered(
            strategy=strategy,
            facts=tuple(memories.facts(self.user.user)),
            summary=summary.text if summary else "",
            covered=summary.depth if summary else 0,
            recalled=tuple(memories.recall(self.user.user, thread_id, prompt)) if strategy.recall else (),
            by=BY_TEXT if strategy.recall else "",
        )

    def strategy(self) -> tuple[str, Literal["thread", "user"]]:
        """Return the strategy that holds here, and whether it is the thread's own."""
        thread = self._store.threads.get(self._thread_id)
        own = thread.memory if thread else self._store.settings.get("thread", self._thread_id).get("memory")
        return (own, "thread") if isinstance(own, str) else (self.user.strategy(), "user")

    async def set_strategy(self, text: str | None) -> Strategy:
        """Set this thread's strategy from the next turn on; None leaves it to the user's. Not a message is changed.

        Raises:
            UsageError: It is none.
        """
        value = str(parse_strategy(text)) if text is not None else None
        store = self._store
        async with store.database.transaction() as connection:
            await store.threads.add(connection, self._thread_id, owner=self.user.user)
            await store.threads.update(connection, self._thread_id, memory=value)
        return parse_strategy(self.strategy()[0])

    @property
    def private(self) -> bool:
        """Whether this thread is not to be remembered: nothing of it is recalled elsewhere, and it adds no memory."""
        return not remembers(self._store, self._thread_id)

    async def set_private(self, on: bool) -> None:
        """Say whether this thread is not to be remembered."""
        async with self._store.database.transaction() as connection:
            if on:
                await self._store.vectors.drop_thread(connection, self._thread_id)
            await self._store.settings.change(connection, "thread", self._thread_id, remember=False if on else None)


def remembers(store: Store, thread_id: str) -> bool:
    """Whether a thread may be remembered."""
    return store.settings.get("thread", thread_id).get("remember") is not False


def _sound(text: str) -> str:
    text = clean_line(text)
    if not text:
        raise UsageError("There is nothing to remember.", "Write it, as in: I live in Bremen.")
    if len(text) > LONGEST:
        raise UsageError(f"This is longer than {LONGEST:,} characters.", "Remember the part of it that matters.")
    return text
