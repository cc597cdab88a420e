"""What a request waits for until its first token comes: said where it can be known, and only then; afterwards how long it took.

Ollama lists a model in /api/ps from early in its loading on, and does not say when that ends. So a model that is not listed is
being loaded; where it was not listed when it was asked and is now, nobody can tell its loading from the reading of the prompt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar

from chatui.conversation.events import Waiting, WaitsFor
from chatui.errors import ChatuiError

if TYPE_CHECKING:
    from chatui.models import OpenModel

#: Seconds without a token before anything is said: most replies begin sooner.
_PATIENCE = 0.3
#: Seconds between two looks.
_LOOK_EVERY = 1.0


def told_seconds(metadata: Mapping[str, Any]) -> dict[str, float | int]:
    """Return how long a server says it loaded the model and wrote how many tokens, by the names that `Sent` has for them.

    Args:
        metadata: Of the whole reply. Ollama tells nanoseconds; who tells nothing has nothing here.
    """
    told = {"load_seconds": metadata.get("load_duration"), "writing_seconds": metadata.get("eval_duration")}
    found: dict[str, float | int] = {
        name: value / 1e9 for name, value in told.items() if isinstance(value, int | float) and value > 0
    }
    count = metadata.get("eval_count")
    return {**found, "written_tokens": count} if isinstance(count, int) and count > 0 else found


class Wait:
    """One request, from its asking to its end. A context manager; call `came` when something has come.

    Args:
        asked: What is asked: requests of this process to the same are known to stand in one queue.
        model: The model.
        tell: Is given what the request waits for, each time that it is something else.
    """

    _asked: ClassVar[dict[Hashable, list[Wait]]] = {}

    def __init__(self, asked: Hashable, model: OpenModel, tell: Callable[[Waiting], None]) -> None:
        self._key = asked
        self._model = model
        self._tell = tell
        self._looking: asyncio.Task[None] | None = None
        self._came = False

    async def __aenter__(self) -> Wait:
        self._asked.setdefault(self._key, []).append(self)
        self._looking = asyncio.create_task(self._look())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        queue = self._asked[self._key]
        queue.remove(self)
        if not queue:
            del self._asked[self._key]
        self.came()
        if self._looking is not None:
            # Ended, not only told to end: it may have a connection open.
            await asyncio.wait([self._looking])

    def came(self) -> None:
        """Something has come: there is nothing to wait for."""
        if not self._came:
            self._came = True
            if self._looking is not None:
                self._looking.cancel()

    async def _look(self) -> None:
        said: WaitsFor | None = None
        await asyncio.sleep(_PATIENCE)
        while True:
            now = await self._what()
            if now != said:
                said = now
                self._tell(Waiting(now))
            await asyncio.sleep(_LOOK_EVERY)

    async def _what(self) -> WaitsFor:
        model = self._model
        loaded: bool | None = None
        if model.is_loaded is not None:
            # What is said while one waits is never worth an error.
            with suppress(ChatuiError):
                loaded = await model.is_loaded()
        if loaded is False:
            return "loading"
        queue = self._asked[self._key]
        if queue.index(self) > 0:
            return "queued"
        return "starting" if model.loaded is False else "first token"
