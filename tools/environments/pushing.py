"""Put the images of a commit into the registry, by digest, and write which they are."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from tools.catalogue import families
from tools.commands import clean_environment, run
from tools.containers.build import build_images
from tools.dependencies.skopeo import find_skopeo
from tools.environments.artifacts import write_pushed
from tools.environments.registry import is_there, parse_image, registry_host, short_digest
from tools.infrastructure.revision import clean_revision
from tools.infrastructure.signing_in import sign_in
from tools.project import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tools.containers.build import BuiltImage
    from tools.infrastructure.signing_in import SignedIn
    from tools.progress import Progress

__all__ = ["check_images", "push"]


def push(architecture: str, progress: Progress, *, allow_dirty: bool) -> Path:
    """
    Build what is not built, push what is not in the registry, and return the manifest.

    Raises
    ------
    Problem
        If files differ from the commit, an image is missing or not fit for AWS, or the registry
        refuses.
    """
    revision = clean_revision(allow_dirty=allow_dirty)
    caller = sign_in()
    with progress.step("Images") as report:
        images = build_images(report)
        check_images(images, architecture)
        report(f"{len(images)} for {architecture}")
    host = registry_host(caller)
    with TemporaryDirectory() as folder:
        credentials = Path(folder) / "auth.json"
        _log_in(caller, host, credentials)
        for image in images.values():
            with progress.step(f"Push {image.family}") as report:
                report(_push(caller, host, image, credentials))
    digests = {family: image.digest for family, image in images.items()}
    with progress.step("Packages") as report:
        manifest = write_pushed(architecture, host, digests, revision)
        report(f"{manifest.name} names the images by digest")
    return manifest


def check_images(images: Mapping[str, BuiltImage], architecture: str) -> None:
    """
    Make sure that images are what AWS is to run.

    Raises
    ------
    Problem
        If a family has none, one is for another architecture or is on the stand-in for AWS's base.
    """
    if missing := sorted({family.name for family in families()} - set(images)):
        raise Problem(
            f"There is no image, so no digest, of {', '.join(missing)}. Build: make images"
        )
    for image in images.values():
        if image.architecture != architecture:
            raise Problem(
                f"The image of {image.family} is for {image.architecture}, and {architecture} is "
                f"wanted. Build it on a machine of {architecture}, or take this one: "
                f"itemstream push --architecture {image.architecture}"
            )
        if image.stand_in:
            raise Problem(
                f"The image of {image.family} is built on the stand-in for AWS's base image, which "
                "is for this machine alone. Build it with Docker, which fetches AWS's own: start "
                "Docker, then itemstream push"
            )


def _log_in(caller: SignedIn, host: str, file: Path) -> None:
    answer = caller.client("ecr").get_authorization_token()
    token = answer["authorizationData"][0]["authorizationToken"]
    file.touch(mode=0o600)
    file.write_text(json.dumps({"auths": {host: {"auth": token}}}))


def _push(caller: SignedIn, host: str, image: BuiltImage, credentials: Path) -> str:
    repository = f"{host}/itemstream-{image.family}"
    if is_there(caller, parse_image(f"{repository}@{image.digest}")):
        return "is there"
    tag = f"built-{short_digest(image.digest)}"
    digest = credentials.with_name("digest")
    run(
        [
            *(find_skopeo(), "copy", "--preserve-digests", "--retry-times", "3"),
            *("--dest-authfile", credentials, "--digestfile", digest),
            *(image.location, f"docker://{repository}:{tag}"),
        ],
        environment=clean_environment(),
        remedy="What was pushed stays. Run the command again: it goes on with the others. Is there "
        "no repository yet? itemstream bootstrap",
    )
    if digest.read_text().strip() != image.digest:
        raise Problem(
            f"The image of {image.family} was built again while it was pushed: {repository}:{tag} "
            "is another one. Nothing refers to it. Run the command again."
        )
    return image.digest
