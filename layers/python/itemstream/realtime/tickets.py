"""Tickets: a handshake's credentials for who cannot set headers, good for one use and 30 seconds.

Browsers open a WebSocket with a URL and nothing else (WHATWG, WebSockets standard), and URLs end up
in logs. What stands there is worthless once it was used, or half a minute later. Of a ticket only
its SHA-256 is kept: who can read the table can redeem nothing.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from itemstream.realtime.limits import TICKET_SECONDS

if TYPE_CHECKING:
    from itemstream.auth import Principal

__all__ = ["StoredTicket", "TicketRefused", "TicketRepository", "issue_ticket", "redeem_ticket"]

_BYTES = 32
# What 32 bytes make in base64url, without padding.
_TICKET = re.compile(r"[A-Za-z0-9_-]{43}")


class TicketRefused(Exception):  # noqa: N818
    """The ticket is not acceptable. The message says why, for logs, and holds no part of it."""


@dataclass(frozen=True, slots=True)
class StoredTicket:
    """
    What is kept of a ticket.

    Parameters
    ----------
    digest
        Its SHA-256, in hexadecimal digits.
    principal
        Who may connect with it, until when their token ends.
    expires_at
        Until when it can be redeemed, in seconds since the epoch.
    """

    digest: str
    principal: Principal
    expires_at: int


class TicketRepository(Protocol):
    """Where tickets are kept."""

    def add(self, ticket: StoredTicket) -> None:
        """
        Keep a ticket.

        Raises
        ------
        DependencyUnavailable
            It may have been kept.
        """

    def take(self, digest: str) -> StoredTicket | None:
        """
        Remove a ticket and return it, however old, or ``None`` if there is none.

        However many ask at once, one of them gets it.

        Raises
        ------
        DependencyUnavailable
            It may have been removed.
        """


def issue_ticket(tickets: TicketRepository, principal: Principal, *, now: int) -> str:
    """
    Make a ticket and return it: it is known to nobody else.

    Raises
    ------
    DependencyUnavailable
        It could not be kept.
    """
    ticket = secrets.token_urlsafe(_BYTES)
    tickets.add(StoredTicket(_digest(ticket), principal, now + TICKET_SECONDS))
    return ticket


def redeem_ticket(tickets: TicketRepository, ticket: str, *, now: int) -> Principal:
    """
    Return who may connect, once.

    Raises
    ------
    TicketRefused
        It was never given out, was redeemed before, or is too old.
    DependencyUnavailable
        It may have been redeemed by this.
    """
    if not _TICKET.fullmatch(ticket):
        raise TicketRefused("not a ticket")
    stored = tickets.take(_digest(ticket))
    if stored is None:
        raise TicketRefused("unknown ticket, or used before")
    # DynamoDB removes expired rows within days, not seconds.
    if stored.expires_at <= now:
        raise TicketRefused("ticket too old")
    return stored.principal


def _digest(ticket: str) -> str:
    return hashlib.sha256(ticket.encode()).hexdigest()
