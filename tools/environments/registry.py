"""Images in the registry on AWS: whether they are there, and which were deployed where."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from tools.project import Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tools.infrastructure.signing_in import SignedIn

__all__ = [
    "Image",
    "count_images",
    "delete_images",
    "is_there",
    "mark_deployed",
    "parse_image",
    "registry_host",
    "require_images",
    "short_digest",
]

_URI = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com"
    r"/(?P<repository>[a-z0-9/_-]+)@(?P<digest>sha256:[0-9a-f]{64})"
)
# The kinds of manifest that Lambda takes: one image, and no index of several.
_MANIFESTS = [
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
]
_NOT_THERE = {"ImageNotFoundException", "RepositoryNotFoundException"}
_DEPLOYED_BEFORE = "ImageAlreadyExistsException"
_DIGITS = 16


@dataclass(frozen=True)
class Image:
    """One image of a registry on AWS."""

    account: str
    region: str
    repository: str
    digest: str


def registry_host(caller: SignedIn) -> str:
    """Return the host of an account's registry in a region."""
    return f"{caller.account}.dkr.ecr.{caller.region}.amazonaws.com"


def short_digest(digest: str) -> str:
    """Return as much of a digest as makes a tag: unique, and the same for the same image."""
    return digest.removeprefix("sha256:")[:_DIGITS]


def parse_image(uri: str) -> Image:
    """
    Read <account>.dkr.ecr.<region>.amazonaws.com/<repository>@<digest>.

    Raises
    ------
    Problem
        If it is not such an address.
    """
    found = _URI.fullmatch(uri)
    if found is None:
        raise Problem(f"{uri} names no image by its digest. Push the images: itemstream push")
    return Image(**found.groupdict())


def is_there(caller: SignedIn, image: Image) -> bool:
    """
    Whether the registry has an image.

    Raises
    ------
    Problem
        If AWS refuses to say.
    """
    return _manifest(caller, image) is not None


def require_images(caller: SignedIn, uris: Iterable[str]) -> None:
    """
    Make sure that the registry has all of some images.

    Raises
    ------
    Problem
        If some are missing: which.
    """
    missing = [uri for uri in uris if not is_there(caller, parse_image(uri))]
    if missing:
        raise Problem(
            "The registry does not have " + ", ".join(missing) + ". Push the images, then plan "
            "again: itemstream push"
        )


def mark_deployed(caller: SignedIn, uris: Iterable[str], environment: str) -> None:
    """
    Tag images as deployed, so that the registry keeps them.

    One tag for each image and environment, however often it is deployed: an image has 1,000 tags
    at the most.

    Raises
    ------
    Problem
        If an image is gone, or the registry takes no tag.
    """
    for uri in uris:
        image = parse_image(uri)
        found = _manifest(caller, image)
        if found is None:
            raise Problem(f"The registry does not have {uri} any more. Deploy a newer commit.")
        ecr = _client(caller, image)
        try:
            ecr.put_image(
                registryId=image.account,
                repositoryName=image.repository,
                imageManifest=found["imageManifest"],
                imageManifestMediaType=found["imageManifestMediaType"],
                imageTag=f"deployed-{environment}-{short_digest(image.digest)}",
            )
        except ClientError as error:
            if error.response["Error"]["Code"] != _DEPLOYED_BEFORE:
                raise Problem(
                    f"{uri} can't be marked as deployed, so the registry would not keep it: {error}"
                ) from None


def count_images(caller: SignedIn, repository: str) -> int:
    """Count the images of a repository; 0 if it is gone."""
    return sum(len(images) for images in _pages(caller, repository))


def delete_images(caller: SignedIn, repository: str) -> None:
    """Delete all images of a repository."""
    for images in list(_pages(caller, repository)):
        caller.client("ecr").batch_delete_image(repositoryName=repository, imageIds=images)


def _pages(caller: SignedIn, repository: str) -> Iterator[list[dict[str, str]]]:
    """Yield images by digest, as many at once as can be deleted at once."""
    pages = (
        caller.client("ecr")
        .get_paginator("list_images")
        .paginate(repositoryName=repository, PaginationConfig={"PageSize": 100})
    )
    try:
        for page in pages:
            digests = {image["imageDigest"] for image in page["imageIds"]}
            if digests:
                yield [{"imageDigest": digest} for digest in sorted(digests)]
    except ClientError as error:
        if error.response["Error"]["Code"] not in _NOT_THERE:
            raise Problem(f"The registry can't be asked for {repository}: {error}") from None


def _manifest(caller: SignedIn, image: Image) -> dict[str, Any] | None:
    try:
        answer = _client(caller, image).batch_get_image(
            registryId=image.account,
            repositoryName=image.repository,
            imageIds=[{"imageDigest": image.digest}],
            acceptedMediaTypes=_MANIFESTS,
        )
    except ClientError as error:
        if error.response["Error"]["Code"] in _NOT_THERE:
            return None
        raise Problem(f"The registry can't be asked for {image.repository}: {error}") from None
    return next(iter(answer["images"]), None)


def _client(caller: SignedIn, image: Image) -> Any:
    return caller.client("ecr", image.region)
