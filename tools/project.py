"""Where the project's files are, and the problems its tools report to people."""

from __future__ import annotations

import fcntl
import hashlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "LOCAL",
    "REQUIREMENTS",
    "ROOT",
    "Problem",
    "content_hash",
    "exclusive",
    "files_below",
    "replace_text",
]

ROOT = Path(__file__).resolve().parents[1]
# Everything that the tools make and that `make reset` may delete.
LOCAL = ROOT / ".local"
REQUIREMENTS = ROOT / "requirements"

_NOT_CONTENT = {"__pycache__", ".terraform", ".terraform.lock.hcl", ".mypy_cache", ".ruff_cache"}


class Problem(Exception):  # noqa: N818
    """Something a person can mend: the message says what is wrong and what to do."""


def files_below(*folders: Path) -> list[Path]:
    """List the files of `folders` (or the files named themselves), sorted, caches left out."""
    found: set[Path] = set()
    for folder in folders:
        found.update([folder] if folder.is_file() else folder.rglob("*"))
    return sorted(
        path
        for path in found
        if path.is_file() and not _NOT_CONTENT.intersection(path.parts) and path.suffix != ".pyc"
    )


def content_hash(paths: Iterable[Path], *more: str) -> str:
    """
    Hash files by their place in the project and their content.

    Parameters
    ----------
    paths
        Files; below the project's root they count by their relative path.
    more
        Other values the result depends on.

    Returns
    -------
    str
        SHA-256, 64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for path in paths:
        name = path.relative_to(ROOT) if path.is_relative_to(ROOT) else path
        content = path.read_bytes()
        digest.update(f"{name.as_posix()}\0{len(content)}\0".encode())
        digest.update(content)
    for value in more:
        digest.update(f"\0{value}".encode())
    return digest.hexdigest()


def replace_text(path: Path, text: str) -> None:
    """Write a file whole: whoever is stopped meanwhile leaves the one before."""
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text)
    partial.replace(path)


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Wait until no other process makes `folder`, and keep others from it meanwhile."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
