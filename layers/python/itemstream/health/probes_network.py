"""Redis and MySQL, which only functions inside the network reach: asked there, by a function.

The checker itself stays outside, where it meets the APIs as clients do: from inside the VPC there
is no way to them (terraform/modules/network has no NAT, and an endpoint for ``execute-api`` would
hide public APIs).
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from itemstream.aws import aws_client
from itemstream.health.model import Finding
from itemstream.health.probes import call_in_thread, calls_in_thread

if TYPE_CHECKING:
    from collections.abc import Iterable

    from itemstream.cache.connection import CacheSettings
    from itemstream.health.model import Measurement
    from itemstream.health.probes import Probe
    from itemstream.mysql.connection import DatabaseSettings

__all__ = [
    "NETWORK_PARTS",
    "NetworkSettings",
    "mysql_probe",
    "network_probe",
    "redis_probe",
    "written",
]

NETWORK_PARTS = ("redis", "mysql")
# What the API is patient for is milliseconds (cache.connection); whoever asks how Redis is may wait
# until it is known.
_REDIS_SECONDS = 1.0
_MYSQL_SECONDS = 3.0
# A cold start in the VPC and both of them.
_SECONDS = 8.0


@dataclass(frozen=True)
class NetworkSettings:
    """Environment of the checker: the function that asks inside the network, by its alias."""

    network_probe_function: str


def redis_probe(settings: CacheSettings) -> Probe:
    """Make the probe of Redis: a PING on a connection that is kept."""
    from itemstream.cache.connection import connect

    client = connect(settings, timeout_seconds=_REDIS_SECONDS)

    def ping() -> None:
        client.ping()

    return call_in_thread("redis", ping, 2 * _REDIS_SECONDS)


def mysql_probe(settings: DatabaseSettings) -> Probe:
    """Make the probe of MySQL: a connection of its own and a SELECT 1."""
    from itemstream.mysql.connection import Database

    def select() -> None:
        database = Database(settings, answer_seconds=_MYSQL_SECONDS)
        for _ in database.rows("SELECT 1"):
            pass

    return call_in_thread("mysql", select, _MYSQL_SECONDS)


def written(measurements: Iterable[Measurement]) -> dict[str, dict[str, Any]]:
    """Write measurements as what the function inside answers."""
    return {one.part: asdict(one) for one in measurements}


def network_probe(settings: NetworkSettings) -> Probe:
    """Make the probe that has the function inside asked."""

    def ask() -> dict[str, Finding]:
        answer = aws_client("lambda", read_timeout=_SECONDS).invoke(
            FunctionName=settings.network_probe_function, Payload=b"{}"
        )
        document = json.loads(answer["Payload"].read())
        if "FunctionError" in answer:
            return dict.fromkeys(
                NETWORK_PARTS, Finding("down", "cannot be asked inside the network")
            )
        return {
            part: Finding(found["state"], found["reason"], found["latency_ms"])
            for part, found in document.items()
        }

    return calls_in_thread(NETWORK_PARTS, ask, _SECONDS)
