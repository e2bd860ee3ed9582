"""What is told of a file before it is decoded."""

from __future__ import annotations

import io
import mmap
import time
import zipfile
from typing import TYPE_CHECKING, Any, cast

import pytest
from PIL import Image

from itemstream.images.file_formats import MAX_PARTS, Header, content_type_of, read_header
from itemstream.images.model import MAX_UPLOAD_BYTES, PictureRefused
from tests.fakes.pictures import bomb, gif, jpeg, photo, png, saved, srgb_profile, webp

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def header(body: bytes, folder: Path) -> Header:
    file = folder / "file"
    file.write_bytes(body)
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return read_header(data)


def archive() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("a", "b")
    return file.getvalue()


exif = Image.Exif()
exif[0x010E] = "note" * 1000

PICTURES: dict[str, tuple[bytes, Header]] = {
    "jpeg": (jpeg(64, 48), Header("image/jpeg", 64, 48)),
    "jpeg progressive": (
        jpeg(64, 48, progressive=True),
        Header("image/jpeg", 64, 48, whole=True),
    ),
    "jpeg with restarts": (
        jpeg(64, 48, restart_marker_blocks=1),
        Header("image/jpeg", 64, 48),
    ),
    "jpeg with metadata": (
        jpeg(64, 48, exif=exif, icc_profile=srgb_profile(), comment=b"\xff\xd9"),
        Header("image/jpeg", 64, 48),
    ),
    "jpeg grey": (saved(photo(64, 48, mode="L"), "JPEG"), Header("image/jpeg", 64, 48)),
    "jpeg with more pictures": (
        jpeg(64, 48) + bytes(10) + jpeg(8, 8) + jpeg(4, 4) + bytes(3),
        Header("image/jpeg", 64, 48),
    ),
    "png": (png(64, 48), Header("image/png", 64, 48)),
    "png animated": (gif(64, 48, 3, "PNG"), Header("image/png", 64, 48, animated=True)),
    "png of a huge picture": (bomb(30_000, 100), Header("image/png", 30_000, 100)),
    "gif": (gif(64, 48), Header("image/gif", 64, 48, whole=True)),
    "gif animated": (gif(64, 48, 3), Header("image/gif", 64, 48, animated=True, whole=True)),
    "gif of one frame and a comment": (
        saved(photo(64, 48, mode="L"), "GIF", comment=b"\x3b" * 600, interlace=1),
        Header("image/gif", 64, 48, whole=True),
    ),
    "webp": (webp(64, 48), Header("image/webp", 64, 48, whole=True)),
    "webp lossless": (webp(65, 47, lossless=True), Header("image/webp", 65, 47, whole=True)),
    "webp extended": (
        saved(photo(65, 47, mode="RGBA"), "WEBP", exif=exif, icc_profile=srgb_profile()),
        Header("image/webp", 65, 47, whole=True),
    ),
    "webp animated": (
        gif(64, 48, 3, "WEBP"),
        Header("image/webp", 64, 48, animated=True, whole=True),
    ),
}


@pytest.mark.parametrize("name", PICTURES)
def test_a_file_says_how_large_its_picture_is(tmp_path: Path, name: str) -> None:
    body, expected = PICTURES[name]
    assert header(body, tmp_path) == expected
    assert content_type_of(body[:12]) == expected.content_type


@pytest.mark.parametrize("name", PICTURES)
def test_a_file_that_was_cut_anywhere_is_refused(tmp_path: Path, name: str) -> None:
    body, _ = PICTURES[name]
    # A JPEG with more pictures is whole at the end of each; zeros between them count as nothing.
    ends = {len(body)}
    if "more pictures" in name:
        first, second = len(jpeg(64, 48)), len(jpeg(8, 8))
        third = first + 10 + second + len(jpeg(4, 4))
        ends |= {*range(first, first + 11), first + 10 + second, *range(third, len(body))}
    step = max(1, len(body) // 100)
    for length in {*range(12, len(body), step), *range(len(body) - 12, len(body))} - ends:
        with pytest.raises(PictureRefused):
            header(body[:length], tmp_path)


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize(
    "more", [b"<html><script>alert(1)</script>", archive(), b"\x00\x01", b"%PDF-1.7\n", b"GIF89a"]
)
def test_a_picture_that_something_follows_is_refused(
    tmp_path: Path, name: str, more: bytes
) -> None:
    with pytest.raises(PictureRefused, match="Other data follows"):
        header(PICTURES[name][0] + more, tmp_path)


@pytest.mark.parametrize(
    "body",
    [
        b"\x00",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.7\n" + jpeg(8, 8),
        b"BM" + bytes(100),
        b"II*\x00" + bytes(100),
        b"RIFF\x04\x00\x00\x00WAVE",
        archive(),
        b"\xff\xd8",
        b"GIF88a" + bytes(100),
    ],
)
def test_what_is_no_picture_is_refused(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(PictureRefused, match="not a JPEG, PNG, WebP or GIF"):
        header(body, tmp_path)


@pytest.mark.parametrize(
    "body",
    [
        # Without a frame; with no image; with a first chunk of another kind; of no width.
        b"\xff\xd8\xff\xe0\x00\x02\xff\xd9",
        b"GIF89a\x01\x00\x01\x00\x00\x00\x00\x3b",
        b"GIF89a\x01\x00\x01\x00\x00\x00\x00\x99",
        png(8, 8).replace(b"IHDR", b"JHDR"),
        png(8, 8).replace(b"IHDR\x00\x00\x00\x08", b"IHDR\x00\x00\x00\x00"),
        b"RIFF\x04\x00\x00\x00WEBP",
        # A chunk that says it is longer than its file.
        b"RIFF\x10\x00\x00\x00WEBPVP8L\xff\x00\x00\x00" + bytes(4),
    ],
)
def test_a_file_that_is_built_wrongly_is_refused(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(PictureRefused):
        header(body, tmp_path)


class Counted(bytes):
    """A file that counts how often it is read from."""

    reads = 0

    def __getitem__(self, at: Any) -> Any:
        self.reads += 1
        return super().__getitem__(at)


# Files of 5 MB that are nothing but the smallest parts that their formats have.
MEGABYTES = 5 * 1024 * 1024
FLOODS: dict[str, Callable[[], bytes]] = {
    "jpeg frames": lambda: b"\xff\xd8" + b"\xff\xc0\x00\x02" * (MEGABYTES // 4),
    "jpeg pictures": lambda: (
        jpeg(8, 8) + b"\xff\xd8\xff\xc0\x00\x08\x08\x00\x01\x00\x01\x01\xff\xd9" * (MEGABYTES // 14)
    ),
    "png chunks": lambda: png(8, 8)[:33] + bytes(MEGABYTES),
    "gif extensions": lambda: gif(8, 8)[:10] + bytes(3) + b"\x21\xfe\x00" * (MEGABYTES // 3),
    "gif blocks": lambda: gif(8, 8)[:10] + bytes(3) + b"\x21\xfe" + b"\x01" * MEGABYTES,
    "webp chunks": lambda: (
        b"RIFF" + (MEGABYTES + 4).to_bytes(4, "little") + b"WEBP" + bytes(MEGABYTES)
    ),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_of_parts_is_refused_before_it_is_walked(flood: str) -> None:
    # Given
    body = Counted(FLOODS[flood]())

    # When, then
    with pytest.raises(PictureRefused, match="too many parts"):
        read_header(cast("mmap.mmap", body))
    assert MAX_PARTS / 2 < body.reads < 5 * MAX_PARTS


def test_a_gif_as_large_as_an_upload_has_no_more_parts_than_are_taken(tmp_path: Path) -> None:
    start, blocks = gif(8, 8)[:-1], MAX_UPLOAD_BYTES // 256
    comment = b"\x21\xfe" + (b"\xff" + bytes(255)) * blocks + b"\x00"
    assert header(start + comment + b"\x3b", tmp_path).content_type == "image/gif"


# What follows the first byte of a marker and is none, in the longest runs that a search can meet.
RUNS = {
    "fill bytes": b"\xff",
    "bytes of data": b"\xff\x00",
    "restarts": b"\xff\xd0",
    "zeros": b"\x00",
}


@pytest.mark.parametrize("run", RUNS)
def test_time_to_judge_a_jpeg_grows_with_its_size_and_not_with_its_square(run: str) -> None:
    # Given
    def seconds(size: int) -> float:
        body = jpeg(8, 8)[:-2] + RUNS[run] * (size // len(RUNS[run])) + b"\xff\x00"
        spent = []
        for _ in range(3):
            started = time.thread_time()
            with pytest.raises(PictureRefused, match="ends before"):
                read_header(cast("mmap.mmap", body))
            spent.append(time.thread_time() - started)
        return min(spent)

    # When, then eight times the size takes about eight times as long, and not 64 times
    assert seconds(MEGABYTES) < 30 * seconds(MEGABYTES // 8)
