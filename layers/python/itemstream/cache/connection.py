"""A Redis client that never makes a request wait for long."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

import redis
from redis.backoff import NoBackoff
from redis.credentials import CredentialProvider
from redis.retry import Retry

if TYPE_CHECKING:
    from botocore.credentials import Credentials

__all__ = ["CacheSettings", "connect"]

# A cache that is slower than the table it spares is of no use.
CONNECT_TIMEOUT_SECONDS = 0.05
ANSWER_TIMEOUT_SECONDS = 0.05


@dataclass(frozen=True)
class CacheSettings:
    """
    Environment of the functions that use Redis.

    Parameters
    ----------
    redis_url
        ``redis://host:port/0``, ``rediss://…`` with TLS, or empty: no cache.
    redis_iam_user, redis_cache_name
        On AWS: the ElastiCache user to log in as by IAM, and the cache's name; else empty.
    """

    redis_url: str
    redis_iam_user: str = ""
    redis_cache_name: str = ""


def connect(settings: CacheSettings, *, timeout_seconds: float | None = None) -> redis.Redis:
    """
    Make a client; it connects when it is first used.

    Parameters
    ----------
    settings
        Where Redis is.
    timeout_seconds
        How long connecting, and each answer, may take; ``None`` for what requests can bear.
    """
    credentials = (
        ElastiCacheToken(settings.redis_iam_user, settings.redis_cache_name)
        if settings.redis_iam_user
        else None
    )
    return redis.Redis.from_url(
        settings.redis_url,
        protocol=2,
        decode_responses=True,
        socket_connect_timeout=timeout_seconds or CONNECT_TIMEOUT_SECONDS,
        socket_timeout=timeout_seconds or ANSWER_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
        credential_provider=credentials,
        # A fresh connection carries the first command at once, with no introductions before it.
        driver_info=None,
    )


class ElastiCacheToken(CredentialProvider):
    """
    Log in to ElastiCache with the function's role instead of a password.

    The password is a request to ``connect``, signed for 15 minutes and without its scheme
    (ElastiCache User Guide, "Authenticating with IAM"). Redis asks for it once per connection.
    """

    LIFETIME_SECONDS = 900

    def __init__(self, user: str, cache_name: str) -> None:
        self._user = user
        self._cache_name = cache_name

    def get_credentials(self) -> tuple[str, str]:
        """Return the user's name and a fresh token."""
        from botocore.session import Session

        credentials = Session().get_credentials()
        if credentials is None:
            raise redis.AuthenticationError("no AWS credentials to log in to ElastiCache with")
        return self._user, self.token(credentials, os.environ["AWS_REGION"])

    def token(self, credentials: Credentials, region: str) -> str:
        """Sign a token with these credentials."""
        from botocore.auth import SigV4QueryAuth
        from botocore.awsrequest import AWSRequest

        query = urlencode({"Action": "connect", "User": self._user})
        request = AWSRequest("GET", f"http://{self._cache_name}/?{query}")
        SigV4QueryAuth(credentials, "elasticache", region, expires=self.LIFETIME_SECONDS).add_auth(
            request
        )
        return str(request.url).removeprefix("http://")
