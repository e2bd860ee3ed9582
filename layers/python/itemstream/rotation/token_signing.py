"""Rotation of the keys that sign tokens: published for a whole cooldown before any may sign."""

from __future__ import annotations

import datetime as dt
import json
import time
from typing import TYPE_CHECKING, Protocol

from itemstream.auth.keys import MAX_KEYS, KeySet
from itemstream.auth.signing_keys import KeyRing, new_key_ring
from itemstream.auth.tokens import TokenVerifier
from itemstream.rotation import RotationRefused

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["PublishedKeys", "TokenSigning"]

# What a store's clock may be off by, and the fraction of a second that it does not tell.
CLOCK_SECONDS = 1.0


class PublishedKeys(Protocol):
    """Where everybody finds the public keys."""

    def read(self) -> tuple[bytes, dt.datetime] | None:
        """Return the JWKS and when it was written; ``None`` if there is none."""

    def write(self, document: bytes) -> None:
        """Publish a JWKS in place of the one before."""


class TokenSigning:
    """
    The next key signs, a new next one is made, and the old one verifies while its tokens live.

    Parameters
    ----------
    published
        Where the public keys are.
    cooldown
        Seconds between two looks of an authorizer for new keys, at the most.
    clock
        The time now.
    pause
        Waits for some seconds.
    """

    def __init__(
        self,
        published: PublishedKeys,
        cooldown: float,
        clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._published = published
        self._cooldown = cooldown
        self._clock = clock
        self._pause = pause

    def make(self, current: str | None) -> str:
        """
        Return the ring after `current`.

        Raises
        ------
        RotationRefused
            If authorizers would not read all keys that are still needed.
        """
        now = self._clock()
        if current is None:
            return new_key_ring(now).to_json()
        rotated = KeyRing.from_json(current).rotated(now)
        if len(rotated.public_keys(now)["keys"]) > MAX_KEYS:
            raise RotationRefused(
                f"{MAX_KEYS} keys have tokens that live: rotate again when the oldest have ended, "
                "24 hours after their rotation"
            )
        return rotated.to_json()

    def set(self, pending: str, current: str | None) -> None:
        """Publish the keys, unless that was done; those of `current` are among them."""
        del current
        wanted = KeyRing.from_json(pending).public_keys(self._clock())
        found = self._published.read()
        # Written anew they would have to be known anew: that begins with a cooldown.
        if found is None or json.loads(found[0]) != wanted:
            self._published.write(json.dumps(wanted).encode())

    def test(self, pending: str) -> None:
        """
        Verify a token as authorizers do, and wait until each of them can know its key.

        Raises
        ------
        RotationRefused
            If the keys are not published.
        TokenRefused
            If the token would be refused.
        """
        found = self._published.read()
        if found is None:
            raise RotationRefused("the public keys are not published")
        document, written_at = found
        issuer, audience = "urn:rotation", "rotation"
        token = KeyRing.from_json(pending).sign(
            issuer=issuer,
            audience=audience,
            tenant="rotation",
            subject="rotation",
            scope="",
            lifetime=dt.timedelta(minutes=1),
            now=dt.datetime.now(dt.UTC),
        )
        TokenVerifier(KeySet(lambda: document), issuer=issuer, audience=audience).verify(token)
        known_after = written_at + dt.timedelta(seconds=self._cooldown + CLOCK_SECONDS)
        if (wait := (known_after - self._clock()).total_seconds()) > 0:
            self._pause(wait)
