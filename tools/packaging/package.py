"""Build every archive and the manifest that Terraform reads, `artifacts.json`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tools.catalogue import Family, families
from tools.packaging.archives import archive_sha256, members_below, write_archive
from tools.packaging.dependencies import compile_for, installed
from tools.packaging.layer import LAYER_SOURCE, build_layer
from tools.packaging.platforms import LAMBDA_PYTHON, Platform
from tools.project import REQUIREMENTS, ROOT, content_hash, files_below

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["LOCAL_REGISTRY", "package"]

# The registry of the local account; nothing is pulled from it.
LOCAL_REGISTRY = "000000000000.dkr.ecr.us-east-1.amazonaws.com"
_MANIFEST = "artifacts.json"
_TASK_ROOT = "/var/task"
_THIS_PACKAGE = Path(__file__).parent
# As in .dockerignore.
_NOT_SHIPPED = ("__pycache__", "*.pyc", "Dockerfile", ".*", "*.key", "*.pem")


def package(
    folder: Path, platform: Platform, registry: str, digests: Mapping[str, str] | None = None
) -> tuple[Path, list[str]]:
    """
    Build the layer and an archive for each family; what has not changed is kept.

    Parameters
    ----------
    folder
        Where archives and manifest go.
    platform
        What the archives are for.
    registry
        The container registry of the families' images.
    digests
        The images' digests by family. Without, an image is named by a digest of what it would be
        built of: nobody pulls it, but what has changed is seen.

    Returns
    -------
    tuple
        The manifest, and the names of the archives that were built anew.
    """
    folder.mkdir(parents=True, exist_ok=True)
    built: list[str] = []

    def current(name: str, content: str, build: Callable[[Path], None]) -> dict[str, str]:
        """Build an archive unless the one there was made of the same content."""
        archive = folder / f"{name}.zip"
        stamp = folder / f"{name}.content"
        if not archive.exists() or not stamp.exists() or stamp.read_text() != content:
            build(archive)
            stamp.write_text(content)
            built.append(name)
        return {"archive": archive.name, "archive_sha256": archive_sha256(archive)}

    recipe = content_hash(files_below(_THIS_PACKAGE), repr(platform))
    shared = files_below(LAYER_SOURCE, REQUIREMENTS / "layer.txt")
    manifest: dict[str, Any] = {
        "architecture": platform.architecture,
        "runtime": f"python{LAMBDA_PYTHON}",
        "families": {},
        "layer": current(
            "layer", content_hash(shared, recipe), lambda path: build_layer(path, platform)
        ),
    }
    for family in families():
        locks = [family.requirements] if family.requirements else []
        source = files_below(family.source, *family.packages_above, *family.include, *locks)
        content = f"sha256:{content_hash([*source, *shared], repr(platform))}"
        digest = content if digests is None else digests[family.name]
        archive = current(
            family.name,
            content_hash(source, recipe),
            lambda path, family=family: _build_family(path, family, platform),  # type: ignore[misc]
        )
        image = f"{registry}/itemstream-{family.name}@{digest}"
        manifest["families"][family.name] = {"image_uri": image, **archive}
    path = folder / _MANIFEST
    text = json.dumps(manifest, indent=2) + "\n"
    if not path.exists() or path.read_text() != text:
        path.write_text(text)
    return path, built


def _build_family(target: Path, family: Family, platform: Platform) -> None:
    """Archive a family's handlers and files, as in the repository, and packages of its own."""
    copy = target.with_suffix(".source")
    shutil.rmtree(copy, ignore_errors=True)
    relative = family.source.relative_to(ROOT)
    shutil.copytree(family.source, copy / relative, ignore=shutil.ignore_patterns(*_NOT_SHIPPED))
    for file in (*family.packages_above, *family.include):
        place = copy / file.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, place)
    compile_for(platform, copy, _TASK_ROOT)
    members = members_below(copy, "")
    if family.requirements:
        members += members_below(installed(family.requirements, platform, _TASK_ROOT), "")
    write_archive(target, members)
    shutil.rmtree(copy)
