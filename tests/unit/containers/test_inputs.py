"""An image is another one when what it is made of changes, and only then."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from tools import commands
from tools.catalogue import Family, families
from tools.containers import inputs
from tools.project import ROOT

if TYPE_CHECKING:
    from pathlib import Path

REVISION = "org.opencontainers.image.revision"
SOURCE = "org.opencontainers.image.source"
AUTHOR = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of one family, committed."""
    (tmp_path / "one").mkdir()
    (tmp_path / "one/get.py").write_text("1")
    monkeypatch.setattr(inputs, "ROOT", tmp_path)
    monkeypatch.setattr(inputs, "_SHARED", ())
    monkeypatch.setattr(
        inputs, "run", lambda command: commands.run(command, folder=tmp_path, environment=None)
    )
    monkeypatch.delenv("GITHUB_REPOSITORY", raising=False)
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *AUTHOR, *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def commit(folder: Path) -> str:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "a change")
    return git(folder, "rev-parse", "HEAD")


def test_a_commit_beside_an_image_does_not_change_it(clone: Path) -> None:
    # Given
    family = Family("one", clone / "one")
    before = inputs.image_content(family, "base")

    # When
    (clone / "README.md").write_text("more")
    commit(clone)

    # Then
    assert inputs.image_content(family, "base") == before


def test_the_revision_is_the_last_commit_that_touched_it(clone: Path) -> None:
    # Given
    family = Family("one", clone / "one")
    before = inputs.image_content(family, "base")

    # When
    (clone / "one/get.py").write_text("2")
    revision = commit(clone)

    # Then
    assert inputs.labels(family)[REVISION] == revision
    assert inputs.image_content(family, "base") != before


def test_what_is_not_committed_is_told(clone: Path) -> None:
    # When
    (clone / "one/get.py").write_text("2")

    # Then
    head = git(clone, "rev-parse", "HEAD")
    assert inputs.labels(Family("one", clone / "one"))[REVISION] == f"{head}-dirty"


def test_the_package_above_a_family_is_among_what_its_image_is_made_of() -> None:
    made_of = {family.name: inputs.image_files(family) for family in families()}
    assert ROOT / "functions/__init__.py" in made_of["crud"]
    assert ROOT / "functions/__init__.py" not in made_of["scheduled"]


def test_another_base_makes_another_image(clone: Path) -> None:
    family = Family("one", clone / "one")
    assert inputs.image_content(family, "one") != inputs.image_content(family, "other")


@pytest.mark.parametrize(
    "origin",
    [
        "git@github.com:someone/itemstream.git",
        "https://github.com/someone/itemstream",
        "https://user:password@github.com/someone/itemstream.git",
    ],
)
def test_the_source_is_an_address_for_people(clone: Path, origin: str) -> None:
    # When
    git(clone, "remote", "add", "origin", origin)

    # Then
    source = inputs.labels(Family("one", clone / "one"))[SOURCE]
    assert source == "https://github.com/someone/itemstream"


def test_without_a_repository_nothing_is_claimed(
    clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # When
    (clone / ".git").rename(clone.parent / "history")
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(clone.parent))

    # Then
    assert inputs.labels(Family("one", clone / "one")) == {}
