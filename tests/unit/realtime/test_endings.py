"""Connections are closed when their time is over."""

from __future__ import annotations

import asyncio

import pytest

from itemstream.dead_letters import Refused
from itemstream.dependencies import DependencyUnavailable
from itemstream.realtime.endings import Closer, Ending, read_ending
from itemstream.realtime.sockets import Outcome
from tests.fakes.realtime import (
    NOW,
    AskedEnding,
    Clock,
    InMemoryConnections,
    InMemoryEndings,
    RealtimeRows,
    a_connection,
)
from tests.fakes.sockets import InMemorySockets


class Given:
    """A connection that ends in ten minutes."""

    def __init__(self, **connection: object) -> None:
        self.clock = Clock()
        self.connections = InMemoryConnections(RealtimeRows(clock=self.clock))
        self.connections.add(a_connection("c=", **connection))
        self.sockets = InMemorySockets()
        self.endings = InMemoryEndings()

    def end(self, connection_id: str = "c=", *, at_once: bool = False) -> bool:
        closer = Closer(self.connections, self.sockets, self.endings, clock=self.clock)
        return asyncio.run(closer.end(Ending(connection_id, at_once=at_once)))


def test_before_its_time_it_is_looked_at_again_then() -> None:
    # Given
    given = Given()
    given.clock.now = NOW + 0.25

    # When
    closed = given.end()

    # Then
    assert not closed
    assert given.endings.asked == [AskedEnding("c=", delay=600)]
    assert given.sockets.closed == []


@pytest.mark.parametrize(("ends_by", "code"), [("token", 4401), ("age", 4408)])
def test_at_its_time_it_is_told_why_closed_and_forgotten(ends_by: str, code: int) -> None:
    # Given
    given = Given(ends_by=ends_by)
    given.clock.now = NOW + 600

    # When
    closed = given.end()

    # Then
    assert closed
    (frame,) = given.sockets.frames("c=")
    assert (frame["type"], frame["code"]) == ("closing", code)
    assert given.sockets.closed == ["c="]
    assert given.connections.find("c=") is None


def test_abuse_ends_it_at_once() -> None:
    # Given
    given = Given()

    # When
    given.end(at_once=True)

    # Then
    assert given.sockets.frames("c=")[0]["code"] == 1008
    assert given.sockets.closed == ["c="]


def test_one_that_is_not_known_needs_no_ending() -> None:
    # Given
    given = Given()

    # When / Then
    assert not given.end("another=", at_once=True)
    assert given.sockets.closed == []


def test_a_socket_that_is_gone_is_only_forgotten() -> None:
    # Given
    given = Given()
    given.sockets.outcomes["c="] = Outcome.GONE

    # When
    given.end(at_once=True)

    # Then
    assert given.sockets.closed == []
    assert given.connections.find("c=") is None


def test_a_client_that_takes_nothing_is_closed_all_the_same() -> None:
    # Given
    given = Given()
    given.sockets.outcomes["c="] = Outcome.FAILED

    # When
    given.end(at_once=True)

    # Then
    assert given.sockets.closed == ["c="]


def test_one_that_cannot_be_closed_now_is_remembered() -> None:
    # Given
    given = Given()
    given.sockets.cannot_close = True

    # When / Then
    with pytest.raises(DependencyUnavailable):
        given.end(at_once=True)
    assert given.connections.find("c=") is not None


@pytest.mark.parametrize("body", ["", "[]", "{}", "null"])
def test_a_message_that_asks_for_no_ending_is_refused(body: str) -> None:
    with pytest.raises(Refused, match="not a request for an ending"):
        read_ending(body)


@pytest.mark.parametrize(("text", "at_once"), [("", False), (', "at_once": true', True)])
def test_a_message_that_asks_for_an_ending_is_read(text: str, at_once: bool) -> None:
    assert read_ending(f'{{"connection_id": "c="{text}}}') == Ending("c=", at_once=at_once)
