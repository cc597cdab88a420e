"""Image files as small as they come: the head alone, as nothing here looks further."""

from __future__ import annotations

import struct


def png(width: int = 640, height: int = 480, size: int = 0) -> bytes:
    """A PNG, filled up to a size."""
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sIIBBBBB", 13, b"IHDR", width, height, 8, 6, 0, 0, 0)
    return head + bytes(max(0, size - len(head)))


def gif(width: int, height: int) -> bytes:
    return b"GIF89a" + struct.pack("<HH", width, height) + b"\0\0\0"


def jpeg(width: int, height: int) -> bytes:
    """With an application's segment and a byte of padding before the frame."""
    return b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xc0\0\x11\x08" + struct.pack(">HH", height, width) + b"\x03"


def webp(kind: bytes, width: int, height: int) -> bytes:
    """In one of its three forms."""
    if kind == b"VP8X":
        body = bytes(8) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    elif kind == b"VP8L":
        body = bytes(4) + b"\x2f" + struct.pack("<I", (width - 1) | (height - 1) << 14)
    else:
        body = bytes(10) + struct.pack("<HH", width, height)
    return b"RIFF\0\0\0\0WEBP" + kind + body
