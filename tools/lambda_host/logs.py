"""Where the lines of functions go: a file for each function, and CloudWatch Logs."""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict, deque
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mypy_boto3_logs import CloudWatchLogsClient
    from mypy_boto3_logs.type_defs import InputLogEventTypeDef

_log = logging.getLogger(__name__)

_FILE_BYTES = 20 * 1024 * 1024

# https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
_BATCH_EVENTS = 10_000
_BATCH_BYTES = 1_048_576
_EVENT_OVERHEAD = 26
# What is kept while CloudWatch Logs is away; the oldest lines are lost first.
_BUFFER_EVENTS = 50_000


class LogFiles:
    """One file for each function in `folder`, followed by ``itemstream logs --follow``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._handlers: dict[str, RotatingFileHandler] = {}

    def write(self, function: str, message: str) -> None:
        """Append a line, and move a file that has grown large aside."""
        handler = self._handlers.get(function)
        if handler is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            handler = RotatingFileHandler(
                self._folder / f"{function}.log", maxBytes=_FILE_BYTES, backupCount=1
            )
            self._handlers[function] = handler
        handler.emit(logging.makeLogRecord({"msg": message.rstrip("\n")}))

    def close(self) -> None:
        """Close the files."""
        for handler in self._handlers.values():
            handler.close()


@dataclass(frozen=True)
class _Line:
    stream: tuple[str, str]
    milliseconds: int
    message: str


class CloudWatchLogs:
    """Gathers lines and puts them in batches.

    Parameters
    ----------
    client
        A CloudWatch Logs client.
    """

    def __init__(self, client: CloudWatchLogsClient) -> None:
        self._client = client
        self._lines: deque[_Line] = deque(maxlen=_BUFFER_EVENTS)
        self._lock = threading.Lock()

    def write(self, group: str, stream: str, message: str) -> None:
        """Keep a line for the next :meth:`flush`."""
        with self._lock:
            self._lines.append(_Line((group, stream), int(time.time() * 1000), message))

    def flush(self) -> None:
        """Send what was gathered; keep it if CloudWatch Logs is away."""
        with self._lock:
            lines = list(self._lines)
            self._lines.clear()
        by_stream: dict[tuple[str, str], list[_Line]] = defaultdict(list)
        for line in lines:
            by_stream[line.stream].append(line)
        unsent: list[_Line] = []
        for (group, stream), members in by_stream.items():
            try:
                for batch in _batches(members):
                    self._put(group, stream, batch)
            except BotoCoreError:
                unsent += members
            except ClientError as error:
                _log.warning("CloudWatch Logs refused lines of %s: %s", group, error)
        with self._lock:
            room = _BUFFER_EVENTS - len(self._lines)
            self._lines.extendleft(reversed(unsent[-room:] if room else []))

    def _put(self, group: str, stream: str, batch: list[InputLogEventTypeDef]) -> None:
        try:
            self._client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=batch)
        except self._client.exceptions.ResourceNotFoundException:
            self._create(group, stream)
            self._client.put_log_events(logGroupName=group, logStreamName=stream, logEvents=batch)

    def _create(self, group: str, stream: str) -> None:
        # Lambda makes a missing group too.
        exists = self._client.exceptions.ResourceAlreadyExistsException
        try:
            self._client.create_log_stream(logGroupName=group, logStreamName=stream)
        except exists:
            return
        except self._client.exceptions.ResourceNotFoundException:
            self._client.create_log_group(logGroupName=group)
            self._client.create_log_stream(logGroupName=group, logStreamName=stream)


def _batches(lines: list[_Line]) -> Iterator[list[InputLogEventTypeDef]]:
    batch: list[InputLogEventTypeDef] = []
    size = 0
    # The clock may have been set back; CloudWatch Logs wants events in order.
    for line in sorted(lines, key=lambda line: line.milliseconds):
        encoded = line.message.encode()[: _BATCH_BYTES - _EVENT_OVERHEAD]
        needed = len(encoded) + _EVENT_OVERHEAD
        if batch and (len(batch) == _BATCH_EVENTS or size + needed > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append({"timestamp": line.milliseconds, "message": encoded.decode(errors="ignore")})
        size += needed
    if batch:
        yield batch
