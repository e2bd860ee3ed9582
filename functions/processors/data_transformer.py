"""Bronze's stream: each raw record becomes a call in silver, a reject or a repeat."""

from itemstream.calls.bronze_dynamodb import is_raw_call, raw_call
from itemstream.calls.silver_dynamodb import DynamoSetAsides, DynamoSilver
from itemstream.calls.transformation import transform
from itemstream.consumers.streams import stream_handler
from itemstream.dynamodb.streams import StreamRecord
from itemstream.observability.logs import logger
from itemstream.observability.metrics import count

silver = DynamoSilver.from_environment()
set_asides = DynamoSetAsides.from_environment()


@stream_handler
def handler(records: list[StreamRecord]) -> None:
    """Transform the batch as a whole; given again, it comes to the same."""
    rows = (record.new for record in records if record.new is not None)
    outcome = transform((raw_call(row) for row in rows if is_raw_call(row)), silver, set_asides)
    count("CallsRecorded", outcome.calls)
    count("CallsRejected", outcome.rejected)
    count("CallsRepeated", outcome.repeats)
    logger.info(
        "transformed",
        extra={
            "calls": outcome.calls,
            "rejected": outcome.rejected,
            "repeats": outcome.repeats,
        },
    )
