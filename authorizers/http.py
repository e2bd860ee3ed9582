"""HTTP API authorizer (format 2.0, simple response): a bearer token in, yes or no out.

A request without the header never comes here: the gateway answers 401. A token that is refused is
403, because a simple response knows nothing between yes and no, and an error of the function is 500
to the client (API Gateway Developer Guide, "Control access to HTTP APIs with AWS Lambda
authorizers"). The gateway keeps an answer under its token for all routes, so that it says who calls
and nothing of what is called: scopes are for the functions to check.
"""

from __future__ import annotations

from typing import Any

from itemstream.auth import TokenRefused
from itemstream.auth.settings import TokenSettings
from itemstream.auth.verifiers import token_verifier
from itemstream.config import from_environment
from itemstream.observability.invocation import observed
from itemstream.observability.logs import logger
from itemstream.observability.metrics import count

verifier = token_verifier(from_environment(TokenSettings), warm=True)


@observed
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Say whether the token is good, and whose it is."""
    (header,) = event.get("identitySource") or [""]
    try:
        principal = verifier.verify_header(str(header or ""))
    except TokenRefused as refused:
        count("TokensRefused")
        logger.warning("token refused", extra={"reason": str(refused)})
        return {"isAuthorized": False}
    logger.append_keys(tenant=principal.tenant)
    logger.info("token accepted")
    return {"isAuthorized": True, "context": principal.context()}
