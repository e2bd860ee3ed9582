"""Messages of the queue `topic_deliveries`: one shard of a large topic gets what it has not got."""

from itemstream.consumers.queues import QueueMessage, queue_handler
from itemstream.events.dynamodb import DynamoLogReader
from itemstream.realtime.deliveries import TopicSender, read_delivery
from itemstream.realtime.delivery_metrics import count_sent
from itemstream.realtime.event_loop import make_runner
from itemstream.realtime.half_time import HalfTime
from itemstream.realtime.leases_dynamodb import DynamoShardLeases
from itemstream.realtime.queues_sqs import SqsDeliveries
from itemstream.realtime.sender_ports import sender_ports_from_environment

runner = make_runner()
ports = sender_ports_from_environment()
sender = TopicSender(
    ports,
    DynamoShardLeases.from_environment(),
    SqsDeliveries.from_environment(),
    DynamoLogReader.from_environment(),
)
half_time = HalfTime()


@half_time.of_each_invocation
@queue_handler
def handler(message: QueueMessage) -> None:
    """Send what is due; what is left when half of the time is over becomes a message of its own."""
    sent = runner.run(
        sender.deliver(
            read_delivery(message.body),
            message_id=message.id,
            out_of_time=half_time.is_over,
        )
    )
    count_sent(sent)
