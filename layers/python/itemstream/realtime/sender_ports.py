"""The ports of a function that sends, made of the adapters."""

from __future__ import annotations

from itemstream.realtime.deliveries import SenderPorts
from itemstream.realtime.dynamodb import DynamoConnections
from itemstream.realtime.gateway import GatewaySockets
from itemstream.realtime.queues_sqs import SqsReplays
from itemstream.realtime.subscriptions_dynamodb import DynamoSubscriptions

__all__ = ["sender_ports_from_environment"]


def sender_ports_from_environment() -> SenderPorts:
    """Make the ports that the function's environment variables describe."""
    return SenderPorts(
        DynamoSubscriptions.from_environment(),
        DynamoConnections.from_environment(),
        GatewaySockets.from_environment(),
        SqsReplays.from_environment(),
    )
