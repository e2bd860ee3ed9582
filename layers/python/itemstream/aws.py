"""AWS clients with a time-out and bounded retries, made once per execution environment."""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING, Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import NoCredentialsError

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

__all__ = ["aws_client", "aws_credentials"]

# botocore itself rather than boto3: the same clients, about 30 ms less to import, and no resource
# layer. "standard" retries throttles and passing faults only, with backoff and jitter.
_CONFIG = Config(
    connect_timeout=1,
    read_timeout=2,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=16,
    tcp_keepalive=True,
)
# Presigned requests to S3 too: botocore would sign those with version 2 in some regions, which S3
# refuses for objects that are encrypted with a KMS key (S3 User Guide, "Protecting data with KMS").
_S3_CONFIG = _CONFIG.merge(Config(signature_version="s3v4"))


@cache
def _session() -> botocore.session.Session:
    return botocore.session.Session()


@cache
def aws_client(service: str, *, read_timeout: float | None = None) -> Any:
    """
    Client of an AWS service, for example ``dynamodb``; one per service and process.

    Parameters
    ----------
    read_timeout
        Seconds that an answer may take where that is longer than usual, for example of a function
        that is invoked, or shorter; the call is then tried once.

    Connecting may take 1 s, an answer 2 s, and a call is tried three times at most: with the pauses
    between, a service that is silent costs up to 9 s, less than any function's time-out.
    """
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    config = _S3_CONFIG if service == "s3" else _CONFIG
    if read_timeout is not None:
        config = config.merge(Config(read_timeout=read_timeout, retries={"total_max_attempts": 1}))
    return _session().create_client(service, region_name=region, config=config)


def aws_credentials() -> ReadOnlyCredentials:
    """Return this process's credentials, renewed in time where they end."""
    credentials = _session().get_credentials()
    if credentials is None:
        raise NoCredentialsError
    return credentials.get_frozen_credentials()
