"""ES256 keys in rotation: one that signs, one that will, and those whose tokens still live.

A key is published before it ever signs. An authorizer that meets a key id it does not know fetches
the published keys again, at most once per cooldown; so when a key has been published for a whole
cooldown, every authorizer can know it, and no token is refused because of a rotation.
:mod:`itemstream.rotation.token_signing` waits for that.
"""

from __future__ import annotations

import base64
import datetime as dt
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

__all__ = ["LONGEST_TOKEN", "KeyRing", "SigningKey", "new_key_ring"]

# No token lives longer, so a key that stopped signing is needed no longer than this.
LONGEST_TOKEN = dt.timedelta(hours=24)
_ALGORITHM = "ES256"


@dataclass(frozen=True)
class SigningKey:
    """A key: its id and its private half."""

    kid: str
    private_pem: str = field(repr=False)

    def public_jwk(self) -> dict[str, str]:
        """Return the public half as a JWK (RFC 7517)."""
        private = serialization.load_pem_private_key(self.private_pem.encode(), password=None)
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            raise TypeError("a signing key is an EC key")
        numbers = private.public_key().public_numbers()
        return {
            "kty": "EC",
            "crv": "P-256",
            "x": _base64url(numbers.x.to_bytes(32)),
            "y": _base64url(numbers.y.to_bytes(32)),
            "kid": self.kid,
            "alg": _ALGORITHM,
            "use": "sig",
        }


@dataclass(frozen=True)
class KeyRing:
    """
    The keys at one time.

    Parameters
    ----------
    current
        Signs.
    next
        Is published and will sign after the next rotation.
    retired
        Public keys that sign no more, each with the time after which no token of it lives.
    """

    current: SigningKey
    next: SigningKey
    retired: tuple[tuple[dict[str, str], dt.datetime], ...] = ()

    def rotated(self, now: dt.datetime) -> KeyRing:
        """Return the ring after a rotation at `now`: next signs, and a new next is made."""
        still_needed = tuple(entry for entry in self.retired if entry[1] > now)
        retired = (*still_needed, (self.current.public_jwk(), now + LONGEST_TOKEN))
        return KeyRing(self.next, _new_key(now), retired)

    def public_keys(self, now: dt.datetime) -> dict[str, Any]:
        """Return the JWKS to publish."""
        living = [jwk for jwk, until in self.retired if until > now]
        return {"keys": [self.current.public_jwk(), self.next.public_jwk(), *living]}

    def sign(
        self,
        *,
        issuer: str,
        audience: str,
        tenant: str,
        subject: str,
        scope: str,
        lifetime: dt.timedelta,
        now: dt.datetime,
    ) -> str:
        """
        Sign an access token (RFC 9068).

        Raises
        ------
        ValueError
            If `lifetime` is not within (0, 24 h].
        """
        if not dt.timedelta() < lifetime <= LONGEST_TOKEN:
            raise ValueError(f"a token lives more than 0 and at most {LONGEST_TOKEN}")
        claims = {
            "iss": issuer,
            "aud": audience,
            "sub": subject,
            "tenant": tenant,
            "scope": scope,
            "iat": now,
            "nbf": now,
            "exp": now + lifetime,
            "jti": secrets.token_urlsafe(16),
        }
        headers = {"kid": self.current.kid, "typ": "at+jwt"}
        return jwt.encode(claims, self.current.private_pem, _ALGORITHM, headers)

    def to_json(self) -> str:
        """Write the ring as the value of a secret."""
        return json.dumps(
            {
                "current": _written(self.current),
                "next": _written(self.next),
                "retired": [
                    {"jwk": jwk, "until": until.isoformat()} for jwk, until in self.retired
                ],
            }
        )

    @classmethod
    def from_json(cls, text: str) -> KeyRing:
        """Read what `to_json` wrote."""
        document = json.loads(text)
        current, upcoming = (
            SigningKey(key["kid"], key["private_pem"])
            for key in (document["current"], document["next"])
        )
        retired = tuple(
            (entry["jwk"], dt.datetime.fromisoformat(entry["until"]))
            for entry in document["retired"]
        )
        return cls(current, upcoming, retired)


def new_key_ring(now: dt.datetime) -> KeyRing:
    """Make a ring of two new keys."""
    return KeyRing(_new_key(now), _new_key(now))


def _new_key(now: dt.datetime) -> SigningKey:
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return SigningKey(f"{now:%Y%m%d}-{secrets.token_hex(4)}", pem.decode())


def _written(key: SigningKey) -> dict[str, str]:
    return {"kid": key.kid, "private_pem": key.private_pem, "alg": _ALGORITHM}


def _base64url(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).rstrip(b"=").decode()
