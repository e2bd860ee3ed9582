"""Every other route of the WebSocket API: one frame in, one frame out."""

import time
from functools import cache
from typing import TYPE_CHECKING, Any

from itemstream.auth.settings import TokenSettings
from itemstream.config import from_environment
from itemstream.events.dynamodb import DynamoLogReader
from itemstream.observability.invocation import observed
from itemstream.realtime.dynamodb import DynamoConnections
from itemstream.realtime.messages import ClientMessage, Messages, MessagesSettings
from itemstream.realtime.queues_sqs import SqsEndings, SqsReplays

if TYPE_CHECKING:
    from itemstream.auth import Principal
    from itemstream.auth.tokens import TokenVerifier

token_settings = from_environment(TokenSettings)


@cache
def verifier() -> "TokenVerifier":
    """Make the verifier when the first token comes: few frames bring one, and loading is dear."""
    from itemstream.auth.verifiers import token_verifier

    return token_verifier(token_settings, warm=True)


def verify(token: str) -> "Principal":
    """Turn a token into a principal."""
    return verifier().verify(token)


messages = Messages(
    DynamoConnections.from_environment(),
    DynamoLogReader.from_environment(),
    SqsReplays.from_environment(),
    SqsEndings.from_environment(),
    verify,
    shards=from_environment(MessagesSettings).realtime_shards,
)


@observed
def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    """Answer a frame: the route's response hands the body to the client."""
    context = event["requestContext"]
    message = ClientMessage(
        id=str(context.get("requestId", "")),
        connection_id=context["connectionId"],
        body=event.get("body") or "",
        is_binary=bool(event.get("isBase64Encoded")),
    )
    return {"statusCode": 200, "body": messages.answer(message, now=int(time.time())).decode()}
