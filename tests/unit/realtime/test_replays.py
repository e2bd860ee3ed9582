"""A subscription that is behind catches up with the log, and goes live."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from itemstream.consumers import queue_messages
from itemstream.dead_letters import Refused
from itemstream.dependencies import DependencyUnavailable
from itemstream.realtime.deliveries import GRACE_SECONDS
from itemstream.realtime.limits import CONNECTION_SECONDS
from itemstream.realtime.replays import (
    ATTEMPTS_AT_A_CLIENT,
    Replay,
    Replayed,
    Replayer,
    ReplayOutcome,
    read_replay,
)
from itemstream.realtime.sockets import Outcome
from itemstream.realtime.topics import Topic
from tests.fakes.realtime import NOW, AskedReplay, Away, InMemoryReplayLeases
from tests.unit.realtime.test_deliveries import RealTime

if TYPE_CHECKING:
    from collections.abc import Callable

SHARD = Topic("items").shard_of("c-1", 2)
QUEUES = Path(__file__).parents[3] / "terraform/queues.tf"


def replay(
    real_time: RealTime,
    connection_id: str = "c-1",
    *,
    after: int | None = None,
    message_id: str = "m-1",
    leases: Any = None,
    log: Any = None,
    last_attempt: bool = False,
    out_of_time: Callable[[], bool] = lambda: False,
) -> Replayed:
    replayer = Replayer(
        real_time.ports(),
        leases or InMemoryReplayLeases(real_time.rows),
        log or real_time.log,
        events=4,
    )
    return asyncio.run(
        replayer.replay(
            Replay(connection_id, "acme", "items", SHARD, after),
            message_id=message_id,
            last_attempt=last_attempt,
            out_of_time=out_of_time,
        )
    )


def a_subscription_behind(events: int = 10, after: int = 2) -> RealTime:
    """Have every second event match the topic, and a client that saw the first ones."""
    real_time = RealTime()
    real_time.happened(*["item", "call"] * (events // 2))
    real_time.subscribed("c-1", after=after, live=False)
    return real_time


def sequences(real_time: RealTime, connection_id: str = "c-1") -> list[int]:
    return [int(event["sequence"]) for event in real_time.sockets.events(connection_id)]


def test_it_gets_what_it_missed_in_order_and_goes_live() -> None:
    # Given
    real_time = a_subscription_behind()

    # When
    replayed = replay(real_time)

    # Then
    assert sequences(real_time) == [3, 5, 7, 9]
    assert replayed.outcome is ReplayOutcome.LIVE
    row = real_time.row("c-1")
    assert (row.state, row.after) == ("live", 10)
    assert real_time.rows.leases == {}


def test_what_senders_pass_over_meanwhile_is_sent_before_it_goes_live() -> None:
    # Given: something is broadcast between the last look at the log and going live.
    real_time = a_subscription_behind()
    leases = InMemoryReplayLeases(real_time.rows)
    go_live = leases.go_live
    overtaken: list[bool] = []

    def too_late(lease: Any, after: int) -> bool:
        if not overtaken:
            (event,) = real_time.happened("item")
            real_time.subscriptions.skip(lease.subscription, event.sequence)
        overtaken.append(go_live(lease, after))
        return overtaken[-1]

    leases.go_live = too_late  # type: ignore[method-assign]

    # When
    replay(real_time, leases=leases)

    # Then
    assert overtaken == [False, True]
    assert sequences(real_time) == [3, 5, 7, 9, 11]
    assert real_time.row("c-1").after == 11


@pytest.mark.parametrize("live", [True, False])
def test_there_is_nothing_to_do_for_one_that_is_live_or_gone(live: bool) -> None:
    # Given
    real_time = RealTime()
    if live:
        real_time.subscribed("c-1")
    real_time.happened("item")

    # When
    replayed = replay(real_time)

    # Then
    assert replayed == Replayed(ReplayOutcome.NOTHING, 0)


def test_another_who_holds_the_lease_does_the_work() -> None:
    # Given
    real_time = a_subscription_behind()
    InMemoryReplayLeases(real_time.rows).take("c-1", "acme", "items", SHARD, message_id="another")

    # When / Then
    assert replay(real_time).outcome is ReplayOutcome.NOTHING


def test_a_message_that_overtakes_its_sender_puts_the_subscription_behind_itself() -> None:
    # Given: a sender gave up after 4, and has not come to say so.
    real_time = RealTime()
    real_time.subscribed("c-1")
    real_time.happened(*["item"] * 6)

    # When
    replay(real_time, after=4)
    late = real_time.subscriptions.fall_behind(real_time.row("c-1"), 4)

    # Then: and when it comes to it, it has nothing more to say.
    assert sequences(real_time) == [5, 6]
    assert not late
    assert real_time.row("c-1").state == "live"


def test_a_message_that_comes_again_later_does_nothing() -> None:
    # Given
    real_time = RealTime()
    real_time.subscribed("c-1")
    real_time.happened(*["item"] * 6)
    replay(real_time, after=4)

    # When
    again = replay(real_time, after=4)

    # Then
    assert again.outcome is ReplayOutcome.NOTHING


def test_a_client_that_takes_nothing_is_tried_again_from_where_it_stopped() -> None:
    # Given
    real_time = a_subscription_behind()
    real_time.sockets.take("c-1", frames=1)

    # When
    with pytest.raises(DependencyUnavailable, match="client"):
        replay(real_time)
    behind = real_time.row("c-1")
    real_time.sockets.take("c-1", frames=100)
    replay(real_time, message_id="m-2")

    # Then
    assert (behind.state, behind.after) == ("behind", 6)
    assert sequences(real_time) == [3, 5, 7, 9]


def test_the_same_message_takes_over_the_lease_of_its_attempt_that_failed() -> None:
    # Given: the lease could not be given back.
    real_time = a_subscription_behind()
    real_time.sockets.outcomes["c-1"] = Outcome.FAILED
    leases = InMemoryReplayLeases(real_time.rows)
    leases.release = Away().release  # type: ignore[method-assign]
    with pytest.raises(DependencyUnavailable):
        replay(real_time, leases=leases)
    assert replay(real_time, message_id="another").outcome is ReplayOutcome.NOTHING

    # When
    del real_time.sockets.outcomes["c-1"]
    replayed = replay(real_time)

    # Then
    assert replayed.outcome is ReplayOutcome.LIVE


def test_a_client_that_takes_nothing_to_the_last_is_closed_and_forgotten() -> None:
    # Given
    real_time = a_subscription_behind()
    real_time.sockets.outcomes["c-1"] = Outcome.FAILED

    # When
    replayed = replay(real_time, last_attempt=True)

    # Then
    assert replayed.outcome is ReplayOutcome.GIVEN_UP
    assert real_time.sockets.closed == ["c-1"]
    assert real_time.connections.find("c-1") is None
    assert real_time.row("c-1") is None


def test_a_client_that_cannot_even_be_closed_is_forgotten_and_so_learns_it() -> None:
    # Given: an outage of the gateway.
    real_time = a_subscription_behind()
    real_time.sockets.outcomes["c-1"] = Outcome.FAILED
    real_time.sockets.cannot_close = True

    # When
    with pytest.raises(DependencyUnavailable, match="API Gateway"):
        replay(real_time, last_attempt=True)

    # Then: its next frame finds no connection, and the message that comes again has no work.
    assert real_time.connections.find("c-1") is None
    assert real_time.row("c-1") is None
    assert replay(real_time, last_attempt=True).outcome is ReplayOutcome.NOTHING


def test_messages_come_again_for_longer_than_any_connection_lasts() -> None:
    # Given
    configured = re.search(r"replays += { max_receive_count = (\d+)", QUEUES.read_text())
    assert configured
    receives = int(configured[1])

    # When: chance makes every pause as short as it can be.
    pauses = [
        min(queue_messages._FIRST_PAUSE_SECONDS * 2**number, queue_messages._LONGEST_PAUSE_SECONDS)
        / 2
        for number in range(receives - 1)
    ]

    # Then
    assert sum(pauses) > CONNECTION_SECONDS + GRACE_SECONDS
    assert receives > ATTEMPTS_AT_A_CLIENT


def test_a_socket_that_is_gone_is_forgotten() -> None:
    # Given
    real_time = a_subscription_behind()
    real_time.sockets.outcomes["c-1"] = Outcome.GONE

    # When
    replayed = replay(real_time)

    # Then
    assert replayed.outcome is ReplayOutcome.GONE
    assert real_time.connections.find("c-1") is None


def test_a_cursor_that_is_too_old_is_reset_and_said_before_it_is_kept() -> None:
    # Given
    real_time = a_subscription_behind()
    real_time.log.forget("acme", 6)
    real_time.sockets.outcomes["c-1"] = Outcome.FAILED
    with pytest.raises(DependencyUnavailable):
        replay(real_time)
    assert real_time.row("c-1").after == 2

    # When
    del real_time.sockets.outcomes["c-1"]
    replay(real_time)
    real_time.broadcast(*real_time.happened("item"))

    # Then
    reset, events = real_time.sockets.frames("c-1")
    assert reset == {"type": "reset", "topic": "items", "cursor": f"{10:020d}"}
    assert [event["sequence"] for event in events["events"]] == [f"{11:020d}"]


def test_a_cursor_from_beyond_the_log_is_reset_and_kept_before_it_is_said() -> None:
    # Given
    real_time = a_subscription_behind(after=99)
    real_time.sockets.outcomes["c-1"] = Outcome.FAILED
    with pytest.raises(DependencyUnavailable):
        replay(real_time)

    # When
    del real_time.sockets.outcomes["c-1"]
    real_time.happened("item")
    replay(real_time)

    # Then
    assert sequences(real_time) == [11]


def test_when_time_is_over_the_rest_becomes_a_message_that_finds_the_lease_free() -> None:
    # Given
    real_time = a_subscription_behind()
    leases_when_asked: list[int] = []
    ask = real_time.replays.ask

    def asked(*args: Any, **more: Any) -> None:
        leases_when_asked.append(len(real_time.rows.leases))
        ask(*args, **more)

    real_time.replays.ask = asked  # type: ignore[method-assign]

    # When
    replayed = replay(real_time, out_of_time=lambda: True)

    # Then
    assert replayed.outcome is ReplayOutcome.IN_PART
    assert sequences(real_time) == [3, 5]
    assert real_time.row("c-1").after == 5
    assert leases_when_asked == [0]
    assert real_time.replays.asked == [AskedReplay("c-1", "acme", "items", SHARD)]


def test_in_the_second_half_of_the_time_no_frame_is_sent_that_is_not_kept() -> None:
    # Given: every event is a frame of its own.
    real_time = RealTime()
    real_time.happened(*["item"] * 4, data={"text": "x" * 20_000})
    real_time.subscribed("c-1", after=0, live=False)

    # When
    replayed = replay(real_time, out_of_time=lambda: len(real_time.sockets.posted["c-1"]) >= 2)

    # Then
    assert (replayed.outcome, replayed.frames) == (ReplayOutcome.IN_PART, 2)
    assert real_time.row("c-1").after == 2
    replay(real_time, message_id="m-2")
    assert sequences(real_time) == [1, 2, 3, 4]


def test_who_has_lost_the_lease_stops() -> None:
    # Given: it subscribes anew while it is being replayed to.
    real_time = a_subscription_behind()

    def subscribes_anew() -> bool:
        real_time.subscribed("c-1", after=8, live=False)
        return True

    real_time.sockets.waits["c-1"] = subscribes_anew

    # When
    replayed = replay(real_time)

    # Then
    assert replayed.outcome is ReplayOutcome.NOTHING
    assert real_time.row("c-1").after == 8


def test_without_the_log_it_is_tried_again_with_the_lease_free() -> None:
    # Given
    real_time = a_subscription_behind()

    # When
    with pytest.raises(DependencyUnavailable):
        replay(real_time, log=Away())

    # Then
    assert real_time.rows.leases == {}


def test_a_connection_whose_time_is_long_over_gets_nothing() -> None:
    # Given
    real_time = a_subscription_behind()
    real_time.clock.now = NOW + 700

    # When / Then
    assert replay(real_time) == Replayed(ReplayOutcome.GONE, 0)


@pytest.mark.parametrize(
    "body",
    [
        "no JSON",
        "[]",
        "{}",
        '{"connection_id": "c", "tenant": "t", "topic": "items"}',
        '{"connection_id": "c", "tenant": "t", "topic": "all", "shard": 3}',
        '{"connection_id": "c", "tenant": "t", "topic": "items", "shard": 3, "after": "x"}',
    ],
)
def test_a_message_that_asks_for_no_replay_is_refused(body: str) -> None:
    with pytest.raises(Refused, match="not a request for a replay"):
        read_replay(body)


@pytest.mark.parametrize(("text", "after"), [("", None), (', "after": 7', 7)])
def test_a_message_that_asks_for_a_replay_is_read(text: str, after: int | None) -> None:
    body = f'{{"connection_id": "c=", "tenant": "acme", "topic": "items", "shard": 3{text}}}'
    assert read_replay(body) == Replay("c=", "acme", "items", 3, after)
