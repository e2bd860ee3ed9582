"""AWS clients that speak to a local stack as its root user."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from tools.stack.settings import Stack

__all__ = ["client"]


def client(stack: Stack, service: str) -> Any:
    """Return a boto3 client of `service`."""
    return boto3.client(
        service,  # type: ignore[call-overload]
        endpoint_url=stack.aws_endpoint_url,
        region_name=stack.region,
        aws_access_key_id="test",
        aws_secret_access_key="test",  # noqa: S106 (MiniStack's root user)
        config=Config(s3={"addressing_style": "path"}, retries={"max_attempts": 3}),
    )
