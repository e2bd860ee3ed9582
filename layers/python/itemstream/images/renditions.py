"""From a picture's file to its renditions, by libvips.

The file is decoded once, already made small while it is decoded (JPEG and WebP), and row by row
where its format allows, so that memory stays small whatever the picture's size. Every smaller size
is made from the next larger one. Only what is made here leaves: pixels, and a colour profile.

libvips rather than Pillow, by measurement: `python -m benchmarks images`.
"""

from __future__ import annotations

import base64
import logging
import os
from dataclasses import dataclass
from mmap import ACCESS_READ, mmap
from typing import TYPE_CHECKING

from itemstream.images.file_formats import Header, read_header
from itemstream.images.model import ContentType, PictureRefused

if TYPE_CHECKING:
    from pathlib import Path

# Before libvips is loaded: loaders that were not made for files of strangers stay shut.
os.environ.setdefault("VIPS_BLOCK_UNTRUSTED", "1")
import pyvips  # type: ignore[import-untyped]

__all__ = ["MAX_PIXELS", "MAX_PIXELS_AT_ONCE", "WIDTHS", "EncodedRendition", "Picture", "render"]

WIDTHS = (1600, 800, 320, 128)
# A small file can be a huge picture: it is judged by what it would be in memory.
MAX_PIXELS = 100_000_000
# Of pictures that a decoder must hold as a whole: at eight bytes a pixel, 600 MB in all.
MAX_PIXELS_AT_ONCE = 64_000_000
# The highest picture that WebP can hold (RFC 9649, section 2.6).
MAX_HEIGHT = 16_383

WEBP_QUALITY = 80
# Of 0 to 6: less than half of the CPU of the usual 4, for files that are 4 % larger.
WEBP_EFFORT = 1
JPEG_QUALITY = 82
PLACEHOLDER_WIDTH = 16
PLACEHOLDER_QUALITY = 30
WHITE = 255
# Embedded in every rendition, so the small one would be nothing but profile.
MAX_PROFILE_BYTES = 16 * 1024

# Decoded in one thread: a function of this size has less than one core, and its CPU is what costs.
pyvips.concurrency_set(1)
# No operation is ever repeated: what it made would only fill memory between invocations.
pyvips.cache_set_max(0)

# It warns of what files say beside their pixels: strangers' words, which are none for our logs.
logging.getLogger("pyvips").setLevel(logging.ERROR)

# What libjpeg warns of though every pixel is there: some cameras write such files.
_HARMLESS_WARNINGS = ("extraneous bytes before marker", "Invalid SOS parameters")
# Of a size that libvips shall not limit: its own highest number of pixels on a side.
_UNLIMITED = 10_000_000
_PROFILE = "icc-profile-data"
_DAMAGED = "The picture is damaged: it cannot be decoded."


@dataclass(frozen=True, slots=True)
class EncodedRendition:
    """A rendition's file."""

    width: int
    height: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Picture:
    """
    What a file holds.

    Parameters
    ----------
    width, height
        Pixels as it is looked at, rotated as its EXIF data say.
    animated
        Whether it moves; the renditions show its first frame.
    dominant_color
        ``#rrggbb``, the colour that most of it has.
    placeholder
        A data URI of at most 1 kB: the picture blurred, to show until a rendition is loaded.
    renditions
        Largest first, WebP before JPEG.
    """

    width: int
    height: int
    animated: bool
    dominant_color: str
    placeholder: str
    renditions: list[EncodedRendition]


def render(file: Path, content_type: ContentType | None) -> Picture:
    """
    Make the renditions of a picture.

    Parameters
    ----------
    file
        Its file, not empty.
    content_type
        What it was said to be.

    Raises
    ------
    PictureRefused
        If the file is of another type, too large, or damaged.
    """
    header = _inspect(file, content_type)
    width, height = _size_as_seen(file, header)
    # Where the picture is narrower than a size, its own width stands for that size.
    widths = sorted({min(each, width) for each in WIDTHS}, reverse=True)
    if height * widths[0] > MAX_HEIGHT * width:
        raise PictureRefused("The picture is too high for its width to be shown.")
    images = [_decode(file, header, widths[0])]
    for each in widths[1:]:
        images.append(_narrowed(images[-1], each))
    sample = _as_srgb(images[-1])
    return Picture(
        width=width,
        height=height,
        animated=header.animated,
        dominant_color=_dominant_color(sample),
        placeholder=_placeholder(sample),
        renditions=[rendition for image in images for rendition in _encoded(image)],
    )


def _inspect(file: Path, content_type: ContentType | None) -> Header:
    """Judge a file by its structure alone."""
    with file.open("rb") as opened, mmap(opened.fileno(), 0, access=ACCESS_READ) as data:
        header = read_header(data)
    if header.content_type != content_type:
        raise PictureRefused(f"The file is {header.content_type}, not {content_type} as announced.")
    pixels = header.width * header.height
    limit = MAX_PIXELS_AT_ONCE if header.whole else MAX_PIXELS
    if pixels > limit:
        raise PictureRefused(
            f"The picture has {header.width} by {header.height} pixels, "
            f"more than {limit // 1_000_000} million for a file of its kind."
        )
    return header


def _size_as_seen(file: Path, header: Header) -> tuple[int, int]:
    """Return width and height after the rotation that the EXIF data ask for."""
    try:
        opened = pyvips.Image.new_from_file(str(file), access="sequential")
    except pyvips.Error as error:
        raise PictureRefused(_DAMAGED) from error
    if (opened.width, opened.height) != (header.width, header.height):
        # The decoder reads another size than we did, so our limits were applied to something else.
        raise PictureRefused("The file gives its picture two sizes.")
    # EXIF 2.32, tag 274: from 5 on, width and height change places.
    turned = bool(opened.get_typeof("orientation")) and opened.get("orientation") >= 5
    return (header.height, header.width) if turned else (header.width, header.height)


def _decode(file: Path, header: Header, width: int) -> pyvips.Image:
    """Decode a picture at a width, as eight bits of red, green and blue, and perhaps alpha."""
    # libjpeg warns of missing pixels, and fills them with grey. In the other formats a warning is
    # about metadata, which we drop.
    strict = "warning" if header.content_type == "image/jpeg" else "error"
    try:
        try:
            image = _thumbnail(file, width, strict)
        except pyvips.Error as error:
            if not any(warning in error.detail for warning in _HARMLESS_WARNINGS):
                raise
            image = _thumbnail(file, width, "error")
        return _in_rgb(image)
    except pyvips.Error as error:
        raise PictureRefused(_DAMAGED) from error


def _thumbnail(file: Path, width: int, fail_on: str) -> pyvips.Image:
    image = pyvips.Image.thumbnail(str(file), width, height=_UNLIMITED, fail_on=fail_on)
    # Here it is decoded; all that follows works on what is in memory.
    return image.copy_memory()


def _in_rgb(image: pyvips.Image) -> pyvips.Image:
    """Turn grey and 16-bit pictures into RGB; keep the profile if it is one of RGB, and small."""
    profile = _profile(image)
    if profile is not None and not _may_stay(profile):
        # CMYK was converted when it was decoded, and only its profile is left.
        image = _without_profile(image if _space(profile) == b"CMYK" else _converted(image))
    return image.colourspace("srgb").copy_memory()


def _narrowed(image: pyvips.Image, width: int) -> pyvips.Image:
    return image.thumbnail_image(width, height=_UNLIMITED).copy_memory()


def _encoded(image: pyvips.Image) -> list[EncodedRendition]:
    webp = image.webpsave_buffer(Q=WEBP_QUALITY, effort=WEBP_EFFORT, keep="icc")
    # JPEG has no transparency.
    opaque = image.flatten(background=WHITE) if image.hasalpha() else image
    jpeg = opaque.jpegsave_buffer(Q=JPEG_QUALITY, optimize_coding=True, keep="icc")
    return [
        EncodedRendition(image.width, image.height, content_type, body)
        for content_type, body in (("image/webp", webp), ("image/jpeg", jpeg))
    ]


def _dominant_color(image: pyvips.Image) -> str:
    """Return the mean of the most frequent of 512 groups of similar colours."""
    small = image.thumbnail_image(32, height=32, size="force")
    pixels, bands = small.write_to_memory(), small.bands
    groups: dict[tuple[int, ...], list[bytes]] = {}
    for start in range(0, len(pixels), bands):
        pixel = pixels[start : start + bands]
        # What is more transparent than not has no colour to speak of.
        if bands == 3 or pixel[3] >= 128:
            groups.setdefault(tuple(value >> 5 for value in pixel[:3]), []).append(pixel)
    most = max(groups.values(), key=len, default=[bytes([WHITE] * 3)])
    mean = (sum(pixel[band] for pixel in most) // len(most) for band in range(3))
    return "#" + "".join(f"{value:02x}" for value in mean)


def _placeholder(image: pyvips.Image) -> str:
    small = image.thumbnail_image(PLACEHOLDER_WIDTH, height=PLACEHOLDER_WIDTH, size="down")
    blurred = small.gaussblur(1)
    body = blurred.webpsave_buffer(Q=PLACEHOLDER_QUALITY, alpha_q=PLACEHOLDER_QUALITY, keep="none")
    return "data:image/webp;base64," + base64.b64encode(body).decode()


def _as_srgb(image: pyvips.Image) -> pyvips.Image:
    """Return a picture whose colours mean what they do on the web, so that it needs no profile."""
    return image if _profile(image) is None else _without_profile(_converted(image))


def _profile(image: pyvips.Image) -> bytes | None:
    return bytes(image.get(_PROFILE)) if image.get_typeof(_PROFILE) else None


def _space(profile: bytes) -> bytes:
    """Return the colour space of a profile's device side (ICC.1, section 7.2)."""
    return profile[16:20]


def _may_stay(profile: bytes) -> bool:
    """Whether a profile is one of RGB by its header, and small."""
    length = int.from_bytes(profile[:4], "big")
    return (
        _space(profile) == b"RGB "
        and profile[36:40] == b"acsp"
        and length == len(profile) <= MAX_PROFILE_BYTES
    )


def _converted(image: pyvips.Image) -> pyvips.Image:
    """Convert from the embedded profile to sRGB; from one that is none, nothing."""
    try:
        return image.icc_transform("srgb", embedded=True).copy_memory()
    except pyvips.Error:
        return image


def _without_profile(image: pyvips.Image) -> pyvips.Image:
    # A copy, because an image may be shared.
    copied = image.copy()
    copied.remove(_PROFILE)
    return copied
