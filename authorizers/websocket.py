"""WebSocket API authorizer (REQUEST, of ``$connect``): a token or a ticket in, allow or deny out.

The gateway makes 403 of a denial, and 500 of an error of the function, so that whoever cannot be
told is denied too: a client tries again in either case. The address is never logged, as a ticket
may stand in it.
"""

from __future__ import annotations

import time
from typing import Any

from itemstream.auth.settings import TokenSettings
from itemstream.auth.verifiers import token_verifier
from itemstream.config import from_environment
from itemstream.observability.errors import error_fields
from itemstream.observability.invocation import observed
from itemstream.observability.logs import logger
from itemstream.observability.metrics import count
from itemstream.realtime.authentication import HandshakeRefused, principal_of_handshake
from itemstream.realtime.tickets_dynamodb import DynamoTickets

verifier = token_verifier(from_environment(TokenSettings), warm=True)
tickets = DynamoTickets.from_environment()


@observed
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Say whether a connection may be opened, and who opens it."""
    try:
        principal = principal_of_handshake(
            event, verify_header=verifier.verify_header, tickets=tickets, now=int(time.time())
        )
    except HandshakeRefused as refused:
        count("HandshakesRefused")
        logger.warning("handshake refused", extra={"reason": str(refused)})
        return policy("nobody", "Deny", event)
    except Exception as error:
        count("ServerErrors")
        logger.error("unexpected error", extra=error_fields(error))
        return policy("nobody", "Deny", event)
    logger.append_keys(tenant=principal.tenant)
    logger.info("handshake accepted")
    return {**policy(principal.subject, "Allow", event), "context": principal.context()}


def policy(principal_id: str, effect: str, event: dict[str, Any]) -> dict[str, Any]:
    """Write the policy of this one request; the gateway keeps none for a WebSocket API."""
    statement = {
        "Action": "execute-api:Invoke",
        "Effect": effect,
        "Resource": event["methodArn"],
    }
    return {
        "principalId": principal_id,
        "policyDocument": {"Version": "2012-10-17", "Statement": [statement]},
    }
