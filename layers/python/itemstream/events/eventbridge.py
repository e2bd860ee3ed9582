"""The bus in EventBridge.

An entry's source is ``itemstream``, its detail type the event's type, its detail the CloudEvent.
PutEvents answers 200 even if it took none of the entries: each has an answer of its own
(EventBridge API reference, PutEvents).
"""

from __future__ import annotations

import json
import random
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ConnectionError, HTTPClientError  # noqa: A004

from itemstream.aws import aws_client
from itemstream.config import from_environment
from itemstream.dynamodb.errors import error_code
from itemstream.events.bus import Delivery
from itemstream.events.envelope import referenced
from itemstream.observability.traces import subsegment

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

__all__ = ["BusSettings", "EventBridgeBus"]

SOURCE = "itemstream"
# PutEvents takes ten entries of 256 KB together.
ENTRIES_PER_CALL = 10
BYTES_PER_CALL = 256 * 1024
# What EventBridge puts around an event must fit into a message of 256 KB beside it.
LARGEST_DETAIL_BYTES = 240 * 1024
# How long the failed entries of one batch are tried again before the stream does that.
PATIENCE_SECONDS = 8.0
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 2.0
# EventBridge API reference: codes of an entry or of a whole call that are worth another attempt.
PASSING_CODES = frozenset(
    {
        "InternalException",
        "InternalFailure",
        "LimitExceededException",
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)


@dataclass(frozen=True)
class BusSettings:
    """Environment of the functions that send events to the bus."""

    events_bus: str


class EventBridgeBus:
    """
    Sends events to a bus; see :class:`itemstream.events.bus.EventBus`.

    Parameters
    ----------
    client
        EventBridge client.
    settings
        The bus.
    clock
        Seconds that only grow.
    pause
        Waits for some seconds.
    """

    def __init__(
        self,
        client: Any,
        settings: BusSettings,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._bus = settings.events_bus
        self._clock = clock
        self._pause = pause

    @classmethod
    def from_environment(cls) -> EventBridgeBus:
        """Make the bus that the function's environment variables describe."""
        return cls(aws_client("events"), from_environment(BusSettings))

    def send(self, documents: Sequence[dict[str, Any]]) -> Delivery:
        """Send ten in a call, and the failed again, with growing pauses, for eight seconds."""
        entries = {number: self._entry(document) for number, document in enumerate(documents)}
        refused: dict[int, str] = {}
        failed: dict[int, str] = {}
        until = self._clock() + PATIENCE_SECONDS
        longest_pause = FIRST_PAUSE_SECONDS
        while entries:
            failed = {}
            for call in _calls(entries):
                try:
                    failures = self._put(call)
                except _BusUnavailable as unavailable:
                    # Its client has tried three times: no other call will fare better now.
                    unheard = [n for n in entries if n >= min(call) or n in failed]
                    return Delivery({n: failed.get(n, str(unavailable)) for n in unheard}, refused)
                for number, (code, reason) in failures.items():
                    (failed if code in PASSING_CODES else refused)[number] = reason
            entries = {number: entries[number] for number in failed}
            if not entries or self._clock() + longest_pause >= until:
                break
            # Full jitter: AWS Architecture Blog, "Exponential Backoff And Jitter".
            self._pause(random.uniform(0, longest_pause))  # noqa: S311 - spreads load
            longest_pause = min(2 * longest_pause, LONGEST_PAUSE_SECONDS)
        return Delivery(failed, refused)

    def _put(self, call: dict[int, dict[str, Any]]) -> dict[int, tuple[str, str]]:
        """Make one call; return the code and the reason of each entry that was not taken."""
        with _passing_errors():
            answer = self._client.put_events(Entries=list(call.values()))
        if not answer["FailedEntryCount"]:
            return {}
        return {
            number: (entry["ErrorCode"], f"{entry['ErrorCode']}: {entry.get('ErrorMessage', '')}")
            for number, entry in zip(call, answer["Entries"], strict=True)
            if entry.get("ErrorCode")
        }

    def _entry(self, document: dict[str, Any]) -> dict[str, Any]:
        detail = _json(document)
        if len(detail.encode()) > LARGEST_DETAIL_BYTES:
            detail = _json(referenced(document))
        return {
            "EventBusName": self._bus,
            "Source": SOURCE,
            "DetailType": document["type"],
            "Detail": detail,
            "Time": document["time"],
        }


class _BusUnavailable(Exception):  # noqa: N818
    """EventBridge did not answer, or asked to slow down."""


@contextmanager
def _passing_errors() -> Iterator[None]:
    try:
        with subsegment("EventBridge", namespace="aws"):
            yield
    except ClientError as error:
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        code = error_code(error)
        if code in PASSING_CODES or status >= 500:
            raise _BusUnavailable(f"EventBridge is not available: {code}") from error
        raise
    except (HTTPClientError, ConnectionError) as error:
        raise _BusUnavailable("EventBridge is not available") from error


def _calls(entries: dict[int, dict[str, Any]]) -> Iterator[dict[int, dict[str, Any]]]:
    call: dict[int, dict[str, Any]] = {}
    size = 0
    for number, entry in entries.items():
        its_size = _entry_size(entry)
        if call and (len(call) == ENTRIES_PER_CALL or size + its_size > BYTES_PER_CALL):
            yield call
            call, size = {}, 0
        call[number] = entry
        size += its_size
    yield call


def _entry_size(entry: dict[str, Any]) -> int:
    # EventBridge User Guide, "Calculating PutEvents event entry size": 14 bytes for the time.
    return 14 + sum(len(entry[name].encode()) for name in ("Source", "DetailType", "Detail"))


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
