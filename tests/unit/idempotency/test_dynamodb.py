"""One answer for each idempotency key, whatever gets in the way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from itemstream.aws import aws_client
from itemstream.dependencies import DependencyUnavailable
from itemstream.idempotency import Answer, IdempotencyKey, KeyInFlight, KeyReused
from itemstream.idempotency.dynamodb import (
    ATTEMPTS,
    LIFETIME_SECONDS,
    DynamoAnswers,
    DynamoAnswersSettings,
)
from itemstream.items.dynamodb import DynamoItems, DynamoItemsSettings
from tests.fakes.content import new_item
from tests.fakes.tables import IDEMPOTENCY, ITEMS, create_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = IdempotencyKey("acme", "alice", "POST /items", "key-1", {"name": "Oak table", "quantity": 1})
SETTINGS = DynamoAnswersSettings(IDEMPOTENCY)


@pytest.fixture
def client(aws: None) -> Iterator[Any]:
    with mock_aws():
        create_tables(aws_client("dynamodb"))
        yield aws_client("dynamodb")


@pytest.fixture
def items(client: Any) -> DynamoItems:
    return DynamoItems(client, DynamoItemsSettings(ITEMS, 4))


@pytest.fixture
def answers(client: Any, monkeypatch: pytest.MonkeyPatch) -> DynamoAnswers:
    monkeypatch.setenv("IDEMPOTENCY_TABLE", IDEMPOTENCY)
    return DynamoAnswers.from_environment()


def request(answers: DynamoAnswers, items: DynamoItems, key: IdempotencyKey = KEY) -> Any:
    """Ask for one more item; return its id, the answer and whether it is a replay."""
    item = new_item()
    answer = Answer(201, {"ETag": '"1"'}, item.document)
    return item.id, *answers.once(key, answer, items.addition(item))


def count(client: Any, table: str) -> int:
    return int(client.scan(TableName=table)["Count"])


def test_a_repeat_gets_the_first_answer_and_writes_nothing(
    client: Any, answers: DynamoAnswers, items: DynamoItems
) -> None:
    # When
    first_id, first, replayed_first = request(answers, items)
    _, second, replayed_second = request(answers, items)

    # Then
    assert (replayed_first, replayed_second) == (False, True)
    assert second == first
    assert second.document["id"] == first_id
    assert count(client, ITEMS) == 1


def test_the_same_key_with_another_request_is_refused(
    client: Any, answers: DynamoAnswers, items: DynamoItems
) -> None:
    request(answers, items)
    with pytest.raises(KeyReused):
        request(answers, items, replace(KEY, request={"name": "Ash table"}))
    assert count(client, ITEMS) == 1


@pytest.mark.parametrize(
    "other",
    [{"tenant": "other"}, {"subject": "bob"}, {"route": "POST /reports"}, {"key": "key-2"}],
    ids=str,
)
def test_a_key_is_bound_to_who_sent_it_and_where_to(
    client: Any, answers: DynamoAnswers, items: DynamoItems, other: dict[str, str]
) -> None:
    request(answers, items)
    _, _, replayed = request(answers, items, replace(KEY, **other))  # type: ignore[arg-type]
    assert not replayed
    assert count(client, ITEMS) == 2


def test_a_key_may_be_used_anew_after_a_day(client: Any, items: DynamoItems) -> None:
    # Given
    now = 1_800_000_000.0
    answers = DynamoAnswers(client, SETTINGS, clock=lambda: now)
    first_id, _, _ = request(answers, items)

    # When a second is left, then it is a replay
    now += LIFETIME_SECONDS - 1
    assert request(answers, items)[2] is True

    # When none is left, then it is new, although DynamoDB has not deleted the record yet
    now += 1
    second_id, answer, replayed = request(answers, items)
    assert not replayed
    assert answer.document["id"] == second_id != first_id
    assert count(client, ITEMS) == 2


def cancelled(*codes: str) -> ClientError:
    return ClientError(
        {
            "Error": {"Code": "TransactionCanceledException"},
            "CancellationReasons": [{"Code": code} for code in codes],  # type: ignore[typeddict-unknown-key]
        },
        "TransactWriteItems",
    )


class Table:
    """A client whose transactions end as told, one after the other; then they succeed."""

    def __init__(self, *endings: Exception, record: dict[str, Any] | None = None) -> None:
        self._endings = list(endings)
        self._record = record
        self.transactions = 0

    def transact_write_items(self, **_kwargs: Any) -> None:
        self.transactions += 1
        if self._endings:
            raise self._endings.pop(0)

    def get_item(self, **_kwargs: Any) -> dict[str, Any]:
        return {"Item": self._record} if self._record else {}


def outcome(table: Table) -> tuple[bool, list[float]]:
    pauses: list[float] = []
    answers = DynamoAnswers(table, SETTINGS, pause=pauses.append)
    _, replayed = answers.once(KEY, Answer(201, {}, {}), {})
    return replayed, pauses


STORED = {
    "pk": {"S": KEY.digest},
    "fingerprint": {"S": KEY.fingerprint},
    "status": {"N": "201"},
    "headers": {"M": {}},
    "document": {"M": {}},
}


@pytest.mark.parametrize(
    "codes",
    [
        ("None", "TransactionConflict"),
        ("TransactionConflict", "None"),
        ("ConditionalCheckFailed", "TransactionConflict"),
        ("None", "ThrottlingError"),
        ("ProvisionedThroughputExceeded", "None"),
    ],
)
def test_a_transaction_that_another_one_held_up_is_tried_again(codes: tuple[str, str]) -> None:
    table = Table(cancelled(*codes))
    replayed, pauses = outcome(table)
    assert not replayed
    assert table.transactions == 2
    assert len(pauses) == 1
    assert 0 <= pauses[0] < 1


@pytest.mark.parametrize(
    "codes",
    [("None", "ConditionalCheckFailed"), ("ConditionalCheckFailed", "ConditionalCheckFailed")],
)
def test_a_record_in_the_way_is_replayed(codes: tuple[str, str]) -> None:
    assert outcome(Table(cancelled(*codes), record=STORED)) == (True, [])


def test_a_record_that_went_meanwhile_is_written_again() -> None:
    table = Table(cancelled("None", "ConditionalCheckFailed"))
    assert outcome(table) == (False, [])
    assert table.transactions == 2


def test_a_key_that_stays_held_up_is_in_flight() -> None:
    table = Table(*[cancelled("None", "TransactionConflict")] * ATTEMPTS)
    with pytest.raises(KeyInFlight):
        outcome(table)
    assert table.transactions == ATTEMPTS


@pytest.mark.parametrize("throttle", ["ThrottlingError", "ProvisionedThroughputExceeded"])
def test_a_table_that_stays_throttled_is_unavailable(throttle: str) -> None:
    table = Table(*[cancelled("None", throttle)] * ATTEMPTS)
    with pytest.raises(DependencyUnavailable):
        outcome(table)
    assert table.transactions == ATTEMPTS


@pytest.mark.parametrize(
    "error",
    [
        cancelled("ConditionalCheckFailed", "None"),
        cancelled("ItemCollectionSizeLimitExceeded", "None"),
        cancelled("None", "ValidationError"),
        cancelled(),
        ClientError({"Error": {"Code": "AccessDeniedException"}}, "TransactWriteItems"),
    ],
    ids=str,
)
def test_other_failures_stay_visible(error: ClientError) -> None:
    table = Table(error, record=STORED)
    with pytest.raises(ClientError):
        outcome(table)
    assert table.transactions == 1


def test_a_dynamodb_that_is_away_is_said_to_be() -> None:
    error = ClientError({"Error": {"Code": "TransactionInProgressException"}}, "Any")
    with pytest.raises(DependencyUnavailable):
        outcome(Table(error))
