"""Tickets in DynamoDB are redeemed once, whoever asks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from moto import mock_aws

from itemstream.auth import Principal
from itemstream.aws import aws_client
from itemstream.realtime.tickets import StoredTicket
from itemstream.realtime.tickets_dynamodb import DynamoTickets, DynamoTicketsSettings
from tests.fakes.tables import TICKETS, create_tables

if TYPE_CHECKING:
    from collections.abc import Iterator

NOW = 1_795_250_000
ALICE = Principal("acme", "alice", frozenset({"realtime:connect", "items:read"}), NOW + 900)
TICKET = StoredTicket("0f" * 32, ALICE, NOW + 30)


@pytest.fixture
def client(aws: None) -> Iterator[Any]:
    with mock_aws():
        create_tables(aws_client("dynamodb"))
        yield aws_client("dynamodb")


@pytest.fixture
def tickets(client: Any) -> DynamoTickets:
    return DynamoTickets(client, DynamoTicketsSettings(TICKETS))


def test_a_ticket_is_taken_as_it_was_added_and_once(client: Any, tickets: DynamoTickets) -> None:
    # Given
    another = replace(TICKET, digest="1e" * 32)
    tickets.add(TICKET)
    tickets.add(another)

    # When
    taken = [tickets.take(TICKET.digest) for _ in range(2)]

    # Then
    assert taken == [TICKET, None]
    assert tickets.take(another.digest) == another
    assert client.scan(TableName=TICKETS)["Items"] == []


def test_of_many_that_ask_at_once_one_gets_it(tickets: DynamoTickets) -> None:
    # Given
    tickets.add(TICKET)

    # When
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(tickets.take, [TICKET.digest] * 8))

    # Then
    assert [ticket for ticket in taken if ticket] == [TICKET]


def test_a_ticket_that_nobody_redeems_goes_by_itself(client: Any, tickets: DynamoTickets) -> None:
    # When
    tickets.add(TICKET)

    # Then
    (row,) = client.scan(TableName=TICKETS)["Items"]
    assert row["expires_at"] == {"N": str(NOW + 30)}
    assert row["token_expires_at"] == {"N": str(NOW + 900)}


def test_tickets_are_kept_where_the_environment_says(
    tickets: DynamoTickets, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setenv("TICKETS_TABLE", TICKETS)

    # When
    DynamoTickets.from_environment().add(TICKET)

    # Then
    assert tickets.take(TICKET.digest) == TICKET
