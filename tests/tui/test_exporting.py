from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest
from textual.widgets import Input, Static

from chatui.tui.dialogs import Confirm
from chatui.tui.exporting import ExportDialog
from tests.tui.conftest import Window, plain, rows_of, window
from tests.tui.seed import again


def dialog(chat: Window) -> ExportDialog:
    screen = chat.app.screen
    assert isinstance(screen, ExportDialog)
    return screen


def about(chat: Window) -> str:
    return plain(dialog(chat).query_one("#export-about", Static))


async def forked(chat: Window) -> None:
    """A thread with two branches, and another thread."""
    await chat.say("Other thread")
    await chat.screen.open(None)
    await chat.say("One?", "First answer.")
    head = chat.screen.conversation.head()
    assert head is not None
    await again(chat.screen.conversation, chat.models, head.node_id, "Second answer.")
    chat.screen.refresh_branch()


async def written(chat: Window) -> str:
    """Write the file, and close the dialog."""
    await chat.press("enter")
    await chat.until(lambda: dialog(chat).state == "done")
    told = about(chat)
    await chat.press("escape")
    assert not isinstance(chat.app.screen, ExportDialog)
    return told


async def test_a_branch_a_thread_and_everything(chat: Window, tmp_path: Path) -> None:
    await forked(chat)
    file = tmp_path / "out.md"
    await chat.write(f"/export {file}")
    assert [line.split()[:3] for line in rows_of(dialog(chat)._rows)][:3] == [
        ["›", "This", "branch"],
        ["This", "thread,", "all"],
        ["All", "threads", "2"],
    ]
    told = await written(chat)
    assert str(file) in told.replace("\n", " ")
    assert f"{file.stat().st_size} B" in told
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "Second answer." in file.read_text()
    assert "First answer." not in file.read_text()

    await chat.write(f"/export {tmp_path / 'thread.json'}")
    await chat.press("down")
    await written(chat)
    (thread,) = json.loads((tmp_path / "thread.json").read_text())
    assert [message["text"] for message in thread["messages"]] == ["One?", "First answer.", "Second answer."]

    await chat.write(f"/export {tmp_path / 'all.html'}")
    await chat.press("down", "down")
    assert (await written(chat)).startswith("2 threads as html")
    page = (tmp_path / "all.html").read_text()
    assert "Other thread" in page
    assert "First answer." in page


async def test_one_branch_alone_is_a_whole_document_in_every_format(chat: Window, tmp_path: Path) -> None:
    await forked(chat)
    for name in ("a.md", "a.html", "a.json", "a.jsonl"):
        await chat.write(f"/export {tmp_path / name}")
        await written(chat)
        text = (tmp_path / name).read_text()
        assert ("Second answer." in text, "First answer." in text) == (True, False), name
    await chat.write(f"/export {tmp_path / 'm.json'}")
    await chat.press("tab", "tab")
    assert "messages_from_dict" in about(chat)
    await written(chat)
    assert [entry["type"] for entry in json.loads((tmp_path / "m.json").read_text())] == ["human", "ai"]


async def test_nothing_is_written_over_without_asking(chat: Window, tmp_path: Path) -> None:
    await chat.say("One")
    file = tmp_path / "mine.md"
    file.write_text("Precious.")
    await chat.write(f"/export {file}")
    await chat.press("enter")
    assert isinstance(chat.app.screen, Confirm)
    await chat.press("enter")
    assert dialog(chat).state == "asked"
    assert file.read_text() == "Precious."
    await chat.press("enter", "y")
    await chat.until(lambda: isinstance(chat.app.screen, ExportDialog) and dialog(chat).state == "done")
    assert file.read_text().startswith("# One")


async def test_the_format_and_the_end_of_the_name_go_together(
    chat: Window, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    await chat.say("What is a/b? [x]")
    await chat.write("/export")
    field = dialog(chat).query_one(Input)
    assert field.value == "What-is-a-b-x.md"
    await chat.press("tab")
    assert field.value == "What-is-a-b-x.html"
    await chat.press("down")
    assert field.value == "chatui-threads.html"
    field.value = "mine.jsonl"
    await chat.pilot.pause()
    assert "›jsonl" in plain(dialog(chat).query_one("#export-format", Static))
    await chat.press("shift+tab")
    assert field.value == "mine.json"
    await written(chat)
    assert json.loads((tmp_path / "mine.json").read_text())[0]["thread"]["title"] == "What is a/b? [x]"


@pytest.mark.parametrize("name", ["nowhere/deep/a.md", "", "."])
async def test_what_cannot_be_written_is_told_and_the_choices_stay(chat: Window, tmp_path: Path, name: str) -> None:
    await chat.say("One")
    await chat.write("/export")
    dialog(chat).query_one(Input).value = str(tmp_path / name) if name else ""
    await chat.press("enter")
    await chat.until(lambda: dialog(chat).state == "asked" and "Markdown" not in about(chat))
    assert dialog(chat).query_one(Input).display
    assert [name for name in os.listdir(tmp_path) if name.startswith(".")] == []  # noqa: PTH208


async def test_an_empty_file_has_nothing_to_export(chat: Window) -> None:
    await chat.write("/export")
    await chat.until(lambda: bool(chat.toasts()) and "nothing to export" in chat.toasts()[-1])


@pytest.mark.parametrize("size", [(60, 16), (80, 24)])
async def test_it_fits_a_small_screen(tmp_path: Path, size: tuple[int, int]) -> None:
    async with window(tmp_path / "chatui.db", size=size) as chat:
        await forked(chat)
        await chat.write("/export " + "long-name-" * 30)
        box, hint = dialog(chat).query_one(".dialog"), dialog(chat).query_one(".hint")
        assert box.region.bottom <= size[1]
        assert hint.size.height > 0
        assert box.content_region.contains_region(hint.region)
