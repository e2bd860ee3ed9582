"""The health checker, what it asks inside the network, and GET /health."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from itemstream.aws import aws_client
from itemstream.dependencies import DependencyUnavailable
from itemstream.dynamodb.attribute_values import to_item
from itemstream.health.model import Finding
from itemstream.health.probes import call_in_thread
from itemstream.items.model import timestamp
from tests.fakes.gateway import LambdaContext, event
from tests.fakes.health_environment import HEALTH_ENVIRONMENT
from tests.fakes.redis_server import free_port, redis_server
from tests.fakes.tables import HEALTH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CALL = {"schedule": "health", "scheduled_time": "2026-11-21T06:00:00Z", "input": {}}


@pytest.fixture
def load_scheduled(
    load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], Any]]:
    for name, value in {**HEALTH_ENVIRONMENT, "HEALTH_TABLE": HEALTH}.items():
        monkeypatch.setenv(name, value)
    loaded: list[Any] = []

    def load_one(module: str) -> Any:
        loaded.append(load(module))
        return loaded[-1]

    yield load_one
    for function in loaded:
        function.runner.close()


@pytest.fixture
def checker(load_scheduled: Callable[[str], Any]) -> Any:
    return load_scheduled("scheduled.health_checker")


def check(checker: Any, **states: str) -> dict[str, Any]:
    """Have a check find these states."""

    def finding(state: Any) -> Any:
        return lambda: Finding(state, None if state == "up" else "no answer")

    checker.probes = [call_in_thread(part, finding(state), 5) for part, state in states.items()]
    answer: dict[str, Any] = checker.handler(CALL, LambdaContext())
    return answer


def test_a_check_is_recorded_and_measured(
    checker: Any, log: Callable[[], list[dict[str, Any]]]
) -> None:
    # When
    answer = check(checker, dynamodb="up", rest="up", mysql="down")

    # Then
    assert answer["recorded"]
    assert answer["parts"]["mysql"]["state"] == "down"
    metrics = [line for line in log() if "_aws" in line]
    found = {line["part"]: line["HealthState"] for line in metrics if "part" in line}
    assert found == {"dynamodb": [0], "rest": [0], "mysql": [2]}
    assert all(line["HealthLatency"][0] >= 0 for line in metrics if "part" in line)
    for line in metrics:
        if "part" in line:
            (directive,) = line["_aws"]["CloudWatchMetrics"]
            assert sorted(directive["Dimensions"][0]) == ["part", "service"]
    (whole,) = (line for line in metrics if "part" not in line)
    assert whole["HealthChecks"] == [1]


def test_a_check_that_cannot_be_recorded_is_not_tried_again(
    checker: Any, log: Callable[[], list[dict[str, Any]]]
) -> None:
    # Given
    class Away:
        def latest(self) -> Any:
            raise DependencyUnavailable("DynamoDB")

    checker.health = Away()

    # When
    answer = check(checker, dynamodb="down")

    # Then it says so, and counts no check
    assert not answer["recorded"]
    lines = log()
    assert any(line.get("message") == "not recorded" for line in lines)
    assert not any("HealthChecks" in line for line in lines)
    assert any("HealthState" in line for line in lines)


def test_a_check_ends_though_its_table_is_silent(
    checker: Any, log: Callable[[], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a table that answers once nobody waits any more
    given_up = threading.Event()

    class Silent:
        def latest(self) -> Any:
            assert given_up.wait(10)
            raise DependencyUnavailable("DynamoDB")

    checker.health = Silent()
    monkeypatch.setattr(checker, "RECORD_SECONDS", 0.05)

    # When
    try:
        answer = check(checker, dynamodb="down")
        assert not given_up.is_set()
    finally:
        given_up.set()

    # Then
    assert not answer["recorded"]
    assert any(line.get("message") == "not recorded" for line in log())


def test_a_check_takes_thirteen_seconds_at_most(checker: Any) -> None:
    probes = max(probe.seconds for probe in checker.probes)
    assert probes + checker.RECORD_SECONDS < 13
    # One attempt of each call, so that what is given up does not go on for long
    config = checker.health._client.meta.config
    assert (config.connect_timeout, config.read_timeout) == (1, 1.5)
    assert config.retries["total_max_attempts"] == 1


def get_health(load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("HEALTH_TABLE", HEALTH)
    return load("functions.crud.get_health")


def answered(function: Any) -> tuple[int, dict[str, Any]]:
    answer = function.handler(event("GET /health", tenant=None), LambdaContext())
    return answer["statusCode"], json.loads(answer["body"])


def test_health_is_what_the_last_check_found(
    checker: Any, load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    function = get_health(load, monkeypatch)
    assert answered(function)[0] == 503

    # When a part has been away for three checks
    for _ in range(3):
        # Two checks in a millisecond are one
        before = answered(function)[1]["checked_at"]
        while timestamp(datetime.now(UTC)) == before:
            pass
        assert check(checker, dynamodb="up", rest="up", redis="down")["recorded"]
    code, document = answered(function)

    # Then
    assert (code, document["status"]) == (200, "degraded")
    assert document["parts"]["dynamodb"]["status"] == "up"
    assert document["parts"]["redis"]["status"] == "down"
    assert document["parts"]["redis"]["reason"] == "not found well"


def test_health_is_unknown_when_nobody_looks(
    load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    function = get_health(load, monkeypatch)
    old = timestamp(datetime.now(UTC) - timedelta(minutes=6))
    row = {"pk": "latest", "sk": "latest", "tenant": "operations", "checked_at": old, "parts": {}}
    aws_client("dynamodb").put_item(TableName=HEALTH, Item=to_item(row))

    # Then
    code, document = answered(function)
    assert (code, document["status"], document["checked_at"]) == (503, "unknown", old)


def test_health_is_down_without_dynamodb(
    load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    function = get_health(load, monkeypatch)

    class Away:
        def latest(self) -> Any:
            raise DependencyUnavailable("DynamoDB")

    function.health = Away()
    code, document = answered(function)
    assert (code, document["status"]) == (503, "down")
    assert document["parts"]["dynamodb"]["status"] == "down"


def test_inside_the_network_redis_and_mysql_are_asked(
    load_scheduled: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a Redis, and no MySQL
    port = free_port()
    monkeypatch.setenv("REDIS_URL", f"redis://127.0.0.1:{port}/0")
    with redis_server(port):
        function = load_scheduled("scheduled.network_probe")

        # When
        found = function.handler({}, LambdaContext())

    # Then
    assert found["redis"]["state"] == "up"
    assert (found["mysql"]["state"], found["mysql"]["reason"]) == ("down", "MySQL is not available")

    # When Redis is gone too
    assert function.handler({}, LambdaContext())["redis"]["state"] == "down"


def test_an_environment_without_a_cache_has_no_redis(
    load_scheduled: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", "")
    found = load_scheduled("scheduled.network_probe").handler({}, LambdaContext())
    assert found.keys() == {"mysql"}
