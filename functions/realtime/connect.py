"""$connect: keeps a connection that the authorizer let in, and asks for its end."""

import time
from http import HTTPStatus
from typing import Any

from itemstream.api.websocket import status_handler
from itemstream.auth import Principal
from itemstream.observability.logs import logger
from itemstream.observability.metrics import count
from itemstream.realtime.authentication import connection_end
from itemstream.realtime.connections import Connection
from itemstream.realtime.dynamodb import DynamoConnections
from itemstream.realtime.queues_sqs import SqsEndings

connections = DynamoConnections.from_environment()
endings = SqsEndings.from_environment()


@status_handler
def handler(context: dict[str, Any]) -> HTTPStatus:
    """Keep the connection; without a 200 the gateway opens none, and its row means nothing."""
    now = int(time.time())
    principal = Principal.from_context(context.get("authorizer") or {})
    if principal is None:
        return HTTPStatus.UNAUTHORIZED
    logger.append_keys(tenant=principal.tenant)
    # In milliseconds; the gateway's own two hours begin there.
    connected_at = int(context.get("connectedAt") or now * 1000) // 1000
    ends_at, ends_by = connection_end(connected_at, principal.expires_at)
    if ends_at <= now:
        return HTTPStatus.UNAUTHORIZED
    connection = Connection(
        context["connectionId"],
        principal.tenant,
        principal.subject,
        principal.scopes,
        connected_at,
        ends_at,
        ends_by,
        topics={},
    )
    connections.add(connection)
    endings.ask(connection.id, delay=ends_at - now)
    count("ConnectionsOpened")
    return HTTPStatus.OK
