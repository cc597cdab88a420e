from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path

import msgspec
import pytest
from PIL import Image
from rich.color import Color, ColorSystem

from chatui.conversation.attachments import read
from chatui.errors import Unsupported
from chatui.tui.message import UserView
from chatui.tui.pictures import TALLEST, WIDEST, Picture
from tests.conversation.conftest import say
from tests.pictures import png
from tests.tui.conftest import Window

RED, BLUE = (255, 0, 0), (0, 0, 255)


def image(width: int, height: int, colour: tuple[int, ...] = RED, kind: str = "PNG") -> bytes:
    """A red image whose lower half is blue."""
    drawn = Image.new("RGBA" if len(colour) == 4 else "RGB", (width, height), colour)
    drawn.paste(BLUE, (0, height // 2, width, height))
    file = BytesIO()
    drawn.save(file, kind)
    return file.getvalue()


def colours(picture: Picture, row: int, width: int = 100) -> set[tuple[Color | None, Color | None]]:
    strips = picture.strips(width, (1, 2, 3))
    return {(segment.style.color, segment.style.bgcolor) for segment in strips[row] if segment.style}


@pytest.mark.parametrize("kind", ["PNG", "GIF", "WEBP"])
def test_two_pixels_stand_in_a_cell(kind: str) -> None:
    picture = Picture(image(8, 6, kind=kind))
    assert [strip.text for strip in picture.strips(100, (0, 0, 0))] == ["▀" * 8] * 3
    red, blue = Color.from_rgb(*RED), Color.from_rgb(*BLUE)
    if kind != "WEBP":  # which is exact in no colour
        assert [colours(picture, row) for row in range(3)] == [{(red, red)}, {(red, blue)}, {(blue, blue)}]


def test_a_picture_fits_and_keeps_its_shape() -> None:
    strips = Picture(image(4000, 1000, kind="JPEG")).strips(100, (0, 0, 0))
    assert (len(strips), strips[0].cell_length) == (WIDEST // 8, WIDEST)
    tall = Picture(image(500, 4000))
    assert (len(tall.strips(100, (0, 0, 0))), tall.strips(100, (0, 0, 0))[0].cell_length) == (TALLEST, 5)
    wide = Picture(image(100, 50))
    assert {strip.cell_length for strip in wide.strips(20, (0, 0, 0))} == {20}
    assert len(wide.strips(20, (0, 0, 0))) == 5
    # An odd height leaves half a row of the ground, and what is transparent shows it too.
    ground = Color.from_rgb(1, 2, 3)
    assert colours(Picture(image(3, 1)), 0) == {(Color.from_rgb(*BLUE), ground)}
    assert colours(Picture(image(2, 4, (9, 9, 9, 0))), 0) == {(ground, ground)}


def test_what_cannot_be_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = image(400, 300)
    for data in (b"", b"text", png(), whole[: len(whole) // 2], png(100_000, 100_000)):
        with pytest.raises(Unsupported, match="cannot be drawn"):
            Picture(data)
    # A kind that is never sent, though Pillow could read it.
    with pytest.raises(Unsupported, match="cannot be drawn"):
        Picture(image(8, 6, kind="BMP"))
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(Unsupported, match="chatui\\[images\\]"):
        Picture(whole)


async def prompt(chat: Window, tmp_path: Path, data: bytes) -> UserView:
    (tmp_path / "cat.png").write_bytes(data)
    chat.models.infos = [msgspec.structs.replace(info, capabilities=["vision"]) for info in chat.models.infos]
    await say(chat.screen.conversation.send("What is it?", attachments=[read(tmp_path / "cat.png")]))
    chat.screen.refresh_branch()
    chat.screen.transcript.display = True
    await chat.messages("g")
    chat.app.console._color_system = ColorSystem.TRUECOLOR
    view = chat.views[0]
    assert isinstance(view, UserView)
    return view


def blocks(view: UserView) -> list[str]:
    return [text for index in range(view.height) if "▀" in (text := view.row(index).strip.text.strip("▌ "))]


async def test_an_image_is_opened_and_folded(chat: Window, tmp_path: Path) -> None:
    view = await prompt(chat, tmp_path, image(8, 6))
    assert blocks(view) == []
    await chat.press("o")
    await chat.until(lambda: blocks(view) == ["▀" * 8] * 3)
    assert view.row(0).strip.text.startswith("▌ You")
    await chat.press("o")
    assert blocks(view) == []
    assert chat.toasts() == []


async def test_an_image_that_cannot_be_drawn_is_told(chat: Window, tmp_path: Path) -> None:
    view = await prompt(chat, tmp_path, png())
    await chat.press("o")
    await chat.until(lambda: any("cannot be drawn" in toast for toast in chat.toasts()))
    assert blocks(view) == []


async def test_a_terminal_without_colours_shows_the_line(chat: Window, tmp_path: Path) -> None:
    view = await prompt(chat, tmp_path, image(8, 6))
    chat.app.console._color_system = None
    await chat.press("o")
    await chat.until(lambda: any("not drawn in this terminal" in toast for toast in chat.toasts()))
    assert blocks(view) == []
