"""The model picker: filter, favourites, details, removing and fetching."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from textual.widgets import Static

from chatui.errors import PullFailed, Unreachable
from chatui.models import ModelInfo, PullMeter, PullProgress
from chatui.tui.dialogs import Confirm, Facts, Hint
from chatui.tui.model_rows import ModelRows
from chatui.tui.models import ModelPicker, progress
from tests.tui.conftest import Window, plain, rows_of, window
from tests.tui.seed import MODEL, OTHER, SeedModels

EMBED = "ollama:nomic-embed-text:latest"
SIGHT = "ollama:llava:7b"


@pytest.fixture
def models() -> SeedModels:
    models = SeedModels()
    models.infos += [
        ModelInfo(SIGHT, 4_733_363_377, "7B", "Q4_0", 32_768, ["completion", "vision"], False),
        ModelInfo(EMBED, 274_302_450, "137M", "F16", 2_048, ["embedding"], False),
    ]
    return models


@pytest.fixture
async def chat(tmp_path: Path, models: SeedModels) -> AsyncIterator[Window]:
    async with window(tmp_path / "chatui.db", models) as opened:
        yield opened


def dialog(chat: Window) -> ModelPicker:
    screen = chat.app.screen
    assert isinstance(screen, ModelPicker)
    return screen


def rows(chat: Window) -> ModelRows:
    return dialog(chat).query_one(ModelRows)


def said(chat: Window) -> str:
    return plain(dialog(chat).query_one("#model-said", Static))


def keys(chat: Window) -> str:
    return plain(dialog(chat).query_one(Hint))


def names(chat: Window) -> list[str]:
    return [model.model for model in rows(chat).models]


async def pick(chat: Window) -> None:
    await chat.press("ctrl+o")
    await chat.until(lambda: bool(names(chat)))


async def test_it_filters_by_name_and_ability(chat: Window) -> None:
    await pick(chat)
    assert names(chat) == [MODEL, OTHER, "embedded:smollm2-135m", SIGHT, EMBED]
    await chat.press(*"tools")
    assert names(chat) == [MODEL, OTHER]
    await chat.press("space", *"think")
    assert names(chat) == [OTHER]
    facts = plain(dialog(chat).query_one("#model-facts", Static))
    for word in ("8.2B", "Q4_K_M", "40,960", "5.2 GB", "tools thinking", "not loaded"):
        assert word in facts


async def test_a_model_of_embeddings_alone_is_not_picked(chat: Window) -> None:
    await pick(chat)
    await chat.press(*"nomic", "enter")
    assert "only makes embeddings" in said(chat)
    await chat.press("escape")
    assert chat.screen.shelf.asked_model is None


async def test_favourites_stand_first_and_stay(tmp_path: Path, models: SeedModels) -> None:
    async with window(tmp_path / "chatui.db", models) as chat:
        await pick(chat)
        await chat.press(*"llava", "ctrl+s")
        await chat.until(lambda: rows(chat).favourites == [SIGHT])
        assert any("★" in line for line in rows_of(rows(chat)))
        await chat.press("escape")
    async with window(tmp_path / "chatui.db", models) as chat:
        await pick(chat)
        assert names(chat)[0] == SIGHT
        await chat.press("home", "up", "up", "up", "up", "up", "ctrl+s")
        await chat.until(lambda: rows(chat).favourites == [])
        assert names(chat)[0] == MODEL


async def test_details_can_be_scrolled(chat: Window) -> None:
    await pick(chat)
    await chat.press("ctrl+d")
    facts = chat.app.screen
    assert isinstance(facts, Facts)
    text = plain(facts.query_one("VerticalScroll Static", Static))
    assert "{{ line 0 }}" in text
    assert "{{ line 39 }}" in text
    page = facts.query_one("VerticalScroll")
    await chat.press("end")
    await chat.until(lambda: page.scroll_offset.y > 0)


async def test_removing_asks_first(chat: Window, models: SeedModels) -> None:
    await pick(chat)
    await chat.press(*"llava", "ctrl+r")
    assert isinstance(chat.app.screen, Confirm)
    await chat.press("enter")
    assert models.removed == []
    await chat.press("ctrl+r", "y")
    await chat.until(lambda: models.removed == [SIGHT] and SIGHT not in names(chat))
    assert "is removed" in said(chat)


async def test_an_error_is_told_inside_of_the_dialog(
    chat: Window, models: SeedModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(ref: object) -> None:
        raise Unreachable("No server [/x] answers.", "Start it.")

    monkeypatch.setattr(models, "remove", gone)
    monkeypatch.setattr(models, "show", gone)
    await pick(chat)
    await chat.press("ctrl+d")
    assert said(chat) == "No server [/x] answers. Start it."
    await chat.press("down")
    assert said(chat) == ""
    await chat.press("ctrl+r", "y")
    await chat.until(lambda: "No server [/x] answers." in said(chat))
    assert chat.toasts() == []


async def test_a_name_that_is_not_installed_is_fetched_and_chosen(chat: Window, models: SeedModels) -> None:
    gate = asyncio.Event()
    new = ModelInfo("ollama:tiny:latest", 100_000_000, "1B", "Q4_0", 2048, ["completion"], False)
    models.pulled = [PullProgress("pulling manifest"), PullProgress("pulling abc", 40_000_000, 100_000_000), gate]
    await pick(chat)
    await chat.press(*"tiny")
    assert any("Fetch ollama:tiny" in line for line in rows_of(rows(chat)))
    assert "Enter Fetch" in keys(chat)
    await chat.press("enter")
    await chat.until(lambda: "40%" in said(chat))
    assert "40.0 MB of 100 MB" in said(chat)
    assert "Esc Cancel" in keys(chat)
    models.infos.append(new)
    gate.set()
    await chat.until(lambda: "is here" in said(chat))
    assert rows(chat).model == new
    await chat.press("enter")
    assert chat.screen.shelf.asked_model == new.model


async def test_escape_cancels_a_pull_and_another_goes_on(chat: Window, models: SeedModels) -> None:
    closed = asyncio.Event()

    class Told(asyncio.Event):
        async def wait(self) -> bool:  # type: ignore[override]
            try:
                return await super().wait()
            finally:
                closed.set()

    models.pulled = [PullProgress("pulling abc", 40, 100), Told()]
    await pick(chat)
    await chat.press(*"tiny", "enter")
    await chat.until(lambda: "40%" in said(chat))
    await chat.press("enter")
    assert "only while this is open" in said(chat)
    await chat.press("escape")
    await chat.until(closed.is_set)
    assert "goes on" in said(chat)
    assert dialog(chat).is_attached
    # A server that tells less at first: what is shown does not go back.
    models.pulled = [PullProgress("pulling abc", 0, 100), asyncio.Event()]
    await chat.press("ctrl+l")
    await chat.until(lambda: "pulling abc" in said(chat))
    assert "40%" in said(chat)
    await chat.press("escape", "escape")
    await chat.until(lambda: chat.app.screen is chat.screen)


async def test_a_pull_that_fails_says_why_and_can_be_tried_again(chat: Window, models: SeedModels) -> None:
    models.pulled = [PullProgress("pulling manifest"), PullFailed("There is no model tiny.", "Check its name.")]
    await pick(chat)
    await chat.press(*"tiny", "enter")
    await chat.until(lambda: said(chat) == "There is no model tiny. Check its name.")
    assert dialog(chat).query_one("#model-said").has_class("-error")
    assert "Enter Fetch" in keys(chat)


@pytest.mark.parametrize("size", [(60, 16), (80, 24), (120, 40)])
async def test_it_fits_any_screen(tmp_path: Path, models: SeedModels, size: tuple[int, int]) -> None:
    models.pulled = [PullProgress("pulling abc", 40_000_000, 100_000_000), asyncio.Event()]
    async with window(tmp_path / "chatui.db", models, size=size) as chat:
        await pick(chat)
        for key in ("Enter Choose", "Ctrl+S Star", "Ctrl+D Details", "Ctrl+L Fetch", "Ctrl+R Remove", "Esc Close"):
            assert key in keys(chat)
        await chat.press(*"tiny", "enter")
        await chat.until(lambda: "40%" in said(chat))
        whole = dialog(chat).query_one("#model-dialog")
        for widget in whole.query("*"):
            if widget.display:
                assert whole.region.contains_region(widget.region), widget
                assert widget.region.height > 0, widget


def test_the_line_of_progress_is_rounded_down_and_fits() -> None:
    meter = PullMeter()
    meter.take(PullProgress("pulling abc", 999, 1000))
    for width in (30, 49, 90):
        assert "99%" in progress("tiny", meter, width)
        assert all(len(line) <= width for line in progress("tiny", meter, width).splitlines())
    assert "━" not in progress("tiny", meter, 90, plain=True)
