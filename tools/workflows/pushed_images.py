"""The images that were pushed, as a job's output: `python -m tools.workflows.pushed_images`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from tools.progress import print_problem
from tools.project import ROOT, Problem

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["main", "pushed_images"]

_MANIFEST = ROOT / "build" / "artifacts.json"


def pushed_images(manifest: Path) -> list[dict[str, str]]:
    """
    Return each image that a manifest names: its family, registry, name and digest.

    Raises
    ------
    Problem
        If there is no manifest.
    """
    if not manifest.exists():
        raise Problem(f"{manifest} is missing. `itemstream push` writes it.")
    images = []
    for family, built in json.loads(manifest.read_text())["families"].items():
        name, _, digest = built["image_uri"].partition("@")
        registry = name.partition("/")[0]
        images.append({"family": family, "registry": registry, "name": name, "digest": digest})
    return images


def main() -> int:
    """Print the output `images`, in which a matrix finds one entry for each image."""
    try:
        print(f"images={json.dumps(pushed_images(_MANIFEST))}")
    except Problem as problem:
        print_problem(problem)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
