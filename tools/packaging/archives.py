"""ZIP archives that are the same, byte for byte, whenever their content is."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from typing import TYPE_CHECKING

from tools.project import files_below

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

__all__ = ["archive_sha256", "write_archive"]

# The earliest time that a ZIP archive can hold.
_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_REGULAR_FILE = 0o100000


def write_archive(target: Path, members: Iterable[tuple[str, Path]]) -> None:
    """
    Write an archive whose bytes depend on names, contents and executable bits alone.

    Parameters
    ----------
    target
        The archive; replaced at once when it is complete.
    members
        Name in the archive, and the file.
    """
    partial = target.with_suffix(".partial")
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, path in sorted(members):
            entry = zipfile.ZipInfo(name, _TIME)
            executable = path.suffix == ".so" or path.stat().st_mode & 0o111
            entry.external_attr = (_REGULAR_FILE | (0o755 if executable else 0o644)) << 16
            entry.create_system = _UNIX
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, path.read_bytes())
    partial.replace(target)


def archive_sha256(archive: Path) -> str:
    """Return the base64 SHA-256 that Lambda calls CodeSha256."""
    return base64.b64encode(hashlib.sha256(archive.read_bytes()).digest()).decode()


def members_below(folder: Path, prefix: str) -> list[tuple[str, Path]]:
    """Name every file below `folder` by its path in it, after `prefix`; byte code included."""
    byte_code = folder.rglob("__pycache__/*.pyc")
    return [
        (f"{prefix}{path.relative_to(folder).as_posix()}", path)
        for path in (*files_below(folder), *byte_code)
    ]
