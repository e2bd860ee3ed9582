"""The issuer's public keys: a JWKS (RFC 7517), fetched when needed and kept while it is away.

An unknown key id causes one fetch per cooldown, so that a rotation is noticed at once and a flood
of made-up key ids is not passed on to the issuer. Keys that verified a token an hour ago still do
when the issuer does not answer.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from itemstream.auth import KeysUnavailable, TokenRefused

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["MAX_KEYS", "KeySet", "MalformedKeySet", "parse_jwks"]

# Ours may hold a day's retired keys, at 250 bytes each.
MAX_KEYS = 50
EMPTY_COOLDOWN_SECONDS = 1
# RFC 7518, section 3.3.
MIN_RSA_BITS = 2048


class MalformedKeySet(ValueError):  # noqa: N818
    """A document that is not a JWKS with at least one usable key."""


class KeySet:
    """
    The keys of an issuer, by key id.

    Parameters
    ----------
    fetch
        Returns the JWKS document; may raise anything.
    cooldown
        Seconds between two fetches at the least.
    max_age
        Seconds after which the keys are fetched again.
    clock
        Monotonic seconds.
    """

    algorithms = frozenset({"RS256", "ES256"})

    def __init__(
        self,
        fetch: Callable[[], bytes],
        *,
        cooldown: float = 30,
        max_age: float = 3600,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._cooldown = cooldown
        self._max_age = max_age
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._fetched_at = float("-inf")
        self._tried_at = float("-inf")
        self._failure: Exception | None = None

    def find(self, key_id: str) -> jwt.PyJWK:
        """
        Return a key.

        Raises
        ------
        TokenRefused
            If the issuer has no such key.
        KeysUnavailable
            If the keys could not be fetched so far.
        """
        now = self._clock()
        if key_id not in self._keys or now - self._fetched_at > self._max_age:
            self._refresh(now)
        if key_id in self._keys:
            return self._keys[key_id]
        if not self._keys:
            raise KeysUnavailable("no verification keys yet") from self._failure
        raise TokenRefused("unknown key")

    def warm(self) -> None:
        """Fetch the keys ahead of the first token; after a failure a later token tries again."""
        self._refresh(self._clock())

    def _refresh(self, now: float) -> None:
        # Without any key nobody can be let in: then it is worth while to ask sooner.
        cooldown = self._cooldown if self._keys else min(self._cooldown, EMPTY_COOLDOWN_SECONDS)
        if now - self._tried_at < cooldown:
            return
        self._tried_at = now
        try:
            keys = parse_jwks(self._fetch())
        except Exception as error:
            self._failure = error
            return
        self._keys, self._fetched_at, self._failure = keys, now, None


def parse_jwks(document: bytes) -> dict[str, jwt.PyJWK]:
    """
    Return the usable keys of a JWKS document by key id.

    Keys for other uses or algorithms are left out, and so are keys that share a key id, as nobody
    could tell which is meant.

    Raises
    ------
    MalformedKeySet
        If the document is malformed or has no usable key.
    """
    try:
        listed = json.loads(document)["keys"]
        entries = [entry for entry in listed if isinstance(entry, dict)][:MAX_KEYS]
    except (ValueError, TypeError, KeyError) as error:
        raise MalformedKeySet("not a JWKS") from error
    ids = [entry.get("kid") for entry in entries]
    keys = {
        entry["kid"]: key
        for entry in entries
        if isinstance(entry.get("kid"), str) and ids.count(entry["kid"]) == 1
        if (key := _usable(entry)) is not None
    }
    if not keys:
        raise MalformedKeySet("no usable key")
    return keys


def _usable(entry: dict[str, Any]) -> jwt.PyJWK | None:
    algorithm = {"RSA": "RS256", "EC": "ES256"}.get(str(entry.get("kty")))
    if algorithm is None or entry.get("alg", algorithm) != algorithm:
        return None
    if entry.get("use", "sig") != "sig" or "d" in entry:
        return None
    try:
        key = jwt.PyJWK(entry, algorithm)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    public = key.key
    if isinstance(public, RSAPublicKey):
        return key if public.key_size >= MIN_RSA_BITS else None
    if isinstance(public, EllipticCurvePublicKey):
        return key if isinstance(public.curve, SECP256R1) else None
    return None
