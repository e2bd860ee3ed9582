"""The health of a stack that is well: every part is asked, and the canary leaves nothing behind."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.health import check, found, health
from tests.subscribers import subscribed
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local_stack import Caller, LocalStack

PARTS = {
    *("dynamodb", "s3", "sqs", "eventbridge", "secretsmanager", "redis", "mysql"),
    *("rest", "websocket"),
}
# Others may leave dead letters and lags behind.
WATCHED = {"dead_letters", "consumers"}


def test_every_part_is_asked_and_found_well(stack: LocalStack) -> None:
    # When
    parts = found(
        stack, lambda parts: {parts[name]["state"] for name in PARTS} == {"up"}, "all parts up"
    )

    # Then
    assert parts.keys() == PARTS | WATCHED
    assert {parts[name]["reason"] for name in PARTS} == {None}
    assert all(0 <= parts[name]["latency_ms"] < 10_000 for name in PARTS | WATCHED)
    code, document = health(stack)
    assert document["parts"].keys() == PARTS | WATCHED
    assert (code == 200) == (document["status"] in ("up", "degraded"))


def test_each_check_is_history(stack: LocalStack) -> None:
    # When
    check(stack)
    _, document = health(stack)

    # Then
    at = document["checked_at"]
    row = stack.client("dynamodb").get_item(
        TableName=stack.table("health"),
        Key={"pk": {"S": f"history#{at[:10]}"}, "sk": {"S": at}},
        ConsistentRead=True,
    )["Item"]
    assert row["parts"]["M"].keys() == PARTS | WATCHED
    assert int(row["expires_at"]["N"]) > 0


def test_the_canary_leaves_no_item_and_notifies_nobody(
    stack: LocalStack, make_caller: Callable[..., Caller]
) -> None:
    # Given somebody who hears of the canary's items, if anybody does
    canary, other = make_caller("canary"), make_caller()
    with subscribed(stack, tenant=["canary", other.tenant]) as subscriber:
        # When
        check(stack)
        assert stack.end_of_log("canary") > 0
        other.created()

        # Then
        (message,) = eventually(subscriber.take, within=60, what="a notification")
        assert json.loads(message["Message"])["event"]["tenant"] == other.tenant
    # What a canary that was late left behind is gone after another one; the clock's may be at it.
    found(stack, lambda parts: parts["rest"]["state"] == "up", "REST up")
    for item in canary.http.get("items").json()["items"]:
        assert datetime.now(UTC) - datetime.fromisoformat(item["created_at"]) < timedelta(minutes=2)
