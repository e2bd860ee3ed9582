"""Rate limits over HTTP: the ``RateLimit`` fields, and the answer to who asks too often.

Source: draft-ietf-httpapi-ratelimit-headers-11 (May 2026), whose fields are lists of RFC 9651.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from itemstream.api.problems import Problem
from itemstream.cache.connection import CacheSettings, connect
from itemstream.config import from_environment
from itemstream.observability.metrics import count
from itemstream.rate_limits.redis_token_buckets import RedisTokenBuckets
from itemstream.rate_limits.token_bucket import RateLimit

if TYPE_CHECKING:
    from collections.abc import Callable

    from itemstream.rate_limits.token_bucket import Standing, TokenBuckets

__all__ = ["RateLimitSettings", "admission", "tenant_rate_limit"]


@dataclass(frozen=True)
class RateLimitSettings:
    """
    Environment of the functions that hold tenants to a limit.

    Parameters
    ----------
    rate_limit_name
        What clients know it by.
    rate_limit_requests, rate_limit_seconds
        See :class:`itemstream.rate_limits.token_bucket.RateLimit`.
    """

    rate_limit_name: str
    rate_limit_requests: int
    rate_limit_seconds: int


def tenant_rate_limit() -> Callable[[str], dict[str, str]] | None:
    """Return the admission that the environment asks for; ``None`` where there is no Redis."""
    cache = from_environment(CacheSettings)
    if not cache.redis_url:
        return None
    settings = from_environment(RateLimitSettings)
    limit = RateLimit(
        settings.rate_limit_name, settings.rate_limit_requests, settings.rate_limit_seconds
    )
    buckets = RedisTokenBuckets(limit, connect(cache))
    buckets.connect()
    return admission(buckets)


def admission(buckets: TokenBuckets) -> Callable[[str], dict[str, str]]:
    """
    Make a function that lets a tenant's request in and returns headers for its answer.

    It raises a 429 :class:`Problem` when the tenant has asked too often. Where nobody knows how the
    tenant stands, it is let in and the answer says nothing of limits.
    """

    def admit(tenant: str) -> dict[str, str]:
        standing = buckets.take(tenant)
        if standing is None:
            return {}
        headers = _headers(standing)
        if standing.taken:
            return headers
        count("RateLimited")
        limit, seconds = standing.limit, standing.next_token_seconds
        raise Problem(
            HTTPStatus.TOO_MANY_REQUESTS,
            f"Your tenant may make {limit.requests} of these calls in {limit.seconds} seconds, "
            f"and has. Try again in {seconds} s.",
            slug="rate-limit-exceeded",
            headers={**headers, "Retry-After": str(seconds)},
        )

    return admit


def _headers(standing: Standing) -> dict[str, str]:
    limit = standing.limit
    return {
        "RateLimit-Policy": f'"{limit.name}";q={limit.requests};w={limit.seconds}',
        # The window of `t` ends when the next token comes: until then `r` is all there is.
        "RateLimit": f'"{limit.name}";r={standing.remaining};t={standing.next_token_seconds}',
    }
