"""Several turns that answer one prompt at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING

from chatui.conversation.events import Alternative, End, Failed, Finished, Stopped
from chatui.errors import ChatuiError

if TYPE_CHECKING:
    from chatui.conversation.turn import Turn


class Alternatives:
    """The turns of one prompt. Use it once: iterate `events`, then ask for `chosen`.

    Args:
        turns: At least one.
    """

    def __init__(self, turns: Sequence[Turn]) -> None:
        self._turns = turns
        self._events: asyncio.Queue[Alternative] = asyncio.Queue()
        self._ends: dict[int, End] = {}  # in the order they came
        self._refused: dict[int, ChatuiError] = {}

    async def events(self) -> AsyncGenerator[Alternative]:
        """Run all of them, and yield what happens to any. Closing the generator early stops all; what came is saved then too.

        Raises:
            ChatuiError: The prompt could not be saved by any of them; nothing was written.
        """
        following = [asyncio.create_task(self._follow(index, turn)) for index, turn in enumerate(self._turns)]
        try:
            while len(self._ends) < len(self._turns):
                happened = await self._events.get()
                if isinstance(happened.event, End):
                    self._ends[happened.index] = happened.event
                if happened.index not in self._refused:
                    yield happened
            if len(self._refused) == len(self._turns):
                raise self._refused[min(self._refused)]
            for index in self._refused:
                yield Alternative(index, self._ends[index])
        finally:
            for turn in self._turns:
                turn.stop()
            # Saving goes on even where one of them failed to.
            await asyncio.gather(*following, return_exceptions=True)

    async def _follow(self, index: int, turn: Turn) -> None:
        try:
            async with aclosing(turn.events()) as events:
                async for event in events:
                    self._events.put_nowait(Alternative(index, event))
        except ChatuiError as error:
            self._refused[index] = error
            end = Stopped(None) if turn.stopped else Failed(error, None)
            self._events.put_nowait(Alternative(index, end))

    def chosen(self, watched: int | None) -> End:
        """Return the end that stands for all.

        It is that of the one a person looks at, where it is whole or was stopped; else of the first that finished; else of the
        first of which anything came.

        Args:
            watched: Which one is looked at; None for none.
        """
        ends = list(self._ends.values())
        if watched in self._ends:
            looked_at = self._ends[watched]
            if looked_at.message is not None and not isinstance(looked_at, Failed):
                return looked_at
            ends.insert(0, looked_at)
        finished = (end for end in ends if isinstance(end, Finished))
        began = (end for end in ends if end.message is not None)
        return next(finished, None) or next(began, None) or ends[0]
