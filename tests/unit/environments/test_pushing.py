"""Images on their way to the registry: only such as AWS can run, and each of them once."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from tools.catalogue import families
from tools.environments import pushing
from tools.environments.pushing import check_images, push
from tools.infrastructure.revision import Revision
from tools.progress import Progress
from tools.project import Problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tools.infrastructure.signing_in import SignedIn


@dataclass(frozen=True)
class Image:
    """What pushing asks of a built image."""

    family: str
    digest: str
    architecture: str = "arm64"
    stand_in: bool = False

    @property
    def location(self) -> str:
        return f"oci:store:{self.digest[7:]}"


IMAGES: dict[str, Any] = {
    family.name: Image(family.name, f"sha256:{number:064}")
    for number, family in enumerate(families())
}


def test_images_for_aws_are_good() -> None:
    check_images(IMAGES, "arm64")


def test_a_family_without_an_image_is_named() -> None:
    some = {name: image for name, image in IMAGES.items() if name != "crud"}
    with pytest.raises(Problem, match="no image, so no digest, of crud"):
        check_images(some, "arm64")


def test_an_image_of_the_wrong_architecture_is_refused() -> None:
    with pytest.raises(Problem, match="is for arm64, and x86_64 is wanted"):
        check_images(IMAGES, "x86_64")


def test_an_image_on_the_stand_in_is_not_pushed() -> None:
    images = {**IMAGES, "crud": replace(IMAGES["crud"], stand_in=True)}
    with pytest.raises(Problem, match=r"image of crud is built on the stand-in.*start Docker"):
        check_images(images, "arm64")


@pytest.fixture
def copied(
    caller: SignedIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], list[str]]:
    """Push with a skopeo that notes what it is told; return its notes."""
    notes = tmp_path / "notes"
    notes.touch()
    program = tmp_path / "skopeo"
    # Copies whatever the location's tag names; the digest is that of the image so called.
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {notes}\n'
        'while [ "$1" != --digestfile ]; do shift; done\n'
        'printf "sha256:%s" "${3##*:}" > "$2"\n'
    )
    program.chmod(0o755)
    monkeypatch.setattr(pushing, "find_skopeo", lambda: str(program))
    monkeypatch.setattr(pushing, "sign_in", lambda: caller)
    monkeypatch.setattr(pushing, "build_images", lambda _: IMAGES)
    monkeypatch.setattr(pushing, "clean_revision", lambda **_: Revision("a" * 40, ()))
    monkeypatch.setattr(
        pushing, "write_pushed", lambda *written: tmp_path.joinpath(json.dumps(written[2])[:4])
    )
    return lambda: notes.read_text().splitlines()


def test_each_image_is_copied_by_a_tag_of_its_own(copied: Callable[[], list[str]]) -> None:
    # When
    push("arm64", Progress(), allow_dirty=False)

    # Then
    targets = [line.split()[-1] for line in copied()]
    assert targets == [
        f"docker://123456789012.dkr.ecr.us-east-1.amazonaws.com/itemstream-{name}"
        f":built-{image.digest[7:23]}"
        for name, image in IMAGES.items()
    ]


def test_an_image_that_is_there_is_not_copied_again(
    copied: Callable[[], list[str]],
    put_image: Callable[[str], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given a push that was interrupted after its first image
    digest = put_image("crud").partition("@")[2]
    images = {**IMAGES, "crud": replace(IMAGES["crud"], digest=digest)}
    monkeypatch.setattr(pushing, "build_images", lambda _: images)

    # When
    push("arm64", Progress(), allow_dirty=False)

    # Then
    assert len(copied()) == len(IMAGES) - 1
    assert not [line for line in copied() if "itemstream-crud:" in line]


def test_an_image_that_was_built_again_meanwhile_is_noticed(
    copied: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given an image in whose place another lies when it is copied
    class Another(Image):
        location = f"oci:store:{'f' * 64}"

    images = {**IMAGES, "crud": Another("crud", IMAGES["crud"].digest)}
    monkeypatch.setattr(pushing, "build_images", lambda _: images)

    # Then
    with pytest.raises(Problem, match="image of crud was built again while it was pushed"):
        push("arm64", Progress(), allow_dirty=False)
