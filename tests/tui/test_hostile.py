"""Names and replies that are made to break a terminal or a markup parser."""

from __future__ import annotations

from pathlib import Path

import pytest

from chatui.errors import ChatuiError, Unreachable
from chatui.models import ModelInfo
from tests.tui.conftest import Window, plain, rows_of, window
from tests.tui.seed import SeedModels, open_library, turn

NASTY = "[/x] [bold]b[/bold] \x1b]0;t\x07\x1b]52;c;aGk=\x07\x1b[31mred\x9b1m\u202e rtl\u2028 [@click=app.quit]q[/]"
SHOWN = "[/x] [bold]b[/bold] ]0;t]52;c;aGk=[31mred1m rtl [@click=app.quit]q[/]"
UNSAFE = {chr(code) for code in [*range(9), 11, 12, *range(14, 32), *range(127, 160), 0x202E, 0x2028]}


def screen_text(chat: Window) -> str:
    return "\n".join(
        "".join(segment.text for segment in strip) for strip in chat.app.screen._compositor.render_strips()
    )


@pytest.fixture
async def nasty(tmp_path: Path) -> Path:
    path = tmp_path / "chatui.db"
    models = SeedModels()
    library = open_library(path, models)
    conversation = library.conversation()
    await turn(
        conversation,
        models,
        NASTY,
        f"{NASTY}\n\n# {NASTY}\n\n- {NASTY}\n\n| {NASTY} |\n|--|\n| {NASTY} |\n\n```[/x]\n{NASTY}\n```\n",
        f"ollama:{SHOWN}",
    )
    store = library._store
    async with store.database.transaction() as connection:
        # As another program may have written it.
        await store.threads.update(
            connection, conversation.thread_id, title=NASTY, owner=NASTY, model=f"ollama:{NASTY}"
        )
    await library.close()
    return path


async def test_titles_replies_and_model_names(nasty: Path) -> None:
    models = SeedModels()
    models.infos = [ModelInfo(f"ollama:{NASTY}", 1, NASTY, NASTY, 1, [], None)]
    async with window(nasty, models) as chat:
        for keys in (
            [],
            ["f2"],
            ["escape", "ctrl+t"],
            ["escape", "ctrl+o"],
            ["escape", "escape", "i"],
            ["escape", "/", "escape"],
        ):
            await chat.press(*keys)
            text = screen_text(chat)
            assert not set(text) & UNSAFE
        assert chat.app.is_running
        assert "[bold]b[/bold]" in "\n".join(chat.texts())


async def test_rename_offers_and_toasts(nasty: Path) -> None:
    async with window(nasty) as chat:
        await chat.press("f2", "down", "r")
        await chat.press("escape")
        await chat.press("x")
        await chat.press("u", "escape")
        chat.screen.say(ChatuiError(NASTY))
        chat.models.missing = Unreachable(NASTY)
        await chat.write(NASTY)
        await chat.until(lambda: chat.screen.offer.display)
        chat.models.missing = None
        chat.models.script = [RuntimeError(NASTY)]
        await chat.write("again")
        await chat.until(lambda: len(chat.screen.offer.choices) == 3)
        assert "[/x]" in plain(chat.screen.offer)
        assert not set(screen_text(chat)) & UNSAFE


async def test_while_it_streams(chat: Window) -> None:
    await chat.say(NASTY, *NASTY)
    text = screen_text(chat)
    assert not set(text) & UNSAFE
    # The prompt takes a line separator for what it is; everything else of it went.
    assert chat.texts()[0].replace("\n", "") == SHOWN


async def test_links_open_only_what_is_allowed(chat: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(chat.app, "open_url", opened.append)
    await chat.say(
        "Links", "[a](https://example.com/x) [b](javascript:alert(1)) [c](file:///etc/passwd) [d](mailto:a@b.c)"
    )
    shown = chat.texts()[-1]
    assert "a (https://example.com/x)" in shown, "the target is shown"
    chat.screen.action_open_link("https://example.com/x")
    chat.screen.action_open_link("javascript:alert(1)")
    chat.screen.action_open_link("file:///etc/passwd")
    assert opened == ["https://example.com/x"]
    rows = rows_of(chat.screen.transcript)
    row = next(y for y, text in enumerate(rows) if "a (https" in text)
    padding = chat.screen.transcript.styles.padding
    await chat.pilot.click("#transcript", offset=(padding.left + rows[row].index("a (https"), padding.top + row))
    assert opened == ["https://example.com/x", "https://example.com/x"]
    assert shown.count("javascript") == 1
    assert "c (file" in shown or "c](file" in shown
