"""Tickets: good once, for half a minute, and known to nobody but who asked."""

from __future__ import annotations

import hashlib

import pytest

from itemstream.auth import Principal
from itemstream.realtime.limits import TICKET_SECONDS
from itemstream.realtime.tickets import TicketRefused, issue_ticket, redeem_ticket
from tests.fakes.realtime import NOW, Away, InMemoryTickets

ALICE = Principal("acme", "alice", frozenset({"items:read", "realtime:connect"}), NOW + 600)


@pytest.fixture
def tickets() -> InMemoryTickets:
    return InMemoryTickets()


def test_a_ticket_says_who_asked_for_it_and_is_good_once(tickets: InMemoryTickets) -> None:
    # Given
    ticket = issue_ticket(tickets, ALICE, now=NOW)

    # When, then
    assert redeem_ticket(tickets, ticket, now=NOW + TICKET_SECONDS - 1) == ALICE
    with pytest.raises(TicketRefused, match="used before"):
        redeem_ticket(tickets, ticket, now=NOW)


def test_a_ticket_is_good_for_half_a_minute(tickets: InMemoryTickets) -> None:
    ticket = issue_ticket(tickets, ALICE, now=NOW)
    with pytest.raises(TicketRefused, match="too old"):
        redeem_ticket(tickets, ticket, now=NOW + TICKET_SECONDS)


def test_only_its_hash_is_kept(tickets: InMemoryTickets) -> None:
    ticket = issue_ticket(tickets, ALICE, now=NOW)
    assert tickets.kept.keys() == {hashlib.sha256(ticket.encode()).hexdigest()}
    assert ticket not in repr(tickets.kept)


def test_no_two_tickets_are_alike(tickets: InMemoryTickets) -> None:
    made = {issue_ticket(tickets, ALICE, now=NOW) for _ in range(100)}
    assert len(made) == len(tickets.kept) == 100
    assert {len(ticket) for ticket in made} == {43}


@pytest.mark.parametrize("ticket", ["", "a" * 42, "a" * 44, "x" * 4000])
def test_what_does_not_look_like_a_ticket_is_not_looked_for(ticket: str) -> None:
    with pytest.raises(TicketRefused):
        redeem_ticket(Away(), ticket, now=NOW)


@pytest.mark.parametrize(
    "ticket", ["", "a" * 42, "a" * 44, "a" * 42 + "=", "a" * 42 + "\n", "ä" * 43, "A" * 43]
)
def test_what_was_never_given_out_is_refused(tickets: InMemoryTickets, ticket: str) -> None:
    # Given
    issue_ticket(tickets, ALICE, now=NOW)

    # When
    with pytest.raises(TicketRefused) as refused:
        redeem_ticket(tickets, ticket, now=NOW)

    # Then
    assert len(ticket) < 40 or ticket not in str(refused.value)
    assert len(tickets.kept) == 1
