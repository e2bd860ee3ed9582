"""Who opens a connection, and until when."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from itemstream.auth import KeysUnavailable, Principal, TokenRefused
from itemstream.realtime.authentication import (
    HandshakeRefused,
    connection_end,
    principal_of_handshake,
)
from itemstream.realtime.tickets import issue_ticket
from tests.fakes.realtime import NOW, Away, InMemoryTickets

ALICE = Principal("acme", "alice", frozenset({"items:read", "realtime:connect"}), NOW + 600)
BOB = replace(ALICE, subject="bob")


class Door:
    """Opens for who says ``Bearer good`` or has a ticket, which is Bob's."""

    def __init__(self) -> None:
        self.tickets: Any = InMemoryTickets()
        self.token: Principal | Exception = ALICE

    def ticket(self, principal: Principal = BOB) -> str:
        return issue_ticket(self.tickets, principal, now=NOW)

    def open(self, **event: Any) -> Principal:
        return principal_of_handshake(
            event, verify_header=self._verify, tickets=self.tickets, now=NOW
        )

    def _verify(self, header: str) -> Principal:
        if header != "Bearer good":
            raise TokenRefused("another header")
        if isinstance(self.token, Exception):
            raise self.token
        return self.token


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.mark.parametrize("name", ["Authorization", "authorization", "AUTHORIZATION"])
def test_a_token_opens(door: Door, name: str) -> None:
    assert door.open(headers={name: "Bearer good", "Host": "h"}) == ALICE
    assert door.open(multiValueHeaders={name: ["Bearer good"]}) == ALICE
    both = {"headers": {name: "Bearer good"}, "multiValueHeaders": {name: ["Bearer good"]}}
    assert door.open(**both) == ALICE


def test_a_ticket_opens_once(door: Door) -> None:
    ticket = door.ticket()
    given = {
        "headers": {"Host": "h"},
        "queryStringParameters": {"ticket": ticket},
        "multiValueQueryStringParameters": {"ticket": [ticket]},
    }
    assert door.open(**given) == BOB
    with pytest.raises(HandshakeRefused):
        door.open(**given)


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"headers": None, "queryStringParameters": None},
        {"headers": {}, "multiValueHeaders": {}, "queryStringParameters": {}},
        {"headers": {"Host": "h", "X-Authorization": "Bearer good"}},
        {"queryStringParameters": {"token": "good", "Ticket": "A" * 43}},
    ],
    ids=str,
)
def test_without_credentials_nothing_opens(door: Door, event: dict[str, Any]) -> None:
    with pytest.raises(HandshakeRefused, match="none given"):
        door.open(**event)


def test_with_several_nothing_opens_and_no_ticket_is_spent(door: Door) -> None:
    # Given
    ticket, another = door.ticket(), door.ticket()
    token = {"Authorization": "Bearer good"}

    # When, then
    for event in (
        {"headers": token, "queryStringParameters": {"ticket": ticket}},
        {"headers": token, "queryStringParameters": {"ticket": ""}},
        {"headers": {"Authorization": ""}, "queryStringParameters": {"ticket": ticket}},
        {
            "queryStringParameters": {"ticket": ticket},
            "multiValueQueryStringParameters": {"ticket": [another, ticket]},
        },
        {"multiValueHeaders": {"Authorization": ["Bearer good", "Bearer good"]}},
        {"headers": {"Authorization": "Bearer good", "authorization": "Bearer good"}},
    ):
        with pytest.raises(HandshakeRefused, match="several credentials"):
            door.open(**event)
    assert len(door.tickets.kept) == 2


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer bad", "Basic good", None])
def test_a_header_that_is_refused_opens_nothing(door: Door, header: str | None) -> None:
    with pytest.raises(HandshakeRefused):
        door.open(headers={"Authorization": header})


@pytest.mark.parametrize(
    ("principal", "reason"),
    [
        (replace(ALICE, scopes=frozenset({"items:read"})), "scope"),
        (replace(ALICE, scopes=frozenset({"realtime:connected"})), "scope"),
        (replace(ALICE, expires_at=NOW), "the token's time is over"),
    ],
)
def test_who_may_not_connect_does_not_by_either_way(
    door: Door, principal: Principal, reason: str
) -> None:
    door.token = principal
    with pytest.raises(HandshakeRefused, match=reason):
        door.open(headers={"Authorization": "Bearer good"})
    with pytest.raises(HandshakeRefused, match=reason):
        door.open(queryStringParameters={"ticket": door.ticket(principal)})


def test_who_cannot_be_told_is_refused(door: Door) -> None:
    door.token = KeysUnavailable("no verification keys yet")
    with pytest.raises(HandshakeRefused, match="no verification keys"):
        door.open(headers={"Authorization": "Bearer good"})

    ticket, door.tickets = door.ticket(), Away()
    with pytest.raises(HandshakeRefused, match="DynamoDB is not available"):
        door.open(queryStringParameters={"ticket": ticket})


def test_a_connection_ends_with_its_token() -> None:
    assert connection_end(NOW, NOW + 600) == (NOW + 600, "token")


def test_it_ends_in_any_case_before_the_gateway_ends_it_unsaid() -> None:
    ends_at, ends_by = connection_end(NOW, NOW + 86400)
    assert ends_by == "age"
    assert NOW + 7100 < ends_at < NOW + 7200
