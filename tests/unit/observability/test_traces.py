"""Subsegments reach the X-Ray daemon, and their loss costs nothing."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

from itemstream.observability.traces import subsegment

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = "1-5759e988-bd862e3fe1be46a994272793"
HEADER = f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1"


@pytest.fixture
def daemon(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        address = f"127.0.0.1:{receiver.getsockname()[1]}"
        monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", address)
        monkeypatch.setenv("_X_AMZN_TRACE_ID", HEADER)
        yield receiver


def received(daemon: socket.socket) -> dict[str, Any]:
    header, _, document = daemon.recv(65536).partition(b"\n")
    assert json.loads(header) == {"format": "json", "version": 1}
    return dict(json.loads(document))


def nothing_came(daemon: socket.socket) -> bool:
    daemon.setblocking(False)
    try:
        daemon.recv(65536)
    except BlockingIOError:
        return True
    return False


def test_a_call_becomes_a_subsegment(daemon: socket.socket) -> None:
    # When
    with subsegment("DynamoDB", namespace="aws"):
        pass

    # Then
    document = received(daemon)
    assert document["trace_id"] == ROOT
    assert document["parent_id"] == "53995c3f42cd8ad8"
    assert (document["type"], document["name"]) == ("subsegment", "DynamoDB")
    assert (document["namespace"], document["fault"]) == ("aws", False)
    assert document["start_time"] <= document["end_time"]
    assert len(document["id"]) == 16


def test_a_failure_is_marked_and_passes_on(daemon: socket.socket) -> None:
    with pytest.raises(ZeroDivisionError), subsegment("Redis"):
        raise ZeroDivisionError
    assert received(daemon)["fault"] is True


def test_a_trace_that_is_not_sampled_is_not_sent(
    daemon: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", HEADER.replace("Sampled=1", "Sampled=0"))
    with subsegment("Redis"):
        pass
    assert nothing_came(daemon)


def test_without_a_daemon_nothing_is_sent(
    daemon: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_XRAY_DAEMON_ADDRESS")
    with subsegment("Redis"):
        pass
    assert nothing_came(daemon)


def test_a_daemon_that_cannot_be_reached_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", "no-such-host.invalid:2000")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", HEADER)
    with subsegment("Redis"):
        answer = "it worked"
    assert answer == "it worked"
