"""Where a JWKS is fetched from: an issuer's HTTPS address, or an object in S3."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from itemstream.config import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["jwks_source"]

MAX_BYTES = 64 * 1024
TIMEOUT_SECONDS = 2


def jwks_source(url: str) -> Callable[[], bytes]:
    """
    Return a function that fetches a JWKS.

    Parameters
    ----------
    url
        ``https://…`` or ``s3://<bucket>/<key>``.

    Raises
    ------
    ConfigurationError
        For any other address: keys that travel in the clear prove nothing.
    """
    parts = urlsplit(url)
    if parts.scheme == "s3" and parts.netloc and parts.path.strip("/"):
        return lambda: _from_s3(parts.netloc, parts.path.lstrip("/"))
    if parts.scheme == "https" and parts.netloc:
        return lambda: _from_https(url)
    raise ConfigurationError(f"JWKS_URL must be https:// or s3://bucket/key, not {url!r}")


def _from_s3(bucket: str, key: str) -> bytes:
    from itemstream.aws import aws_client

    body = aws_client("s3").get_object(Bucket=bucket, Key=key)["Body"]
    return _bounded(body.read(MAX_BYTES + 1))


def _from_https(url: str) -> bytes:
    # It comes with botocore.
    import urllib3

    # Without retries it follows no redirect either, which would swap the issuer's host for another.
    answer = urllib3.request(
        "GET", url, timeout=TIMEOUT_SECONDS, retries=False, preload_content=False
    )
    try:
        if answer.status != 200:
            raise OSError(f"the JWKS answers {answer.status}")
        return _bounded(answer.read(MAX_BYTES + 1))
    finally:
        answer.close()


def _bounded(document: bytes) -> bytes:
    if len(document) > MAX_BYTES:
        raise ValueError("the JWKS is too large")
    return document
