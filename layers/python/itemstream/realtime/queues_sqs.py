"""Replays, deliveries and endings as messages of SQS queues.

Messages are JSON objects: a replay has ``connection_id``, ``tenant``, ``topic`` and ``shard``, and
``after`` if a sender asks for it; a delivery has ``tenant``, ``topic`` and ``shard``; an ending has
``connection_id`` and ``at_once``.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004

from itemstream.aws import aws_client
from itemstream.config import from_environment
from itemstream.dependencies import DependencyUnavailable
from itemstream.dynamodb.errors import error_code
from itemstream.observability.traces import subsegment

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "DeliveriesSettings",
    "EndingsSettings",
    "ReplaysSettings",
    "SqsDeliveries",
    "SqsEndings",
    "SqsReplays",
]

# SQS API reference, SendMessageBatch.
LONGEST_DELAY_SECONDS = 900
MESSAGES_PER_CALL = 10
# SQS API reference, "Common errors": what a status code of 4xx may hide.
PASSING_CODES = frozenset(
    {"KmsThrottled", "OverLimit", "RequestThrottled", "Throttling", "ThrottlingException"}
)


@dataclass(frozen=True)
class ReplaysSettings:
    """Environment of the functions that ask for replays."""

    replays_queue: str


@dataclass(frozen=True)
class DeliveriesSettings:
    """Environment of the functions that ask for deliveries."""

    topic_deliveries_queue: str


@dataclass(frozen=True)
class EndingsSettings:
    """Environment of the functions that ask for endings."""

    connection_endings_queue: str


class SqsReplays:
    """
    Replays in a queue; see :class:`itemstream.realtime.queues.Replays`.

    Parameters
    ----------
    client
        SQS client.
    queue
        The queue's name.
    """

    def __init__(self, client: Any, queue: str) -> None:
        self._queue = _Queue(client, queue)

    @classmethod
    def from_environment(cls) -> SqsReplays:
        """Make it on the queue that the function's environment variables name."""
        return cls(aws_client("sqs"), from_environment(ReplaysSettings).replays_queue)

    def ask(
        self,
        connection_id: str,
        tenant: str,
        topic: str,
        shard: int,
        *,
        delay: int = 0,
        after: int | None = None,
    ) -> None:
        """Send a message."""
        message: dict[str, Any] = {
            "connection_id": connection_id,
            "tenant": tenant,
            "topic": topic,
            "shard": shard,
        }
        if after is not None:
            message["after"] = after
        self._queue.send(message, delay=delay, tenant=tenant)


class SqsDeliveries:
    """
    Deliveries in a queue; see :class:`itemstream.realtime.queues.Deliveries`.

    Parameters
    ----------
    client
        SQS client.
    queue
        The queue's name.
    """

    def __init__(self, client: Any, queue: str) -> None:
        self._queue = _Queue(client, queue)

    @classmethod
    def from_environment(cls) -> SqsDeliveries:
        """Make it on the queue that the function's environment variables name."""
        settings = from_environment(DeliveriesSettings)
        return cls(aws_client("sqs"), settings.topic_deliveries_queue)

    def ask(self, tenant: str, topic: str, shards: Iterable[int]) -> None:
        """Send a message for each shard, ten at once."""
        self._queue.send(
            *({"tenant": tenant, "topic": topic, "shard": shard} for shard in shards),
            tenant=tenant,
        )


class SqsEndings:
    """
    Endings in a queue; see :class:`itemstream.realtime.queues.Endings`.

    Parameters
    ----------
    client
        SQS client.
    queue
        The queue's name.
    """

    def __init__(self, client: Any, queue: str) -> None:
        self._queue = _Queue(client, queue)

    @classmethod
    def from_environment(cls) -> SqsEndings:
        """Make it on the queue that the function's environment variables name."""
        settings = from_environment(EndingsSettings)
        return cls(aws_client("sqs"), settings.connection_endings_queue)

    def ask(self, connection_id: str, *, delay: int, at_once: bool = False) -> None:
        """Send a message."""
        self._queue.send({"connection_id": connection_id, "at_once": at_once}, delay=delay)


class _Queue:
    """A queue of JSON messages."""

    def __init__(self, client: Any, name: str) -> None:
        self._client = client
        self._name = name

    def send(self, *messages: dict[str, Any], delay: int = 0, tenant: str | None = None) -> None:
        """
        Send messages, ten with each call.

        Those of one tenant are a group of what SQS calls a fair queue: where one group has much
        waiting, the messages of others are handed out first, in no other order than before. (SQS
        Developer Guide, "Amazon SQS fair queues".)
        """
        common: dict[str, Any] = {"DelaySeconds": max(0, min(delay, LONGEST_DELAY_SECONDS))}
        if tenant is not None:
            common["MessageGroupId"] = tenant
        for start in range(0, len(messages), MESSAGES_PER_CALL):
            entries = [
                {"Id": str(number), "MessageBody": _json(message), **common}
                for number, message in enumerate(messages[start : start + MESSAGES_PER_CALL])
            ]
            with _sqs_errors():
                answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
            # It answers 200 even if it took none of them.
            if failed := answer.get("Failed"):
                raise DependencyUnavailable("SQS") from ClientError(
                    {"Error": {"Code": failed[0]["Code"]}}, "SendMessageBatch"
                )

    @cached_property
    def _url(self) -> str:
        return str(self._client.get_queue_url(QueueName=self._name)["QueueUrl"])


@contextmanager
def _sqs_errors() -> Iterator[None]:
    """Trace a call, and tell outages from faults of our own, which pass through."""
    try:
        with subsegment("SQS", namespace="aws"):
            yield
    except ClientError as error:
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if error_code(error) in PASSING_CODES or status >= 500:
            raise DependencyUnavailable("SQS") from error
        raise
    except (HTTPClientError, ConnectionError) as error:
        raise DependencyUnavailable("SQS") from error


def _json(message: dict[str, Any]) -> str:
    return json.dumps(message, separators=(",", ":"))
