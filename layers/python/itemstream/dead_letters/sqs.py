"""Dead letters in the function's dead-letter queue.

A message's body is the thing itself. Its attributes say the rest: ``Kind``, ``Reason``, ``Source``,
``Function`` and ``FailedAt`` (UTC, ISO 8601). A stream record that is larger than a message may be
is kept without its images, ``Trimmed``: its row's key says what it was about.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

from itemstream.aws import aws_client
from itemstream.config import from_environment
from itemstream.dependencies import DependencyUnavailable
from itemstream.observability.logs import logger
from itemstream.observability.metrics import count

if TYPE_CHECKING:
    from itemstream.dead_letters import DeadLetter

__all__ = ["DeadLettersSettings", "SqsDeadLetters", "dead_letters"]

# A message takes ten attributes (SQS Developer Guide, "Message attributes"); six may be ours.
_ATTRIBUTES_KEPT = 4
# A queue's default maximum, 256 KiB, of which attributes take a part.
_LARGEST_BODY_BYTES = 240 * 1024
_LONGEST_REASON = 1000


@dataclass(frozen=True)
class DeadLettersSettings:
    """Environment of the functions that consume events."""

    dead_letters_queue: str


class SqsDeadLetters:
    """
    Dead letters in an SQS queue; see :class:`itemstream.dead_letters.DeadLetters`.

    Parameters
    ----------
    client
        An SQS client.
    queue
        The queue's name.
    """

    def __init__(self, client: Any, queue: str) -> None:
        self._client = client
        self._queue = queue

    def send(self, letter: DeadLetter) -> None:
        """Send it, log its reason and count it."""
        from botocore.exceptions import BotoCoreError, ClientError

        ours = {
            "Kind": letter.kind,
            "Reason": _printable(letter.reason),
            "Source": letter.source or "unknown",
            "Function": os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "unknown"),
            "FailedAt": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        kept = {name: value for name, value in letter.attributes.items() if name not in ours}
        body, trimmed = _body(letter)
        if trimmed:
            ours["Trimmed"] = "true"
        attributes = dict(list(kept.items())[:_ATTRIBUTES_KEPT])
        for name, value in ours.items():
            attributes[name] = {"DataType": "String", "StringValue": value}
        try:
            self._client.send_message(
                QueueUrl=self._url, MessageBody=body, MessageAttributes=attributes
            )
        except (BotoCoreError, ClientError) as error:
            raise DependencyUnavailable("SQS") from error
        # The reason may quote what came in: it stays with the letter.
        logger.error("given up", extra={"kind": letter.kind, "source": ours["Source"]})
        count("DeadLetters")

    @cached_property
    def _url(self) -> str:
        return str(self._client.get_queue_url(QueueName=self._queue)["QueueUrl"])


@cache
def dead_letters() -> SqsDeadLetters:
    """Return the dead letters of this function, as its environment variables say."""
    queue = from_environment(DeadLettersSettings).dead_letters_queue
    return SqsDeadLetters(aws_client("sqs"), queue)


def _body(letter: DeadLetter) -> tuple[str, bool]:
    """Return the message's text, and whether something had to be left out of it."""
    if letter.kind == "queue-message":
        return str(letter.body), False
    body = _json(letter.body)
    if letter.kind != "stream-record" or len(body.encode()) <= _LARGEST_BODY_BYTES:
        return body, False
    # A row of 400 KB makes a record of 800: the row's key says where it is.
    change = {
        name: value
        for name, value in letter.body["dynamodb"].items()
        if name not in ("NewImage", "OldImage")
    }
    return _json({**letter.body, "dynamodb": change}), True


def _json(document: Any) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _printable(reason: str) -> str:
    # SQS refuses control characters and an empty value.
    text = "".join(character if character.isprintable() else " " for character in reason)
    return text[:_LONGEST_REASON].strip() or "no reason was given"
