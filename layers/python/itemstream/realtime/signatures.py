"""Signatures of requests to API Gateway's management endpoint: AWS Signature Version 4.

botocore signs too, in about ten times the time: it builds a request object, parses its address and
derives the key anew for every request. Here only what changes from request to request is computed.
(Source: IAM User Guide, "AWS Signature Version 4 for API requests", "Create a signed request".)
"""

from __future__ import annotations

import hashlib
import hmac
import time
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.credentials import ReadOnlyCredentials

__all__ = ["Signer"]

SERVICE = "execute-api"


class Signer:
    """
    Signs requests of no query to one host.

    Parameters
    ----------
    host
        As the header ``Host`` has it.
    region
        The AWS region.
    credentials
        Returns those that hold now.
    clock
        Seconds since the epoch.
    """

    def __init__(
        self,
        host: str,
        region: str,
        credentials: Callable[[], ReadOnlyCredentials],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._host = host
        self._region = region
        self._credentials = credentials
        self._clock = clock

    def headers(self, method: str, path: str, body: bytes) -> dict[str, str]:
        """Return the headers that a request needs; its path is encoded already."""
        credentials = self._credentials()
        now, day = _moment(int(self._clock()))
        token = credentials.token
        headers = {"x-amz-date": now}
        signed = "host;x-amz-date"
        canonical_headers = f"host:{self._host}\nx-amz-date:{now}\n"
        if token:
            headers["x-amz-security-token"] = token
            signed += ";x-amz-security-token"
            canonical_headers += f"x-amz-security-token:{token}\n"
        request = (
            f"{method}\n{_canonical_path(path)}\n\n{canonical_headers}\n{signed}\n{_digest(body)}"
        )
        scope = f"{day}/{self._region}/{SERVICE}/aws4_request"
        key = _signing_key(credentials.secret_key, day, self._region)
        text = f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
        signature = hmac.digest(key, text.encode(), "sha256").hex()
        headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, "
            f"SignedHeaders={signed}, Signature={signature}"
        )
        return headers


@lru_cache(maxsize=2)
def _moment(second: int) -> tuple[str, str]:
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
    return now, now[:8]


@lru_cache(maxsize=4)
def _signing_key(secret: str, day: str, region: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, SERVICE, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


@lru_cache(maxsize=10_000)
def _canonical_path(path: str) -> str:
    # Once more than it is encoded already, as every service but S3 wants it.
    return quote(path, safe="/~")


# The same frame goes to many. Looked up by what Python remembers of a bytes object, its own hash.
@lru_cache(maxsize=64)
def _digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
