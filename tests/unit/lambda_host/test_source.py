"""What counts as a change of the source."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tools.lambda_host.source import Source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def save(file: Path) -> None:
    file.write_text("x = 2")
    os.utime(file, ns=(1, 1))


def replace(file: Path) -> None:
    other = file.with_name("other.py")
    other.write_text("x = 1")
    other.rename(file)
    os.utime(file, ns=(2, 2))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "functions/crud/create.py"
    file.parent.mkdir(parents=True)
    file.write_text("x = 1")
    return file


@pytest.mark.parametrize(
    "change",
    [
        save,
        replace,
        lambda file: file.unlink(),
        lambda file: file.rename(file.with_name("renamed.py")),
        lambda file: file.with_name("added.py").touch(),
    ],
    ids=["saved", "replaced", "removed", "renamed", "added"],
)
def test_a_change_makes_another_version(
    tmp_path: Path, file: Path, change: Callable[[Path], None]
) -> None:
    # Given
    source = Source(tmp_path)
    before = source.version()

    # When
    change(file)

    # Then
    assert source.version() != before


def test_byte_code_hidden_files_and_other_folders_do_not_matter(tmp_path: Path, file: Path) -> None:
    # Given
    source = Source(tmp_path)
    before = source.version()

    # When
    for name in ("functions/__pycache__/create.pyc", "functions/.swap", "docs/new.md"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    # Then
    assert source.version() == before
