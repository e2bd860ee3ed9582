"""Rows that have ended, in real tables: all of them go, none that lives, however it is scanned."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from itemstream.cleanup import rows_dynamodb
from itemstream.cleanup.expired_rows import ExpiredRows
from itemstream.cleanup.pace import Pace
from itemstream.cleanup.rows_dynamodb import DynamoRows
from itemstream.cleanup.tasks import Budget, Removal
from itemstream.dynamodb.attribute_values import from_item, to_item
from tests.fakes.tables import CONNECTIONS, TICKETS

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = 1_795_250_000
PACE = Pace(1_000_000)


def put(client: Any, table: str, **row: Any) -> None:
    client.put_item(TableName=table, Item=to_item(row))


def rows_of(client: Any, table: str) -> list[dict[str, Any]]:
    return [from_item(row) for row in client.scan(TableName=table)["Items"]]


def task(client: Any, table: str = CONNECTIONS) -> ExpiredRows:
    keys = ("pk",) if table == TICKETS else ("pk", "sk")
    return ExpiredRows("connections", DynamoRows(client, table, keys, PACE), clock=lambda: NOW)


@pytest.fixture
def connections(dynamodb: Any) -> Any:
    """A table with rows of every kind, each once over, once alive."""
    for state, ends in (("over", NOW), ("alive", NOW + 1)):
        row = {"expires_at": ends, "topics": {"items": 1}}
        put(dynamodb, CONNECTIONS, pk=f"connection#{state}", sk="connection", **row)
        put(dynamodb, CONNECTIONS, pk="topic#acme#items#1", sk=state, expires_at=ends)
        put(dynamodb, CONNECTIONS, pk="topics#acme", sk=f"items/{state}", expires_at=ends)
        put(dynamodb, CONNECTIONS, pk=f"delivery#acme#{state}#1", sk="delivery", expires_at=ends)
    put(dynamodb, CONNECTIONS, pk="topics#acme", sk="without end")
    return dynamodb


def test_what_has_ended_goes_with_its_subscriptions_and_nothing_else(connections: Any) -> None:
    # When
    account = task(connections).run(Budget(100))

    # Then
    assert (account.found, account.removed, account.done) == (4, 4, True)
    left = {(row["pk"], row["sk"]) for row in rows_of(connections, CONNECTIONS)}
    assert left == {
        ("connection#alive", "connection"),
        ("topic#acme#items#1", "alive"),
        ("topics#acme", "items/alive"),
        ("topics#acme", "without end"),
        ("delivery#acme#alive#1", "delivery"),
    }


def test_a_dry_run_counts_the_same_and_removes_nothing(connections: Any) -> None:
    # Given
    before = rows_of(connections, CONNECTIONS)

    # When
    account = task(connections).run(Budget(100, dry_run=True))

    # Then
    assert (account.found, account.removed, account.done) == (4, 4, True)
    assert rows_of(connections, CONNECTIONS) == before


def test_a_row_that_lives_on_meanwhile_stays(
    connections: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given a subscriber who comes back to a topic just after the page was read
    rows = DynamoRows(connections, CONNECTIONS, ("pk", "sk"), PACE)
    page = rows.page(None, ended_by=NOW)
    put(connections, CONNECTIONS, pk="topics#acme", sk="items/over", expires_at=NOW + 86400)

    # When
    removal = rows.remove_ended(page.rows, by=NOW)

    # Then
    assert removal == Removal(removed=3, kept=1)
    assert {"pk": "topics#acme", "sk": "items/over", "expires_at": NOW + 86400} in rows_of(
        connections, CONNECTIONS
    )


def test_a_scan_that_is_interrupted_after_each_page_comes_to_the_same(
    dynamodb: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setattr(rows_dynamodb, "PAGE_ROWS", 3)
    for number in range(40):
        put(dynamodb, TICKETS, pk=f"ticket-{number}", expires_at=NOW - 1 if number % 2 else NOW + 9)
    position, removed, runs = None, 0, 0

    # When
    while runs == 0 or position is not None:
        account = task(dynamodb, TICKETS).run(Budget(0, position))
        position, removed, runs = account.position, removed + account.removed, runs + 1

    # Then
    assert removed == 20
    assert runs > 2
    assert all(row["expires_at"] > NOW for row in rows_of(dynamodb, TICKETS))


def test_rows_are_left_when_the_table_is_too_slow(
    connections: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setattr(rows_dynamodb, "REMOVAL_SECONDS", 0)

    # When
    account = task(connections).run(Budget(100))

    # Then
    assert (account.found, account.removed, account.errors) == (4, 0, 4)


def test_a_row_that_cannot_be_removed_does_not_keep_the_others(
    connections: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    delete: Callable[..., Any] = connections.delete_item

    def deny_one(**query: Any) -> Any:
        if query["Key"]["pk"]["S"] == "connection#over":
            raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "DeleteItem")
        return delete(**query)

    monkeypatch.setattr(connections, "delete_item", deny_one)

    # When
    account = task(connections).run(Budget(100))

    # Then
    assert (account.found, account.removed, account.errors) == (4, 3, 1)
    assert account.done
