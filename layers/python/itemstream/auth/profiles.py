"""How issuers write access tokens, where that is not as RFC 9068 asks.

Whatever the profile, an ID token of the same issuer is never taken for an access token: RFC 9068
tells them apart by the header `typ`, and each of the others by claims that its ID tokens lack.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["PROFILES", "RFC_9068", "TokenProfile"]

_ACCESS_TOKEN = frozenset({"at+jwt", "application/at+jwt"})


@dataclass(frozen=True)
class TokenProfile:
    """
    What an issuer's access tokens look like.

    Parameters
    ----------
    types
        Accepted values of the header ``typ``, in lower case; empty: there is none.
    scope_claim
        The claim that says what a token allows, as words in a string.
    roles_claim
        One that says more of it, as a list of words; empty: there is none.
    required
        Claims that only access tokens have: the value, or None for any.
    one_audience
        Whether ``aud`` must be one string. Otherwise ours may be one of a list.
    """

    types: frozenset[str] = _ACCESS_TOKEN
    scope_claim: str = "scope"
    roles_claim: str = ""
    required: Mapping[str, str | None] | None = None
    one_audience: bool = True


RFC_9068 = TokenProfile()

PROFILES = {
    "rfc9068": RFC_9068,
    # With the token profile RFC 9068; a user who logs in gets a second audience, /userinfo.
    # https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles
    "auth0": TokenProfile(one_audience=False),
    # https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
    "cognito": TokenProfile(types=frozenset({""}), required={"token_use": "access"}),
    # Version 2.0; scopes of users are in `scp`, those of applications in `roles`.
    # https://learn.microsoft.com/en-us/entra/identity-platform/access-token-claims-reference
    "entra": TokenProfile(
        types=frozenset({"jwt"}),
        scope_claim="scp",
        roles_claim="roles",
        required={"ver": "2.0", "azp": None},
    ),
    # The claim `typ` is not the header: ID tokens have "ID" there.
    "keycloak": TokenProfile(
        types=_ACCESS_TOKEN | {"jwt"}, required={"typ": "Bearer"}, one_audience=False
    ),
}
