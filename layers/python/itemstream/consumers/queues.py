"""Consumers of SQS queues, on Powertools' batch processor: each message stands for itself.

What fails is received again, later each time: its visibility grows with every attempt. On the last
attempt that the queue allows it becomes a dead letter with the error as its reason; SQS's own move
to the dead-letter queue, which knows no reason, is left for functions that die.
"""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)

from itemstream.config import from_environment
from itemstream.consumers.queue_messages import (
    Postponed,
    QueueMessage,
    QueueSettings,
    give_up,
    read_message,
)
from itemstream.dead_letters import Refused
from itemstream.observability.errors import error_fields
from itemstream.observability.invocation import observed
from itemstream.observability.logs import logger
from itemstream.observability.metrics import count

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

__all__ = ["QueueMessage", "queue_handler"]

# Messages are begun in the first half of the time: what one of them may take at its worst has to
# fit into the other, or the invocation ends with nobody knowing how far it came.
_TIME_TO_BEGIN = 0.5


class _Later(Exception):  # noqa: N818
    """Tells the batch processor that a message is to be received again; its cause is logged."""


class _NotBegun(Exception):  # noqa: N818
    """Tells the batch processor that there was no time left for a message."""


class _Batch:
    """One invocation, and its time."""

    def __init__(self, context: Any, last_receive: int) -> None:
        self._context = context
        self._last_receive = last_receive
        self._reserve = context.get_remaining_time_in_millis() * (1 - _TIME_TO_BEGIN)
        self._begun = False

    def out_of_time(self, message: QueueMessage) -> bool:
        """
        Tell whether a message should rather begin the next batch.

        The first of a batch is always begun, and so is one that will not be received again.
        """
        first, self._begun = not self._begun, True
        if first or message.receives >= self._last_receive:
            return False
        return bool(self._context.get_remaining_time_in_millis() < self._reserve)


def queue_handler(
    consume: Callable[[QueueMessage], None],
) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """
    Make a Lambda handler of a function of one message.

    The function raises :class:`itemstream.dead_letters.Refused` for a message that can never be
    processed; any other error means that it is to be tried again.
    """
    settings = from_environment(QueueSettings)
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)

    @wraps(consume)
    @observed
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        batch = _Batch(context, settings.max_receive_count)
        postponed = Postponed()

        def process(record: SQSRecord) -> None:
            message = read_message(record)
            try:
                if batch.out_of_time(message):
                    raise _NotBegun
                consume(message)
            except _NotBegun:
                postponed.add(record, message.receives)
                raise
            except Refused as refused:
                give_up(record, refused.reason)
            except Exception as error:
                count("MessagesFailed")
                reason = f"{type(error).__name__}: {error}"
                logger.warning(
                    "message failed",
                    extra={
                        "message_id": message.id,
                        "receives": message.receives,
                        **error_fields(error),
                    },
                )
                if message.receives >= settings.max_receive_count:
                    give_up(record, f"failed {message.receives} times, at last with {reason}")
                    return
                postponed.add(record, message.receives)
                raise _Later from error

        answer = process_partial_response(event, process, processor, context)
        postponed.bring_forward(event["Records"][0]["eventSourceARN"])
        logger.info(
            "consumed",
            extra={"records": len(event["Records"]), "failed": len(answer["batchItemFailures"])},
        )
        return dict(answer)

    return handler
