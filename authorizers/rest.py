"""REST API authorizer (TOKEN): a bearer token in, a policy for the whole stage out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from itemstream.auth import TokenRefused
from itemstream.auth.keys import KeySet
from itemstream.auth.policy import policy_for, routes_from_json
from itemstream.auth.sources import jwks_source
from itemstream.auth.tokens import TokenVerifier
from itemstream.config import from_environment
from itemstream.observability.invocation import observed
from itemstream.observability.logs import logger
from itemstream.observability.metrics import count


@dataclass(frozen=True)
class Settings:
    """Environment of this function."""

    jwks_url: str
    token_issuer: str
    token_audience: str
    route_scopes: str
    jwks_cooldown_seconds: float = 30
    jwks_max_age_seconds: float = 3600


settings = from_environment(Settings)
routes = routes_from_json(settings.route_scopes)
keys = KeySet(
    jwks_source(settings.jwks_url),
    cooldown=settings.jwks_cooldown_seconds,
    max_age=settings.jwks_max_age_seconds,
)
verifier = TokenVerifier(keys, issuer=settings.token_issuer, audience=settings.token_audience)
keys.warm()


@observed
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Answer the policy, or raise ``Unauthorized``, which the gateway turns into its 401."""
    scheme, _, token = str(event.get("authorizationToken") or "").partition(" ")
    try:
        if scheme.lower() != "bearer":
            raise TokenRefused("not a bearer token")
        principal = verifier.verify(token.strip(" "))
    except TokenRefused as refused:
        count("TokensRefused")
        logger.warning("token refused", extra={"reason": str(refused)})
        # API Gateway knows this very text only.
        raise Exception("Unauthorized") from None  # noqa: TRY002
    logger.append_keys(tenant=principal.tenant)
    logger.info("token accepted")
    return policy_for(principal, routes, event["methodArn"])
