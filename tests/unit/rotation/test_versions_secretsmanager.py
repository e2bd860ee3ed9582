"""Versions of a secret, and their labels, in Secrets Manager."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from moto import mock_aws

from itemstream.aws import aws_client
from itemstream.rotation import RotationRefused
from itemstream.rotation.versions_secretsmanager import SecretsManagerVersions

if TYPE_CHECKING:
    from collections.abc import Iterator

NEW = str(uuid4())


@pytest.fixture
def versions(aws: None) -> Iterator[SecretsManagerVersions]:
    """A secret that is to be rotated."""
    with mock_aws():
        client = aws_client("secretsmanager")
        client.create_secret(Name="s", SecretString="old")
        client.rotate_secret(SecretId="s", RotationRules={"AutomaticallyAfterDays": 30})
        yield SecretsManagerVersions("s")


def current(versions: SecretsManagerVersions) -> str:
    [version] = [id_ for id_, held in versions.labels().items() if "AWSCURRENT" in held]
    return version


def test_a_new_version_waits_until_it_is_promoted(versions: SecretsManagerVersions) -> None:
    # Given
    old = current(versions)

    # When
    versions.store(NEW, "new")

    # Then
    assert versions.labels()[NEW] == ["AWSPENDING"]
    assert current(versions) == old
    versions.promote(NEW, old)
    assert versions.labels()[NEW] == ["AWSCURRENT"]
    assert versions.labels()[old] == ["AWSPREVIOUS"]


def test_a_version_is_read_by_its_id(versions: SecretsManagerVersions) -> None:
    versions.store(NEW, "new")
    assert versions.read(NEW) == "new"
    assert versions.read(str(uuid4())) is None


def test_a_secret_that_is_not_to_be_rotated_is_refused(versions: SecretsManagerVersions) -> None:
    aws_client("secretsmanager").create_secret(Name="other", SecretString="x")
    with pytest.raises(RotationRefused, match="not enabled"):
        SecretsManagerVersions("other").labels()
