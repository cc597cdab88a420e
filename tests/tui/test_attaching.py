from __future__ import annotations

import asyncio
import base64
import os
import threading
from pathlib import Path

import msgspec
import pytest
from textual.events import Paste
from textual.widgets import Static

from chatui.conversation import files
from chatui.tui.attaching import pasted
from chatui.tui.menu import FileMenu
from chatui.tui.quoting import Attached, parts
from tests.pictures import png
from tests.tui.conftest import Window, plain, rows_of, window
from tests.tui.seed import SeedModels


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which chatui runs."""
    path = tmp_path / "here"
    path.mkdir()
    monkeypatch.chdir(path)
    (path / "cat.png").write_bytes(png())
    (path / "my notes.txt").write_text("One.\nTwo.\n")
    (path / "data.bin").write_bytes(b"\0\1\2")
    return path


def sees(chat: Window, *capabilities: str) -> None:
    chat.models.infos = [msgspec.structs.replace(info, capabilities=list(capabilities)) for info in chat.models.infos]


async def test_a_text_file_goes_with_the_prompt_as_a_quoted_block(chat: Window) -> None:
    await chat.say('Read @"my notes.txt", @nobody.')
    prompt = chat.screen.conversation.branch()[0]
    assert prompt.text == "Read my notes.txt, @nobody.\n\nmy notes.txt (10 B):\n```\nOne.\nTwo.\n```"
    assert chat.screen.prompt.text == ""


async def test_an_image_whose_path_is_pasted_goes_as_an_image(chat: Window, folder: Path) -> None:
    sees(chat, "completion", "vision")
    chat.screen.prompt.focus()
    chat.app.post_message(Paste(str(folder / "cat.png")))
    await chat.until(lambda: chat.screen.prompt.text == f"@{folder / 'cat.png'} ")
    await chat.say(f"What is @{folder / 'cat.png'}")
    content = chat.models.asked[0][-1].content
    assert isinstance(content, list)
    text, image = content
    assert text == {"type": "text", "text": "What is cat.png"}
    assert isinstance(image, dict)
    assert base64.b64decode(image["base64"]) == png()


def test_a_path_is_pasted_in_several_forms(folder: Path) -> None:
    (folder / "my cat.png").write_bytes(png())
    (folder / 'a"b c.png').write_bytes(png())
    there = str(folder)
    for text in (f"{there}/my cat.png", f"'{there}/my cat.png' ", f'"{there}/my cat.png"', f"{there}/my\\ cat.png\n"):
        assert pasted(text) == f'@"{there}/my cat.png" '
    assert pasted(f"file://{there}/my%20cat.png") == f'@"{there}/my cat.png" '
    assert pasted("./cat.png") == "@./cat.png "
    assert pasted(f'{there}/a"b c.png') == f'@"{there}/a\\"b c.png" '
    for text in (
        "",
        "cat.png or dog",
        "cat.png\ncat.png",
        "data.bin",
        there,
        "file://",
        "it's",
        "/" + "x" * 5000,
        "a\0b",
    ):
        assert pasted(text) == text


async def test_another_paste_stays_as_it_is(chat: Window, folder: Path) -> None:
    chat.screen.prompt.focus()
    chat.app.post_message(Paste(str(folder / "data.bin")))
    await chat.until(lambda: chat.screen.prompt.text == str(folder / "data.bin"))


async def test_what_cannot_be_attached_is_told_and_the_prompt_stays(chat: Window) -> None:
    await chat.write("Read @data.bin")
    await chat.until(lambda: chat.screen.reply is None and bool(chat.screen.prompt.text))
    assert chat.screen.prompt.text == "Read @data.bin"
    assert "neither an image nor text" in str(chat.screen.offer.visual)
    sees(chat, "completion")
    await chat.write("See @cat.png")
    await chat.until(lambda: chat.screen.reply is None and bool(chat.screen.prompt.text))
    assert chat.screen.prompt.text == "See @cat.png"
    assert "takes no images" in str(chat.screen.offer.visual)
    assert chat.screen.conversation.tree() == []


async def refused(chat: Window, text: str, words: str) -> None:
    """Send a text that cannot be sent: one sentence says why, and the text is there again."""
    await chat.write(text)
    await chat.until(lambda: chat.screen.reply is None and bool(chat.screen.prompt.text))
    assert chat.screen.prompt.text == text
    assert words in str(chat.screen.offer.visual)


async def test_a_clear_mistake_is_told_and_the_prompt_stays(chat: Window, folder: Path) -> None:
    (folder / "docs").mkdir()
    os.mkfifo(folder / "pipe")
    (folder / "large.txt").write_text("a" * 500_001)
    (folder / "text.png").write_text("no image")
    await refused(chat, "See @./missing.png, please", "There is no file ./missing.png.")
    await refused(chat, "Read @docs/", "docs/ is a folder.")
    await refused(chat, "Read @pipe", "pipe is no plain file.")
    await refused(chat, "Read @large.txt", "too large to attach")
    await refused(chat, "See @text.png", "text.png is no image that can be sent.")
    assert chat.screen.conversation.tree() == []
    assert chat.models.asked == []


async def test_an_edited_prompt_that_is_refused_goes_back_to_its_editing(chat: Window, folder: Path) -> None:
    await chat.say("Read it")
    chat.screen.prompt.hold("Not sent yet")
    await chat.messages("g", "e")
    assert chat.screen.turns.editing is not None
    await refused(chat, "Read @./notes.txt", "There is no file")
    assert chat.screen.turns.editing is not None
    (folder / "notes.txt").write_text("New.")
    await chat.press("enter")
    await chat.until(lambda: chat.screen.reply is None and len(chat.screen.conversation.tree()) == 4)
    edited = chat.screen.conversation.branch()[0]
    assert (edited.alternative, edited.alternatives) == (2, 2)
    assert edited.text == "Read notes.txt\n\nnotes.txt (4 B):\n```\nNew.\n```"
    assert chat.screen.prompt.text == "Not sent yet"


async def test_a_file_of_a_waiting_prompt_is_read_when_it_is_sent(chat: Window, folder: Path) -> None:
    go_on = asyncio.Event()
    (folder / "log.txt").write_text("Early.")
    chat.models.script = ("One.", go_on)
    await chat.write("First")
    await chat.until(lambda: chat.screen.reply is not None and chat.screen.reply.started is not None)
    await chat.write("Read @log.txt")
    await chat.write("Read @./gone.txt")
    assert chat.screen.chat.replies.waiting[chat.screen.thread_id] == ["Read @log.txt", "Read @./gone.txt"]
    (folder / "log.txt").write_text("Late.")
    go_on.set()
    await chat.until(lambda: chat.screen.reply is None and bool(chat.screen.prompt.text))
    texts = [message.text for message in chat.screen.conversation.branch()]
    assert texts[2] == "Read log.txt\n\nlog.txt (5 B):\n```\nLate.\n```"
    # What cannot be sent comes back.
    assert chat.screen.prompt.text == "Read @./gone.txt"
    assert len(texts) == 4


async def test_a_refused_prompt_of_another_thread_is_kept_with_its_draft(chat: Window) -> None:
    go_on = asyncio.Event()
    chat.models.script = ("One.", go_on)
    await chat.write("First")
    await chat.until(lambda: chat.screen.reply is not None and chat.screen.reply.started is not None)
    here = chat.screen.thread_id
    await chat.write("Read @./gone.txt")
    chat.screen.prompt.hold("A draft")
    await chat.screen.open(None)
    go_on.set()
    await chat.until(lambda: any("There is no file" in toast for toast in chat.toasts()))
    await chat.screen.open(here)
    assert chat.screen.prompt.text == "Read @./gone.txt\nA draft"


async def test_a_draft_that_names_a_file_outlasts_a_restart(tmp_path: Path) -> None:
    async with window(tmp_path / "chatui.db") as chat:
        await chat.say("Hello")
        chat.screen.prompt.hold('Read @"my notes.txt"')
        await chat.screen.drafts.keep()
    async with window(tmp_path / "chatui.db", SeedModels()) as chat:
        assert chat.screen.prompt.text == 'Read @"my notes.txt"'
        chat.screen.prompt.focus()
        await chat.press("enter")
        await chat.until(lambda: chat.screen.reply is None and len(chat.screen.conversation.tree()) == 4)
        assert "One.\nTwo." in chat.screen.conversation.branch()[2].text


# How they are shown


def shown(chat: Window, place: int = 0) -> list[str]:
    """The rows of a message, without its bar."""
    view = chat.views[place]
    return [view.row(index).strip.text[2:].rstrip() for index in range(view.height - 1)]


async def test_quoted_files_are_folded_and_images_are_lines(chat: Window, folder: Path) -> None:
    sees(chat, "completion", "vision")
    (folder / "picture").write_bytes(png(30, 20))
    await chat.say('Read @"my notes.txt" and see @picture, will you')
    head = "Read my notes.txt and see picture, will you"
    closed = ["You", head, "▸ my notes.txt · text · 10 B · 2 lines", "▸ 🖼 picture PNG 30×20 29 B"]
    assert shown(chat) == closed
    # What is copied, searched and edited is the whole.
    text = chat.screen.conversation.branch()[0].text
    assert text == f"{head}\n\nmy notes.txt (10 B):\n```\nOne.\nTwo.\n```\n{closed[3][2:]}"
    await chat.messages("g", "o")
    opened = ["▾ my notes.txt · text · 10 B · 2 lines", "One.", "Two.", closed[3].replace("▸", "▾")]
    assert [row for row in shown(chat) if row] == [*closed[:2], *opened]
    await chat.press("o")
    assert shown(chat) == closed
    await chat.press("G", "o")
    assert any("no file to open" in toast for toast in chat.toasts())


async def test_what_a_text_attaches_is_told_by_its_form_alone() -> None:
    text = "a (x):\n```\nno size\n```\n\nb.md (3 B):\n````\n```\n````\n\n c (1 kB):\n```\nopen"
    found = list(parts(text))
    assert [one.text if isinstance(one, Attached) else one for one in found] == [
        "a (x):\n```\nno size\n```",
        "```",
        " c (1 kB):\n```\nopen",
    ]
    assert list(parts("one\n\ntwo\n")) == ["one\n\ntwo"]
    assert [one.line(opened=False, plain=True) for one in parts("📎 a.pdf\n🖼 b") if isinstance(one, Attached)] == [
        "Attached: a.pdf",
        "Attached: b",
    ]


# Completing names


def menu(chat: Window) -> list[str]:
    """What the menu of files offers, [] where it is closed."""
    found = [widget for widget in chat.screen.query(FileMenu) if widget.display]
    return [" ".join(row.split()) for row in rows_of(found[0])] if found else []


async def test_an_at_sign_lists_files_and_tab_and_enter_complete(chat: Window, folder: Path) -> None:
    (folder / "my docs").mkdir()
    (folder / "my docs" / "plan.md").write_text("The plan.")
    (folder / ".secret").touch()
    chat.screen.prompt.focus()
    await chat.press(*"Read @")
    await chat.until(lambda: bool(menu(chat)))
    assert menu(chat) == ["cat.png 29 B", "data.bin 3 B", "my docs/ folder", "my notes.txt 10 B"]
    assert "Tab Complete" in plain(chat.screen.query_one("#keys", Static))
    await chat.press("m", "y")
    await chat.until(lambda: len(menu(chat)) == 2)
    await chat.press("tab")
    await chat.until(lambda: menu(chat) == ["plan.md 9 B"])
    assert chat.screen.prompt.text == 'Read @"my docs/'
    await chat.press("enter")
    await chat.until(lambda: not menu(chat))
    assert chat.screen.prompt.text == 'Read @"my docs/plan.md" '
    await chat.press(*"and @my", "space")
    await chat.until(lambda: chat.screen.prompt.text.endswith("@my "))
    assert menu(chat) == []
    await chat.press(*"@my", "down", "tab")
    assert chat.screen.prompt.text.endswith('and @my @"my notes.txt" ')
    await chat.press(*"too.", "enter")
    await chat.until(lambda: chat.screen.reply is None and len(chat.screen.conversation.tree()) == 2)
    text = chat.screen.conversation.branch()[0].text
    assert text.startswith(
        "Read plan.md and @my my notes.txt too.\n\nplan.md (9 B):\n```\nThe plan.\n```\n\nmy notes.txt (10 B):"
    )


async def test_a_click_completes_too(chat: Window) -> None:
    chat.screen.prompt.focus()
    await chat.press("@")
    await chat.until(lambda: len(menu(chat)) == 3)
    await chat.pilot.click(FileMenu, offset=(3, 2))
    await chat.until(lambda: not menu(chat))
    assert chat.screen.prompt.text == '@"my notes.txt" '
    assert chat.screen.prompt.has_focus


async def test_escape_closes_the_menu_and_nothing_else(chat: Window) -> None:
    chat.screen.prompt.focus()
    await chat.press(*"Mail @c")
    await chat.until(lambda: menu(chat) == ["cat.png 29 B"])
    await chat.press("escape")
    assert menu(chat) == []
    assert "Enter Send" in plain(chat.screen.query_one("#keys", Static))
    assert chat.screen.prompt.has_focus
    await chat.press("enter")
    await chat.until(lambda: chat.screen.reply is None and len(chat.screen.conversation.tree()) == 2)
    assert chat.screen.conversation.branch()[0].text == "Mail @c"


async def test_enter_sends_what_is_complete_and_names_that_are_no_file(chat: Window, folder: Path) -> None:
    (folder / "cat.png.txt").write_text("A cat.")
    (folder / "cat").write_text("Another.")
    chat.screen.prompt.focus()
    await chat.press(*"Read @cat")
    await chat.until(lambda: len(menu(chat)) == 3)
    await chat.press("enter")
    await chat.until(lambda: chat.screen.reply is None and len(chat.screen.conversation.tree()) == 2)
    assert chat.screen.conversation.branch()[0].text.startswith("Read cat\n\ncat (8 B):")
    await chat.press(*"user@cat and @someone", "enter")
    await chat.until(lambda: chat.screen.reply is None and len(chat.screen.conversation.tree()) == 4)
    assert chat.screen.conversation.branch()[2].text == "user@cat and @someone"


async def test_what_is_put_into_the_prompt_opens_no_menu(chat: Window) -> None:
    await refused(chat, "Read @data.bin", "neither an image nor text")
    assert menu(chat) == []
    await chat.press("backspace")
    await chat.until(lambda: menu(chat) == ["data.bin 3 B"])
    await chat.press("home")
    await chat.until(lambda: menu(chat) == [])


async def test_a_folder_that_is_slow_to_list_holds_up_no_key(chat: Window, monkeypatch: pytest.MonkeyPatch) -> None:
    listing, answer, asked = files.listing, threading.Event(), []

    def slowly(begun: files.Begun, *more: object) -> files.Listing:
        asked.append(begun.prefix)
        assert answer.wait(60)
        return listing(begun, *more)  # type: ignore[arg-type]

    monkeypatch.setattr(files, "listing", slowly)
    chat.screen.prompt.focus()
    await chat.press(*"@my")
    assert chat.screen.prompt.text == "@my"
    await chat.until(lambda: asked == [""])
    # Nothing to complete with comes in time: Tab does nothing, and goes to no other pane.
    await chat.press("tab")
    await chat.until(lambda: chat.screen.menus._begun is None)
    assert chat.screen.prompt.has_focus
    await chat.press("space", "@", "c")
    answer.set()
    await chat.until(lambda: menu(chat) == ["cat.png 29 B"])
    # Of what was typed meanwhile only the last is listed.
    assert asked == ["", "c"]


async def test_a_key_that_comes_in_one_read_with_more_of_the_text_is_for_the_whole_of_it(chat: Window) -> None:
    """The menus are told of what is written behind the keys: over a slow line Enter meets what they showed before it."""
    prompt = chat.screen.prompt
    await chat.press("slash", *"rename")
    await chat.until(lambda: prompt.menu_open)
    prompt.insert(" A name of its own")
    assert await chat.screen.menus.key("submit")
    await chat.until(lambda: prompt.text == "")
    await chat.say("Hello")
    await chat.press("slash", *"rename")
    await chat.until(lambda: prompt.menu_open)
    prompt.insert(" A name of its own")
    assert await chat.screen.menus.key("submit")
    await chat.until(lambda: "A name of its own" in chat.status())

    await chat.press("at")
    await chat.until(lambda: prompt.menu_open)
    prompt.insert("none of these")
    assert await chat.screen.menus.key("submit")
    await chat.until(lambda: chat.texts()[-2:-1] == ["@none of these"])
