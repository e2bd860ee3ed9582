"""Versions of functions that no alias names and nobody will go back to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from itemstream.cleanup.tasks import PagedTask, Removal, Step

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["FunctionVersions", "PublishedVersions"]

KEPT = 3


class PublishedVersions(Protocol):
    """What Lambda knows of versions."""

    def published(self, function: str) -> list[int]:
        """Return the versions of a function; none if there is no such function."""

    def aliased(self, function: str) -> set[int]:
        """Return those that its aliases name, the ones they give a part of the calls too."""

    def remove(self, function: str, versions: list[int]) -> Removal:
        """Remove versions; Lambda keeps one that an alias names by now."""


class FunctionVersions(PagedTask):
    """
    Removes old versions, and keeps the newest three and those that aliases name.

    Parameters
    ----------
    functions
        Names of functions.
    versions
        What Lambda knows of them.
    """

    name = "versions"

    def __init__(self, functions: Sequence[str], versions: PublishedVersions) -> None:
        self._functions = sorted(functions)
        self._versions = versions

    def step(self, position: str | None, *, dry_run: bool) -> Step:
        """Look at one function; the position is the name of the one before."""
        remaining = [name for name in self._functions if position is None or name > position]
        if not remaining:
            return Step(Removal(), None)
        function = remaining[0]
        old = sorted(self._versions.published(function))[:-KEPT]
        if old:
            # After the versions: an alias that moved meanwhile names a version that is newer.
            aliased = self._versions.aliased(function)
            old = [version for version in old if version not in aliased]
        removal = Removal(removed=len(old))
        if old and not dry_run:
            removal = self._versions.remove(function, old)
        return Step(removal, function if remaining[1:] else None)
