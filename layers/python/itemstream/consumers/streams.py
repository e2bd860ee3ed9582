"""Consumers of DynamoDB streams: batches in order, of which a part may be done.

The function answers with the record from which Lambda is to try again (``ReportBatchItemFailures``,
Lambda Developer Guide, "Configuring partial batch response with DynamoDB"). Written out rather than
taken from Powertools, whose processor handles records one by one: our consumers write in batches.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from itemstream.dead_letters import DeadLetter
from itemstream.dead_letters.sqs import dead_letters
from itemstream.dependencies import DependencyUnavailable
from itemstream.dynamodb.streams import MalformedRecord, StreamRecord, read_stream_record
from itemstream.observability.invocation import observed
from itemstream.observability.logs import logger
from itemstream.observability.metrics import count

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["BatchInterrupted", "refuse", "stream_handler"]


class BatchInterrupted(Exception):  # noqa: N818
    """
    A batch that is done up to a record, and must be tried again from there.

    Parameters
    ----------
    record
        The first record that is not done.
    reason
        What stood in the way.
    """

    def __init__(self, record: StreamRecord, reason: str) -> None:
        super().__init__(reason)
        self.record = record


def refuse(record: StreamRecord, reason: str) -> None:
    """
    Give one record up: it becomes a dead letter, and the batch goes on.

    Raises
    ------
    DependencyUnavailable
        If the dead letter could not be kept.
    """
    _refuse(record.raw, reason)


def _refuse(raw: Any, reason: str) -> None:
    source = str(raw.get("eventSourceARN", "")) if isinstance(raw, dict) else ""
    dead_letters().send(DeadLetter("stream-record", reason, source, raw))


def stream_handler(
    consume: Callable[[list[StreamRecord]], None],
) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """
    Make a Lambda handler of a function of a batch of records, in their order.

    The function returns when all of them are done. It gives single records up with :func:`refuse`,
    raises :class:`BatchInterrupted` where only a part is done, and ``DependencyUnavailable`` where
    all is to be tried again. Any other error is a fault of ours: Lambda tries again, in halves, and
    in the end keeps where the records are on the function's dead-letter queue.
    """

    @wraps(consume)
    @observed
    def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
        raws = event["Records"]
        if not raws:
            return {"batchItemFailures": []}
        records: list[StreamRecord] = []
        try:
            for raw in raws:
                try:
                    records.append(read_stream_record(raw))
                except MalformedRecord as malformed:
                    _refuse(raw, str(malformed))
            if records:
                consume(records)
        except BatchInterrupted as interrupted:
            return _again_from(interrupted.record.sequence_number, str(interrupted))
        except DependencyUnavailable as unavailable:
            return _again_from(_first_sequence_number(raws), str(unavailable))
        logger.info("consumed", extra={"records": len(raws)})
        return {"batchItemFailures": []}

    return handler


def _first_sequence_number(raws: list[Any]) -> str:
    """Return the first record's number, as it came: the record may be one that cannot be read."""
    try:
        return str(raws[0]["dynamodb"]["SequenceNumber"])
    except (KeyError, TypeError):
        # An empty identifier means the whole batch.
        return ""


def _again_from(sequence_number: str, reason: str) -> dict[str, Any]:
    count("BatchesInterrupted")
    logger.warning("interrupted", extra={"reason": reason, "from": sequence_number})
    return {"batchItemFailures": [{"itemIdentifier": sequence_number}]}
