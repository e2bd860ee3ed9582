"""Messages of the queue `topic_deliveries`: one shard of a large topic gets what it has not got."""

import time
from typing import Any

from itemstream.consumers.queues import QueueMessage, queue_handler
from itemstream.events.dynamodb import DynamoLogReader
from itemstream.realtime.deliveries import TopicSender, read_delivery
from itemstream.realtime.delivery_metrics import count_sent
from itemstream.realtime.event_loop import make_runner
from itemstream.realtime.leases_dynamodb import DynamoShardLeases
from itemstream.realtime.outlets import outlets_from_environment
from itemstream.realtime.queues_sqs import SqsDeliveries

runner = make_runner()
outlets = outlets_from_environment()
sender = TopicSender(
    outlets,
    DynamoShardLeases.from_environment(),
    SqsDeliveries.from_environment(),
    DynamoLogReader.from_environment(),
)
stop_at = float("inf")


@queue_handler
def consume(message: QueueMessage) -> None:
    """Send what is due, as far as the time allows."""
    sent = runner.run(
        sender.deliver(
            read_delivery(message.body),
            message_id=message.id,
            out_of_time=lambda: time.monotonic() > stop_at,
        )
    )
    count_sent(sent)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Consume; what is left when half of the time is over becomes a message of its own."""
    global stop_at
    stop_at = time.monotonic() + context.get_remaining_time_in_millis() / 2000
    return consume(event, context)
