"""Threads to look at: made by the real engine with a scripted model, the same every time."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import msgspec
from langchain_core.messages import AIMessageChunk

from chatui.config import Config
from chatui.conversation.engine import Conversation
from chatui.conversation.library import Library
from chatui.models import ModelInfo, ModelRef, PullProgress
from chatui.storage import Store
from tests.scripted import ScriptedModels

MODEL = "ollama:llama3.2:3b"
OTHER = "ollama:qwen3:8b"

SORT_QUESTION = "How do I sort a list of dictionaries by two keys in Python? One of them descending."
SORT_ANSWER = """\
Give `sorted` a key that returns a **tuple**. Python compares tuples from left to right, so the second entry decides \
only where the first is equal:

```python
people = [
    {"name": "Ada", "age": 36},
    {"name": "Grace", "age": 45},
    {"name": "Alan", "age": 41},
]

# Oldest first, then by name.
ordered = sorted(people, key=lambda p: (-p["age"], p["name"]))
```

For values that cannot be negated, sort twice: the sort is *stable*, so the order of the first pass stays.

| Way | Works for | Passes |
|:----|:----------|-------:|
| negated number | numbers | 1 |
| `reverse=True`, twice | anything | 2 |
| `functools.cmp_to_key` | anything, slowly | 1 |
"""
SHORT_ANSWER = "Sort twice, by the *less* important key first. `sorted` is stable, so the second pass keeps the order of the first."
FOLLOW_UP = "And if the age may be missing?"
FOLLOW_UP_ANSWER = """\
Then say where such people go. A tuple that begins with a test puts them last:

1. `p.get("age") is None` is `False` (0) for those who have one
2. and `True` (1) for the others, which sorts behind

```python
key = lambda p: (p.get("age") is None, -(p.get("age") or 0), p["name"])
```
"""

#: Title, question, answer, model, hours since.
OTHERS: Sequence[tuple[str, str, str, str, int]] = (
    (
        "Bread that does not rise",
        "My sourdough stays flat. Why?",
        "Most often the starter is not active yet.",
        OTHER,
        3,
    ),
    ("Regex for ISO dates", "A regex for dates like 2026-11-23?", r"`\d{4}-\d{2}-\d{2}` finds the shape.", MODEL, 7),
    (
        "Trip to Lisbon in March",
        "Three days in Lisbon, on foot?",
        "Day one: Alfama, and the tram only downhill.",
        OTHER,
        26,
    ),
    ("日本語の勉強計画", "毎日三十分で何をすればいいですか。", "十分は復習、二十分は新しい文章です。", OTHER, 51),
    ("What is a monad, without burritos", "Explain monads to a Go programmer.", "Think of `if err != nil`.", MODEL, 75),
    ("Letter to the landlord", "Write a polite letter about the heating.", "Dear Ms Costa, since Monday …", MODEL, 100),
    ("Postgres: index or not", "When is an index slower?", "When most of the rows match.", OTHER, 130),
    ("Names for a cat", "Short names for a grey cat?", "Ash, Flint, Slate, Moth.", MODEL, 150),
)


class SeedModels(ScriptedModels):
    """A scripted model that also lists models and can be missing."""

    def __init__(self) -> None:
        super().__init__()
        self.missing: Exception | None = None
        self.pulled: Sequence[PullProgress | Exception | Any] = ()
        self.removed: list[str] = []
        self.infos = [
            ModelInfo(MODEL, 2_019_393_189, "3.2B", "Q4_K_M", 131_072, ["completion", "tools"], True),
            ModelInfo(OTHER, 5_225_388_164, "8.2B", "Q4_K_M", 40_960, ["completion", "tools", "thinking"], False),
            ModelInfo("embedded:smollm2-135m", 91_743_968, "135M", "Q4_1", 8_192, ["completion"], None),
        ]

    async def list(self) -> list[ModelInfo]:
        return self.infos

    async def choose(self, thread_model: str | None) -> ModelRef:
        if self.missing is not None:
            raise self.missing
        return await super().choose(thread_model or MODEL)

    async def show(self, ref: ModelRef) -> dict[str, Any]:
        info = next(info for info in self.infos if info.model == str(ref))
        lines = "\n".join(f"{{{{ line {number} }}}}" for number in range(40))
        return {"model": info.model, "size": info.size, "capabilities": info.capabilities, "template": lines}

    async def remove(self, ref: ModelRef) -> None:
        self.removed.append(str(ref))
        self.infos = [info for info in self.infos if info.model != str(ref)]

    async def pull(self, ref: ModelRef) -> Any:
        for step in self.pulled:
            if isinstance(step, Exception):
                raise step
            if isinstance(step, PullProgress):
                yield step
            else:
                await step.wait()
        self.missing = None


def open_library(path: Path, models: SeedModels, config: Config | None = None, *, titles: bool = False) -> Library:
    """Open a library on a file. A model is asked for titles only where the test is about them."""
    config = config or Config()
    return Library(
        Store.open(path), cast("Any", models), config if titles else msgspec.structs.replace(config, title="off")
    )


def pieces(text: str) -> list[str]:
    """Cut a text as a model would stream it."""
    words = text.split(" ")
    return [word if index == 0 else f" {word}" for index, word in enumerate(words)]


def thinking(text: str) -> list[AIMessageChunk]:
    """Chunks of reasoning."""
    return [AIMessageChunk(content="", additional_kwargs={"reasoning_content": piece}) for piece in pieces(text)]


async def turn(conversation: Conversation, models: SeedModels, text: str, answer: str, model: str = MODEL) -> None:
    """One turn, to its end."""
    models.script = pieces(answer)
    async with aclosing(conversation.send(text, model=model)) as events:
        async for _ in events:
            pass


async def again(conversation: Conversation, models: SeedModels, node_id: str, answer: str, model: str = MODEL) -> None:
    """One more answer, to its end."""
    models.script = pieces(answer)
    async with aclosing(conversation.regenerate(node_id, model=model)) as events:
        async for _ in events:
            pass


async def seed(path: Path) -> str:
    """Fill a file. Returns the id of the thread with the branches."""
    models = SeedModels()
    library = open_library(path, models)
    ages: dict[str, int] = {}
    for title, question, answer, model, hours in reversed(OTHERS):
        conversation = library.conversation()
        await turn(conversation, models, question, answer, model)
        await library.rename(conversation.thread_id, title)
        ages[conversation.thread_id] = hours
        if hours == 150:
            await library.pin(conversation.thread_id)
        if hours == 26:
            await turn(conversation, models, "And with a child of four?", "Then less, and the aquarium.", model)
            head = conversation.head()
            assert head is not None
            await again(conversation, models, head.node_id, "Half of it. The beach at Cascais wins.", model)
    conversation = library.conversation()
    await turn(conversation, models, SORT_QUESTION, SHORT_ANSWER, OTHER)
    short = conversation.head()
    assert short is not None
    await turn(
        conversation,
        models,
        "Show me code, please.",
        "`rows.sort(key=by_name)`, then `rows.sort(key=by_age, reverse=True)`.",
    )
    await again(conversation, models, short.node_id, SORT_ANSWER)
    await turn(conversation, models, FOLLOW_UP, FOLLOW_UP_ANSWER)
    await library.rename(conversation.thread_id, "Sort by two keys")
    await set_ages(library, ages)
    await library.close()
    # How long the scripted model took differs from run to run, and shows.
    with sqlite3.connect(path) as connection:
        connection.execute(
            "UPDATE chatui_messages SET seconds = NULL, first_token_seconds = NULL, reasoning_seconds = NULL"
        )
    connection.close()
    return conversation.thread_id


async def set_ages(library: Library, ages: dict[str, int]) -> None:
    """Move threads into the past, as the pictures should show some."""
    store = library._store
    async with store.database.transaction() as connection:
        for thread_id, hours in ages.items():
            moment = datetime.now(UTC) - timedelta(hours=hours, minutes=5)
            await store.threads.update(
                connection, thread_id, updated_at=moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            )
