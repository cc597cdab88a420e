"""Images in the transcript, drawn with half blocks: two pixels a cell, so that every terminal with colours shows them.

A terminal's own protocols for images show more. But what knows them asks the terminal on importing it, and the answers come
among the keys that are typed, which Textual reads.

Pillow, an extra, is imported when the first image is opened.
"""

from __future__ import annotations

import asyncio
from io import BytesIO
from typing import TYPE_CHECKING

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from chatui.errors import ChatuiError, Unsupported

if TYPE_CHECKING:
    from PIL.Image import Image
    from textual.app import App

    from chatui.tui.chat import ChatScreen
    from chatui.tui.message import UserView

#: The largest picture, in cells, and the largest image that is decoded, in pixels.
WIDEST, TALLEST, MOST_PIXELS = 72, 20, 100_000_000

Rgb = tuple[int, int, int]


class Picture:
    """An image, decoded and made small.

    Args:
        data: A file.

    Raises:
        Unsupported: Pillow is not installed, or cannot read it.
    """

    def __init__(self, data: bytes) -> None:
        try:
            from PIL import Image, ImageOps
        except ImportError:
            raise Unsupported(
                "Images are drawn with the extra `images`, which is not installed.",
                "Add it: pip install 'chatui[images]'.",
            ) from None
        try:
            # The formats that are sent, and none of the many others that Pillow reads.
            image = Image.open(BytesIO(data), formats=("PNG", "JPEG", "GIF", "WEBP"))
            if image.width * image.height > MOST_PIXELS:
                raise ValueError
            image.draft("RGB", (WIDEST, 2 * TALLEST))
            small = ImageOps.exif_transpose(image).convert("RGBA")
            small.thumbnail((WIDEST, 2 * TALLEST))
        except Exception:
            # Each of its decoders has errors of its own.
            raise Unsupported("This image cannot be drawn.", "Its file may be damaged, or too large.") from None
        self._image: Image.Image = small
        self._drawn: tuple[object, list[Strip]] | None = None

    def strips(self, width: int, ground: Rgb) -> list[Strip]:
        """Return its rows.

        Args:
            width: In cells; a wider one is made smaller.
            ground: What shows through where it is transparent.
        """
        key = (width, ground)
        if self._drawn is None or self._drawn[0] != key:
            self._drawn = (key, self._draw(width, ground))
        return self._drawn[1]

    def _draw(self, width: int, ground: Rgb) -> list[Strip]:
        from PIL import Image

        image = self._image
        if image.width > width:
            image = image.resize((width, max(1, image.height * width // image.width)))
        # The lower half of the last row may be none of the image.
        sheet = Image.new("RGBA", (image.width, image.height + image.height % 2), (*ground, 255))
        sheet.alpha_composite(image)
        pixels = sheet.convert("RGB").tobytes()
        row = 3 * image.width
        return [_strip(pixels[at : at + row], pixels[at + row : at + 2 * row]) for at in range(0, len(pixels), 2 * row)]


def _strip(upper: bytes, lower: bytes) -> Strip:
    segments: list[Segment] = []
    last: tuple[bytes, bytes] | None = None
    count = 0
    for at in range(0, len(upper) + 1, 3):
        pair = (upper[at : at + 3], lower[at : at + 3])
        if pair != last:
            if last is not None:
                style = Style(color=Color.from_rgb(*last[0]), bgcolor=Color.from_rgb(*last[1]))
                segments.append(Segment("▀" * count, style))
            last, count = pair, 0
        count += 1
    return Strip(segments, len(upper) // 3)


def can_draw(app: App[object]) -> bool:
    """Whether the terminal has colours enough."""
    return app.console.color_system in {"truecolor", "256"}


async def show(screen: ChatScreen, view: UserView) -> None:
    """Read the images of a prompt and draw them where it stands in the transcript, if it is still there when they have come."""
    message = view.message
    if message is None:
        return
    if view.plain or not can_draw(screen.app):
        screen.say("Images are not drawn in this terminal.", severity="information")
        return
    try:
        files = await screen.conversation.images(message.node_id)
        if not files:
            raise Unsupported("The thread has a link to this image, and not the image.", "Open the link elsewhere.")
        drawn = await asyncio.to_thread(lambda: {line: Picture(data) for line, data in files.items()})
    except ChatuiError as error:
        screen.say(error)
        return
    view.pictures = drawn
    screen.transcript.lay_again(view)
