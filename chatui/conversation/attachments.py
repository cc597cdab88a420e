"""Files that go with a prompt: an image as a content block, a text as a quoted block in the prompt's own text.

A file is read once, when the prompt is sent, and told by what is in it and not by its name. The message in the thread holds all
of it, so that the file may go.
"""

from __future__ import annotations

import base64
import os
import re
import stat
import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from chatui.conversation.files import is_path, mentions, place_of
from chatui.errors import Unsupported, UsageError
from chatui.models import ModelRef, Models
from chatui.storage.attached import IMAGE, OTHER, attached_names, attachment_line, file_size
from chatui.text import clean, clean_line

if TYPE_CHECKING:
    from langchain_core.messages import BaseMessage, HumanMessage

    from chatui.conversation.places import Places
    from chatui.storage import Store

#: The largest files that are taken, in bytes.
LARGEST_IMAGE, LARGEST_TEXT = 20_000_000, 500_000

# Names that say what is in a file.
_IMAGE_NAMES = (".png", ".jpg", ".jpeg", ".gif", ".webp")


class Attachment(msgspec.Struct, frozen=True):
    """One file, read.

    Attributes:
        name: The file's name without its folder, clean.
        data: What is in it.
        media_type: "image/png" and the like; "text/plain" for a text.
        width: Of an image, in pixels; 0 where it does not say.
        height: As `width`.
    """

    name: str
    data: bytes
    media_type: str
    width: int = 0
    height: int = 0

    @property
    def is_image(self) -> bool:
        """Whether it is sent as an image."""
        return self.media_type != "text/plain"

    def block(self) -> dict[str, Any]:
        """Return an image as a content block."""
        extras: dict[str, Any] = {"name": self.name, "size": len(self.data)}
        if self.width and self.height:
            extras |= {"width": self.width, "height": self.height}
        encoded = base64.b64encode(self.data).decode("ascii")
        return {"type": "image", "base64": encoded, "mime_type": self.media_type, "extras": extras}

    def quoted(self) -> str:
        """Return a text as a fenced block under its name and size; no line of it can end the fence."""
        text = clean(self.data.decode("utf-8-sig").replace("\r\n", "\n")).rstrip("\n")
        longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
        fence = "`" * max(3, longest + 1)
        return f"{self.name} ({file_size(len(self.data))}):\n{fence}\n{text}\n{fence}"


def read(path: Path, *, image: bool = False) -> Attachment:
    """Read a file that is to be attached.

    Args:
        path: The file.
        image: Whether it has to be an image.

    Raises:
        UsageError: It is not there, no plain file, unreadable, too large, or neither an image nor text, or says by its name that
            it is an image and is none.
    """
    shown = clean_line(str(path), 200)
    try:
        data = _bytes_of(path, shown)
    except FileNotFoundError:
        raise UsageError(f"There is no file {shown}.", "Check the name.") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"{shown} cannot be read: {clean_line(reason)}.", "Check the file.") from None
    name = clean_line(path.name, 100) or "file"
    if (media_type := _image_type(data)) is not None:
        width, height = _dimensions(data, media_type)
        return Attachment(name, data, media_type, width, height)
    if image or name.lower().endswith(_IMAGE_NAMES):
        raise UsageError(f"{shown} is no image that can be sent.", "PNG, JPEG, GIF and WebP can.")
    if len(data) > LARGEST_TEXT:
        raise _too_large(shown, len(data), LARGEST_TEXT)
    try:
        if b"\0" in data:
            raise ValueError
        data.decode("utf-8")
    except ValueError:
        raise UsageError(
            f"{shown} is neither an image nor text.", "PNG, JPEG, GIF, WebP and text in UTF-8 can be attached."
        ) from None
    return Attachment(name, data, "text/plain")


def _bytes_of(path: Path, shown: str) -> bytes:
    """What is in a file. Neither a pipe nor a device is ever waited for, nor read without an end."""
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    if path.is_dir():
        raise UsageError(f"{shown} is a folder.", "Name a file in it.")
    if not path.is_file() and path.exists():
        raise UsageError(f"{shown} is no plain file.", "Name a file to attach.")
    with os.fdopen(os.open(path, flags), "rb") as file:
        facts = os.fstat(file.fileno())
        if not stat.S_ISREG(facts.st_mode):
            raise UsageError(f"{shown} is no plain file.", "Name a file to attach.")
        if facts.st_size > LARGEST_IMAGE:
            raise _too_large(shown, facts.st_size, LARGEST_IMAGE)
        # The system's own files do not say how long they are.
        data = file.read(LARGEST_IMAGE + 1)
    if len(data) > LARGEST_IMAGE:
        raise _too_large(shown, len(data), LARGEST_IMAGE)
    return data


def is_image(path: Path) -> bool:
    """Whether a file begins as an image does that can be sent; False where it cannot be read."""
    try:
        with path.open("rb") as file:
            return _image_type(file.read(16)) is not None
    except OSError:
        return False


def _too_large(shown: str, size: int, limit: int) -> UsageError:
    return UsageError(
        f"{shown} is too large to attach: {file_size(size)}.",
        f"At most {file_size(limit)} can be sent; make it smaller.",
    )


def _image_type(data: bytes) -> str | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return None


def _dimensions(data: bytes, media_type: str) -> tuple[int, int]:
    """Return (width, height) in pixels, (0, 0) where the file is cut off or odd."""
    try:
        match media_type:
            case "image/png":
                width, height = struct.unpack_from(">II", data, 16)
            case "image/gif":
                width, height = struct.unpack_from("<HH", data, 6)
            case "image/webp":
                width, height = _webp(data)
            case _:
                width, height = _jpeg(data)
    except (struct.error, IndexError):
        return 0, 0
    return width, height


def _webp(data: bytes) -> tuple[int, int]:
    match data[12:16]:
        case b"VP8X":
            return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
        case b"VP8L":
            bits = struct.unpack_from("<I", data, 21)[0]
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF
    return 0, 0


def _jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    while data[at] == 0xFF:
        kind = data[at + 1]
        if kind == 0xFF:  # padding
            at += 1
            continue
        # The frame: all of C0 to CF but the three that hold tables.
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack_from(">HH", data, at + 5)
            return width, height
        at += 2 + struct.unpack_from(">H", data, at + 2)[0]
    return 0, 0


# A prompt with its attachments


class Said(msgspec.Struct, frozen=True):
    """What is said: the text, the images as content blocks, and the names of what an imported prompt came with."""

    text: str
    blocks: list[dict[str, Any]] = []
    names: list[str] = []

    @property
    def content(self) -> str | list[str | dict[Any, Any]]:
        """As the content of a message: plain text where there is no image."""
        if not self.blocks:
            return self.text
        return [*([{"type": "text", "text": self.text}] if self.text else []), *self.blocks]


def said(text: str, attachments: Sequence[Attachment] = ()) -> Said:
    """Put a prompt and its attachments together: texts below what is asked, images as blocks."""
    quoted = [attachment.quoted() for attachment in attachments if not attachment.is_image]
    parts = [text, *quoted] if text.strip() else quoted
    return Said("\n\n".join(parts), [attachment.block() for attachment in attachments if attachment.is_image])


def find_files(text: str, folder: Path) -> tuple[str, list[Attachment]]:
    """Read the files that a prompt names as `@name`.

    Args:
        text: The prompt. What follows an @ and is no file stays as it is, unless it can only be meant as one: it begins as a path
            does, is in quotation marks, or is there and is a folder or a device.
        folder: Where names are looked for.

    Returns:
        The prompt, with the names alone where files were found, and the files, each once.

    Raises:
        UsageError: A file cannot be attached, or is not there and can only be meant as one.
    """
    found: dict[Path, Attachment] = {}

    def name(readings: list[tuple[str, str]], whole: str) -> str:
        for candidate, rest in readings:
            path = resolve(candidate, folder)
            if path is not None:
                if path not in found:
                    found[path] = read(path)
                return found[path].name + rest
        meant = readings[-1][0]
        if whole.startswith('@"') or is_path(meant) or _is_there(meant, folder):
            raise _no_file(meant, folder)
        return whole

    said = mentions(text, name)
    # A space stands behind a name that was completed.
    return said.rstrip(" ") if found else said, list(found.values())


def _is_there(name: str, folder: Path) -> bool:
    if not any(letter.isalnum() for letter in name):
        return False
    with suppress(OSError, ValueError, RuntimeError):
        return place_of(name, folder).exists()
    return False


def _no_file(name: str, folder: Path) -> UsageError:
    """Say why a name attaches nothing, and how to write it where no file is meant."""
    try:
        place = place_of(name, folder)
        what = "is a folder" if place.is_dir() else "is no plain file" if place.exists() else ""
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        what = f"cannot be read: {clean_line(reason)}"
    shown = clean_line(name, 200)
    return UsageError(
        f"{shown} {what}." if what else f"There is no file {shown}.",
        "Name a file, or put a space behind the @ if none is meant.",
    )


def resolve(name: str, folder: Path) -> Path | None:
    """Return the file that a name stands for, None where there is none."""
    try:
        path = place_of(name, folder)
        return path.resolve() if path.is_file() else None
    except (OSError, ValueError, RuntimeError):
        return None


async def carry_over(store: Store, places: Places, thread_id: str, follows: str | None, what: Said) -> Said:
    """Turn the lines of attachments that an old prompt had back into the attachments.

    A prompt that is edited, or returns to where it was written, is text with a line for each of them. What is said now follows the
    same message as that prompt did, so the attachments are those of its siblings; a line that was taken out drops its own.

    Args:
        store: The file.
        places: Where the old messages are.
        thread_id: The thread.
        follows: The node of the message that is followed, None before the first.
        what: What is said.
    """
    lines = what.text.split("\n")
    wanted = {line for line in lines if line.startswith((f"{IMAGE} ", f"{OTHER} "))}
    first = store.messages.child(thread_id, follows or "") if wanted else None
    found: dict[str, dict[str, Any] | str] = {}
    for node_id in store.messages.siblings(thread_id, first) if first else []:
        message = store.messages.get(thread_id, node_id)
        if message is None or message.role != "user" or not wanted.intersection(message.text.split("\n")):
            continue
        original = await places.original(message)
        found |= {line: one for line, one in _by_line(original) if line in wanted}
    if not found:
        return what
    kept = [found[line] for line in lines if line in found]
    return Said(
        "\n".join(line for line in lines if line not in found),
        [*(one for one in kept if not isinstance(one, str)), *what.blocks],
        [one for one in kept if isinstance(one, str)],
    )


def images_of(message: BaseMessage) -> dict[str, bytes]:
    """Return the images that are in a message, by the line that stands for each in its text. None is ever fetched."""
    found = {}
    for block in message.content:
        if isinstance(block, dict) and (line := clean(attachment_line(block))).startswith(f"{IMAGE} "):
            link = block.get("image_url") or block.get("url")
            link = link.get("url") if isinstance(link, dict) else link
            if isinstance(link, str) and link.startswith("data:"):
                link = link.rpartition("base64,")[2]
            with suppress(ValueError):
                found[line] = base64.b64decode(
                    str(block.get("base64") or block.get("data") or link or "?"), validate=True
                )
    return found


def _by_line(message: HumanMessage) -> Iterator[tuple[str, dict[str, Any] | str]]:
    """Yield each attachment of a prompt, a block or a name, behind the line that stands for it in the text."""
    for name in attached_names(message):
        yield clean(f"{OTHER} {name}"), name
    for block in message.content:
        if isinstance(block, dict):
            yield clean(attachment_line(block)), block


async def check_sees(models: Models, ref: ModelRef) -> None:
    """Refuse images for a model that is known to see none.

    Raises:
        Unsupported: The provider tells what the model can do, and images are not among it.
        ModelError: The model is not there, or its server does not answer.
    """
    capabilities = (await models.show(ref)).get("capabilities") or []
    if capabilities and "vision" not in capabilities:
        raise Unsupported(
            f"{clean_line(str(ref))} takes no images.",
            "Choose a model with vision, or send the message without the image.",
        )
