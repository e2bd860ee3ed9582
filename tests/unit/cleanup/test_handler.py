"""The function: with all of its tasks on real tables and buckets, and what it says of a run."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import pytest

from itemstream.cleanup import tasks_on_aws
from itemstream.dynamodb.attribute_values import from_item, to_item
from tests.fakes.gateway import LambdaContext
from tests.fakes.tables import (
    BRONZE_CALL,
    CLEANUP,
    CONNECTIONS,
    IDEMPOTENCY,
    IMAGE_UPLOADS,
    ITEMS,
    TICKETS,
)
from tests.unit.cleanup.conftest import BUCKET

if TYPE_CHECKING:
    from collections.abc import Callable

    from itemstream.cleanup.pace import Pace

TASKS = [
    *("versions", "tickets", "connections", "idempotency"),
    *("pending_uploads", "uploads", "renditions", "bronze"),
]
CALL = {"schedule": "cleanup", "scheduled_time": "2026-11-21T03:00:00Z", "input": {}}


@pytest.fixture
def handler(
    dynamodb: Any, s3: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[[dict[str, Any]], Any]:
    for name, value in {
        "CONNECTIONS_TABLE": CONNECTIONS,
        "TICKETS_TABLE": TICKETS,
        "IDEMPOTENCY_TABLE": IDEMPOTENCY,
        "IMAGE_UPLOADS_TABLE": IMAGE_UPLOADS,
        "BRONZE_CALL_TABLE": BRONZE_CALL,
        "ITEMS_TABLE": ITEMS,
        "ITEMS_SHARDS": "4",
        "CLEANUP_TABLE": CLEANUP,
        "UPLOADS_BUCKET": BUCKET,
        "PROCESSED_BUCKET": BUCKET,
        "ARCHIVE_BUCKET": BUCKET,
        "CLEANUP_FUNCTIONS": "itemstream-test-a itemstream-test-b",
        "BRONZE_KEEP_DAYS": "60",
        "OPERATIONS_TENANT": "operations",
        "DEAD_LETTERS_QUEUE": "itemstream-test-dead-letters",
    }.items():
        monkeypatch.setenv(name, value)
    for table, key in ((TICKETS, "t"), (IDEMPOTENCY, "i")):
        dynamodb.put_item(TableName=table, Item=to_item({"pk": key, "expires_at": 1}))
    from scheduled import cleanup_job

    loaded = importlib.reload(cleanup_job)
    context = LambdaContext("itemstream-test-cleanup-job", remaining_milliseconds=900_000)
    return lambda event: loaded.handler(event, context)


def rows(dynamodb: Any) -> dict[str, dict[str, Any]]:
    found = [from_item(row) for row in dynamodb.scan(TableName=CLEANUP)["Items"]]
    return {row["pk"]: row for row in found}


def test_a_run_is_kept_counted_and_answered(
    handler: Callable[[dict[str, Any]], Any],
    dynamodb: Any,
    log: Callable[[], list[dict[str, Any]]],
) -> None:
    # When
    answer = handler(CALL)

    # Then
    assert list(answer["tasks"]) == TASKS
    assert all(task["done"] and not task["errors"] for task in answer["tasks"].values())
    assert {name for name, task in answer["tasks"].items() if task["removed"]} == {
        "tickets",
        "idempotency",
    }
    kept = rows(dynamodb)
    assert {f"task#{name}" for name in TASKS} < kept.keys()
    row = kept[f"run#{answer['id']}"]
    assert row["tenant"] == "operations"
    assert row["run"] == {name: value for name, value in answer.items() if name != "dry_run"}
    lines = log()
    removed = {line["task"]: line["CleanupRemoved"] for line in lines if "CleanupRemoved" in line}
    assert removed == {name: [1.0 if name in ("tickets", "idempotency") else 0.0] for name in TASKS}
    assert [line["CleanupRuns"] for line in lines if "CleanupRuns" in line] == [[1.0]]


def test_bronze_has_a_pace_of_its_own_and_half_of_the_time(
    handler: Callable[[dict[str, Any]], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    paces: dict[str, Pace] = {}

    def rows(_client: Any, table: str, _keys: tuple[str, ...], pace: Pace) -> Any:
        paces[table] = pace

    monkeypatch.setattr(tasks_on_aws, "DynamoRows", rows)

    # When
    tasks = {task.name: task for task in tasks_on_aws.tasks_from_environment()}

    # Then
    rates = {table: pace.rate for table, pace in paces.items()}
    assert rates.pop(BRONZE_CALL) == 4000
    assert set(rates.values()) == {500}
    assert 2 * tasks["bronze"].share == sum(task.share for task in tasks.values())


def test_a_dry_run_answers_the_same_and_leaves_no_trace(
    handler: Callable[[dict[str, Any]], Any],
    dynamodb: Any,
    log: Callable[[], list[dict[str, Any]]],
) -> None:
    # When
    dry = handler({**CALL, "input": {"dry_run": True}})

    # Then
    assert rows(dynamodb) == {}
    assert not any("CleanupRuns" in line or "CleanupRemoved" in line for line in log())
    assert dry["tasks"] == handler(CALL)["tasks"]


def test_a_task_that_fails_is_logged_and_counted_and_the_others_run(
    handler: Callable[[dict[str, Any]], Any],
    s3: Any,
    log: Callable[[], list[dict[str, Any]]],
) -> None:
    # Given
    s3.delete_bucket(Bucket=BUCKET)

    # When
    answer = handler(CALL)

    # Then
    failed = {name for name, task in answer["tasks"].items() if task["fault"] == "NoSuchBucket"}
    assert failed == {"uploads", "renditions"}
    assert answer["tasks"]["bronze"]["done"]
    lines = log()
    assert {line["task"] for line in lines if line.get("message") == "task failed"} == failed
    assert [line["CleanupErrors"] for line in lines if "CleanupRuns" in line] == [[2.0]]
