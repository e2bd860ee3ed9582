"""Batches of log lines, and what happens to them while CloudWatch Logs is away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from tools.lambda_host.logs import CloudWatchLogs, LogFiles

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

MESSAGES = st.lists(st.integers(1, 1_100_000).map("x".__mul__), max_size=6)


class Recorder:
    """A client that keeps what it is given, or is away."""

    exceptions = boto3.client("logs", region_name="us-east-1").exceptions

    def __init__(self) -> None:
        self.away = False
        self.batches: list[list[dict[str, Any]]] = []

    def put_log_events(self, **request: Any) -> None:
        if self.away:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1")
        self.batches.append(request["logEvents"])


@given(messages=MESSAGES)
def test_batches_respect_the_limits_and_keep_every_line_in_order(messages: list[str]) -> None:
    # Given
    client = Recorder()
    logs = CloudWatchLogs(client)
    for message in messages:
        logs.write("group", "stream", message)

    # When
    logs.flush()

    # Then
    sizes = [sum(len(event["message"]) + 26 for event in batch) for batch in client.batches]
    assert all(size <= 1_048_576 for size in sizes)
    sent = [event["message"] for batch in client.batches for event in batch]
    assert sent == [message[: 1_048_576 - 26] for message in messages]


def test_no_batch_has_more_than_10_000_events() -> None:
    # Given
    client = Recorder()
    logs = CloudWatchLogs(client)
    for number in range(10_001):
        logs.write("group", "stream", str(number))

    # When
    logs.flush()

    # Then
    assert [len(batch) for batch in client.batches] == [10_000, 1]


def test_lines_wait_while_the_service_is_away_and_the_oldest_are_lost_first() -> None:
    # Given
    client = Recorder()
    client.away = True
    logs = CloudWatchLogs(client)
    for number in range(50_001):
        logs.write("group", "stream", str(number))
    logs.flush()

    # When
    client.away = False
    logs.flush()

    # Then
    sent = [event["message"] for batch in client.batches for event in batch]
    assert sent == [str(number) for number in range(1, 50_001)]


def test_a_missing_group_and_stream_are_made() -> None:
    # Given
    with mock_aws():
        client = boto3.client("logs", region_name="us-east-1")
        logs = CloudWatchLogs(client)
        logs.write("/aws/lambda/new", "stream", "a line")

        # When
        logs.flush()

        # Then
        found = client.get_log_events(logGroupName="/aws/lambda/new", logStreamName="stream")
        assert [event["message"] for event in found["events"]] == ["a line"]


def test_a_log_file_that_has_grown_large_is_moved_aside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    monkeypatch.setattr("tools.lambda_host.logs._FILE_BYTES", 100)
    files = LogFiles(tmp_path)

    # When
    for number in range(3):
        files.write("function", f"{number}" * 60)
    files.close()

    # Then
    assert (tmp_path / "function.log").read_text() == "2" * 60 + "\n"
    assert (tmp_path / "function.log.1").read_text() == "1" * 60 + "\n"
