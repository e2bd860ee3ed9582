"""Files of the project's tools are written whole or not at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.project import replace_text

if TYPE_CHECKING:
    from pathlib import Path


def test_who_is_stopped_while_writing_leaves_the_file_before(tmp_path: Path) -> None:
    # Given
    record = tmp_path / "built.json"
    replace_text(record, "{}")

    # When: a character that no file can hold ends it in the middle
    with pytest.raises(UnicodeEncodeError):
        replace_text(record, "x" * 100_000 + "\ud800")

    # Then
    assert record.read_text() == "{}"
