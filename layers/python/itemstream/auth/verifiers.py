"""The verifier that a function's settings describe: keys come from S3 or over HTTPS."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itemstream.auth.keys import KeySet
from itemstream.auth.profiles import PROFILES
from itemstream.auth.sources import jwks_source
from itemstream.auth.tokens import TokenVerifier

if TYPE_CHECKING:
    from itemstream.auth.settings import TokenSettings

__all__ = ["token_verifier"]


def token_verifier(settings: TokenSettings, *, warm: bool) -> TokenVerifier:
    """Make the verifier that settings describe, with the keys fetched already if ``warm``."""
    keys = KeySet(
        jwks_source(settings.jwks_url),
        cooldown=settings.jwks_cooldown_seconds,
        max_age=settings.jwks_max_age_seconds,
    )
    if warm:
        keys.warm()
    return TokenVerifier(
        keys,
        issuer=settings.token_issuer,
        audience=settings.token_audience,
        profile=PROFILES[settings.token_profile],
        tenant_claim=settings.token_tenant_claim,
    )
