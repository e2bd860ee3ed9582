"""An AWS account as moto plays it, and who is signed in to it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from tools.infrastructure.signing_in import SignedIn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ACCOUNT = "123456789012"


@pytest.fixture
def caller(aws: None) -> Iterator[SignedIn]:
    with mock_aws():
        yield SignedIn(ACCOUNT, "us-east-1", boto3.Session())


@pytest.fixture
def put_image(caller: SignedIn) -> Callable[[str], str]:
    """Put an image into the repository of a family, and return its address by digest."""

    def put(family: str) -> str:
        ecr = caller.client("ecr")
        name = f"itemstream-{family}"
        ecr.create_repository(repositoryName=name)
        kind = "application/vnd.oci.image.manifest.v1+json"
        config = {"mediaType": "application/vnd.oci.image.config.v1+json", "size": 2}
        manifest = {
            "schemaVersion": 2,
            "mediaType": kind,
            "config": {**config, "digest": f"sha256:{'0' * 64}"},
            "layers": [],
        }
        image = ecr.put_image(
            repositoryName=name,
            imageManifest=json.dumps(manifest),
            imageManifestMediaType=kind,
            imageTag="built-0",
        )["image"]
        digest = image["imageId"]["imageDigest"]
        return f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/{name}@{digest}"

    return put
