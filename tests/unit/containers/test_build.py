"""Only what has changed is built, by whatever builds images here."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.fakes.container_images import built
from tools.catalogue import Family
from tools.containers import build, buildah, record, store
from tools.containers.layout import Layout
from tools.dependencies import buildah as installing
from tools.project import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tools.containers.engine import Recipe, Target


class Engine:
    """Builds images of the families' names and contents."""

    stand_in = True

    def __init__(self, project: Project) -> None:
        self._project = project

    def check(self, architecture: str) -> None:
        if architecture == "arm64":
            raise Problem("not here")

    def build_base(self, target: Target, report: Callable[[str], None]) -> None:
        self._put("base", b"base", target)

    def build(
        self, families: Mapping[str, Recipe], target: Target, report: Callable[[str], None]
    ) -> None:
        for name in families:
            self._put(name, self._project.contents[name].encode(), target)

    def _put(self, name: str, layer: bytes, target: Target) -> None:
        self._project.built.append(name)
        folder = self._project.folder / f"{name}-{len(self._project.built)}"
        target.images.take(built(folder, layer), target.name(name))


class Project:
    """Two families, and what was built of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.contents = {"one": "1", "two": "2"}
        self.built: list[str] = []

    def build(self) -> list[str]:
        """Build; return what was built anew."""
        self.built.clear()
        build.build_images(lambda _: None, "x86_64")
        return list(self.built)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    project = Project(tmp_path)
    images = Layout(tmp_path / "images")
    for module in (build, record, store):
        monkeypatch.setattr(module, "IMAGES", images)
    monkeypatch.setattr(build, "CONTAINERS", tmp_path / "containers")
    monkeypatch.setattr(record, "_RECORD", tmp_path / "built.json")
    monkeypatch.setattr(build, "docker_builds", lambda: False)
    monkeypatch.setattr(build, "Buildah", lambda *_: Engine(project))
    monkeypatch.setattr(
        build, "families", lambda: [Family(name, tmp_path / name) for name in project.contents]
    )
    monkeypatch.setattr(build, "labels", lambda _: {})
    monkeypatch.setattr(
        build, "image_content", lambda family, base: base + project.contents[family.name]
    )
    return project


def test_nothing_is_built_twice(project: Project) -> None:
    assert project.build() == ["base", "one", "two"]
    assert project.build() == []


def test_a_changed_family_is_built_alone(project: Project) -> None:
    # Given
    project.build()

    # When
    project.contents["two"] = "another"

    # Then
    assert project.build() == ["two"]


def test_an_image_that_was_deleted_is_built_again(project: Project) -> None:
    # Given
    project.build()
    lost = record.read_record()["one-x86_64"]

    # When
    build.IMAGES.blob(lost.digest).unlink()

    # Then
    assert project.build() == ["one"]


def test_what_is_ours_is_counted_without_the_base(project: Project) -> None:
    # Given
    project.build()

    # Then
    one = record.read_record()["one-x86_64"]
    assert one.size == one.size_over_base == len("1")
    assert one.location == f"oci:{project.folder}/images:one-x86_64"


def test_an_architecture_that_cannot_be_built_stops_before_anything_is(project: Project) -> None:
    with pytest.raises(Problem, match="not here"):
        build.build_images(lambda _: None, "arm64")
    assert project.built == []


def test_without_root_and_docker_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Given
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(build, "docker_builds", lambda: False)

    # Then
    assert build.why_not_here() == "buildah builds as root only"
    with pytest.raises(Problem, match=r"Start Docker with its plugin buildx .* run the command as"):
        buildah.Buildah(tmp_path, {})


def test_where_there_is_no_apt_it_is_said_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Given: root on another system
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setenv("PATH", str(tmp_path))

    # Then
    with pytest.raises(Problem, match="buildah is missing, and only on Debian"):
        installing.find_buildah()
    with pytest.raises(Problem, match="sudo apt-get install mmdebstrap"):
        installing.find_mmdebstrap()
