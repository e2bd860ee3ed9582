"""One photograph of 12 megapixels made into renditions: CPU, memory, and what each choice saves.

The floor is what comes to mind first: Pillow opens, decodes and resizes the file for each size.
Beside it the same with one decode, made small by the decoder (`draft`), and each size from the next
larger one; and libvips, which is what the function uses. All encode WebP and JPEG of each size.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from PIL import Image

from benchmarks.measure import Comparison, cpu_of, function_environment, interleaved

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTH, HEIGHT = 4000, 3000
HIGHEST_RATIO = 0.33
MEGABYTES = 256

# Prints the milliseconds of CPU, of all threads, that one call takes.
CPU = """
import time
def report(call):
    call()
    began = time.process_time()
    for _ in range(2):
        call()
    print((time.process_time() - began) / 2 * 1000)
"""
# Prints the most memory that the process had since it began, in MB. (What getrusage says of a child
# begins with what its parent has.)
MEMORY = """
import re
def report(call):
    call()
    status = Path("/proc/self/status").read_text()
    print(int(re.search(r"VmHWM:\\s+(\\d+) kB", status)[1]) / 1024)
"""
PILLOW = """
import io
from PIL import Image
def encoded(image, effort):
    for kind, options in (("WEBP", {"quality": 80, "method": effort}), ("JPEG", {"quality": 82})):
        image.save(io.BytesIO(), kind, **options)
def keep(image, effort): pass
"""
PLAIN = (
    PILLOW
    + """
def plain(file, finish, effort=4):
    for width in (1600, 800, 320, 128):
        image = Image.open(file)
        image.load()
        height = round(image.height * width / image.width)
        finish(image.resize((width, height), Image.Resampling.LANCZOS), effort)
"""
)
DRAFT = (
    PILLOW
    + """
def draft(file, finish, effort=4):
    image = Image.open(file)
    height, width = image.height, image.width
    image.draft("RGB", (1600, 1600))
    for each in (1600, 800, 320, 128):
        image = image.resize((each, round(height * each / width)), Image.Resampling.LANCZOS)
        finish(image, effort)
"""
)
OURS = """
from pathlib import Path
from itemstream.images import renditions
from itemstream.images.file_formats import Header
def decode_and_resize(file):
    image = renditions._decode(Path(file), Header("image/jpeg", 4000, 3000), 1600)
    for width in (800, 320, 128):
        image = renditions._narrowed(image, width)
"""
WHOLE = {
    "Pillow for each size": PLAIN + "report(lambda: plain(file, encoded))",
    "… with our WebP effort": PLAIN + "report(lambda: plain(file, encoded, 1))",
    "Pillow, one draft": DRAFT + "report(lambda: draft(file, encoded))",
    "… one draft, our effort": DRAFT + "report(lambda: draft(file, encoded, 1))",
    "libvips (render)": OURS + "report(lambda: renditions.render(Path(file), kind))",
}
PIXELS = {
    "Pillow for each size": PLAIN + "report(lambda: plain(file, keep))",
    "Pillow, one draft": DRAFT + "report(lambda: draft(file, keep))",
    "libvips": OURS + "report(lambda: decode_and_resize(file))",
}
EFFORT = (
    OURS
    + """
renditions.WEBP_EFFORT = {effort}
image = renditions._decode(Path(file), Header("image/jpeg", 4000, 3000), 1600)
"""
)
BYTES = """
made = renditions.render(Path(file), kind).renditions
print(sum(len(each.body) for each in made if each.content_type == "image/webp") / 1024)
"""
FILES = {
    "JPEG": ("image/jpeg", {"quality": 90}),
    "progressive JPEG": ("image/jpeg", {"quality": 90, "progressive": True}),
    "PNG": ("image/png", {"compress_level": 1}),
    "WebP": ("image/webp", {"quality": 90, "method": 0}),
}


def main(rounds: int = 5) -> None:
    """Measure and report."""
    environment = function_environment()
    with tempfile.TemporaryDirectory() as folder:
        files = photographs(Path(folder))

        def run(
            programs: dict[str, str], report: str = CPU, name: str = "JPEG"
        ) -> dict[str, Callable[[], float]]:
            given = f"file, kind = {files[name]!r}\n"
            return {
                name: partial(cpu_of, given + report + code, environment)
                for name, code in programs.items()
            }

        floor = "Pillow for each size"
        interleaved(
            Comparison(
                "Images, decode and resize", "ms of CPU", floor, goals={"libvips": HIGHEST_RATIO}
            ),
            run(PIXELS),
            rounds,
        ).report()
        interleaved(
            Comparison(
                "Images, whole",
                "ms of CPU",
                floor,
                goals={"libvips (render)": HIGHEST_RATIO},
                against={"… one draft, our effort": "… with our WebP effort"},
            ),
            run(WHOLE),
            rounds,
        ).report()

        efforts = {
            f"effort {effort}": EFFORT.replace("{effort}", str(effort)) for effort in (4, 2, 1, 0)
        }
        measured = {
            name: code + "report(lambda: renditions._encoded(image))"
            for name, code in efforts.items()
        }
        interleaved(
            Comparison("WebP and JPEG of 1600 px", "ms of CPU", "effort 4"), run(measured), rounds
        ).report()
        sizes = {name: code + BYTES for name, code in efforts.items()}
        interleaved(Comparison("All WebP of one image", "kB", "effort 4"), run(sizes), 1).report()

        limit = f"the limit of {MEGABYTES} MB"
        programs: dict[str, Callable[[], float]] = {limit: lambda: MEGABYTES}
        for name in files:
            programs |= run({name: WHOLE["libvips (render)"]}, MEMORY, name)
        goals = dict.fromkeys(files, 1.0)
        interleaved(
            Comparison("Images, peak memory", "MB", limit, goals=goals), programs, 1
        ).report()


def photographs(folder: Path) -> dict[str, tuple[str, str]]:
    """Write one picture in each format; return its file and content type by name."""
    picture = photograph()
    files = {}
    for name, (content_type, options) in FILES.items():
        file = folder / name.replace(" ", "_")
        picture.save(file, content_type.removeprefix("image/"), **options)
        files[name] = (str(file), content_type)
    return files


def photograph() -> Image.Image:
    """Make shapes of all sizes, from half of the picture to a few pixels, and some noise."""
    random = Random(1)  # noqa: S311
    bands = []
    for _ in range(3):
        band = Image.new("L", (WIDTH, HEIGHT), 128)
        for detail, weight in ((8, 0.5), (40, 0.3), (200, 0.2), (1000, 0.1)):
            size = (detail, detail * HEIGHT // WIDTH)
            noise = Image.frombytes("L", size, random.randbytes(size[0] * size[1]))
            large = noise.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
            band = Image.blend(band, large, weight)
        bands.append(band)
    return Image.merge("RGB", bands)


if __name__ == "__main__":
    main()
