"""Renditions: their sizes, formats and colours, and the pictures of which there are none."""

from __future__ import annotations

import base64
import struct
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageChops, ImageCms, ImageStat

from itemstream.images import renditions
from itemstream.images.file_formats import Header
from itemstream.images.model import PictureRefused
from itemstream.images.renditions import Picture, render
from tests.fakes.pictures import bomb, gif, jpeg, opened, photo, png, saved, srgb_profile, webp

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from itemstream.images.model import ContentType


@pytest.fixture
def rendered(tmp_path: Path) -> Callable[..., Picture]:
    def of(body: bytes, content_type: ContentType = "image/jpeg") -> Picture:
        file = tmp_path / "picture"
        file.write_bytes(body)
        return render(file, content_type)

    return of


def difference(one: Image.Image, other: Image.Image) -> float:
    """Return the mean difference of two pictures' brightness, of 255."""
    return ImageStat.Stat(ImageChops.difference(one.convert("L"), other.convert("L"))).mean[0]


@pytest.mark.parametrize(
    ("width", "height", "sizes"),
    [
        (2000, 1500, [(1600, 1200), (800, 600), (320, 240), (128, 96)]),
        (1600, 400, [(1600, 400), (800, 200), (320, 80), (128, 32)]),
        (1599, 20, [(1599, 20), (800, 10), (320, 4), (128, 2)]),
        (128, 300, [(128, 300)]),
        (127, 300, [(127, 300)]),
        (1, 1, [(1, 1)]),
        (5000, 2, [(1600, 1), (800, 1), (320, 1), (128, 1)]),
    ],
)
def test_a_picture_is_never_enlarged(
    rendered: Callable[..., Picture], width: int, height: int, sizes: list[tuple[int, int]]
) -> None:
    picture = rendered(png(width, height), "image/png")
    assert (picture.width, picture.height, picture.animated) == (width, height, False)
    made = [(each.width, each.height, each.content_type) for each in picture.renditions]
    kinds = ("image/webp", "image/jpeg")
    assert made == [(*size, kind) for size in sizes for kind in kinds]
    for each in picture.renditions:
        shown = opened(each.body)
        assert (shown.size, shown.format) == (
            (each.width, each.height),
            each.content_type.removeprefix("image/").upper(),
        )


FILES: dict[str, tuple[Callable[[], Image.Image], Callable[[Image.Image], bytes], ContentType]] = {
    "jpeg": (lambda: photo(900, 600), lambda p: saved(p, "JPEG", quality=95), "image/jpeg"),
    "progressive": (
        lambda: photo(900, 600),
        lambda p: saved(p, "JPEG", quality=95, progressive=True),
        "image/jpeg",
    ),
    "grey": (
        lambda: photo(900, 600, mode="L"),
        lambda p: saved(p, "JPEG", quality=95),
        "image/jpeg",
    ),
    "png": (lambda: photo(900, 600), lambda p: saved(p, "PNG"), "image/png"),
    "palette": (lambda: photo(900, 600).quantize(), lambda p: saved(p, "PNG"), "image/png"),
    "black and white": (
        lambda: (
            photo(900, 600, mode="L").point(lambda value: 255 if value > 128 else 0).convert("1")
        ),
        lambda p: saved(p, "PNG"),
        "image/png",
    ),
    "webp": (lambda: photo(900, 600), lambda p: saved(p, "WEBP", quality=95), "image/webp"),
    "gif": (lambda: photo(900, 600).quantize(), lambda p: saved(p, "GIF"), "image/gif"),
}


@pytest.mark.parametrize("name", FILES)
def test_renditions_look_like_their_picture(rendered: Callable[..., Picture], name: str) -> None:
    # Given
    make, save, content_type = FILES[name]
    original = make()

    # When
    picture = rendered(save(original), content_type)

    # Then
    for each in picture.renditions:
        shown = original.convert("RGB").resize((each.width, each.height), Image.Resampling.LANCZOS)
        assert difference(opened(each.body), shown) < 4, each


def test_a_picture_of_16_bits_keeps_its_brightness(rendered: Callable[..., Picture]) -> None:
    # Given grey of 16 bits, dark on the left and light on the right
    grey = Image.new("I;16", (256, 64))
    grey.putdata([x * 256 for _ in range(64) for x in range(256)])

    # When
    picture = rendered(saved(grey, "PNG"), "image/png")

    # Then
    for each in picture.renditions:
        shown = opened(each.body).convert("L")
        assert shown.getpixel((10, 10)) < 40
        assert shown.getpixel((each.width - 10, 10)) > 215


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_turned_as_its_camera_was(
    rendered: Callable[..., Picture], orientation: int
) -> None:
    # Given a picture with a red corner, stored the way that the orientation undoes
    upright = Image.new("RGB", (300, 200), "white")
    upright.paste((255, 0, 0), (0, 0, 100, 100))
    undone = {
        1: None,
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }[orientation]
    stored = upright.transpose(undone) if undone is not None else upright
    exif = Image.Exif()
    exif[0x0112] = orientation

    # When
    picture = rendered(saved(stored, "JPEG", exif=exif, quality=95))

    # Then
    assert (picture.width, picture.height) == (300, 200)
    for each in picture.renditions:
        shown = opened(each.body)
        assert shown.getpixel((10, 10)) == pytest.approx((254, 0, 0), abs=12)
        assert shown.getpixel((each.width - 10, each.height - 10)) == pytest.approx(
            (255, 255, 255), abs=6
        )
        assert shown.getexif().get(0x0112) is None


def test_nothing_of_a_file_is_left_but_its_profile(rendered: Callable[..., Picture]) -> None:
    # Given a file with a secret in each place that metadata have
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    profile = srgb_profile()
    body = jpeg(
        exif=exif,
        icc_profile=profile,
        comment=b"secret place",
        xmp=b"<x:xmpmeta xmlns:x='adobe:ns:meta/'>secret place</x:xmpmeta>",
    )
    assert body.count(b"secret place") == 3

    # When
    picture = rendered(body)

    # Then
    for each in picture.renditions:
        assert b"secret" not in each.body
        assert opened(each.body).info["icc_profile"] == profile
        assert not opened(each.body).getexif()
    assert b"secret" not in base64.b64decode(picture.placeholder.partition(",")[2])


@pytest.mark.parametrize(
    "profile",
    [
        b"<script>" * 50,
        srgb_profile() + b"more than it says",
        # Of the size that it says, but too large to be in every rendition.
        struct.pack(">I", 70_000) + srgb_profile()[4:] + bytes(70_000 - len(srgb_profile())),
        # Of another space than the pixels of a rendition.
        srgb_profile()[:16] + b"GRAY" + srgb_profile()[20:],
    ],
)
def test_a_profile_that_fits_no_rendition_is_dropped(
    rendered: Callable[..., Picture], profile: bytes
) -> None:
    # When
    picture = rendered(jpeg(quality=95, icc_profile=profile))

    # Then its colours are what they were
    for each in picture.renditions:
        assert "icc_profile" not in opened(each.body).info
        shown = photo(640, 480).resize((each.width, each.height), Image.Resampling.LANCZOS)
        assert difference(opened(each.body), shown) < 4


@pytest.mark.parametrize(
    ("mode", "profile"),
    [
        # With nothing in it but its header; of colours, on a grey picture, and too long to stay.
        ("RGB", srgb_profile()[:128] + bytes(len(srgb_profile()) - 128)),
        ("L", srgb_profile()),
        ("L", srgb_profile() + bytes(20_000)),
        ("L", b"GRAY" * 100),
        ("CMYK", srgb_profile()),
        ("CMYK", b"CMYK" * 100),
    ],
)
def test_a_profile_that_is_wrong_breaks_no_picture(
    rendered: Callable[..., Picture], mode: str, profile: bytes
) -> None:
    # Given
    original = photo(400, 300, mode=mode)

    # When
    picture = rendered(saved(original, "JPEG", quality=95, icc_profile=profile))

    # Then
    assert len(picture.renditions) == 6
    if mode != "CMYK":
        for each in picture.renditions:
            shown = original.resize((each.width, each.height), Image.Resampling.LANCZOS)
            assert difference(opened(each.body), shown) < 4


def test_a_profile_that_cannot_be_used_is_as_good_as_none(
    rendered: Callable[..., Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a library that takes no profile at all
    def refuse(*_: object, **__: object) -> None:
        raise renditions.pyvips.Error("no such profile")

    monkeypatch.setattr(renditions.pyvips.Image, "icc_transform", refuse, raising=False)

    # When, then
    red = Image.new("RGB", (200, 100), (255, 0, 0))
    picture = rendered(saved(red, "PNG", icc_profile=srgb_profile()), "image/png")
    assert picture.dominant_color == "#ff0000"


def test_colours_of_print_become_colours_of_screens(rendered: Callable[..., Picture]) -> None:
    # Given a red that is made of magenta and yellow
    body = saved(Image.new("CMYK", (300, 200), (0, 255, 255, 0)), "JPEG", quality=95)

    # When
    picture = rendered(body)

    # Then
    for each in picture.renditions:
        shown = opened(each.body)
        assert shown.mode == "RGB"
        red, green, blue = shown.getpixel((5, 5))
        assert red > 200
        assert max(green, blue) < 80
        assert "icc_profile" not in shown.info


def test_transparency_stays_in_webp_and_is_white_in_jpeg(
    rendered: Callable[..., Picture],
) -> None:
    # Given a picture that is red on the left and nothing on the right
    half = Image.new("RGBA", (400, 200), (255, 0, 0, 255))
    half.paste((0, 0, 0, 0), (200, 0, 400, 200))

    # When
    picture = rendered(saved(half, "PNG"), "image/png")

    # Then
    for each in picture.renditions:
        shown = opened(each.body)
        left, right = shown.getpixel((10, 10)), shown.getpixel((each.width - 10, 10))
        if each.content_type == "image/webp":
            assert left == pytest.approx((255, 0, 0, 255), abs=4)
            assert right[3] == 0
        else:
            assert left == pytest.approx((254, 0, 0), abs=4)
            assert right == pytest.approx((255, 255, 255), abs=2)


@pytest.mark.parametrize(
    ("kind", "content_type"),
    [("GIF", "image/gif"), ("WEBP", "image/webp"), ("PNG", "image/png")],
)
def test_of_an_animation_the_first_frame_is_shown(
    rendered: Callable[..., Picture], kind: str, content_type: str
) -> None:
    picture = rendered(gif(200, 100, 3, kind), content_type)
    assert picture.animated
    for each in picture.renditions:
        shown = opened(each.body)
        assert getattr(shown, "n_frames", 1) == 1
        assert shown.convert("RGB").getpixel((50, 50)) == pytest.approx((254, 0, 0), abs=4)


@pytest.mark.parametrize(
    ("image", "color"),
    [
        (Image.new("RGB", (300, 200), (10, 120, 200)), (10, 120, 200)),
        (Image.new("RGBA", (300, 200), (10, 120, 200, 255)), (10, 120, 200)),
        (Image.new("RGBA", (300, 200), (10, 120, 200, 0)), (255, 255, 255)),
        (Image.new("L", (300, 200), 77), (77, 77, 77)),
    ],
)
def test_the_dominant_colour_is_what_most_of_a_picture_has(
    rendered: Callable[..., Picture], image: Image.Image, color: tuple[int, ...]
) -> None:
    # Given, where there is a colour, some of another one
    image.paste(
        (255, 255, 0, 255)[: len(image.getbands())] if image.mode != "L" else 250, (0, 0, 60, 60)
    )

    # When
    dominant = rendered(saved(image, "PNG"), "image/png").dominant_color

    # Then
    told = tuple(bytes.fromhex(dominant.removeprefix("#")))
    expected = (255, 255, 0) if color == (255, 255, 255) else color
    assert told == pytest.approx(expected, abs=3)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (jpeg(2000, 1500), "image/jpeg"),
        (saved(photo(500, 500, mode="RGBA"), "PNG"), "image/png"),
        (png(3, 300), "image/png"),
        (png(1, 1), "image/png"),
        (jpeg(icc_profile=srgb_profile()), "image/jpeg"),
    ],
)
def test_the_placeholder_is_a_tiny_picture_of_the_same_shape(
    rendered: Callable[..., Picture], body: bytes, content_type: str
) -> None:
    picture = rendered(body, content_type)
    media_type, _, encoded = picture.placeholder.partition(",")
    assert media_type == "data:image/webp;base64"
    assert len(picture.placeholder) <= 1024
    shown = opened(base64.b64decode(encoded))
    assert max(shown.size) <= 16
    assert "icc_profile" not in shown.info
    assert (shown.width > shown.height) == (picture.width > picture.height)


def test_the_same_file_always_makes_the_same_renditions(rendered: Callable[..., Picture]) -> None:
    body = jpeg(1000, 700)
    assert rendered(body) == rendered(body)


def noisy(kind: str, **options: object) -> bytes:
    return saved(photo(400, 300), kind, **options)


BAD: dict[str, tuple[Callable[[], bytes], ContentType, str]] = {
    "another type": (lambda: noisy("PNG"), "image/jpeg", "image/png, not image/jpeg"),
    "a bomb": (bomb, "image/png", "30000 by 30000 pixels, more than 100 million"),
    "too high": (lambda: png(2, 17_000), "image/png", "too high"),
    "cut, with an end put on": (
        lambda: noisy("JPEG")[:4000] + b"\xff\xd9",
        "image/jpeg",
        "damaged",
    ),
    "a damaged png": (
        lambda: noisy("PNG")[:4000] + bytes(99) + noisy("PNG")[4099:],
        "image/png",
        "damaged",
    ),
    "a damaged gif": (lambda: b"GIF89a" + bytes(4) + noisy("GIF")[10:], "image/gif", "no width"),
    "a damaged webp": (
        lambda: noisy("WEBP")[:100] + bytes(2000) + noisy("WEBP")[2100:],
        "image/webp",
        "damaged",
    ),
    "a jpeg of two frames": (
        lambda: b"\xff\xd8\xff\xc0\x00\x0b\x08\x00\x10\x00\x10\x01\x01\x11\x00" + noisy("JPEG")[2:],
        "image/jpeg",
        "damaged",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_picture_is_refused_with_a_reason(
    rendered: Callable[..., Picture], name: str
) -> None:
    make, content_type, reason = BAD[name]
    with pytest.raises(PictureRefused, match=reason) as refused:
        rendered(make(), content_type)
    assert refused.value.reason.endswith(".")


def test_a_picture_that_must_be_held_whole_may_be_less_large(
    rendered: Callable[..., Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renditions, "MAX_PIXELS_AT_ONCE", 10_000)
    assert rendered(jpeg(200, 100)).width == 200
    with pytest.raises(PictureRefused, match="pixels"):
        rendered(jpeg(200, 100, progressive=True))
    with pytest.raises(PictureRefused, match="pixels"):
        rendered(webp(200, 100), "image/webp")


def test_a_size_that_the_decoder_reads_otherwise_is_refused(
    rendered: Callable[..., Picture], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(renditions, "read_header", lambda _: Header("image/jpeg", 10, 10))
    with pytest.raises(PictureRefused, match="two sizes"):
        rendered(jpeg())


def test_a_harmless_warning_refuses_no_picture(rendered: Callable[..., Picture]) -> None:
    # Given a file with two stray bytes before a marker, as some cameras write it
    body = jpeg().replace(b"\xff\xda", b"\x00\x00\xff\xda", 1)

    # When, then
    assert rendered(body).width == 640


def test_loaders_that_are_not_for_files_of_strangers_are_shut() -> None:
    with pytest.raises(renditions.pyvips.Error):
        renditions.pyvips.Image.new_from_buffer(b"P5 1 1 255 \x00", "")


def test_the_profile_of_a_wide_gamut_is_kept_and_the_dominant_colour_converted(
    rendered: Callable[..., Picture],
) -> None:
    # Given a profile under which the same numbers are other colours
    lab = ImageCms.createProfile("sRGB")
    profile = bytearray(ImageCms.ImageCmsProfile(lab).tobytes())
    # Red's and green's primaries change places.
    red, green = profile.find(b"rXYZ"), profile.find(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    body = saved(Image.new("RGB", (200, 100), (255, 0, 0)), "PNG", icc_profile=bytes(profile))

    # When
    picture = rendered(body, "image/png")

    # Then
    assert opened(picture.renditions[0].body).info["icc_profile"] == bytes(profile)
    assert picture.dominant_color.startswith("#0")
    assert picture.dominant_color[3:5] > "e0"
