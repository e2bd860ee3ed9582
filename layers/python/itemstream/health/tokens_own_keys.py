"""The canary's tokens where our own keys sign all tokens."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from itemstream.auth.signing_keys import KeyRing
from itemstream.config.secrets import json_secret
from itemstream.health.canary import CANARY_SCOPE, TokenUnavailable
from itemstream.health.probes import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["OwnKeys", "OwnKeysSettings"]

# Longer than a check; clocks may differ.
_LIFETIME = timedelta(minutes=2)


@dataclass(frozen=True)
class OwnKeysSettings:
    """Environment of who signs the canary's tokens."""

    token_signing_secret: str
    token_issuer: str
    token_audience: str
    canary_tenant: str


class OwnKeys:
    """
    Signs tokens; see :class:`itemstream.health.canary.TokenSource`.

    Parameters
    ----------
    settings
        The secret that holds the keys, and what tokens say.
    now
        The time.
    """

    def __init__(
        self, settings: OwnKeysSettings, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._settings = settings
        self._now = now

    async def token(self) -> str:
        """Sign a token with the current key."""
        settings = self._settings
        try:
            secret = await asyncio.to_thread(json_secret, settings.token_signing_secret)
            ring = KeyRing.from_json(json.dumps(secret))
        except Exception as error:
            raise TokenUnavailable(f"the signing keys cannot be read ({kind_of(error)})") from error
        return ring.sign(
            issuer=settings.token_issuer,
            audience=settings.token_audience,
            tenant=settings.canary_tenant,
            subject="health-checker",
            scope=CANARY_SCOPE,
            lifetime=_LIFETIME,
            now=self._now(),
        )
