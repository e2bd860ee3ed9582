"""What a function needs to be told to verify tokens; apart from the verifier, dear to import."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TokenSettings"]


@dataclass(frozen=True)
class TokenSettings:
    """Environment of the functions that verify tokens."""

    jwks_url: str
    token_issuer: str
    token_audience: str
    jwks_cooldown_seconds: float = 30
    jwks_max_age_seconds: float = 3600
    token_profile: str = "rfc9068"  # noqa: S105 (a name)
    token_tenant_claim: str = "tenant"  # noqa: S105 (a name)
