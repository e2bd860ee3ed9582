"""An OCI layout: images by name and by digest, and only such as Lambda runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.container_images import built
from tools.containers import layout
from tools.containers.layout import Layout
from tools.project import Problem

if TYPE_CHECKING:
    from pathlib import Path

INDEX = "application/vnd.oci.image.index.v1+json"


def test_an_image_is_found_by_its_name_and_by_its_digest(tmp_path: Path) -> None:
    # Given
    images = Layout(tmp_path / "images")

    # When
    images.take(built(tmp_path / "one", b"first layer"), "one")
    images.take(built(tmp_path / "two", b"second"), "two")

    # Then
    manifest = images.manifest(images.named("one"))
    assert [size for _, size in manifest.layers] == [len(b"first layer")]
    assert manifest.configuration["config"]["User"] == "993:990"
    assert images.named("two") != images.named("one")


def test_a_new_image_takes_the_name_and_the_old_one_keeps_its_digest(tmp_path: Path) -> None:
    # Given
    images = Layout(tmp_path / "images")
    images.take(built(tmp_path / "old", b"old"), "one")
    old = images.named("one")

    # When
    images.take(built(tmp_path / "new", b"new"), "one")

    # Then
    assert images.named("one") != old
    assert images.holds(old)
    assert [size for _, size in images.manifest(old).layers] == [len(b"old")]


def test_an_index_of_several_platforms_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Problem, match="which Lambda does not run: build it for one platform"):
        Layout(tmp_path / "images").take(built(tmp_path / "one", b"layer", INDEX), "one")


def test_a_digest_that_is_not_there_is_a_problem_with_its_remedy(tmp_path: Path) -> None:
    digest = f"sha256:{'0' * 64}"
    with pytest.raises(Problem, match=rf"no image {digest} here\. `make images`"):
        Layout(tmp_path).manifest(digest)


def test_a_name_that_is_not_there_is_a_problem_with_its_remedy(tmp_path: Path) -> None:
    with pytest.raises(Problem, match=r"No image is called crud-arm64 .* `make images`"):
        Layout(tmp_path).named("crud-arm64")


def test_a_copy_that_was_stopped_half_way_is_no_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given: a copy from another file system, which ends in its middle
    images = Layout(tmp_path / "images")
    copied: list[str] = []

    def stopped(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:3])
        copied.append(f"sha256:{source.name}")
        raise OSError("no room")

    with monkeypatch.context() as patched:
        patched.setattr(layout.shutil, "move", stopped)
        with pytest.raises(OSError, match="no room"):
            images.take(built(tmp_path / "first", b"layer"), "one")
    assert not images.holds(copied[0])

    # When
    images.take(built(tmp_path / "second", b"layer"), "one")

    # Then
    [(layer, _)] = images.manifest(images.named("one")).layers
    assert images.blob(layer).read_bytes() == b"layer"
