"""The manifest of packages, build/artifacts.json: which images and archives a plan is for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tools.packaging.package import package
from tools.packaging.platforms import lambda_platform
from tools.project import ROOT, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tools.infrastructure.revision import Revision

__all__ = ["MANIFEST", "planned_artifacts", "pushed_artifacts", "pushed_images", "write_pushed"]

MANIFEST = ROOT / "build" / "artifacts.json"
_PUSHED = "pushed"


def write_pushed(
    architecture: str, registry: str, digests: Mapping[str, str], revision: Revision
) -> Path:
    """Package, and write the manifest that names images as they were pushed, and their commit."""
    path, _ = package(MANIFEST.parent, lambda_platform(architecture), registry, digests)
    manifest = {**json.loads(path.read_text()), _PUSHED: {"commit": revision.commit}}
    path.write_text(json.dumps(manifest, indent=2) + "\n")
    return path


def pushed_artifacts(revision: Revision, manifest: Path = MANIFEST) -> Path:
    """
    Return the manifest, if its images were pushed and are of this commit.

    Raises
    ------
    Problem
        If digests are missing, or are another commit's.
    """
    document = _read(manifest)
    commit = document.get(_PUSHED, {}).get("commit")
    if commit is None:
        raise Problem(
            f"{manifest} names no images that are in a registry: their digests are missing. Build "
            "and push them: itemstream push"
        )
    if commit != revision.commit:
        raise Problem(
            f"The images in {manifest} are of the commit {commit[:12]}, and "
            f"{revision.commit[:12]} is checked out. Push again: itemstream push"
        )
    return manifest


def planned_artifacts(
    architecture: str, registry: str, revision: Revision, manifest: Path = MANIFEST
) -> tuple[Path, bool]:
    """Return a manifest that is good to look at a plan, and whether its images are pushed ones."""
    try:
        return pushed_artifacts(revision, manifest), True
    except Problem:
        return package(manifest.parent, lambda_platform(architecture), registry)[0], False


def pushed_images(manifest: Path) -> dict[str, str]:
    """Return the images that a manifest names, by family, as <registry>/<name>@<digest>."""
    return {name: entry["image_uri"] for name, entry in _read(manifest)["families"].items()}


def _read(manifest: Path) -> dict[str, Any]:
    try:
        document: dict[str, Any] = json.loads(manifest.read_text())
    except (OSError, ValueError):
        return {}
    return document
