"""What a version of a function runs: an image by its digest, or archives by what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mypy_boto3_lambda.type_defs import GetFunctionResponseTypeDef

__all__ = ["Archive", "Archives", "Code", "Image", "code_of"]


@dataclass(frozen=True)
class Image:
    """A container image.

    Attributes
    ----------
    digest
        ``sha256:…`` of its manifest.
    """

    digest: str


@dataclass(frozen=True)
class Archive:
    """A ZIP archive.

    Attributes
    ----------
    identity
        Equal for equal contents: the SHA-256 of an archive, the ARN of a layer's version.
    location
        Where the local AWS has it: a URL, relative or not.
    """

    identity: str
    location: str


@dataclass(frozen=True)
class Archives:
    """The archive of a function, and of its layers in the order in which they are laid out."""

    function: Archive
    layers: tuple[Archive, ...]


Code = Image | Archives


def code_of(found: GetFunctionResponseTypeDef) -> Code:
    """Read it from GetFunction's answer for that version."""
    configuration = found["Configuration"]
    if configuration.get("PackageType") == "Image":
        return Image(found["Code"].get("ImageUri", "").rpartition("@")[2])
    function = Archive(configuration.get("CodeSha256", ""), found["Code"].get("Location", ""))
    layers = (_layer(layer["Arn"]) for layer in configuration.get("Layers", []))
    return Archives(function, tuple(layers))


def _layer(arn: str) -> Archive:
    # Not asked for: as on AWS, a version keeps a layer that was deleted since.
    _, _, _, region, account, _, name, version = arn.split(":")
    return Archive(arn, f"/_ministack/lambda-layers/{account}/{region}/{name}/{version}/content")
