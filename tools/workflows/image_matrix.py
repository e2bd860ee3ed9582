"""The images that were pushed, as a job's output: `python -m tools.workflows.image_matrix`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from tools.environments.artifacts import MANIFEST, pushed_images
from tools.progress import print_problem
from tools.project import Problem

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["image_matrix", "main"]


def image_matrix(manifest: Path) -> list[dict[str, str]]:
    """
    Return for each image that a manifest names its family, registry, name and digest.

    Raises
    ------
    Problem
        If there is no manifest.
    """
    if not manifest.exists():
        raise Problem(f"{manifest} is missing. Push the images: itemstream push")
    matrix = []
    for family, image in pushed_images(manifest).items():
        name, _, digest = image.partition("@")
        registry = name.partition("/")[0]
        matrix.append({"family": family, "registry": registry, "name": name, "digest": digest})
    return matrix


def main() -> int:
    """Print the output `images`, from which a matrix makes one job for each image."""
    try:
        print(f"images={json.dumps(image_matrix(MANIFEST))}")
    except Problem as problem:
        print_problem(problem)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
