"""The table of images: how large they are, and what is in them."""

from __future__ import annotations

import re
import tarfile
from collections import Counter
from typing import TYPE_CHECKING

from rich.table import Table

from tools.containers.store import IMAGES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tools.containers.record import BuiltImage

__all__ = ["largest_parts", "table_of", "write_table"]

_COLUMNS = ("image", "over the base", "whole", "largest parts, unpacked", "digest")
_PARTS = 5
# A package of the shared base image, or a file or folder of the function's own.
_PART = re.compile(r"(?:opt/python|var/task)/([^/]+)")
_BEGIN, _END = "<!-- images: made by `itemstream images --document` -->", "<!-- /images -->"


def table_of(images: Iterable[BuiltImage]) -> Table:
    """Return the table for a terminal."""
    table = Table(*_COLUMNS, box=None, header_style="dim")
    for column in (1, 2):
        table.columns[column].justify = "right"
    for row in _rows(images):
        table.add_row(*row)
    return table


def write_table(images: Iterable[BuiltImage], document: Path) -> None:
    """Write the table between its marks in a document."""
    # Without digests, which the next commit changes.
    rows = [_COLUMNS, ("---", "--:", "--:", "---"), *_rows(images)]
    lines = "\n".join(f"| {' | '.join(row[:4])} |" for row in rows)
    before, _, rest = document.read_text().partition(_BEGIN)
    _, _, after = rest.partition(_END)
    document.write_text(f"{before}{_BEGIN}\n{lines}\n{_END}{after}")


def largest_parts(image: BuiltImage) -> list[tuple[str, int]]:
    """Return what takes most room over the base image, in bytes unpacked."""
    base = {layer for layer, _ in IMAGES.manifest(image.base).layers}
    parts: Counter[str] = Counter()
    for layer, _ in IMAGES.manifest(image.digest).layers:
        if layer not in base:
            with tarfile.open(IMAGES.blob(layer)) as archive:
                for member in archive:
                    if found := _PART.match(member.name):
                        parts[found[1]] += member.size
    return parts.most_common(_PARTS)


def _rows(images: Iterable[BuiltImage]) -> list[tuple[str, ...]]:
    return [
        (
            image.family,
            _megabytes(image.size_over_base),
            _megabytes(image.size),
            " · ".join(f"{name} {_megabytes(size)}" for name, size in largest_parts(image)),
            image.digest[:19],
        )
        for image in images
    ]


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"
