"""How functions connect to Redis, and how they log in on AWS."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest
import redis

from itemstream.cache.connection import CacheSettings, ElastiCacheToken, connect
from itemstream.items.redis_cache import CachedItems, cached
from tests.fakes.items import InMemoryItems


def test_a_client_gives_up_at_once() -> None:
    options = connect(CacheSettings("redis://127.0.0.1:1/0")).connection_pool.connection_kwargs
    # Together what one call may lose
    assert 0 < options["socket_connect_timeout"] + options["socket_timeout"] <= 0.1
    assert options["retry"].get_retries() == 0
    assert options["credential_provider"] is None


def test_without_an_address_there_is_no_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    items = InMemoryItems()
    monkeypatch.setenv("REDIS_URL", "")
    assert cached(items) is items
    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1/0")
    assert isinstance(cached(items), CachedItems)


def test_on_aws_the_role_logs_in(aws: None) -> None:
    # Given
    settings = CacheSettings("rediss://cache.example:6379/0", "functions", "items-cache")
    provider = connect(settings).connection_pool.connection_kwargs["credential_provider"]

    # When
    user, token = provider.get_credentials()

    # Then the password is a signed request without its scheme
    assert user == "functions"
    assert not token.startswith("http")
    address = urlsplit(f"http://{token}")
    query = parse_qs(address.query)
    assert address.netloc == "items-cache"
    assert (query["Action"], query["User"]) == (["connect"], ["functions"])
    assert query["X-Amz-Expires"] == ["900"]
    assert "/us-east-1/elasticache/aws4_request" in query["X-Amz-Credential"][0]
    assert query["X-Amz-Signature"]


def test_without_credentials_the_cache_is_as_good_as_away(
    aws: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(redis.RedisError, match="no AWS credentials"):
        ElastiCacheToken("functions", "items-cache").get_credentials()
