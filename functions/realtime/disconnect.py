"""$disconnect: forgets a connection that has ended, and its subscriptions."""

from http import HTTPStatus
from typing import Any

from itemstream.api.websocket import status_handler
from itemstream.observability.metrics import count
from itemstream.realtime.dynamodb import DynamoConnections

connections = DynamoConnections.from_environment()


@status_handler
def handler(context: dict[str, Any]) -> HTTPStatus:
    """
    Remove what there is of it.

    The gateway tells of an end once, if at all, and nobody waits for the answer: what is left here
    is removed when something is next sent to it, and in any case when its rows expire.
    """
    connections.remove(context["connectionId"])
    count("ConnectionsClosed")
    return HTTPStatus.OK
