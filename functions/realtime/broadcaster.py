"""The log's stream → the sockets of those who subscribed: each event at least once, in order."""

from itemstream.config import from_environment
from itemstream.consumers.streams import BatchInterrupted, stream_handler
from itemstream.dynamodb.streams import StreamRecord
from itemstream.events.log import LoggedEvent
from itemstream.realtime.deliveries import Broadcaster, BroadcastSettings
from itemstream.realtime.delivery_metrics import count_sent
from itemstream.realtime.event_loop import make_runner
from itemstream.realtime.half_time import HalfTime
from itemstream.realtime.leases_dynamodb import DynamoShardLeases
from itemstream.realtime.queues_sqs import SqsDeliveries
from itemstream.realtime.sender_ports import sender_ports_from_environment

settings = from_environment(BroadcastSettings)
runner = make_runner()
ports = sender_ports_from_environment()
broadcaster = Broadcaster(
    ports,
    DynamoShardLeases.from_environment(),
    SqsDeliveries.from_environment(),
    small=settings.large_topic_subscribers,
)
half_time = HalfTime()


@half_time.of_each_invocation
@stream_handler
def handler(records: list[StreamRecord]) -> None:
    """Send each tenant's events; those of a tenant that fails come again, all of them."""
    batches: dict[str, list[LoggedEvent]] = {}
    first: dict[str, int] = {}
    for number, record in enumerate(records):
        row = record.new or {}
        if row.get("kind") == "event":
            first.setdefault(row["pk"], number)
            event = LoggedEvent(int(row["sk"]), row["topic"], row["event"])
            batches.setdefault(row["pk"], []).append(event)
    done = runner.run(broadcaster.broadcast(batches, out_of_time=half_time.is_over))
    count_sent(done.sent)
    if done.failed:
        tenant = min(done.failed, key=first.__getitem__)
        raise BatchInterrupted(records[first[tenant]], str(done.failed[tenant]))
