"""REST API authorizer (TOKEN): a bearer token in, a policy for the whole stage out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from itemstream.auth import TokenRefused
from itemstream.auth.policy import policy_for, routes_from_json
from itemstream.auth.settings import TokenSettings
from itemstream.auth.verifiers import token_verifier
from itemstream.config import from_environment
from itemstream.observability.invocation import observed
from itemstream.observability.logs import logger
from itemstream.observability.metrics import count


@dataclass(frozen=True, kw_only=True)
class Settings(TokenSettings):
    """Environment of this function."""

    route_scopes: str


settings = from_environment(Settings)
routes = routes_from_json(settings.route_scopes)
verifier = token_verifier(settings, warm=True)


@observed
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Answer the policy, or raise ``Unauthorized``, which the gateway turns into its 401."""
    try:
        principal = verifier.verify_header(str(event.get("authorizationToken") or ""))
    except TokenRefused as refused:
        count("TokensRefused")
        logger.warning("token refused", extra={"reason": str(refused)})
        # API Gateway knows this very text only.
        raise Exception("Unauthorized") from None  # noqa: TRY002
    logger.append_keys(tenant=principal.tenant)
    logger.info("token accepted")
    return policy_for(principal, routes, event["methodArn"])
