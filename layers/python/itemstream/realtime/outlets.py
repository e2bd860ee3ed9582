"""The outlets of a function that sends, made of the adapters."""

from __future__ import annotations

from itemstream.realtime.deliveries import Outlets
from itemstream.realtime.dynamodb import DynamoConnections
from itemstream.realtime.gateway import GatewaySockets
from itemstream.realtime.queues_sqs import SqsReplays
from itemstream.realtime.subscriptions_dynamodb import DynamoSubscriptions

__all__ = ["outlets_from_environment"]


def outlets_from_environment() -> Outlets:
    """Make the outlets that the function's environment variables describe."""
    return Outlets(
        DynamoSubscriptions.from_environment(),
        DynamoConnections.from_environment(),
        GatewaySockets.from_environment(),
        SqsReplays.from_environment(),
    )
