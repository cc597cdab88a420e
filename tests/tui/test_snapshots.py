"""What the main screens look like. After a change that is meant, look at the report and run pytest with --snapshot-update."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from chatui.config import Config
from chatui.errors import NoModel
from chatui.tui.app import ChatApp
from tests.tui.seed import SeedModels, open_library

SIZES = [(120, 40), (60, 16)]


def prepare(*keys: str) -> Any:
    async def run(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, ChatApp)
        await app.stack_ready.wait()
        await app.workers.wait_for_complete([worker for worker in app.workers if worker.group == "start"])
        for key in keys:
            await pilot.press(key)
        # The cursor blinks by a clock of its own.
        app.chat_screen.prompt.cursor_blink = False
        await pilot.pause()
        await app.library.close()

    return run


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("theme", ["chatui-dark", "chatui-light"])
def test_main(snap_compare: Any, seeded: Path, size: tuple[int, int], theme: str) -> None:
    app = ChatApp(open_library(seeded, SeedModels()), Config(theme=theme))
    assert snap_compare(app, terminal_size=size, run_before=prepare())


def test_tree(snap_compare: Any, seeded: Path) -> None:
    app = ChatApp(open_library(seeded, SeedModels()), Config(theme="chatui-dark"))
    assert snap_compare(app, terminal_size=(120, 40), run_before=prepare("ctrl+t"))


@pytest.mark.parametrize("size", SIZES)
def test_first_run(snap_compare: Any, tmp_path: Path, size: tuple[int, int]) -> None:
    models = SeedModels()
    models.missing = NoModel("There is no model to ask yet.")
    app = ChatApp(open_library(tmp_path / "chatui.db", models), Config(theme="chatui-light"))
    assert snap_compare(app, terminal_size=size, run_before=prepare())
