"""AWS as moto plays it, and nothing of the machine's own configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from itemstream import aws as itemstream_aws

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give tests credentials that reach no real AWS, and clients of their own."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/nonexistent",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    _forget_clients()
    yield
    _forget_clients()


def _forget_clients() -> None:
    itemstream_aws.aws_client.cache_clear()
    itemstream_aws._session.cache_clear()
