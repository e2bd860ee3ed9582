"""The health's table: one latest row, history beside it, and checks that overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from itemstream.aws import aws_client
from itemstream.dynamodb.attribute_values import from_item
from itemstream.health.dynamodb import HISTORY_SECONDS, DynamoHealth, HealthTableSettings
from itemstream.health.model import Health, Measurement
from itemstream.health.repository import record
from itemstream.health.states import after_check
from tests.fakes.tables import HEALTH, create_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

AT = [f"2026-11-21T06:0{minute}:00.000Z" for minute in range(5)]
WELL = [Measurement("s3", "up", 4), Measurement("mysql", "down", 2000, "no answer")]


@pytest.fixture
def repository(aws: None) -> Iterator[DynamoHealth]:
    with mock_aws():
        create_tables(aws_client("dynamodb"))
        yield DynamoHealth(aws_client("dynamodb"), HealthTableSettings(HEALTH, "operations"))


def rows() -> list[dict[str, Any]]:
    return [from_item(row) for row in aws_client("dynamodb").scan(TableName=HEALTH)["Items"]]


def test_what_was_recorded_is_read_again(repository: DynamoHealth) -> None:
    # When
    assert repository.latest() is None
    recorded = record(repository, WELL, AT[0], lasting=3)

    # Then
    assert recorded is not None
    assert repository.latest() == recorded
    assert recorded.parts["s3"].status == "up"


def test_each_check_leaves_a_row_of_history_that_ends(repository: DynamoHealth) -> None:
    # When
    for at in AT[:3]:
        record(repository, WELL, at, lasting=3)

    # Then
    history = sorted((row for row in rows() if row["pk"] != "latest"), key=lambda row: row["sk"])
    assert [row["sk"] for row in history] == AT[:3]
    assert {row["pk"] for row in history} == {"history#2026-11-21"}
    assert history[2]["parts"]["mysql"] == {
        "status": "down",
        "found": "down",
        "latency_ms": 2000,
        "reason": "no answer",
    }
    assert history[0]["expires_at"] == 1795240800 + HISTORY_SECONDS


def test_the_row_names_whom_its_changes_concern(repository: DynamoHealth) -> None:
    record(repository, WELL, AT[0], lasting=3)
    (latest,) = (row for row in rows() if row["pk"] == "latest")
    assert latest["tenant"] == "operations"
    assert "expires_at" not in latest


def test_a_check_that_is_overtaken_changes_nothing(repository: DynamoHealth) -> None:
    # Given a check that began later and was faster
    later = record(repository, WELL, AT[2], lasting=3)

    # Then one that began before, and the same one again, are dropped
    assert record(repository, [Measurement("s3", "down", 1)], AT[1], lasting=3) is None
    assert record(repository, [Measurement("s3", "down", 1)], AT[2], lasting=3) is None
    assert repository.latest() == later


def test_checks_at_once_both_count(repository: DynamoHealth) -> None:
    # Given one that is recorded between another's reading and writing
    class Slow:
        def __init__(self) -> None:
            self.disturbed = False

        def latest(self) -> Health | None:
            found = repository.latest()
            if not self.disturbed:
                self.disturbed = True
                record(repository, WELL, AT[1], lasting=3)
            return found

        replace = repository.replace

    record(repository, WELL, AT[0], lasting=3)

    # When
    recorded = record(Slow(), WELL, AT[2], lasting=3)

    # Then it began anew
    assert recorded is not None
    assert [at for _, at in recorded.parts["mysql"].recent] == AT[:3]
    assert recorded.parts["mysql"].status == "down"


def test_two_first_checks_are_one_after_the_other(repository: DynamoHealth) -> None:
    after = after_check(None, WELL, AT[0], lasting=3)
    assert repository.replace(None, after, WELL)
    assert not repository.replace(None, after, WELL)
