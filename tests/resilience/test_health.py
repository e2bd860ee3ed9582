"""Every part is broken in turn: the checker says which, once, and when it is well again."""

from __future__ import annotations

import json
import re
import signal
from typing import TYPE_CHECKING, Any

import pytest

from tests.health import found, health, said
from tests.listeners import listening
from tests.resilience.faults import BROKEN, faults_between, variables_of
from tests.waiting import eventually
from tools.stack import parts as processes
from tools.stack.settings import current_stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.local_stack import LocalStack
    from tests.resilience.faults import AwsCall, Fault
    from tools.stack.daemons import Daemon

# A restarted server outlives the test on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")


@pytest.fixture
def redis_server() -> Iterator[Daemon]:
    server = processes.redis(current_stack())
    yield server
    server.start()


def statuses(events: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Return what was told of each part, in order."""
    told: dict[str, list[str]] = {}
    for event in events:
        told.setdefault(event["subject"], []).append(event["data"]["status"])
    return told


def test_redis_and_mysql_go_and_come_back(stack: LocalStack, redis_server: Daemon) -> None:
    # Given
    said(stack, redis="up", mysql="up", dynamodb="up", rest="up")
    database = processes.mariadb(current_stack()).process()
    redis = redis_server.process()
    assert database is not None
    assert redis is not None
    with listening(stack, "operations", subject=["redis", "mysql"]) as operators:
        # When Redis is killed
        redis.send_signal(signal.SIGKILL)
        parts = found(stack, lambda parts: parts["redis"]["state"] == "down", "Redis down")

        # Then it is named, and the API goes on
        assert parts["mysql"]["state"] == "up"
        said(stack, redis="down", mysql="up")
        code, document = health(stack)
        assert (code, document["status"]) == (200, "degraded")

        # When MariaDB freezes, and Redis is back
        redis_server.start()
        database.suspend()
        try:
            parts = found(stack, lambda parts: parts["mysql"]["state"] == "down", "MySQL down")
            assert parts["mysql"]["latency_ms"] < 5000
            said(stack, redis="up", mysql="down")
        finally:
            database.resume()

        # Then both are well again, and each change was told once
        said(stack, redis="up", mysql="up")
        events = operators.hears(4)
        assert statuses(events) == {"redis": ["down", "up"], "mysql": ["down", "up"]}
        assert events[0]["data"]["reason"]
        assert events[-1]["data"]["reason"] is None


def test_each_service_of_aws_fails_alone_and_all_together(stack: LocalStack) -> None:
    # Given a way to break each of them for the checker
    items = stack.table("items").encode()
    broken: set[str] = set()

    def service(call: AwsCall) -> str:
        if call.operation == "GetItem":
            return "dynamodb" if items in call.body else "the checker's own table"
        return {
            "GetQueueUrl": "sqs",
            "DescribeRule": "eventbridge",
            "DescribeSecret": "secretsmanager",
            # S3 says it by method and path.
            "?": "s3",
        }.get(call.operation, "")

    def decide(call: AwsCall) -> Fault | None:
        return BROKEN if service(call) in broken else None

    services = ("dynamodb", "eventbridge", "s3", "secretsmanager", "sqs")
    names = ("DYNAMODB", "EVENTBRIDGE", "S3", "SECRETS_MANAGER", "SQS")
    with (
        listening(stack, "operations", subject=list(services)) as operators,
        faults_between(stack, "health_checker", *names) as proxy,
    ):
        said(stack, **dict.fromkeys(services, "up"), rest="up")
        proxy.decide = decide

        # When each fails, then it is the one that is named
        for one in services:
            broken = {one}
            parts = found(stack, lambda parts, one=one: parts[one]["state"] == "down", one)
            assert {name for name in services if parts[name]["state"] != "up"} == {one}
            assert parts[one]["reason"].startswith(("fails with ", "no answer within "))

        # When all fail, then without DynamoDB the API cannot be relied on
        broken = set(services)
        said(stack, **dict.fromkeys(services, "down"))
        code, document = health(stack)
        assert (code, document["status"]) == (503, "down")

        # When they are back
        broken = set()
        said(stack, **dict.fromkeys(services, "up"))

        # Then nothing was told but what lasted, once
        events = operators.hears(2 * len(services))
        assert statuses(events) == {one: ["down", "up"] for one in services}
        assert health(stack)[0] == 200


def test_apis_that_fail_are_seen_from_outside(stack: LocalStack) -> None:
    # When items cannot be created
    with variables_of(stack, "create_item", {"ITEMS_TABLE": "gone"}):
        reason = "POST /items answers 500"
        parts = found(stack, lambda parts: parts["rest"]["reason"] == reason, "REST down")
        assert parts["rest"]["state"] == "down"
        assert parts["dynamodb"]["state"] == "up"

    # When nobody is let in
    with variables_of(stack, "websocket_authorizer", {"TOKEN_AUDIENCE": "others"}):
        reason = "the handshake is answered 403"
        parts = found(stack, lambda parts: parts["websocket"]["reason"] == reason, "WebSocket down")
        assert parts["websocket"]["state"] == "down"

    # Then
    found(
        stack,
        lambda parts: parts["rest"]["state"] == parts["websocket"]["state"] == "up",
        "both up",
    )


def test_events_that_stand_still_are_missed_and_their_reader_is_behind(stack: LocalStack) -> None:
    # Given a checker that is less patient, and a broadcaster that fails
    with (
        variables_of(stack, "health_checker", {"STREAM_CONSUMERS": "broadcaster=1"}),
        variables_of(stack, "broadcaster", {"CONNECTIONS_TABLE": "gone"}),
    ):
        # Then its events are not heard, and by and by it is known who is behind
        parts = found(
            stack,
            lambda parts: (
                (parts["websocket"]["reason"] or "").startswith("not heard within ")
                and parts["consumers"]["state"] == "degraded"
            ),
            "no events, and the broadcaster behind",
        )
        assert parts["websocket"]["state"] == "down"
        assert parts["consumers"]["reason"].startswith("behind: broadcaster (")
        assert parts["rest"]["state"] == "up"

    # When it is mended, then it catches up
    found(stack, lambda parts: parts["websocket"]["state"] == "up", "events again")


def test_a_dead_letter_is_seen_until_it_is_gone(stack: LocalStack) -> None:
    # Given, beside what other tests left, a queue that is empty
    sqs, url = stack.client("sqs"), stack.status["queues"]["get_health_dead_letters"]["url"]
    sqs.purge_queue(QueueUrl=url)
    others = queues_with_letters(
        found(stack, lambda parts: parts["dead_letters"]["state"] != "down", "all queues")
    )
    sqs.send_message(QueueUrl=url, MessageBody=json.dumps({"health": "trial"}))
    try:
        # Then
        parts = found(
            stack, lambda parts: queues_with_letters(parts) == others + 1, "the dead letter"
        )
        assert parts["dead_letters"]["state"] == "degraded"
    finally:
        [message] = eventually(
            lambda: sqs.receive_message(QueueUrl=url).get("Messages"), what="the dead letter"
        )
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    found(stack, lambda parts: queues_with_letters(parts) == others, "no dead letter")


def queues_with_letters(parts: dict[str, Any]) -> int:
    """Return how many queues a check found with dead letters: the fullest it names."""
    reason = parts["dead_letters"]["reason"] or ""
    more = re.search(r" and (\d+) more$", reason)
    return len(re.findall(r" \(\d+\)", reason)) + (int(more[1]) if more else 0)


def test_a_health_that_cannot_be_read_or_kept_is_no_health(stack: LocalStack) -> None:
    # When the function that answers cannot read, then it says so at once
    with faults_between(stack, "get_health", "DYNAMODB") as proxy:
        proxy.decide = lambda _: BROKEN
        code, document = health(stack)
        assert (code, document["status"]) == (503, "down")
        assert document["parts"]["dynamodb"]["status"] == "down"

    # When the checker cannot keep what it finds, then it ends all the same, and nothing is newer
    with faults_between(stack, "health_checker", "DYNAMODB") as proxy:
        proxy.decide = lambda _: BROKEN
        parts = found(stack, lambda parts: parts["dynamodb"]["state"] == "down", "DynamoDB down")
        assert parts["s3"]["state"] == "up"
        before = health(stack)[1]["checked_at"]
        found(stack, lambda parts: parts["dynamodb"]["state"] == "down", "DynamoDB down")
        assert health(stack)[1]["checked_at"] == before
    found(stack, lambda parts: parts["dynamodb"]["state"] == "up", "DynamoDB up")
