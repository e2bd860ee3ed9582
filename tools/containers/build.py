"""Builds one image for each family of functions; what has not changed is kept."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tools.catalogue import families
from tools.containers.build_secrets import build_secrets
from tools.containers.buildah import Buildah
from tools.containers.docker import Docker
from tools.containers.engine import Recipe, Target
from tools.containers.inputs import base_content, image_content, labels
from tools.containers.record import BuiltImage, read_record, write_record
from tools.containers.store import CONTAINERS, IMAGES
from tools.dependencies.buildah import buildah_hindrance
from tools.dependencies.docker import docker_builds
from tools.packaging.platforms import this_machine
from tools.project import exclusive

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tools.containers.engine import Engine

__all__ = ["BuiltImage", "build_base", "build_images", "why_not_here"]

_BASE = "base"


def why_not_here() -> str | None:
    """Say why images cannot be built on this machine, None if they can; nothing is installed."""
    return None if docker_builds() else buildah_hindrance()


def build_base(report: Callable[[str], None], architecture: str | None = None) -> str:
    """
    Build, or pull, the base image alone.

    Returns
    -------
    str
        Its digest.

    Raises
    ------
    Problem
        If nothing here builds images, or the build fails.
    """
    with exclusive(CONTAINERS):
        return _Build(architecture).base(report).digest


def build_images(
    report: Callable[[str], None], architecture: str | None = None
) -> dict[str, BuiltImage]:
    """
    Build what has changed.

    Parameters
    ----------
    report
        Told where it is.
    architecture
        As Lambda calls it; this machine's, where nothing is said.

    Returns
    -------
    dict
        The image of each family.

    Raises
    ------
    Problem
        If nothing here builds images, or a build fails.
    """
    with exclusive(CONTAINERS):
        return _Build(architecture).families(report)


class _Build:
    """One run: with what, for what, and what there is from the runs before."""

    def __init__(self, architecture: str | None) -> None:
        self._docker = docker_builds()
        self._target = Target(IMAGES, architecture or this_machine().architecture)
        self._base_content = base_content(
            "docker" if self._docker else "buildah", self._target.architecture
        )
        self._known = read_record()

    def base(self, report: Callable[[str], None]) -> BuiltImage:
        known = self._known.get(self._target.name(_BASE))
        if known and known.is_current(self._base_content):
            return known
        with self._engine() as engine:
            engine.build_base(self._target, report)
            return self._built(_BASE, self._base_content, engine)

    def families(self, report: Callable[[str], None]) -> dict[str, BuiltImage]:
        contents = {family: image_content(family, self._base_content) for family in families()}
        stale = {
            family.name: Recipe(family.source / "Dockerfile", labels(family))
            for family, content in contents.items()
            if not self._is_current(family.name, content)
        }
        if stale:
            self.base(report)
            with self._engine() as engine:
                engine.build(stale, self._target, report)
                for family, content in contents.items():
                    if family.name in stale:
                        self._built(family.name, content, engine)
        report(f"built {', '.join(stale)}" if stale else "unchanged")
        return {family.name: self._known[self._target.name(family.name)] for family in contents}

    def _is_current(self, name: str, content: str) -> bool:
        known = self._known.get(self._target.name(name))
        return known is not None and known.is_current(content)

    def _built(self, name: str, content: str, engine: Engine) -> BuiltImage:
        images = self._target.images
        image = BuiltImage(
            family=name,
            architecture=self._target.architecture,
            digest=images.named(self._target.name(name)),
            base=images.named(self._target.name(_BASE)),
            stand_in=engine.stand_in,
            content=content,
        )
        self._known[self._target.name(name)] = image
        write_record(self._known)
        return image

    @contextmanager
    def _engine(self) -> Iterator[Engine]:
        with build_secrets() as secrets:
            engine: Engine = (
                Docker(secrets) if self._docker else Buildah(CONTAINERS / "buildah", secrets)
            )
            engine.check(self._target.architecture)
            yield engine
