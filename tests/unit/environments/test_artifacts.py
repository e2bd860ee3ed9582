"""The manifest of packages: good for a plan that is saved only if its images were pushed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tools.environments.artifacts import pushed_artifacts, pushed_images
from tools.infrastructure.revision import Revision
from tools.project import Problem

if TYPE_CHECKING:
    from pathlib import Path

REVISION = Revision("a" * 40, ())
IMAGES = {"crud": "host/itemstream-crud@sha256:1"}


def manifest(folder: Path, **more: object) -> Path:
    path = folder / "artifacts.json"
    families = {name: {"image_uri": uri} for name, uri in IMAGES.items()}
    path.write_text(json.dumps({"families": families, **more}))
    return path


def test_what_was_pushed_for_this_commit_is_good(tmp_path: Path) -> None:
    path = manifest(tmp_path, pushed={"commit": "a" * 40})
    assert pushed_artifacts(REVISION, path) == path
    assert pushed_images(path) == IMAGES


def test_without_a_push_the_digests_are_missing(tmp_path: Path) -> None:
    path = manifest(tmp_path)
    with pytest.raises(Problem, match=r"digests are missing.*itemstream push"):
        pushed_artifacts(REVISION, path)


def test_without_a_manifest_the_digests_are_missing(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="digests are missing"):
        pushed_artifacts(REVISION, tmp_path / "artifacts.json")


def test_images_of_another_commit_are_refused(tmp_path: Path) -> None:
    path = manifest(tmp_path, pushed={"commit": "b" * 40})
    with pytest.raises(Problem, match="are of the commit bbbbbbbbbbbb, and aaaaaaaaaaaa"):
        pushed_artifacts(REVISION, path)
