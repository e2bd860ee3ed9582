"""What a local stack's functions are made of: packages and, where they are run, images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tools.containers.build import build_base, build_images
from tools.containers.interpreter import stand_in_interpreter
from tools.dependencies.docker import docker_builds
from tools.packaging.package import LOCAL_REGISTRY, package
from tools.packaging.platforms import lambda_platform, this_machine
from tools.stack.run_choice import Run, RunChoice
from tools.stack.sandboxes import why_no_sandboxes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tools.packaging.platforms import Platform
    from tools.progress import Progress
    from tools.stack.settings import Stack

__all__ = ["make_packages"]


def make_packages(stack: Stack, run: Run, progress: Progress) -> tuple[Path, RunChoice]:
    """Build what functions run out of; return Terraform's manifest, and what they will run on."""
    if run is Run.SOURCE or why_no_sandboxes():
        return _package(stack, progress, this_machine(), None), RunChoice(run)
    with progress.step("Images") as report:
        built = build_images(report) if run is Run.IMAGES else {}
        digests = {family: image.digest for family, image in built.items()}
        base = build_base(report)
        report(f"{len(digests)} families" if digests else "the base that archives run on")
    # What runs archives compiles them too, whether or not this machine has such a Python.
    interpreter = None if docker_builds() else stand_in_interpreter(base)
    platform = lambda_platform(this_machine().architecture, interpreter)
    return _package(stack, progress, platform, digests or None), RunChoice(run, base)


def _package(
    stack: Stack, progress: Progress, platform: Platform, digests: Mapping[str, str] | None
) -> Path:
    with progress.step("Packages") as report:
        manifest, built = package(stack.folder / "build", platform, LOCAL_REGISTRY, digests)
        report(f"built {', '.join(built)}" if built else "unchanged")
    return manifest
