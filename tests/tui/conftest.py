from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from textual.content import Content
from textual.pilot import Pilot
from textual.widget import Widget
from textual.widgets import Static

from chatui.config import Config, OllamaConfig
from chatui.conversation.library import Library
from chatui.models import Models
from chatui.tui import labels
from chatui.tui.app import ChatApp
from chatui.tui.chat import ChatScreen
from chatui.tui.message import AnswerView, MessageView, UserView
from tests.ollama_server import OllamaServer
from tests.tui.seed import SeedModels, open_library, seed


class Window:
    """A running application and what a test asks of it."""

    def __init__(self, app: ChatApp, pilot: Pilot[int], library: Library, models: SeedModels) -> None:
        self.app = app
        self.pilot = pilot
        self.library = library
        self.models = models

    @property
    def screen(self) -> ChatScreen:
        return self.app.chat_screen

    @property
    def views(self) -> list[MessageView]:
        """The messages that are laid out, in their order."""
        return self.screen.transcript.views

    def texts(self) -> list[str]:
        """What each message on the screen says."""
        return [shown(view) for view in self.views]

    def badges(self) -> list[str]:
        """The label of each message."""
        return [str(view.label) for view in self.views if isinstance(view, AnswerView | UserView)]

    def status(self) -> str:
        return plain(self.screen.query_one("#status", Static))

    def toasts(self) -> list[str]:
        return [note.message for note in self.app._notifications]

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def messages(self, *keys: str) -> None:
        """Go to message mode, wherever the focus is, and press keys there."""
        self.screen.transcript.focus()
        await self.pilot.pause()
        await self.press(*keys)

    async def write(self, text: str) -> None:
        """Put a text into the prompt, as a paste does, and send it."""
        self.screen.prompt.focus()
        self.screen.prompt.hold(text)
        await self.press("enter")

    async def say(self, text: str, *answer: str) -> None:
        """One whole turn."""
        self.models.script = answer or ("Fine.",)
        count = len(self.screen.conversation.tree())
        await self.write(text)
        await self.until(lambda: self.screen.reply is None and len(self.screen.conversation.tree()) > count)
        await self.until(lambda: all(view.message for view in self.views))

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait for a condition, and fail if it never comes true."""
        for _ in range(500):
            await self.pilot.pause()
            if condition():
                await self.pilot.pause()
                return
            await asyncio.sleep(0.01)
        pytest.fail(f"it never came true; the screen says {self.texts()}, toasts {self.toasts()}")


def left_to_do(app: ChatApp) -> bool:
    """Whether a message waits for a widget, or something is to be laid out or painted, on any screen that can be seen."""
    # Textual never clears this of a screen behind a dialog.
    if app.screen._repaint_required:
        return True
    for screen in app.screen_stack:
        if screen._layout_required or screen._scroll_required or screen._recompose_required or screen._dirty_widgets:
            return True
        if screen._callbacks or any(
            pump.message_queue_size or pump._next_callbacks for pump in screen.walk_children(with_self=True)
        ):
            return True
    return bool(app.message_queue_size or app._next_callbacks)


async def settle(pilot: Pilot[int]) -> None:
    """Wait until the application has nothing left to do.

    A key's message goes from the application to a screen, and from there to widgets, which may ask for another layout: on a
    busy machine Textual's own pause, which takes little use of the processor for rest, ends on the way.
    """
    app = pilot.app
    assert isinstance(app, ChatApp)
    quiet = 0
    async with asyncio.timeout(60):
        # Once is not enough: what was being done the first time may have asked for more meanwhile.
        while quiet < 3:
            done = asyncio.Event()
            app.chat_screen.call_later(done.set)
            await done.wait()
            await pilot.pause()
            quiet = 0 if left_to_do(app) else quiet + 1


def plain(widget: Static) -> str:
    """The text of a Static."""
    content = widget.visual
    assert isinstance(content, Content)
    return content.plain


def shown(view: MessageView) -> str:
    """The text of a message as it is shown, its leaves by newlines."""
    if isinstance(view, AnswerView):
        return "\n".join(leaf.content.plain for leaf in view.leaves)
    return view.text if isinstance(view, UserView) else ""


def answer(chat: Window) -> AnswerView:
    """The last message, which is an answer."""
    view = chat.views[-1]
    assert isinstance(view, AnswerView)
    return view


def rows_of(widget: Widget) -> list[str]:
    """What a widget has painted, row by row."""
    return [widget.render_line(y).text for y in range(widget.size.height)]


@asynccontextmanager
async def window(
    path: Path,
    models: SeedModels | None = None,
    *,
    size: tuple[int, int] = (120, 40),
    config: Config | None = None,
    titles: bool = False,
    **options: Any,
) -> AsyncIterator[Window]:
    """Run the application on a file."""
    models = models or SeedModels()
    library = open_library(path, models, config, titles=titles)
    app = ChatApp(library, config or Config(), **options)
    try:
        async with app.run_test(size=size, notifications=True) as pilot:
            await app.stack_ready.wait()
            await app.workers.wait_for_complete([worker for worker in app.workers if worker.group == "start"])
            await pilot.pause()
            yield Window(app, pilot, library, models)
    finally:
        await library.close()


@asynccontextmanager
async def ollama_window(path: Path, server: OllamaServer, **options: Any) -> AsyncIterator[Window]:
    """Run the application on a file, with a scripted Ollama server behind it. No model is asked for titles."""
    config = Config(model="ollama:smol", title="off", ollama=OllamaConfig(host=server.url))
    models = Models(config)
    async with window(path, cast("Any", models), config=config, **options) as opened:
        yield opened
    await models.close()


@pytest.fixture(scope="session")
def seeded_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("seeded") / "chatui.db"
    asyncio.run(seed(path))
    return path


@pytest.fixture
def seeded(seeded_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file with nine threads, one of them with branches; ages are counted to when it was made."""
    path = tmp_path / "chatui.db"
    shutil.copy(seeded_once, path)
    stop_clock(path, monkeypatch)
    return path


def stop_clock(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = open_library(path, SeedModels())
    newest = max(thread.updated_at for thread in library.threads())
    asyncio.run(library.close())
    moment = datetime.fromisoformat(newest) + timedelta(seconds=5)
    monkeypatch.setattr(labels, "current_time", lambda: moment)


@pytest.fixture
async def chat(tmp_path: Path) -> AsyncIterator[Window]:
    """An empty file."""
    async with window(tmp_path / "chatui.db") as opened:
        yield opened
