"""Consumers of SQS queues, on Powertools' batch processor: each message stands for itself.

What fails is received again, later each time: its visibility grows with every attempt. On the last
attempt that the queue allows it becomes a dead letter with the error as its reason; SQS's own move
to the dead-letter queue, which knows no reason, is left for functions that die.
"""

from __future__ import annotations

import random
from base64 import b64decode
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)

from itemstream.aws import aws_client
from itemstream.config import from_environment
from itemstream.dead_letters import DeadLetter, Refused
from itemstream.dead_letters.sqs import dead_letters
from itemstream.observability.errors import error_fields
from itemstream.observability.invocation import observed
from itemstream.observability.logs import logger
from itemstream.observability.metrics import count

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

__all__ = ["QueueMessage", "queue_handler"]

_FIRST_PAUSE_SECONDS = 2
_LONGEST_PAUSE_SECONDS = 300
# Messages are begun in the first half of the time: what one of them may take at its worst has to
# fit into the other, or the invocation ends with nobody knowing how far it came.
_TIME_TO_BEGIN = 0.5


@dataclass(frozen=True, slots=True)
class QueueMessage:
    """
    A message of a queue.

    Parameters
    ----------
    id
        SQS's id of the message.
    body
        Its text.
    receives
        How often it was received, this time included.
    queue_arn
        The queue it came from.
    """

    id: str
    body: str
    receives: int
    queue_arn: str


@dataclass(frozen=True)
class Settings:
    """Environment of the functions that consume a queue."""

    max_receive_count: int


class _Later(Exception):  # noqa: N818
    """Tells the batch processor that a message is to be received again; its cause is logged."""


class _NotBegun(Exception):  # noqa: N818
    """Tells the batch processor that there was no time left for a message."""


class _Batch:
    """One invocation: its time, and the messages that are to be received again."""

    def __init__(self, context: Any, last_receive: int) -> None:
        self._context = context
        self._last_receive = last_receive
        self._reserve = context.get_remaining_time_in_millis() * (1 - _TIME_TO_BEGIN)
        self._begun = False
        self._postponed: list[dict[str, Any]] = []

    def out_of_time(self, message: QueueMessage) -> bool:
        """
        Tell whether a message should rather begin the next batch.

        The first of a batch is always begun, and so is one that will not be received again.
        """
        first, self._begun = not self._begun, True
        if first or message.receives >= self._last_receive:
            return False
        return bool(self._context.get_remaining_time_in_millis() < self._reserve)

    def postpone(self, record: SQSRecord, receives: int) -> None:
        """Have a message received again, later each time."""
        pause = min(_FIRST_PAUSE_SECONDS * 2 ** (receives - 1), _LONGEST_PAUSE_SECONDS)
        self._postponed.append(
            {
                "Id": str(len(self._postponed)),
                "ReceiptHandle": record.receipt_handle,
                # Half of it is chance, so that what failed together does not come back together.
                "VisibilityTimeout": round(random.uniform(pause / 2, pause)),  # noqa: S311
            }
        )

    def bring_forward(self, queue_arn: str) -> None:
        """Set when messages are received again; without success the queue's own time counts."""
        if not self._postponed:
            return
        from botocore.exceptions import BotoCoreError, ClientError

        sqs = aws_client("sqs")
        try:
            url = sqs.get_queue_url(QueueName=queue_arn.rpartition(":")[2])["QueueUrl"]
            for start in range(0, len(self._postponed), 10):
                answer = sqs.change_message_visibility_batch(
                    QueueUrl=url, Entries=self._postponed[start : start + 10]
                )
                for failed in answer.get("Failed", []):
                    logger.warning("visibility not changed", extra={"error": failed["Code"]})
        except (BotoCoreError, ClientError) as error:
            logger.warning("visibility not changed", extra=error_fields(error))


def queue_handler(
    consume: Callable[[QueueMessage], None],
) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """
    Make a Lambda handler of a function of one message.

    The function raises :class:`itemstream.dead_letters.Refused` for a message that can never be
    processed; any other error means that it is to be tried again.
    """
    settings = from_environment(Settings)
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)

    @wraps(consume)
    @observed
    def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
        batch = _Batch(context, settings.max_receive_count)

        def process(record: SQSRecord) -> None:
            message = QueueMessage(
                record.message_id,
                record.body,
                int(record.attributes.approximate_receive_count or 1),
                record.event_source_arn,
            )
            try:
                if batch.out_of_time(message):
                    raise _NotBegun
                consume(message)
            except _NotBegun:
                batch.postpone(record, message.receives)
                raise
            except Refused as refused:
                _give_up(record, refused.reason)
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
                    _give_up(record, f"failed {message.receives} times, at last with {reason}")
                    return
                batch.postpone(record, message.receives)
                raise _Later from error

        answer = process_partial_response(event, process, processor, context)
        batch.bring_forward(event["Records"][0]["eventSourceARN"])
        logger.info(
            "consumed",
            extra={"records": len(event["Records"]), "failed": len(answer["batchItemFailures"])},
        )
        return dict(answer)

    return handler


def _give_up(record: SQSRecord, reason: str) -> None:
    dead_letters().send(
        DeadLetter(
            "queue-message", reason, record.event_source_arn, record.body, _attributes(record)
        )
    )


def _attributes(record: SQSRecord) -> dict[str, Any]:
    """Return a message's attributes as SendMessage takes them."""
    given: dict[str, Any] = dict(record.raw_event.get("messageAttributes") or {})
    return {
        name: {
            "DataType": value["dataType"],
            **({"StringValue": value["stringValue"]} if value.get("stringValue") else {}),
            **(
                {"BinaryValue": b64decode(value["binaryValue"])} if value.get("binaryValue") else {}
            ),
        }
        for name, value in given.items()
    }
