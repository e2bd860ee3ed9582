"""Pictures for tests, made on the spot: by Pillow, which shares no code with what is tested."""

from __future__ import annotations

import io
import struct
import zlib
from random import Random
from typing import Any

from PIL import Image, ImageCms

__all__ = ["bomb", "gif", "jpeg", "opened", "photo", "png", "saved", "srgb_profile", "webp"]


def photo(width: int, height: int, *, mode: str = "RGB", seed: int = 1) -> Image.Image:
    """Make a picture with large shapes and small ones, as photographs have."""
    random = Random(seed)
    bands = []
    for _ in Image.new(mode, (1, 1)).getbands():
        band = Image.new("L", (width, height), 128)
        for detail, weight in ((4, 0.5), (64, 0.2)):
            size = (detail, max(1, detail * height // width))
            noise = Image.frombytes("L", size, random.randbytes(size[0] * size[1]))
            band = Image.blend(
                band, noise.resize((width, height), Image.Resampling.BICUBIC), weight
            )
        bands.append(band)
    return Image.merge(mode, bands) if len(bands) > 1 else bands[0]


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return the picture's file."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def jpeg(width: int = 640, height: int = 480, seed: int = 1, **options: Any) -> bytes:
    """Make a JPEG file."""
    return saved(photo(width, height, seed=seed), "JPEG", **options)


def png(width: int = 640, height: int = 480, seed: int = 1, **options: Any) -> bytes:
    """Make a PNG file."""
    return saved(photo(width, height, seed=seed), "PNG", **options)


def webp(width: int = 640, height: int = 480, seed: int = 1, **options: Any) -> bytes:
    """Make a WebP file."""
    return saved(photo(width, height, seed=seed), "WEBP", **options)


def gif(width: int = 64, height: int = 48, frames: int = 1, kind: str = "GIF") -> bytes:
    """Make a file of several frames, each of another colour; the first one is red."""
    colours = ["#ff0000", "#00ff00", "#0000ff"]
    made = [Image.new("RGB", (width, height), colours[frame % 3]) for frame in range(frames)]
    more: dict[str, Any] = {"save_all": True, "append_images": made[1:], "duration": 100}
    return saved(made[0], kind, **(more if frames > 1 else {}))


def bomb(width: int = 30_000, height: int = 30_000) -> bytes:
    """Make a PNG file of a few kilobytes that would be a huge picture: one bit a pixel, all 0."""
    compressor = zlib.compressobj(9)
    row = bytes(1 + (width + 7) // 8)
    body = b"".join(compressor.compress(row) for _ in range(height)) + compressor.flush()

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content)
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


def srgb_profile() -> bytes:
    """Return a small colour profile of RGB."""
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def opened(body: bytes) -> Image.Image:
    """Decode a picture, fully."""
    image = Image.open(io.BytesIO(body))
    image.load()
    return image
