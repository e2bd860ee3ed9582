"""The four file formats, read as far as it takes to judge a file before anything decodes it.

A decoder is the largest surface that an uploaded file can attack, and it stops where the picture
ends. So the file's own structure is walked first: what it is, how large its picture would be in
memory, whether it is whole, and that nothing follows it. A file that is a picture and something
else besides (a web page, an archive) is refused, though none of its bytes would reach a rendition.

Sources: ITU-T T.81 annex B (JPEG) and CIPA DC-007 (several pictures in one file); W3C PNG 3;
GIF89a; RFC 9649 (WebP).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from itemstream.images.model import PictureRefused

if TYPE_CHECKING:
    from mmap import mmap

    from itemstream.images.model import ContentType

__all__ = ["Header", "content_type_of", "read_header"]

_TRUNCATED = "The file ends before the picture does."
_TRAILING = "Other data follows the picture in the file."

# Markers, chunks and blocks: a file of nothing else would cost seconds. GIF needs most, as a block
# holds at most 255 bytes: 82,000 for the largest upload.
MAX_PARTS = 200_000


@dataclass(frozen=True, slots=True)
class Header:
    """
    What a file says of its picture.

    Parameters
    ----------
    content_type
        The format, by the file's first bytes.
    width, height
        Pixels, before any rotation.
    animated
        Whether more than one frame is shown.
    whole
        Whether a decoder must hold the whole picture at once: it cannot be read row by row.
    """

    content_type: ContentType
    width: int
    height: int
    animated: bool = False
    whole: bool = False


def content_type_of(start: bytes) -> ContentType | None:
    """Return the format of a file by its first 12 bytes; ``None`` if it is none of the four."""
    if start.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if start.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "image/webp"
    return None


def read_header(data: mmap) -> Header:
    """
    Walk a file from its first byte to its last.

    Raises
    ------
    PictureRefused
        If it is none of the four formats, is truncated or malformed, goes on after its picture, or
        is built of more than ``MAX_PARTS`` parts.
    """
    content_type = content_type_of(data[:12])
    if content_type is None:
        raise PictureRefused("The file is not a JPEG, PNG, WebP or GIF picture.")
    read = {
        "image/jpeg": _read_jpeg,
        "image/png": _read_png,
        "image/gif": _read_gif,
        "image/webp": _read_webp,
    }[content_type]
    try:
        header, end = read(data, _Parts())
    except IndexError:
        raise PictureRefused(_TRUNCATED) from None
    if end > len(data):
        raise PictureRefused(_TRUNCATED)
    if end < len(data):
        raise PictureRefused(_TRAILING)
    if header.width < 1 or header.height < 1:
        raise PictureRefused("The picture has no width or no height.")
    return header


class _Parts:
    """Counts what a file is built of."""

    def __init__(self) -> None:
        self._count = 0

    def count(self) -> None:
        """Count one more, or refuse it."""
        self._count += 1
        if self._count > MAX_PARTS:
            raise PictureRefused("The file is built of too many parts.")


# A marker: after 0xFF neither 0x00 (the byte itself), nor a restart, nor a fill byte. Fill bytes
# are passed over one by one: matched as a run they take quadratic time where no marker ends it.
_JPEG_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")
_NOT_ZERO = re.compile(rb"[^\x00]")
_START_OF_IMAGE = b"\xff\xd8\xff"
_END_OF_IMAGE = 0xD9
_START_OF_SCAN = 0xDA
# All start-of-frame markers; DHT, JPG and DAC lie among them and are none.
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE = frozenset({0xC2, 0xC6, 0xCA, 0xCE})


def _read_jpeg(data: mmap, parts: _Parts) -> tuple[Header, int]:
    header, end = _read_jpeg_picture(data, 0, parts)
    # Cameras append further pictures, such as a preview or a gain map, each a whole JPEG of its
    # own. They are walked too, and never decoded.
    while end < len(data):
        begin = _NOT_ZERO.search(data, end)
        if begin is None:
            return header, len(data)
        if data[begin.start() : begin.start() + 3] != _START_OF_IMAGE:
            break
        _, end = _read_jpeg_picture(data, begin.start(), parts)
    return header, end


def _read_jpeg_picture(data: mmap, position: int, parts: _Parts) -> tuple[Header, int]:
    """Return what a JPEG at a position says, and where it ends."""
    header = None
    position += 2
    while True:
        parts.count()
        marker = _JPEG_MARKER.search(data, position)
        if marker is None:
            raise PictureRefused(_TRUNCATED)
        kind, position = marker[1][0], marker.end()
        if kind == _END_OF_IMAGE:
            break
        length = _big_endian(data, position, 2)
        if kind in _FRAMES:
            header = Header(
                "image/jpeg",
                width=_big_endian(data, position + 5, 2),
                height=_big_endian(data, position + 3, 2),
                whole=kind in _PROGRESSIVE,
            )
        # Behind a scan's header its data follows, in which the next marker is searched for.
        position += length
    if header is None:
        raise PictureRefused("The file holds no picture.")
    return header, position


def _read_png(data: mmap, parts: _Parts) -> tuple[Header, int]:
    if data[12:16] != b"IHDR":
        raise PictureRefused("The file does not begin as a PNG does.")
    header = Header(
        "image/png",
        width=_big_endian(data, 16, 4),
        height=_big_endian(data, 20, 4),
        # Interlaced: its rows come in seven passes.
        whole=data[28] != 0,
    )
    position, kind = 8, b""
    while kind != b"IEND":
        parts.count()
        length, kind = _big_endian(data, position, 4), data[position + 4 : position + 8]
        if kind == b"acTL":
            header = replace(header, animated=_big_endian(data, position + 8, 4) > 1)
        # Length, kind and checksum.
        position += 12 + length
    return header, position


_GIF_EXTENSION = 0x21
_GIF_IMAGE = 0x2C
_GIF_END = 0x3B


def _read_gif(data: mmap, parts: _Parts) -> tuple[Header, int]:
    width, height = _little_endian(data, 6, 2), _little_endian(data, 8, 2)
    position, frames = 13 + _colour_table(data[10]), 0
    while (kind := data[position]) != _GIF_END:
        parts.count()
        if kind == _GIF_EXTENSION:
            position = _after_sub_blocks(data, position + 2, parts)
        elif kind == _GIF_IMAGE:
            frames += 1
            # Nine bytes of descriptor, its colour table, one byte of code size, then the data.
            begin = position + 11 + _colour_table(data[position + 9])
            position = _after_sub_blocks(data, begin, parts)
        else:
            raise PictureRefused("The file is not built as a GIF is.")
    if not frames:
        raise PictureRefused("The file holds no picture.")
    return Header("image/gif", width, height, animated=frames > 1, whole=True), position + 1


def _colour_table(flags: int) -> int:
    """Return the bytes of the colour table that a descriptor's flags announce."""
    return 3 * 2 ** ((flags & 0x07) + 1) if flags & 0x80 else 0


def _after_sub_blocks(data: mmap, position: int, parts: _Parts) -> int:
    while length := data[position]:
        parts.count()
        position += 1 + length
    return position + 1


def _read_webp(data: mmap, parts: _Parts) -> tuple[Header, int]:
    end = 8 + _little_endian(data, 4, 4)
    width = height = 0
    animated = False
    position = 12
    while position < end:
        parts.count()
        kind, length = data[position : position + 4], _little_endian(data, position + 4, 4)
        content = position + 8
        if kind == b"VP8X":
            animated = bool(data[content] & 0x02)
            width = 1 + _little_endian(data, content + 4, 3)
            height = 1 + _little_endian(data, content + 7, 3)
        elif kind == b"VP8 " and not width:
            width = _little_endian(data, content + 6, 2) & 0x3FFF
            height = _little_endian(data, content + 8, 2) & 0x3FFF
        elif kind == b"VP8L" and not width:
            sizes = _little_endian(data, content + 1, 4)
            width, height = 1 + (sizes & 0x3FFF), 1 + (sizes >> 14 & 0x3FFF)
        # Chunks begin at even positions.
        position = content + length + length % 2
    if position > end:
        raise PictureRefused(_TRUNCATED)
    return Header("image/webp", width, height, animated=animated, whole=True), end


def _big_endian(data: mmap, position: int, size: int) -> int:
    return int.from_bytes(_bytes(data, position, size), "big")


def _little_endian(data: mmap, position: int, size: int) -> int:
    return int.from_bytes(_bytes(data, position, size), "little")


def _bytes(data: mmap, position: int, size: int) -> bytes:
    if position + size > len(data):
        raise IndexError(position)
    return data[position : position + size]
