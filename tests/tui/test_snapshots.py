"""What the main screens look like. After a change that is meant, look at the report and run pytest with --snapshot-update."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from chatui.config import Config, Parameters
from chatui.conversation.timeline import Step
from chatui.conversation.tree import Message, Role
from chatui.errors import NoModel
from chatui.tui.app import ChatApp
from chatui.tui.compare import CompareScreen
from chatui.tui.timeline import TimelineScreen
from tests.tui.conftest import plain, settle
from tests.tui.seed import MODEL, SeedModels, open_library

SIZES = [(120, 40), (60, 16)]


Wait = Callable[[Pilot[int]], Awaitable[None]]


async def prepare(pilot: Pilot[int], *keys: str, wait: Wait) -> None:
    """Start whole, and press keys one by one: what one does is seen before the next, and the picture shows all of it."""
    app = pilot.app
    assert isinstance(app, ChatApp)
    await app.stack_ready.wait()
    await app.workers.wait_for_complete([worker for worker in app.workers if worker.group == "start"])
    await wait(pilot)
    for key in keys:
        await pilot.press(key)
        await wait(pilot)
    # The cursor blinks by a clock of its own.
    app.chat_screen.prompt.cursor_blink = False
    await wait(pilot)


def prepared(*keys: str, then: Wait | None = None, wait: Wait = settle) -> Any:
    """Return what is run before a picture: press keys, do something more, and close the file, whatever goes wrong."""

    async def run(pilot: Pilot[int]) -> None:
        assert isinstance(pilot.app, ChatApp)
        try:
            await prepare(pilot, *keys, wait=wait)
            if then is not None:
                await then(pilot)
        finally:
            await pilot.app.library.close()

    return run


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["chatui-dark", "chatui-light"])
def test_main(snap_compare: Any, seeded: Path, size: tuple[int, int], theme: str) -> None:
    app = ChatApp(open_library(seeded, SeedModels()), Config(theme=theme))
    assert snap_compare(app, terminal_size=size, run_before=prepared())


@pytest.mark.parametrize(("size", "theme"), [((120, 40), "chatui-dark"), ((80, 24), "chatui-light")])
def test_tree(snap_compare: Any, seeded: Path, size: tuple[int, int], theme: str) -> None:
    """A pane where there is room for a third, else a dialog."""
    app = ChatApp(open_library(seeded, SeedModels()), Config(theme=theme))
    assert snap_compare(app, terminal_size=size, run_before=prepared("ctrl+t", "space"))


@pytest.mark.parametrize(
    ("size", "theme"), [((120, 40), "chatui-dark"), ((80, 24), "chatui-light"), ((60, 16), "chatui-dark")]
)
def test_compare(snap_compare: Any, seeded: Path, size: tuple[int, int], theme: str) -> None:
    app = ChatApp(open_library(seeded, SeedModels()), Config(theme=theme))

    async def opened(pilot: Pilot[int]) -> None:
        assert isinstance(app.screen, CompareScreen)
        assert plain(app.screen.query_one("#compare-head", Static))

    keys = ("escape", "left_square_bracket", "equals_sign", "left", "equals_sign")
    assert snap_compare(app, terminal_size=size, run_before=prepared(*keys, then=opened))


@pytest.mark.parametrize(("size", "theme"), [((120, 40), "chatui-light"), ((60, 16), "chatui-dark")])
def test_settings(snap_compare: Any, seeded: Path, size: tuple[int, int], theme: str) -> None:
    parameters = Parameters(num_ctx=16_384, stop=("END", "User:"))
    config = Config(theme=theme, system_prompt="Answer briefly.", parameters=parameters)
    app = ChatApp(open_library(seeded, SeedModels(), config), config)

    async def given(pilot: Pilot[int]) -> None:
        settings = app.chat_screen.conversation.settings
        await settings.change("thread", temperature=0.2)
        await settings.change("model", MODEL, thinking="high")
        await settings.change("user", seed=7)
        await pilot.press("f4")
        await settle(pilot)
        await pilot.press("down", "down")
        await settle(pilot)

    assert snap_compare(app, terminal_size=size, run_before=prepared(then=given))


STEPS = [
    Step(f"1f0c8a2e-0000-6000-8000-00000000a{number:03}", None, source, number - 1, f"2026-11-23T10:20:{number:02}+00:00",
         following, 700 + 411 * number, node)
    for number, (source, following, node) in enumerate(
        [
            ("input", ["__start__"], None),
            ("loop", ["model"], "q"),
            ("loop", [], "a"),
            ("fork", [], "gone"),
            ("update", [], "b"),
        ]
    )
]  # fmt: skip


@pytest.mark.parametrize(("size", "theme"), [((120, 40), "chatui-light"), ((60, 16), "chatui-dark")])
def test_timeline(
    snap_compare: Any, seeded: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int], theme: str
) -> None:
    # Ids and times of the seeded thread differ from run to run, and show: these do not.
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    app = ChatApp(open_library(seeded, SeedModels()), Config(theme=theme))

    async def read(checkpoint_id: str) -> dict[str, Any]:
        return {"messages": []}

    async def opened(pilot: Pilot[int]) -> None:
        said: list[tuple[str, Role, str]] = [
            ("q", "user", "Why?"),
            ("a", "assistant", "So."),
            ("b", "assistant", "No."),
        ]
        messages = {
            node: Message(node_id=node, parent_id=None, checkpoint_id=None, message_id=node, role=role, text=text)
            for node, role, text in said
        }
        await app.push_screen(TimelineScreen(STEPS, messages, STEPS[2].checkpoint_id, read))
        await settle(pilot)

    assert snap_compare(app, terminal_size=size, run_before=prepared(then=opened))


@pytest.mark.parametrize("size", SIZES)
def test_first_run(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    models = SeedModels()
    models.missing = NoModel("There is no model to ask yet.")
    app = ChatApp(open_library(tmp_path / "chatui.db", models), Config(theme="chatui-light"))
    assert snap_compare(app, terminal_size=size, run_before=prepared())
