"""What images are made of: the files, and the commit that changed them last."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from tools.commands import run
from tools.packaging.layer import LAYER_SOURCE
from tools.project import REQUIREMENTS, ROOT, Problem, content_hash, files_below

if TYPE_CHECKING:
    from tools.catalogue import Family

__all__ = ["base_content", "image_content", "image_files", "labels"]

_SHARED = (
    LAYER_SOURCE.parent,
    *(REQUIREMENTS / lock for lock in ("build.txt", "layer.txt", "uv.txt")),
    ROOT / ".dockerignore",
    *(
        ROOT / "tools" / file
        for file in (
            *("commands.py", "project.py", "dependencies/uv.py", "packaging/byte_code.py"),
            *("packaging/dependencies.py", "packaging/platforms.py"),
        )
    ),
)
_STAND_IN = Path(__file__).parent / "stand_in"


def image_files(family: Family) -> list[Path]:
    """List the files that an image is made of."""
    own = (family.source, *family.packages_above, *family.include)
    return files_below(*own, *filter(None, [family.requirements]), *_SHARED)


def base_content(engine: str, architecture: str) -> str:
    """Hash all that the base image depends on."""
    stand_in = (_STAND_IN, REQUIREMENTS / "runtime.txt")
    files = files_below(*stand_in) if engine == "buildah" else [ROOT / "docker-bake.hcl"]
    return content_hash(files, engine, architecture)


def image_content(family: Family, base: str) -> str:
    """Hash all that an image depends on; `base` is what its base image was made of."""
    told = [f"{name}={value}" for name, value in labels(family).items()]
    return content_hash(image_files(family), base, *told)


def labels(family: Family) -> dict[str, str]:
    """
    Return the labels that tell where an image comes from, with OCI's names: source and revision.

    The revision is the last commit that touched what the image is made of, so that commits beside
    it do not make another image.
    """
    files = [str(path.relative_to(ROOT)) for path in image_files(family)]
    try:
        revision = run(["git", "log", "-1", "--format=%H", "--", *files]).strip()
        dirty = run(["git", "status", "--porcelain", "--", *files]).strip()
    except Problem:
        # Not a clone: an archive of the source, or no git.
        return {}
    return {
        "org.opencontainers.image.revision": f"{revision}-dirty" if dirty else revision,
        "org.opencontainers.image.source": _source(),
    }


def _source() -> str:
    """Return the repository's address, for people: without a password and the suffix .git."""
    if repository := os.environ.get("GITHUB_REPOSITORY"):
        return f"{os.environ.get('GITHUB_SERVER_URL', 'https://github.com')}/{repository}"
    try:
        origin = run(["git", "config", "--get", "remote.origin.url"]).strip()
    except Problem:
        return ""
    found = re.fullmatch(r"(?:https://(?:[^@/]*@)?|git@)([\w.-]+)[:/](.+?)(?:\.git)?/?", origin)
    return f"https://{found[1]}/{found[2]}" if found else ""
