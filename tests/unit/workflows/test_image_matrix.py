"""Each image that was pushed gets a job of its own that vouches for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.catalogue import families
from tools.project import ROOT, Problem
from tools.workflows.image_matrix import image_matrix

if TYPE_CHECKING:
    from pathlib import Path

MANIFEST = ROOT / "terraform" / "tests" / "artifacts.json"


def test_each_family_has_an_image_named_by_its_digest() -> None:
    # When
    images = {image["family"]: image for image in image_matrix(MANIFEST)}

    # Then
    assert set(images) == {family.name for family in families()}
    assert images["crud"] == {
        "family": "crud",
        "registry": "111122223333.dkr.ecr.eu-central-1.amazonaws.com",
        "name": "111122223333.dkr.ecr.eu-central-1.amazonaws.com/itemstream-crud",
        "digest": f"sha256:{'b' * 64}",
    }


def test_without_a_push_there_is_nothing_to_vouch_for(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="itemstream push"):
        image_matrix(tmp_path / "artifacts.json")
