"""Who opens a connection: by the token in a header, or the ticket in the address."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from itemstream.auth import KeysUnavailable, TokenRefused
from itemstream.dependencies import DependencyUnavailable
from itemstream.realtime.limits import CONNECTION_SECONDS
from itemstream.realtime.tickets import TicketRefused, redeem_ticket

if TYPE_CHECKING:
    from collections.abc import Callable

    from itemstream.auth import Principal
    from itemstream.realtime.tickets import TicketRepository

__all__ = ["CONNECT_SCOPE", "HandshakeRefused", "connection_end", "principal_of_handshake"]

CONNECT_SCOPE = "realtime:connect"
# At two hours the gateway closes a connection itself and says nothing: before that there is still
# somebody to say why to.
_SOONER_SECONDS = 30


class HandshakeRefused(Exception):  # noqa: N818
    """Nobody is let in. The message says why, for logs, and holds no part of what was sent."""


def principal_of_handshake(
    event: dict[str, Any],
    *,
    verify_header: Callable[[str], Principal],
    tickets: TicketRepository,
    now: int,
) -> Principal:
    """
    Return who opens a connection.

    Parameters
    ----------
    event
        What the gateway tells a REQUEST authorizer of ``$connect``.
    verify_header
        Turns an ``Authorization`` header into a principal, as
        :meth:`itemstream.auth.tokens.TokenVerifier.verify_header` does.
    tickets
        Where tickets are kept.
    now
        Seconds since the epoch.

    Raises
    ------
    HandshakeRefused
        There are no credentials or several, they are not acceptable or permit no connection, or
        nobody can be told because keys or tickets cannot be had.
    """
    # HTTP field names have no case (RFC 9110, section 5.1); names of parameters do.
    headers = _values(event, "headers", "multiValueHeaders", str.lower).get("authorization", [])
    given = _values(event, "queryStringParameters", "multiValueQueryStringParameters", str)
    tickets_given = given.get("ticket", [])
    if len(headers) + len(tickets_given) != 1:
        raise HandshakeRefused("several credentials" if headers or tickets_given else "none given")
    try:
        if headers:
            principal = verify_header(headers[0])
        else:
            principal = redeem_ticket(tickets, tickets_given[0], now=now)
    except (TokenRefused, TicketRefused, KeysUnavailable, DependencyUnavailable) as error:
        raise HandshakeRefused(str(error)) from error
    if CONNECT_SCOPE not in principal.scopes:
        raise HandshakeRefused("scope")
    # Tokens are accepted for some seconds longer than they say; there is nothing to connect for.
    if principal.expires_at <= now:
        raise HandshakeRefused("the token's time is over")
    return principal


def connection_end(connected_at: int, token_expires_at: int) -> tuple[int, Literal["token", "age"]]:
    """Return when a connection ends, in seconds since the epoch, and why then."""
    old = connected_at + CONNECTION_SECONDS - _SOONER_SECONDS
    return (token_expires_at, "token") if token_expires_at < old else (old, "age")


def _values(
    event: dict[str, Any], single: str, multiple: str, spelled: Callable[[str], str]
) -> dict[str, list[str]]:
    """Return all values of each name, which API Gateway may give in two places."""
    found: dict[str, list[str]] = {}
    for name, value in (event.get(single) or {}).items():
        found.setdefault(spelled(name), []).append(str(value or ""))
    several: dict[str, list[str]] = {}
    for name, values in (event.get(multiple) or {}).items():
        several.setdefault(spelled(name), []).extend(str(value or "") for value in values or [])
    return {**found, **several}
