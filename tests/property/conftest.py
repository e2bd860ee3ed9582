"""Hypothesis' settings and a Redis for the property tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import redis
from hypothesis import HealthCheck, settings

from tests.fakes.redis_server import free_port, redis_server

if TYPE_CHECKING:
    from collections.abc import Iterator

settings.register_profile(
    "itemstream",
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("itemstream")


@pytest.fixture(scope="session")
def redis_client() -> Iterator[redis.Redis]:
    port = free_port()
    with (
        redis_server(port),
        redis.Redis("127.0.0.1", port, protocol=2, decode_responses=True) as client,
    ):
        yield client
