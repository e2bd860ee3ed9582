"""Tables and versioned buckets in moto."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from itemstream.aws import aws_client
from tests.fakes.tables import create_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

BUCKET = "itemstream-test-bucket"


@pytest.fixture
def dynamodb(aws: None) -> Iterator[Any]:
    with mock_aws():
        client = aws_client("dynamodb")
        create_tables(client)
        yield client


@pytest.fixture
def s3(aws: None) -> Iterator[Any]:
    with mock_aws():
        client = aws_client("s3")
        client.create_bucket(Bucket=BUCKET)
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield client
