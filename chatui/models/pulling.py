"""How far fetching a model is, told so that it never goes back.

A server tells of one layer after the other, each from nothing, and of a layer that was begun before it may at first tell less
than it has. On the screen that would look as if what had come were lost.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from chatui.models.opened import PullProgress

#: Seconds that the speed is an average of: long enough to be readable, short enough to be true.
_WINDOW = 8.0


class PullMeter:
    """What is shown of a pull. Give the same one to a pull that goes on after it was cancelled.

    Attributes:
        status: What the server does now.
        completed: Bytes that are here, of all layers that were told of. Never becomes less.
        total: Bytes of those layers, 0 where nothing was told.
        fraction: The share that is here, from 0 to 1; None where nothing was told. Never becomes less.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._layers: dict[str, tuple[int, int]] = {}  # completed and total of each
        self._seen: deque[tuple[float, int]] = deque()  # when how many bytes had come over the line
        self._lasts: dict[str, int] = {}  # what each layer was last told to have, in this run
        self._fetched = 0
        self.status = ""
        self.completed = 0
        self.total = 0
        self.fraction: float | None = None

    def begin(self) -> None:
        """Begin a run, the first or another one: what is there already has cost it no time."""
        self._lasts.clear()
        self._seen.clear()
        self._fetched = 0

    def take(self, step: PullProgress) -> None:
        """Take in what the server says."""
        self.status = step.status
        if not step.total:
            return
        now, here = self._clock(), max(min(step.completed or 0, step.total), 0)
        # What the first word on a layer tells was there before.
        self._fetched += max(here - self._lasts.get(step.status, here), 0)
        self._lasts[step.status] = here
        kept, _ = self._layers.get(step.status, (0, 0))
        self._layers[step.status] = (min(max(kept, here), step.total), step.total)
        self.completed = max(self.completed, sum(came for came, _ in self._layers.values()))
        self.total = sum(size for _, size in self._layers.values())
        self.fraction = max(self.fraction or 0.0, min(self.completed / self.total, 1.0))
        self._seen.append((now, self._fetched))
        while len(self._seen) > 2 and now - self._seen[0][0] > _WINDOW:
            self._seen.popleft()

    @property
    def speed(self) -> float | None:
        """Bytes a second, lately; None before there is enough to tell."""
        if len(self._seen) < 2:
            return None
        (began, before), (ended, after) = self._seen[0], self._seen[-1]
        return (after - before) / (ended - began) if ended - began >= 0.5 else None

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes at this speed; None where that cannot be told."""
        speed = self.speed
        return (self.total - self.completed) / speed if speed else None
