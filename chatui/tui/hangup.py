"""The terminal goes away: its window is closed, the connection is lost, or the machine shuts down.

Without this a reply that streams would be cut off as by a crash, and where no signal comes (a lost pty under `nohup`) Textual would
read from the dead terminal for ever, with a third of a processor.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress

#: Seconds between two looks at a terminal that may be gone without a signal. Textual's thread that writes has ended at the first
#: failure then, and the thirtieth write after it would wait for ever: a reply that streams makes that many in a second.
_LOOK = 0.2


@asynccontextmanager
async def watched(leave: Callable[[], Coroutine[None, None, None]]) -> AsyncGenerator[None]:
    """Watch the terminal of this process while the block runs.

    Args:
        leave: Quits, and saves what there is. Called once, when the terminal is gone or the system wants this process to end.
    """
    loop = asyncio.get_running_loop()
    tasks: set[asyncio.Task[None]] = set()

    async def look() -> None:
        while os.isatty(0):  # noqa: ASYNC110 - nothing tells it
            await asyncio.sleep(_LOOK)
        _to_nowhere()
        await leave()

    def end() -> None:
        looking.cancel()
        tasks.add(asyncio.ensure_future(leave()))

    def hung_up(*_: object) -> None:
        # At once, as SIGCONT comes along with it, at which Textual would take the terminal again.
        signal.signal(signal.SIGCONT, lambda *_: None)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        _to_nowhere()
        loop.call_soon_threadsafe(end)

    looking = loop.create_task(look())
    with suppress(AttributeError, NotImplementedError):  # Windows knows neither
        loop.add_signal_handler(signal.SIGTERM, end)
        signal.signal(signal.SIGHUP, hung_up)
    try:
        yield
    finally:
        looking.cancel()
        for task in tasks:
            await task


def _to_nowhere() -> None:
    """Let what is still written go nowhere: on a terminal that is gone it fails, in the middle of leaving."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    os.close(nowhere)
