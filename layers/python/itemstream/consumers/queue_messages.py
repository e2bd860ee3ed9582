"""Messages of SQS queues: read, received again later each time, or given up with their reason."""

from __future__ import annotations

import random
from base64 import b64decode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from itemstream.aws import aws_client
from itemstream.dead_letters import DeadLetter
from itemstream.dead_letters.sqs import dead_letters
from itemstream.observability.errors import error_fields
from itemstream.observability.logs import logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

__all__ = ["Postponed", "QueueMessage", "QueueSettings", "give_up", "read_message"]

_FIRST_PAUSE_SECONDS = 2
_LONGEST_PAUSE_SECONDS = 300


@dataclass(frozen=True)
class QueueSettings:
    """Environment of the functions that consume a queue."""

    max_receive_count: int


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


def read_message(record: SQSRecord) -> QueueMessage:
    """Read a message as the queue's mapping hands it over."""
    return QueueMessage(
        record.message_id,
        record.body,
        int(record.attributes.approximate_receive_count or 1),
        record.event_source_arn,
    )


class Postponed:
    """The messages of one invocation that are to be received again."""

    def __init__(self) -> None:
        self._entries: list[dict[str, Any]] = []

    def add(self, record: SQSRecord, receives: int) -> None:
        """Have a message received again, later each time."""
        pause = min(_FIRST_PAUSE_SECONDS * 2 ** (receives - 1), _LONGEST_PAUSE_SECONDS)
        self._entries.append(
            {
                "Id": str(len(self._entries)),
                "ReceiptHandle": record.receipt_handle,
                # Half of it is chance, so that what failed together does not come back together.
                "VisibilityTimeout": round(random.uniform(pause / 2, pause)),  # noqa: S311
            }
        )

    def bring_forward(self, queue_arn: str) -> None:
        """Set when messages are received again; without success the queue's own time counts."""
        if not self._entries:
            return
        from botocore.exceptions import BotoCoreError, ClientError

        sqs = aws_client("sqs")
        try:
            url = sqs.get_queue_url(QueueName=queue_arn.rpartition(":")[2])["QueueUrl"]
            for start in range(0, len(self._entries), 10):
                answer = sqs.change_message_visibility_batch(
                    QueueUrl=url, Entries=self._entries[start : start + 10]
                )
                for failed in answer.get("Failed", []):
                    logger.warning("visibility not changed", extra={"error": failed["Code"]})
        except (BotoCoreError, ClientError) as error:
            logger.warning("visibility not changed", extra=error_fields(error))


def give_up(record: SQSRecord, reason: str) -> None:
    """Make a message a dead letter, with its own attributes beside the reason."""
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
