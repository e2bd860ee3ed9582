"""Tokens and tickets: what a connection begins with, and what keeps it open."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

__all__ = ["Credentials", "Opening", "Provider", "expiry_of"]

Provider = Callable[[], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Opening:
    """
    What one connection begins with.

    Parameters
    ----------
    url
        Its address.
    headers
        Headers of its handshake.
    ends_at
        When its token ends, in seconds since 1970, if that is known.
    """

    url: str = field(repr=False)
    headers: dict[str, str] = field(repr=False)
    ends_at: float | None


@dataclass(frozen=True, slots=True)
class Credentials:
    """
    Where a connection's credentials come from.

    Parameters
    ----------
    token
        One access token, for a client that need not outlive it.
    token_provider
        Gives an access token that is good for a while.
    ticket_provider
        Gives a single-use ticket, for a client that has to connect without a header.
    """

    token: str | None = field(default=None, repr=False)
    token_provider: Provider | None = None
    ticket_provider: Provider | None = None

    def __post_init__(self) -> None:
        beginnings = (self.token, self.token_provider or self.ticket_provider)
        if sum(given is not None for given in beginnings) != 1:
            raise ValueError("give a token, or a token_provider, a ticket_provider or both")

    @property
    def can_change(self) -> bool:
        """Whether there may be others once these are refused."""
        return self.token is None

    async def opening(self, url: str) -> Opening:
        """Ask for what the next connection begins with."""
        if self.ticket_provider is not None:
            ticket = quote(await self.ticket_provider(), safe="")
            separator = "&" if urlsplit(url).query else "?"
            # A ticket does not say when its token ends.
            token = await self.token_provider() if self.token_provider else ""
            return Opening(f"{url}{separator}ticket={ticket}", {}, expiry_of(token))
        token = await self.token_provider() if self.token_provider else self.token or ""
        return Opening(url, {"Authorization": f"Bearer {token}"}, expiry_of(token))


def expiry_of(token: str) -> float | None:
    """Return when a token ends, in seconds since 1970, if it can be read; nothing is verified."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return float(claims["exp"])
    except (IndexError, KeyError, TypeError, ValueError):
        return None
