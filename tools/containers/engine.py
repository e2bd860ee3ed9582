"""What builds images, whichever it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tools.containers.layout import Layout

__all__ = ["Engine", "Recipe", "Target"]


@dataclass(frozen=True)
class Recipe:
    """A family's Dockerfile, and the labels that it does not know itself."""

    dockerfile: Path
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Target:
    """Where images go, and the architecture, as Lambda calls it, that they are for."""

    images: Layout
    architecture: str

    def name(self, image: str) -> str:
        """Return the name of an image in the layout."""
        return f"{image}-{self.architecture}"

    def location(self, image: str) -> str:
        """Return where skopeo finds an image."""
        return f"oci:{self.images.folder}:{self.name(image)}"


class Engine(Protocol):
    """
    A way to build images.

    Attributes
    ----------
    name
        The program's.
    stand_in
        Whether images are built on a stand-in for AWS's base image.
    """

    name: str
    stand_in: bool

    def check(self, architecture: str) -> None:
        """Raise a Problem if images of `architecture` cannot be built."""
        ...

    def build_base(self, target: Target, report: Callable[[str], None]) -> None:
        """Put the base image alone into `target`, as `base`; raise a Problem if that fails."""
        ...

    def build(
        self, families: Mapping[str, Recipe], target: Target, report: Callable[[str], None]
    ) -> None:
        """Put the images of families into `target`; raise a Problem if that fails."""
        ...
