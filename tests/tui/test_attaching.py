from __future__ import annotations

import base64
from pathlib import Path

import msgspec
import pytest
from textual.events import Paste

from tests.pictures import png
from tests.tui.conftest import Window


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
