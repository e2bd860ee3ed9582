"""Archives depend on their content alone."""

from __future__ import annotations

import os
import zipfile
from typing import TYPE_CHECKING

from tools.packaging.archives import archive_sha256, members_below, write_archive

if TYPE_CHECKING:
    from pathlib import Path


def make_files(folder: Path, *, when: int, backwards: bool) -> Path:
    names = ["b.py", "a.py", "bin.so"]
    folder.mkdir()
    for name in reversed(names) if backwards else names:
        path = folder / name
        path.write_text(f"# {name}")
        path.chmod(0o600 if backwards else 0o644)
        os.utime(path, (when, when))
    return folder


def test_times_order_and_permissions_do_not_show(tmp_path: Path) -> None:
    # Given
    first = make_files(tmp_path / "first", when=1_000_000_000, backwards=False)
    second = make_files(tmp_path / "second", when=1_500_000_000, backwards=True)

    # When
    write_archive(tmp_path / "first.zip", members_below(first, "python/"))
    write_archive(tmp_path / "second.zip", members_below(second, "python/"))

    # Then
    assert archive_sha256(tmp_path / "first.zip") == archive_sha256(tmp_path / "second.zip")
    entries = zipfile.ZipFile(tmp_path / "first.zip").infolist()
    assert [entry.filename for entry in entries] == ["python/a.py", "python/b.py", "python/bin.so"]
    # Lambda's user is not the one who built the archive.
    assert [oct(entry.external_attr >> 16) for entry in entries] == [
        "0o100644",
        "0o100644",
        "0o100755",
    ]


def test_content_shows(tmp_path: Path) -> None:
    # Given
    folder = make_files(tmp_path / "files", when=1_000_000_000, backwards=False)
    write_archive(tmp_path / "before.zip", members_below(folder, ""))

    # When
    (folder / "a.py").write_text("# another")
    write_archive(tmp_path / "after.zip", members_below(folder, ""))

    # Then
    assert archive_sha256(tmp_path / "before.zip") != archive_sha256(tmp_path / "after.zip")
