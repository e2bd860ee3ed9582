"""Consumers of SQS queues that take a batch as a whole, as one transaction of a database does.

What waits for a dependency is received again, later each time, for as long as the queue keeps it:
such a message is never given up here, however often that was. A message that alone makes the batch
fail is found by halving, so that its neighbours need not wait for it.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSEvent

from itemstream.config import from_environment
from itemstream.consumers.queue_messages import (
    Postponed,
    QueueMessage,
    QueueSettings,
    give_up,
    read_message,
)
from itemstream.dependencies import DependencyUnavailable
from itemstream.observability.errors import error_fields
from itemstream.observability.invocation import observed
from itemstream.observability.logs import logger
from itemstream.observability.metrics import count

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

__all__ = ["queue_batch_handler"]


def queue_batch_handler(
    consume: Callable[[list[QueueMessage]], Mapping[str, str]],
) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """
    Make a Lambda handler of a function of a batch of messages.

    The function returns the ids of those that can never be processed, with the reasons: they become
    dead letters; all others are done. It raises ``DependencyUnavailable`` where all are to be tried
    again. Any other error is a fault of ours: the batch is tried in halves, and a message that
    fails alone comes back until the queue's last receive, and then becomes a dead letter.
    """
    settings = from_environment(QueueSettings)

    @wraps(consume)
    @observed
    def handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
        records = list(SQSEvent(event).records)
        postponed, failed = Postponed(), list[str]()

        def again(part: list[SQSRecord]) -> None:
            for record in part:
                message = read_message(record)
                postponed.add(record, message.receives)
                failed.append(message.id)

        parts = [records] if records else []
        while parts:
            part = parts.pop()
            try:
                again(_consumed(consume, part))
            except DependencyUnavailable as unavailable:
                logger.warning("interrupted", extra={"reason": str(unavailable)})
                count("BatchesInterrupted")
                # The other parts would fare no better now.
                for waiting in (part, *parts):
                    again(waiting)
                break
            except Exception as error:
                if len(part) > 1:
                    half = len(part) // 2
                    parts += [part[half:], part[:half]]
                else:
                    again(_failed_alone(part[0], error, settings.max_receive_count))
        if records:
            postponed.bring_forward(records[0].event_source_arn)
        logger.info("consumed", extra={"records": len(records), "failed": len(failed)})
        return {"batchItemFailures": [{"itemIdentifier": one} for one in failed]}

    return handler


def _consumed(
    consume: Callable[[list[QueueMessage]], Mapping[str, str]], part: list[SQSRecord]
) -> list[SQSRecord]:
    """Consume a part of a batch; return what is refused and could not be kept as a dead letter."""
    refused = consume([read_message(record) for record in part])
    return [
        record
        for record in part
        if record.message_id in refused and not _kept(record, refused[record.message_id])
    ]


def _failed_alone(record: SQSRecord, error: Exception, last_receive: int) -> list[SQSRecord]:
    """Return a message if it is to be received again."""
    message = read_message(record)
    count("MessagesFailed")
    logger.warning(
        "message failed",
        extra={"message_id": message.id, "receives": message.receives, **error_fields(error)},
    )
    if message.receives < last_receive:
        return [record]
    reason = f"failed {message.receives} times, at last with {type(error).__name__}: {error}"
    return [] if _kept(record, reason) else [record]


def _kept(record: SQSRecord, reason: str) -> bool:
    try:
        give_up(record, reason)
    except DependencyUnavailable as unavailable:
        logger.warning("dead letter not kept", extra={"reason": str(unavailable)})
        return False
    return True
