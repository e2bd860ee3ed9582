"""The event log in DynamoDB.

The table ``events``: an event's row has the tenant as ``pk`` and its place, 20 digits, as ``sk``.
The row ``head#<tenant>``, ``head`` holds the next free place. In table ``idempotency`` each event
leaves a marker, ``event#<tenant>#<event id>``, that outlives every repeat.

One transaction moves the head on condition that nobody else has, puts the events, and puts their
markers on condition that there are none. So there is no place without an event, no event with two
places, and whoever was interrupted, raced or unheard may simply try again: what has a marker is
left out.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from itemstream.aws import aws_client
from itemstream.config import from_environment
from itemstream.dependencies import DependencyUnavailable
from itemstream.dynamodb.attribute_values import from_item, to_item
from itemstream.dynamodb.errors import cancellation_codes, dynamodb_errors, error_code
from itemstream.events.envelope import json_size, referenced, sequence_text
from itemstream.events.log import LoggedEvent, PositionExpired

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from itemstream.events.envelope import Event

__all__ = ["DynamoLogReader", "DynamoLogWriter", "LogReaderSettings", "LogWriterSettings"]

# A transaction takes 100 operations and 4 MB (DynamoDB API reference, TransactWriteItems): the
# head, and two rows for each event.
EVENTS_PER_TRANSACTION = 49
BYTES_PER_TRANSACTION = 3_500_000
# A row takes 400 KB; what it holds beside the event, and how DynamoDB counts, fit in the rest.
LARGEST_EVENT_BYTES = 360_000
# Longer than a stream record (a day) and a dead letter after it (14 days) can come again.
MARKER_SECONDS = 30 * 24 * 3600
ATTEMPTS = 20
FIRST_PAUSE_SECONDS = 0.01
LONGEST_PAUSE_SECONDS = 0.5
READS = 4
PAUSE_BETWEEN_READS_SECONDS = 0.05
# DynamoDB API reference, TransactWriteItems, "CancellationReasons".
PASSING_REASONS = {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"}


@dataclass(frozen=True)
class LogWriterSettings:
    """Environment of the functions that append to the log."""

    events_table: str
    idempotency_table: str
    events_retention_hours: int


@dataclass(frozen=True)
class LogReaderSettings:
    """Environment of the functions that read the log."""

    events_table: str


class DynamoLogWriter:
    """
    Appends to the log; see :class:`itemstream.events.log.EventLogWriter`.

    Parameters
    ----------
    client
        DynamoDB client.
    settings
        The tables, and how long events are kept.
    clock
        Seconds since the epoch.
    pause
        Waits for some seconds.
    """

    def __init__(
        self,
        client: Any,
        settings: LogWriterSettings,
        *,
        clock: Callable[[], float] = time.time,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._settings = settings
        self._clock = clock
        self._pause = pause
        # Where this process believes each tenant's log to end. A wrong belief costs one attempt,
        # a right one spares a read.
        self._next: dict[str, int] = {}

    @classmethod
    def from_environment(cls) -> DynamoLogWriter:
        """Make the log that the function's environment variables describe."""
        return cls(aws_client("dynamodb"), from_environment(LogWriterSettings))

    def append(self, tenant: str, events: Sequence[Event]) -> int:
        """Append in transactions of up to 49 events, one after another."""
        # One transaction may touch a row once only: an event's first place counts.
        waiting = list({event.id: event for event in events}.values())
        new = 0
        try:
            for together in _transactions(waiting):
                new += self._append_together(tenant, together)
        except BaseException:
            self._next.pop(tenant, None)
            raise
        return new

    def _append_together(self, tenant: str, events: list[Event]) -> int:
        failure: ClientError | None = None
        for attempt in range(ATTEMPTS):
            first = self._next_place(tenant)
            try:
                with dynamodb_errors():
                    self._client.transact_write_items(
                        TransactItems=self._operations(tenant, first, events)
                    )
            except ClientError as error:
                if error_code(error) != "TransactionCanceledException":
                    raise
                failure, codes = error, cancellation_codes(error)
            else:
                self._next[tenant] = first + len(events)
                return len(events)
            if len(codes) != 1 + 2 * len(events) or _others(codes):
                raise failure
            head, places, markers = codes[0], codes[1 : len(events) + 1], codes[len(events) + 1 :]
            if head == _LOST:
                # Somebody else appended; DynamoDB tells where the log ends now.
                self._learn_next(tenant, failure)
            elif _LOST in places and attempt == ATTEMPTS - 1:
                # The head is behind the log: no repeat mends that, and nothing is overwritten.
                raise failure
            elif _LOST in places:
                self._next.pop(tenant, None)
            left = [event for event, code in zip(events, markers, strict=True) if code != _LOST]
            if not left:
                return 0
            if len(left) == len(events):
                longest = min(FIRST_PAUSE_SECONDS * 2**attempt, LONGEST_PAUSE_SECONDS)
                # Full jitter: AWS Architecture Blog, "Exponential Backoff And Jitter".
                self._pause(random.uniform(0, longest))  # noqa: S311 - spreads load, guards nothing
            events = left
        raise DependencyUnavailable("DynamoDB") from failure

    def _next_place(self, tenant: str) -> int:
        if tenant not in self._next:
            with dynamodb_errors():
                answer = self._client.get_item(
                    TableName=self._settings.events_table,
                    Key=_head_key(tenant),
                    ConsistentRead=True,
                )
            self._next[tenant] = _next_of(answer.get("Item"))
        return self._next[tenant]

    def _learn_next(self, tenant: str, error: ClientError) -> None:
        response: dict[str, Any] = dict(error.response)
        row = response["CancellationReasons"][0].get("Item")
        if row:
            self._next[tenant] = _next_of(row)
        else:
            self._next.pop(tenant, None)

    def _operations(self, tenant: str, first: int, events: list[Event]) -> list[dict[str, Any]]:
        now = int(self._clock())
        numbered = list(enumerate(events, first))
        return [
            {"Update": self._head_moved(tenant, first, first + len(events))},
            *({"Put": self._row(tenant, place, event, now)} for place, event in numbered),
            *({"Put": self._marker(tenant, place, event, now)} for place, event in numbered),
        ]

    def _head_moved(self, tenant: str, start: int, end: int) -> dict[str, Any]:
        return {
            "TableName": self._settings.events_table,
            "Key": _head_key(tenant),
            "UpdateExpression": "SET #next = :end, #kind = :head",
            "ConditionExpression": "attribute_not_exists(pk)" if start == 1 else "#next = :start",
            "ExpressionAttributeNames": {"#next": "next", "#kind": "kind"},
            "ExpressionAttributeValues": {
                ":end": {"N": str(end)},
                ":head": {"S": "head"},
                **({} if start == 1 else {":start": {"N": str(start)}}),
            },
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _row(self, tenant: str, place: int, event: Event, now: int) -> dict[str, Any]:
        document = event.document(place)
        if json_size(document) > LARGEST_EVENT_BYTES:
            document = referenced(document)
        return {
            "TableName": self._settings.events_table,
            "Item": to_item(
                {
                    "pk": tenant,
                    "sk": sequence_text(place),
                    "kind": "event",
                    "event_id": event.id,
                    "type": event.type,
                    "subject": event.subject,
                    "topic": event.topic,
                    "event": document,
                    "expires_at": now + self._settings.events_retention_hours * 3600,
                }
            ),
            "ConditionExpression": "attribute_not_exists(pk)",
        }

    def _marker(self, tenant: str, place: int, event: Event, now: int) -> dict[str, Any]:
        return {
            "TableName": self._settings.idempotency_table,
            "Item": to_item(
                {
                    "pk": f"event#{tenant}#{event.id}",
                    "sequence": place,
                    "expires_at": now + MARKER_SECONDS,
                }
            ),
            # One that has expired and is still there counts too.
            "ConditionExpression": "attribute_not_exists(pk)",
        }


class DynamoLogReader:
    """
    Reads the log; see :class:`itemstream.events.log.EventLogReader`.

    Parameters
    ----------
    client
        DynamoDB client.
    settings
        The table.
    pause
        Waits for some seconds.
    """

    def __init__(
        self,
        client: Any,
        settings: LogReaderSettings,
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._table = settings.events_table
        self._pause = pause

    @classmethod
    def from_environment(cls) -> DynamoLogReader:
        """Make the log that the function's environment variables describe."""
        return cls(aws_client("dynamodb"), from_environment(LogReaderSettings))

    def read(self, tenant: str, *, after: int, limit: int) -> list[LoggedEvent]:
        """Read consistently, up to the first gap."""
        for attempt in range(READS):
            if attempt:
                # A query may see a part of a transaction that is just being written (DynamoDB
                # Developer Guide, "Isolation levels"): the gap closes in a moment, or never.
                self._pause(PAUSE_BETWEEN_READS_SECONDS)
            found = list(_without_gap(self._query(tenant, after, limit), after))
            if found or self.last(tenant) <= after:
                return found
        raise PositionExpired(f"the event after {after} is no longer kept")

    def last(self, tenant: str) -> int:
        """Read the head."""
        with dynamodb_errors():
            answer = self._client.get_item(
                TableName=self._table, Key=_head_key(tenant), ConsistentRead=True
            )
        return _next_of(answer.get("Item")) - 1

    def _query(self, tenant: str, after: int, limit: int) -> list[LoggedEvent]:
        with dynamodb_errors():
            answer = self._client.query(
                TableName=self._table,
                KeyConditionExpression="pk = :tenant AND sk > :after",
                ExpressionAttributeValues={
                    ":tenant": {"S": tenant},
                    ":after": {"S": sequence_text(after)},
                },
                ConsistentRead=True,
                Limit=limit,
            )
        rows = map(from_item, answer["Items"])
        return [LoggedEvent(int(row["sk"]), row["topic"], row["event"]) for row in rows]


_LOST = "ConditionalCheckFailed"


def _others(codes: list[str]) -> set[str]:
    return set(codes) - {"None", _LOST} - PASSING_REASONS


def _head_key(tenant: str) -> dict[str, Any]:
    return {"pk": {"S": f"head#{tenant}"}, "sk": {"S": "head"}}


def _next_of(head: dict[str, Any] | None) -> int:
    return int(head["next"]["N"]) if head else 1


def _transactions(events: list[Event]) -> Iterator[list[Event]]:
    together: list[Event] = []
    size = 0
    for event in events:
        its_size = min(json_size(event.data), LARGEST_EVENT_BYTES) + 1000
        full = len(together) == EVENTS_PER_TRANSACTION or size + its_size > BYTES_PER_TRANSACTION
        if together and full:
            yield together
            together, size = [], 0
        together.append(event)
        size += its_size
    if together:
        yield together


def _without_gap(events: list[LoggedEvent], after: int) -> Iterator[LoggedEvent]:
    for expected, event in enumerate(events, after + 1):
        if event.sequence != expected:
            return
        yield event
