"""The log's stream → the event bus: each event at least once, those that fail tried again."""

from itemstream.consumers.streams import BatchInterrupted, refuse, stream_handler
from itemstream.dynamodb.streams import StreamRecord
from itemstream.events.eventbridge import EventBridgeBus
from itemstream.observability.metrics import count

bus = EventBridgeBus.from_environment()


@stream_handler
def handler(records: list[StreamRecord]) -> None:
    """Send the events of a batch; go on from the first that the bus could not take."""
    appended = [record for record in records if record.new and record.new.get("kind") == "event"]
    delivery = bus.send([(record.new or {})["event"] for record in appended])
    count("EventsRouted", len(appended) - len(delivery.failed) - len(delivery.refused))
    until = min(delivery.failed, default=len(appended))
    for number, reason in delivery.refused.items():
        if number < until:
            refuse(appended[number], f"the bus refused the event: {reason}")
    if delivery.failed:
        raise BatchInterrupted(appended[until], delivery.failed[until])
