"""Recall: what other threads of the same user said that fits a prompt, by meaning where there is an embedding model, and by words.

The vectors of messages and memories are made in the background, between turns; what has none yet is found by its words alone. Where
the model cannot be had, so is everything, and that is told once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from chatui.config import Config
from chatui.conversation.strategy import BY_TEXT
from chatui.errors import BadReply, ChatuiError, ContextTooLong, ServerFault, Stalled
from chatui.models import ModelRef, Models, embedded_available, embedded_present, parse_ref
from chatui.storage import Store
from chatui.storage.records import Recalled
from chatui.text import clean_line

if TYPE_CHECKING:
    from chatui.conversation.memory import Remembered
    from chatui.storage.vectors import Text

#: Seconds that a reply waits for its prompt's vector, and seconds after a failure in which it is not asked for.
PATIENCE, PAUSE = 10.0, 60.0
#: How many texts are sent to an embedding model at a time: few, so that giving up costs little.
_BATCH = 4
#: How many of those that lack a vector are read at a time.
_READ = 256
#: Facts of more characters than this in all may have no room, so that those that fit the prompt are chosen.
_MANY = 1500
#: How many messages are recalled.
MOST = 4
#: Reciprocal ranks are added up above this, so that what both ways find stands before what is the very best of one.
_RANKS = 10


#: Gives what there is to send besides a branch, and a sentence to tell or "".
Seek = Callable[[], Awaitable[tuple["Remembered", str]]]


class Recall:
    """The recall of one file, for all its threads.

    Args:
        store: The file.
        models: Where embedding models are asked.
        config: For defaults.
    """

    def __init__(self, store: Store, models: Models, config: Config) -> None:
        self._store = store
        self._models = models
        self._config = config
        self._turns = 0
        self._task: asyncio.Task[None] | None = None
        self._dimensions: dict[str, int] = {}
        self._troubles: dict[str, tuple[float, ChatuiError]] = {}
        self._told: set[str] = set()
        self._swept = False

    # Finding

    def seeker(self, user: str, thread_id: str, prompt: str, there: Remembered) -> Seek | None:
        """Return what calls `find` once, however many turns of the same prompt ask; None where no model is needed."""
        # Facts are chosen from only where they may be too many.
        wanted = there.strategy.recall or sum(len(fact.text) for fact in there.facts) > _MANY
        if not wanted or _named(self._store, self._config, user) is None:
            return None
        lock, found = asyncio.Lock(), list["Remembered"]()

        async def seek() -> tuple[Remembered, str]:
            told = ""
            async with lock:
                if not found:
                    remembered, told = await self.find(user, thread_id, prompt, there)
                    found.append(remembered)
            return found[0], told

        return seek

    async def find(self, user: str, thread_id: str, prompt: str, there: Remembered) -> tuple[Remembered, str]:
        """Return what there is to send besides the branch, with what embeddings find added to what words did.

        Args:
            user: Whose threads are searched.
            thread_id: The thread that asks.
            prompt: What was said there.
            there: What there is, with what the words found.

        Returns:
            That, and a sentence to tell where the embedding model cannot be had; "" where it can, or where that was told already.
        """
        vectors, model = self._store.vectors, _named(self._store, self._config, user)
        if model is None or not prompt.strip():
            return there, ""
        try:
            model = str(parse_ref(model))
            vector = await self._vector(model, prompt)
            recalled = list(there.recalled)
            if there.strategy.recall:
                alike = await asyncio.to_thread(vectors.near, user, thread_id, model, vector, prompt, limit=MOST * 2)
                recalled = merged(alike, recalled)
            likeness = await asyncio.to_thread(vectors.likeness, user, model, vector)
        except ChatuiError as error:
            return self._without(model, error, there)
        by = f"by embeddings of {model}, and by full text" if there.strategy.recall else ""
        return msgspec.structs.replace(there, recalled=recalled, likeness=likeness, by=by), ""

    async def _vector(self, model: str, prompt: str) -> Sequence[float]:
        """Return the vector of a prompt.

        Raises:
            ChatuiError: The model cannot be had; or could not a moment ago, and is not asked again so soon.
        """
        since, error = self._troubles.get(model, (0.0, ChatuiError("")))
        if since and time.monotonic() - since < PAUSE:
            raise error
        try:
            async with asyncio.timeout(PATIENCE):
                return (await self._embed(model, [prompt], question=True))[0]
        except TimeoutError:
            raise self._failed(model, Stalled(f"{model} took longer than {PATIENCE:.0f} s.")) from None

    async def _embed(self, model: str, texts: Sequence[str], *, question: bool = False) -> Sequence[Sequence[float]]:
        from chatui.models.embeddings import marked
        from chatui.storage.vectors import shortened

        try:
            ref = parse_ref(model)
            made = await self._models.embed(ref, [marked(ref, shortened(text), question=question) for text in texts])
        except ChatuiError as error:
            raise self._failed(model, error) from error
        except Exception as error:  # whatever a library raises, a reply goes on without
            told = ChatuiError(f"{model} failed: {clean_line(str(error), 200) or type(error).__name__}.")
            raise self._failed(model, told) from error
        self._dimensions[model] = len(made[0])
        self._troubles.pop(model, None)
        return made

    def _failed(self, model: str, error: ChatuiError) -> ChatuiError:
        self._troubles[model] = (time.monotonic(), error)
        return error

    def _without(self, model: str, error: ChatuiError, there: Remembered) -> tuple[Remembered, str]:
        """What there is where the model cannot be had; and the sentence, the first time that this goes wrong."""
        sentence = f"Recall is by full text: {error.title}"
        first = (model + error.title) not in self._told
        self._told.add(model + error.title)
        if not there.strategy.recall:
            return there, ""
        return msgspec.structs.replace(there, by=f"{BY_TEXT}, as {_lowered(error.title)}"), sentence if first else ""

    # In the background

    def turn_began(self) -> None:
        """A turn begins: it does not wait for vectors, and shares no processor with them."""
        self._turns += 1
        self.stop()

    def turn_ended(self, user: str) -> None:
        """A turn ended. If none runs now, the vectors that a user's texts lack are made in a task of its own."""
        self._turns -= 1
        if self._turns or _named(self._store, self._config, user) is None or self._store.database.frozen:
            return
        self.stop()
        self._task = asyncio.create_task(self._fill(user))

    def stop(self) -> None:
        """Give up what is being made; the next turn's end goes on with it."""
        if self._task is not None:
            self._task.cancel()

    async def finished(self, seconds: float | None = None) -> bool:
        """Wait until nothing is being made, or for so many seconds. Returns whether nothing is."""
        if self._task is not None:
            await asyncio.wait([self._task], timeout=seconds)
        return self._task is None or self._task.done()

    async def end(self) -> None:
        """Give it up and wait until it has ended."""
        self.stop()
        await self.finished()

    async def _fill(self, user: str) -> None:
        # The next turn tries again, and says what is wrong; until then texts are found by their words.
        with suppress(ChatuiError):
            async for _ in self.fill(user):
                pass

    async def fill(self, user: str) -> AsyncGenerator[int]:
        """Make the vectors that a user's texts lack, and remove those that belong to nothing any more.

        Yields:
            How many have been made, after each few.

        Raises:
            ChatuiError: The model cannot be had, or the file not be written.
        """
        store, made = self._store, 0
        model = embedding_model(store, self._config, user)
        if not self._swept and await asyncio.to_thread(store.vectors.has_leftovers):
            async with store.database.transaction() as connection:
                await store.vectors.sweep(connection)
        self._swept = True
        refused: set[Text] = set()
        while model is not None:
            known, limit = self._dimensions.get(model, 0), _READ + len(refused)
            found = await asyncio.to_thread(store.vectors.lacking, user, model, known, limit=limit)
            texts = [text for text in found if text not in refused]
            if not texts:
                return
            for start in range(0, len(texts), _BATCH):
                some = texts[start : start + _BATCH]
                vectors = await self._each(model, [text for text in some if text.text])
                refused |= set(some) - {text for text, _ in vectors}
                async with store.database.transaction() as connection:
                    await store.vectors.put(connection, model, vectors)
                made += len(vectors)
                yield made

    async def _each(self, model: str, texts: Sequence[Text]) -> list[tuple[Text, Sequence[float]]]:
        """Return texts with their vectors, without those that the model can make none of.

        Raises:
            ChatuiError: It makes none of any of them.
        """
        if not texts:
            return []
        try:
            made = list(zip(texts, await self._embed(model, [text.text for text in texts]), strict=True))
        except (BadReply, ServerFault, ContextTooLong) as error:
            made, failed = [], error
            for text in texts if len(texts) > 1 else ():
                # One that it cannot take must not keep the others from theirs.
                with suppress(BadReply, ServerFault, ContextTooLong):
                    made.append((text, (await self._embed(model, [text.text]))[0]))
            if not made:
                raise failed from None
            self._troubles.pop(model, None)
        # One without a direction is like nothing.
        return [(text, vector) for text, vector in made if any(vector)]


def merged(alike: Sequence[Recalled], worded: Sequence[Recalled], *, limit: int = MOST) -> list[Recalled]:
    """Return the best of what is alike in meaning and what has the same words; what is both stands first.

    Args:
        alike: What embeddings found, the best first.
        worded: What full text found, the best first.
        limit: At most so many.
    """
    scores: dict[tuple[str, str], float] = {}
    items: dict[tuple[str, str], Recalled] = {}
    for found in (alike, worded):
        for rank, item in enumerate(found):
            place = (item.thread_id, item.node_id)
            scores[place] = scores.get(place, 0.0) + 1 / (_RANKS + rank)
            known = items.get(place)
            # The words show the part of a long text that matters; the likeness is the embeddings' to tell.
            items[place] = item if known is None else msgspec.structs.replace(item, likeness=known.likeness)
    best = sorted(items.values(), key=lambda item: -scores[item.thread_id, item.node_id])
    return list({item.text: item for item in reversed(best)}.values())[::-1][:limit]


def embedding_model(store: Store | None, config: Config, user: str) -> str | None:
    """Return the full reference of the embedding model that a user's texts are compared by, None for none.

    Raises:
        UsageError: What the config file names is no model.
    """
    named = _named(store, config, user)
    return None if named is None else str(parse_ref(named))


def _named(store: Store | None, config: Config, user: str) -> str | None:
    own = store.settings.get("user", user).get("embedding") if store is not None else None
    named = own if isinstance(own, str) else config.remembering.embedding
    return None if named == "off" else named


async def set_embedding(store: Store, user: str, text: str | None) -> None:
    """Name the embedding model that a user's texts are compared by.

    Args:
        store: The file.
        user: The user.
        text: A model's reference; "off" for full text alone; None for what the config file says.

    Raises:
        UsageError: It is no reference.
        Unsupported: Its provider has no embeddings.
    """
    from chatui.models.embeddings import check_embeds

    if text is not None and text != "off":
        ref = parse_ref(text)
        check_embeds(ref)
        text = str(ref)
    async with store.database.transaction() as connection:
        await store.settings.change(connection, "user", user, embedding=text)


def recall_in_force(store: Store | None, config: Config, user: str) -> str:
    """Say in a few words how a user's other threads are searched. Asks no server, and reads the messages' rows.

    Args:
        store: The file; None where there is none yet.
        config: For defaults.
        user: The user.

    Returns:
        As in "by embeddings of ollama:nomic-embed-text, compared in plain Python, and by full text; 12 of 40 messages have one".
    """
    try:
        model = embedding_model(store, config, user)
        ref = parse_ref(model) if model else None
    except ChatuiError as error:
        return f"{BY_TEXT}, as {_lowered(error.title)}"
    if model is None or ref is None:
        return BY_TEXT
    if trouble := _missing(ref):
        return f"{BY_TEXT}, as {trouble}"
    if store is None:
        return f"by embeddings of {model}, and {BY_TEXT}"
    vectors = store.vectors
    made, messages = vectors.counts(user, model)
    version = vectors.extension()
    how = f"by sqlite-vec {version}" if version else "in plain Python"
    return f"by embeddings of {model}, compared {how}, and {BY_TEXT}; {made:,} of {messages:,} messages have one"


def _missing(ref: ModelRef) -> str:
    """Say what an embedded model lacks on this machine, "" for nothing."""
    if ref.provider == "embedded" and not embedded_available():
        return "the extra `embedded` is not installed"
    if ref.provider == "embedded" and not embedded_present(ref):
        return f"{clean_line(str(ref))} is not on this machine"
    return ""


def _lowered(sentence: str) -> str:
    """Return a sentence as a part of another: its names keep their capitals."""
    first, _, rest = sentence.strip().rstrip(".").partition(" ")
    return f"{first.lower() if first in _SMALL else first} {rest}"


_SMALL = {"The", "There", "This", "No", "Nothing", "Cannot", "A", "What"}
