"""Bearer tokens: JWTs, verified as RFC 8725 (best current practices) and RFC 9068 ask.

What is refused, and where RFC 8725 says so: algorithms other than RS256 and ES256, or another
than the key's own (3.1, 3.2); weak keys (3.5); any critical or key-carrying header, which would
let the sender choose the key (3.10); other issuers and audiences (3.8, 3.9); other types (3.11).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import jwt

from itemstream.auth import Principal, TokenRefused
from itemstream.auth.profiles import RFC_9068

if TYPE_CHECKING:
    from itemstream.auth.keys import KeySet
    from itemstream.auth.profiles import TokenProfile

__all__ = ["MAX_TOKEN_LENGTH", "TokenVerifier"]

MAX_TOKEN_LENGTH = 8192
ALLOWED_HEADERS = {"alg", "kid", "typ"}
LEEWAY_SECONDS = 30

# A tenant becomes part of keys and object names: nothing in it may separate.
_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_SUBJECT = re.compile(r"[\x21-\x7e]{1,255}")
# RFC 6749, section 3.3.
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*")
# Three parts of unpadded base64url (RFC 7515, section 3.1).
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


class TokenVerifier:
    """
    Turn a bearer token into a principal.

    Parameters
    ----------
    keys
        The issuer's keys.
    issuer, audience
        Exactly what ``iss`` and ``aud`` must be.
    profile
        How the issuer writes access tokens.
    tenant_claim
        The claim that names the tenant.
    """

    def __init__(
        self,
        keys: KeySet,
        *,
        issuer: str,
        audience: str,
        profile: TokenProfile = RFC_9068,
        tenant_claim: str = "tenant",
    ) -> None:
        self._keys = keys
        self._issuer = issuer
        self._audience = audience
        self._profile = profile
        self._tenant_claim = tenant_claim

    def verify_header(self, authorization: str) -> Principal:
        """Verify the token of an ``Authorization`` header; see :meth:`verify`."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise TokenRefused("not a bearer token")
        return self.verify(token.strip(" "))

    def verify(self, token: str) -> Principal:
        """
        Verify a token.

        Raises
        ------
        TokenRefused
            If anything about it is not acceptable.
        KeysUnavailable
            If no keys could be had so far.
        """
        if len(token) > MAX_TOKEN_LENGTH:
            raise TokenRefused("too long")
        if not _COMPACT.fullmatch(token):
            raise TokenRefused("not a compact JWS")
        key = self._keys.find(self._key_id(token))
        try:
            claims: dict[str, Any] = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name],
                issuer=self._issuer,
                audience=self._audience,
                leeway=LEEWAY_SECONDS,
                options={
                    "require": ["exp", "iat", "iss", "aud", "sub"],
                    "strict_aud": self._profile.one_audience,
                },
            )
        except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
            raise TokenRefused(type(error).__name__) from error
        return self._principal(claims)

    def _key_id(self, token: str) -> str:
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise TokenRefused("malformed header") from error
        if not header.keys() <= ALLOWED_HEADERS:
            raise TokenRefused("header names a key or an extension")
        if str(header.get("alg")) not in self._keys.algorithms:
            raise TokenRefused("algorithm")
        if str(header.get("typ", "")).lower() not in self._profile.types:
            raise TokenRefused("type")
        key_id = header.get("kid")
        if not isinstance(key_id, str) or not key_id:
            raise TokenRefused("no key id")
        return key_id

    def _principal(self, claims: dict[str, Any]) -> Principal:
        # PyJWT reads "1700000000" and true as times too (RFC 7519, section 2: a JSON number).
        if any(type(claims.get(name, 0)) not in (int, float) for name in ("exp", "iat", "nbf")):
            raise TokenRefused("times")
        for name, value in (self._profile.required or {}).items():
            if name not in claims or value not in (None, claims[name]):
                raise TokenRefused("not an access token")
        tenant, subject = claims.get(self._tenant_claim), claims.get("sub")
        if not isinstance(tenant, str) or not _TENANT.fullmatch(tenant):
            raise TokenRefused("tenant")
        if not isinstance(subject, str) or not _SUBJECT.fullmatch(subject):
            raise TokenRefused("subject")
        scope, roles = claims.get(self._profile.scope_claim, ""), self._roles(claims)
        if not isinstance(scope, str) or (scope and not _SCOPE.fullmatch(scope)):
            raise TokenRefused("scope")
        return Principal(tenant, subject, roles | set(scope.split()), int(claims["exp"]))

    def _roles(self, claims: dict[str, Any]) -> frozenset[str]:
        roles = claims.get(self._profile.roles_claim, []) if self._profile.roles_claim else []
        if not isinstance(roles, list) or not all(
            isinstance(role, str) and _SCOPE.fullmatch(role) for role in roles
        ):
            raise TokenRefused("scope")
        return frozenset(roles)
