"""Events of items and pictures, and silver's stream → the tables that reports are made of."""

from typing import Any

from itemstream.consumers.queue_batches import queue_batch_handler
from itemstream.consumers.queue_messages import QueueMessage
from itemstream.consumers.streams import refuse, stream_handler
from itemstream.dynamodb.streams import StreamRecord
from itemstream.events.dynamodb import DynamoLogReader
from itemstream.observability.metrics import count
from itemstream.reports.projected_events import NotProjectable, counted_call
from itemstream.reports.projected_messages import changes_of_messages
from itemstream.reports.projection import project_each
from itemstream.reports.projection_mysql import MySqlProjection

projection = MySqlProjection.from_environment()
log = DynamoLogReader.from_environment()


@queue_batch_handler
def project_events(messages: list[QueueMessage]) -> dict[str, str]:
    """Project what the bus put on the queue, in one transaction; return what cannot be."""
    bodies = {message.id: message.body for message in messages}
    changes, refused = changes_of_messages(bodies, log)
    ids = list(changes)
    unfit = project_each(list(changes.values()), projection.add_changes)
    count("ChangesProjected", len(changes) - len(unfit))
    return {**refused, **{ids[number]: reason for number, reason in unfit.items()}}


@stream_handler
def project_calls(records: list[StreamRecord]) -> None:
    """Count a batch of calls, those that are new."""
    refused: dict[int, str] = {}
    calls = []
    for number, record in enumerate(records):
        try:
            calls.append((number, counted_call(record.new or {})))
        except NotProjectable as error:
            refused[number] = str(error)
    unfit = project_each([call for _, call in calls], projection.add_calls)
    refused |= {calls[place][0]: reason for place, reason in unfit.items()}
    for number, reason in refused.items():
        refuse(records[number], reason)
    count("CallsProjected", len(records) - len(refused))


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Give a batch to whom it is for: one function reads both, so that one pool writes."""
    from_queue = event["Records"][0].get("eventSource") == "aws:sqs"
    return (project_events if from_queue else project_calls)(event, context)
