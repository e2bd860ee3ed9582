"""POST /realtime/tickets: a ticket that opens one connection, for who cannot set headers."""

import time
from http import HTTPStatus

from itemstream.api.problems import Problem
from itemstream.api.rest import Call, Response, rest_handler
from itemstream.rate_limits.http import tenant_rate_limit
from itemstream.realtime.authentication import CONNECT_SCOPE
from itemstream.realtime.limits import TICKET_SECONDS
from itemstream.realtime.tickets import issue_ticket
from itemstream.realtime.tickets_dynamodb import DynamoTickets

tickets = DynamoTickets.from_environment()


@rest_handler(scope=CONNECT_SCOPE, rate_limit=tenant_rate_limit())
def handler(call: Call) -> Response:
    """Make a ticket; it cannot be shown a second time."""
    now = int(time.time())
    # The gateway may let a token in for a while after its end, by an answer that it keeps.
    if call.principal.expires_at <= now:
        raise Problem(HTTPStatus.UNAUTHORIZED, "The token's time is over.")
    ticket = issue_ticket(tickets, call.principal, now=now)
    return Response(
        201, {"ticket": ticket, "expires_in": TICKET_SECONDS}, {"Cache-Control": "no-store"}
    )
