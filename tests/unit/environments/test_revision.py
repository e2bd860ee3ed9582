"""What is deployed is a commit: a tree that differs from it is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.commands import run
from tools.infrastructure import revision
from tools.infrastructure.revision import clean_revision
from tools.project import Problem

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit."""
    (tmp_path / "file").write_text("one")
    for command in (
        ["git", "init", "--quiet"],
        ["git", "add", "file"],
        ["git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "One"],
    ):
        run(command, folder=tmp_path)
    monkeypatch.setattr(revision, "ROOT", tmp_path)
    return tmp_path


def test_a_commit_is_what_it_is(checkout: Path) -> None:
    found = clean_revision()
    assert len(found.commit) == 40
    assert found.changed == ()


@pytest.mark.parametrize("name", ["file", "new file"])
def test_a_dirty_tree_is_refused_with_its_files(checkout: Path, name: str) -> None:
    (checkout / name).write_text("two")
    with pytest.raises(Problem, match=f"differ from the commit .*{name}.*--allow-dirty"):
        clean_revision()


def test_a_dirty_tree_is_taken_if_somebody_says_so(checkout: Path) -> None:
    (checkout / "file").write_text("two")
    assert clean_revision(allow_dirty=True).changed == ("file",)


def test_what_is_no_checkout_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(revision, "ROOT", tmp_path)
    with pytest.raises(Problem, match="Deploy from a checkout"):
        clean_revision()
