"""Batches of the log to subscribers, small topics here and large ones by shards."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from itemstream.dead_letters import Refused
from itemstream.dependencies import DependencyUnavailable
from itemstream.realtime import deliveries
from itemstream.realtime.deliveries import (
    Broadcast,
    Broadcaster,
    Delivery,
    SenderPorts,
    Sent,
    TopicSender,
    read_delivery,
)
from itemstream.realtime.sockets import Outcome
from itemstream.realtime.topics import Topic
from tests.fakes.events import an_event
from tests.fakes.realtime import (
    NOW,
    AskedDelivery,
    AskedReplay,
    Away,
    Clock,
    InMemoryConnections,
    InMemoryDeliveries,
    InMemoryLog,
    InMemoryReplays,
    InMemoryShardLeases,
    InMemorySubscriptions,
    RealtimeRows,
    a_connection,
)
from tests.fakes.sockets import InMemorySockets

if TYPE_CHECKING:
    from collections.abc import Callable

ITEM = "01a1fc6a-9e31-71b5-8c1e-0d6f3a2b4c5d"


class RealTime:
    """Everything around a sender, in memory."""

    def __init__(self, **limits: Any) -> None:
        self.clock = Clock()
        self.rows = RealtimeRows(clock=self.clock, shards=2, page_size=3)
        self.connections = InMemoryConnections(self.rows)
        self.subscriptions = InMemorySubscriptions(self.rows)
        self.sockets = InMemorySockets()
        self.replays = InMemoryReplays()
        self.deliveries = InMemoryDeliveries()
        self.leases = InMemoryShardLeases(self.rows)
        self.log = InMemoryLog()
        self.limits = limits

    def ports(self) -> SenderPorts:
        return SenderPorts(
            self.subscriptions, self.connections, self.sockets, self.replays, clock=self.clock
        )

    def subscribed(self, connection_id: str, topic: str = "items", **more: Any) -> None:
        """Have a connection subscribed from the log's end on, or as a test says."""
        fields: dict[str, Any] = {"tenant": "acme", "live": True, **more}
        tenant = fields["tenant"]
        if self.connections.find(connection_id) is None:
            self.connections.add(a_connection(connection_id, tenant=tenant))
        connection = self.connections.find(connection_id)
        assert connection
        after = fields.get("after", self.log.last(tenant))
        shard = self.rows.shard(connection_id, topic)
        wanted = Topic.parse(topic)
        self.connections.subscribe(
            connection,
            wanted,
            shard,
            shards=wanted.shards(self.rows.shards),
            after=after,
            live=fields["live"],
        )

    def happened(self, *kinds: str, tenant: str = "acme", **changes: Any) -> list[Any]:
        """Append events to the log, and return them as the stream has them."""
        events = [
            an_event(
                self.log.last(tenant) + number,
                tenant=tenant,
                type="call.recorded" if kind == "call" else "item.updated",
                subject=ITEM,
                **changes,
            )
            for number, kind in enumerate(kinds, 1)
        ]
        return self.log.append(tenant, events)

    def broadcast(
        self, *events: Any, late: bool | Callable[[], bool] = False, **more: Any
    ) -> Broadcast:
        out_of_time = late if callable(late) else lambda: bool(late)
        batches: dict[str, list[Any]] = {}
        for event in events:
            batches.setdefault(event.document["tenant"], []).append(event)
        broadcaster = Broadcaster(
            self.ports(), self.leases, self.deliveries, **{**self.limits, **more}
        )
        return asyncio.run(broadcaster.broadcast(batches, out_of_time=out_of_time))

    def deliver(
        self,
        shard: int,
        *,
        message_id: str = "m-1",
        out_of_time: Callable[[], bool] = lambda: False,
        **limits: int,
    ) -> Sent:
        sender = TopicSender(self.ports(), self.leases, self.deliveries, self.log, **limits)
        delivery = Delivery("acme", "items", shard)
        return asyncio.run(sender.deliver(delivery, message_id=message_id, out_of_time=out_of_time))

    def row(self, connection_id: str, topic: str = "items") -> Any:
        return self.rows.subscription(connection_id, "acme", topic)

    def large(self, subscribers: int) -> list[str]:
        """Have a large topic, all of one shard, and its subscribers."""
        ids = [f"c-{number}" for number in range(200)]
        ids = [one for one in ids if self.rows.shard(one, "items") == 0][:subscribers]
        for one in ids:
            self.subscribed(one)
        self.subscriptions.make_large("acme", "items", self.log.last("acme"))
        return ids


def test_an_event_reaches_all_who_subscribed_to_one_of_its_topics_and_nobody_else() -> None:
    # Given
    real_time = RealTime()
    for number in range(20):
        real_time.subscribed(f"all-{number}")
    real_time.subscribed("one", f"items/{ITEM}")
    real_time.subscribed("another", f"items/{ITEM.replace('0', 'f')}")
    real_time.subscribed("calls", "calls")
    real_time.subscribed("stranger", tenant="other")

    # When
    done = real_time.broadcast(*real_time.happened("item", "item"))

    # Then
    assert done.sent.frames == 21
    assert set(real_time.sockets.posted) == {"one", *(f"all-{n}" for n in range(20))}
    (frame,) = real_time.sockets.frames("one")
    assert frame["topic"] == f"items/{ITEM}"
    assert [event["sequence"][-1] for event in frame["events"]] == ["1", "2"]
    assert done.failed == {}


def test_each_tenant_gets_its_own() -> None:
    # Given
    real_time = RealTime()
    real_time.subscribed("ours")
    real_time.subscribed("theirs", tenant="other")

    # When
    real_time.broadcast(*real_time.happened("item"), *real_time.happened("item", tenant="other"))

    # Then
    for connection, tenant in (("ours", "acme"), ("theirs", "other")):
        assert {e["tenant"] for e in real_time.sockets.events(connection)} == {tenant}


def test_only_what_comes_after_the_subscription_is_sent() -> None:
    # Given
    real_time = RealTime()
    first = real_time.happened("item", "item")
    real_time.subscribed("c-1")
    second = real_time.happened("item")

    # When
    real_time.broadcast(*first, *second)

    # Then
    assert [e["sequence"] for e in real_time.sockets.events("c-1")] == [f"{3:020d}"]


def test_the_frames_are_made_once_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    # Given
    real_time = RealTime()
    for number in range(10):
        real_time.subscribed(f"c-{number}")

    # When
    real_time.broadcast(*real_time.happened("item"))

    # Then
    assert len({id(frames[0]) for frames in real_time.sockets.posted.values()}) == 1


def test_large_events_take_several_frames_in_order() -> None:
    # Given
    real_time = RealTime()
    real_time.subscribed("c-1")

    # When
    real_time.broadcast(*real_time.happened(*["item"] * 5, data={"text": "x" * 12_000}))

    # Then
    assert [len(frame["events"]) for frame in real_time.sockets.frames("c-1")] == [2, 2, 1]
    assert [int(e["sequence"]) for e in real_time.sockets.events("c-1")] == [1, 2, 3, 4, 5]


def test_a_socket_that_is_gone_is_forgotten_at_once_with_all_its_subscriptions() -> None:
    # Given
    real_time = RealTime()
    real_time.subscribed("gone")
    real_time.subscribed("gone", "calls")
    real_time.subscribed("c-1")
    real_time.sockets.outcomes["gone"] = Outcome.GONE

    # When
    done = real_time.broadcast(*real_time.happened("item"))

    # Then
    assert done.sent.gone == 1
    assert real_time.connections.find("gone") is None
    assert real_time.row("gone") is None
    assert real_time.row("gone", "calls") is None
    assert len(real_time.sockets.events("c-1")) == 1


def test_who_does_not_take_a_frame_is_left_to_a_replayer_from_there() -> None:
    # Given
    real_time = RealTime()
    real_time.subscribed("slow")
    events = real_time.happened(*["item"] * 3, data={"text": "x" * 12_000})
    real_time.sockets.take("slow", frames=1)

    # When
    done = real_time.broadcast(*events)

    # Then
    assert done.failed == {}
    assert (done.sent.frames, done.sent.behind) == (1, 1)
    row = real_time.row("slow")
    assert (row.state, row.after) == ("behind", 2)
    assert real_time.replays.asked == [AskedReplay("slow", "acme", "items", row.shard, 5, 2)]


def test_a_replayer_is_asked_before_the_subscription_falls_behind() -> None:
    # Given
    real_time = RealTime()
    real_time.subscribed("slow")
    real_time.sockets.outcomes["slow"] = Outcome.FAILED
    real_time.replays = Away("SQS")  # type: ignore[assignment]

    # When
    done = real_time.broadcast(*real_time.happened("item"))

    # Then
    assert list(done.failed) == ["acme"]
    assert real_time.row("slow").state == "live"


def test_what_is_behind_is_skipped_and_noted() -> None:
    # Given
    real_time = RealTime()
    real_time.subscribed("late", after=0, live=False)

    # When
    done = real_time.broadcast(*real_time.happened("item", "item"))

    # Then
    assert done.sent.frames == 0
    assert real_time.row("late").skipped == 2


def test_what_went_live_since_it_was_read_is_sent_to() -> None:
    # Given
    real_time = RealTime()
    real_time.rows.shards = 1
    real_time.subscribed("late", after=0, live=False)
    behind = real_time.row("late")
    real_time.subscribed("late", after=1)
    real_time.subscriptions.page = lambda *_: ([behind], None)  # type: ignore[method-assign]

    # When
    real_time.broadcast(*real_time.happened("item", "item"), small=10)

    # Then
    assert {int(e["sequence"]) for e in real_time.sockets.events("late")} == {2}


def test_a_connection_whose_time_is_long_over_gets_nothing() -> None:
    # Given
    real_time = RealTime()
    real_time.subscribed("c-1")
    events = real_time.happened("item", "item")
    real_time.clock.now = NOW + 600 + 1
    real_time.broadcast(events[0])
    assert len(real_time.sockets.events("c-1")) == 1

    # When
    real_time.clock.now = NOW + 600 + deliveries.GRACE_SECONDS
    real_time.broadcast(events[1])

    # Then
    assert len(real_time.sockets.events("c-1")) == 1


def test_one_slow_socket_holds_nobody() -> None:
    # Given
    real_time = RealTime()
    for number in range(8):
        real_time.subscribed(f"c-{number}")
    # It takes its frame only when all others have theirs.
    real_time.sockets.waits["c-3"] = lambda: len(real_time.sockets.posted) == 7

    # When
    done = real_time.broadcast(*real_time.happened("item"))

    # Then
    assert done.sent.frames == 8


def test_no_more_posts_are_under_way_than_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given
    monkeypatch.setattr(deliveries, "POSTS_AT_ONCE", 4)
    real_time = RealTime()
    for number in range(40):
        real_time.subscribed(f"c-{number}")

    # When
    real_time.broadcast(*real_time.happened("item"))

    # Then
    assert real_time.sockets.most_at_once == 4
    assert len(real_time.sockets.posted) == 40


def test_a_failing_tenant_leaves_the_others_theirs() -> None:
    # Given
    real_time = RealTime()
    real_time.subscribed("ours")
    real_time.subscribed("theirs", tenant="other")
    page = real_time.subscriptions.page

    def failing(tenant: str, topic: str, shard: int, start: str | None) -> Any:
        if tenant == "acme":
            raise DependencyUnavailable("DynamoDB")
        return page(tenant, topic, shard, start)

    real_time.subscriptions.page = failing  # type: ignore[method-assign]

    # When
    done = real_time.broadcast(
        *real_time.happened("item"), *real_time.happened("item", tenant="other")
    )

    # Then
    assert list(done.failed) == ["acme"]
    assert len(real_time.sockets.events("theirs")) == 1


def test_a_fault_of_ours_is_not_taken_for_an_outage() -> None:
    # Given
    real_time = RealTime()
    real_time.subscribed("c-1")
    real_time.sockets.outcomes["c-1"] = KeyError("a bug")

    # When / Then
    with pytest.raises(KeyError, match="a bug"):
        real_time.broadcast(*real_time.happened("item"))


@pytest.mark.parametrize("small", [20, 0])
def test_who_subscribed_by_a_newer_number_of_shards_is_sent_to(small: int) -> None:
    # Given one in each of two shards, and in each of six
    real_time = RealTime(small=small)
    clients = [f"c-{number}" for number in range(12)]
    for shards in (2, 6):
        real_time.rows.shards = shards
        for client in clients[:6] if shards == 2 else clients[6:]:
            real_time.subscribed(client, after=0)
    # and senders that know nothing of the deployment
    real_time.rows.shards = 2
    occupied = {shard for (_, _, shard), kept in real_time.rows.subscriptions.items() if kept}
    assert max(occupied) > 1

    # When
    real_time.broadcast(*real_time.happened("item"))

    # Then
    if small:
        assert all(real_time.sockets.events(client) for client in clients)
    else:
        assert {asked.shard for asked in real_time.deliveries.asked} == set(range(6))


def test_a_topic_with_too_many_subscribers_is_sent_to_by_shards_from_then_on() -> None:
    # Given
    real_time = RealTime(small=5)
    old = real_time.happened("item")
    for number in range(6):
        real_time.subscribed(f"c-{number}", after=0)

    # When
    real_time.broadcast(*old)
    real_time.broadcast(*real_time.happened("item", "call", "item"))

    # Then
    state = real_time.rows.topics["acme", "items"]
    assert (state.large, state.large_after) == (True, 0)
    assert [
        (row.after, row.until) for row in map(real_time.rows.deliveries.get, _shards()) if row
    ] == [(0, 4), (0, 4)]
    shards = [AskedDelivery("acme", "items", 0), AskedDelivery("acme", "items", 1)]
    assert real_time.deliveries.asked == shards * 2


def _shards() -> list[tuple[str, str, int]]:
    return [("acme", "items", 0), ("acme", "items", 1)]


def test_when_time_is_over_the_rest_of_a_small_topic_is_left_to_replayers() -> None:
    # Given: an event that one has already.
    real_time = RealTime()
    real_time.subscribed("c-1")
    real_time.subscribed("late", after=0, live=False)
    events = real_time.happened("item", "item")
    real_time.subscribed("new")

    # When
    done = real_time.broadcast(*events, late=True)

    # Then: nothing is lost, nothing overtakes it, and the topic is as small as it was.
    assert done == Broadcast(Sent(behind=1, lag=done.sent.lag), {})
    assert (real_time.row("c-1").state, real_time.row("c-1").after) == ("behind", 0)
    assert real_time.row("late").skipped == 2
    assert real_time.row("new").state == "live"
    assert [one.connection_id for one in real_time.replays.asked] == ["c-1"]
    assert not real_time.rows.topics["acme", "items"].large
    assert real_time.deliveries.asked == []


def test_when_time_is_over_between_two_frames_a_replayer_goes_on_from_there() -> None:
    # Given
    real_time = RealTime()
    real_time.subscribed("c-1")
    events = real_time.happened(*["item"] * 5, data={"text": "x" * 12_000})

    # When
    real_time.broadcast(*events, late=lambda: bool(real_time.sockets.posted))

    # Then
    assert len(real_time.sockets.events("c-1")) == 2
    assert (real_time.row("c-1").state, real_time.row("c-1").after) == ("behind", 2)


def test_a_broadcaster_has_less_patience_than_those_whom_nobody_waits_for() -> None:
    # Given
    real_time = RealTime()
    (large,) = real_time.large(1)
    real_time.subscribed("small", "calls")

    # When
    real_time.broadcast(*real_time.happened("item", "call"))
    real_time.deliver(0)

    # Then
    assert real_time.sockets.patience == {
        "small": deliveries.BROADCAST_PATIENCE_SECONDS,
        large: None,
    }


def test_a_shard_gets_all_that_is_due_pass_after_pass() -> None:
    # Given
    real_time = RealTime()
    ids = real_time.large(7)
    events = real_time.happened(*["item", "call"] * 5)
    real_time.broadcast(*events)

    # When
    sent = real_time.deliver(0, events=4)

    # Then
    for one in ids:
        assert [int(e["sequence"]) for e in real_time.sockets.events(one)] == [1, 3, 5, 7, 9]
    assert sent.frames == 3 * len(ids)
    assert real_time.rows.deliveries["acme", "items", 0].after == 10 - 1
    assert real_time.rows.leases == {}


def test_another_who_holds_the_lease_does_the_work() -> None:
    # Given
    real_time = RealTime()
    real_time.large(1)
    real_time.broadcast(*real_time.happened("item"))
    real_time.leases.take("acme", "items", 0, large_after=0, message_id="another")

    # When
    sent = real_time.deliver(0)

    # Then
    assert sent.frames == 0


def test_the_same_message_goes_on_where_it_failed() -> None:
    # Given: after a page, the table is away, so that not even the lease can be given back.
    real_time = RealTime()
    ids = real_time.large(7)
    real_time.broadcast(*real_time.happened("item"))
    page, leases = real_time.subscriptions.page, real_time.leases

    def failing(tenant: str, topic: str, shard: int, start: str | None) -> Any:
        if start == ids[5]:
            real_time.leases.release = Away().release  # type: ignore[method-assign]
            raise DependencyUnavailable("DynamoDB")
        return page(tenant, topic, shard, start)

    ids.sort()
    real_time.subscriptions.page = failing  # type: ignore[method-assign]
    with pytest.raises(DependencyUnavailable):
        real_time.deliver(0)
    assert len(real_time.sockets.posted) == 6
    assert leases.rows.deliveries["acme", "items", 0].page == ids[2]

    # When
    real_time.subscriptions.page = page  # type: ignore[method-assign]
    real_time.leases = InMemoryShardLeases(real_time.rows)
    real_time.deliver(0)

    # Then
    assert {one: len(real_time.sockets.posted[one]) for one in ids} == {
        **dict.fromkeys(ids[:3], 1),
        **dict.fromkeys(ids[3:6], 2),
        ids[6]: 1,
    }


def test_when_time_is_over_the_rest_becomes_a_message() -> None:
    # Given
    real_time = RealTime()
    ids = real_time.large(7)
    real_time.broadcast(*real_time.happened("item"))
    real_time.deliveries.asked.clear()

    # When
    real_time.deliver(0, out_of_time=lambda: len(real_time.sockets.posted) >= 3)
    assert len(real_time.sockets.posted) < len(ids)
    asked = list(real_time.deliveries.asked)
    real_time.deliver(0, message_id="m-2")

    # Then
    assert asked == [AskedDelivery("acme", "items", 0)]
    assert set(real_time.sockets.posted) == set(ids)


@pytest.mark.parametrize("page_size", [3, 100])
def test_whatever_the_pages_each_invocation_goes_on_where_the_one_before_stopped(
    page_size: int,
) -> None:
    # Given: each has time for two subscribers only.
    real_time = RealTime()
    real_time.rows.page_size = page_size
    ids = real_time.large(7)
    real_time.broadcast(*real_time.happened("item"))
    sent = []

    # When
    for number in range(4):
        asked = 0

        def out_of_time() -> bool:
            nonlocal asked
            asked += 1
            return asked > 3

        real_time.deliveries.asked.clear()
        sent.append(real_time.deliver(0, message_id=f"m-{number}", out_of_time=out_of_time).frames)

    # Then
    assert sent == [2, 2, 2, 1]
    assert real_time.deliveries.asked == []
    assert {one: len(frames) for one, frames in real_time.sockets.posted.items()} == dict.fromkeys(
        ids, 1
    )


def test_a_pass_sends_no_more_than_fits_into_an_invocation() -> None:
    # Given: two events fill a frame.
    real_time = RealTime()
    ids = real_time.large(7)
    real_time.broadcast(
        *real_time.happened(*["item"] * 5, "call", data={"text": "x" * 12_000}),
    )
    passes = []
    finish_pass = real_time.leases.finish_pass

    def finished(lease: Any, after: int) -> Any:
        passes.append(after)
        return finish_pass(lease, after)

    real_time.leases.finish_pass = finished  # type: ignore[method-assign]

    # When
    real_time.deliver(0, size=50_000)

    # Then
    assert passes == [4, 5]
    for one in ids:
        assert [int(e["sequence"]) for e in real_time.sockets.events(one)] == [1, 2, 3, 4, 5]


def test_a_frame_that_is_larger_than_a_pass_is_sent_by_itself() -> None:
    # Given
    real_time = RealTime()
    (one,) = real_time.large(1)
    real_time.broadcast(*real_time.happened(*["item"] * 3, data={"text": "x" * 20_000}))

    # When
    real_time.deliver(0, size=1)

    # Then
    assert [len(frame["events"]) for frame in real_time.sockets.frames(one)] == [1, 1, 1]
    assert real_time.rows.deliveries["acme", "items", 0].after == 3


def test_a_pass_that_was_begun_sends_the_same_to_all() -> None:
    # Given: a pass of three events was interrupted, and more has happened since.
    real_time = RealTime()
    ids = sorted(real_time.large(7))
    real_time.broadcast(*real_time.happened("item", "item", "item"))
    real_time.deliver(0, out_of_time=lambda: len(real_time.sockets.posted) >= 3)
    real_time.broadcast(*real_time.happened("item"))

    # When
    real_time.deliver(0, message_id="m-2", events=2)

    # Then
    for one in ids:
        assert sorted({int(e["sequence"]) for e in real_time.sockets.events(one)}) == [1, 2, 3, 4]


def test_what_the_log_has_forgotten_is_left_to_replayers() -> None:
    # Given
    real_time = RealTime()
    (one,) = real_time.large(1)
    real_time.broadcast(*real_time.happened("item", "item", "item"))
    real_time.log.forget("acme", 2)

    # When
    sent = real_time.deliver(0)

    # Then
    assert (sent.frames, sent.behind) == (0, 1)
    assert real_time.row(one).state == "behind"
    assert real_time.replays.asked == [AskedReplay(one, "acme", "items", 0, 5, 0)]
    assert real_time.rows.deliveries["acme", "items", 0].after == 3


def test_a_topic_that_nobody_has_any_more_needs_no_delivery() -> None:
    # Given
    real_time = RealTime()

    # When / Then
    assert real_time.deliver(0) == Sent()


def test_the_lag_is_that_of_the_oldest_event() -> None:
    # Given
    real_time = RealTime()
    real_time.subscribed("c-1")
    events = real_time.happened("item", time="2027-01-15T07:59:58.500Z")

    # When
    done = real_time.broadcast(*events)

    # Then: NOW is 2027-01-15T08:00:00Z.
    assert done.sent.lag == 1.5


@pytest.mark.parametrize(
    "body",
    [
        "",
        "[]",
        "{}",
        '{"tenant": "acme", "topic": "everything", "shard": 0}',
        '{"tenant": "acme", "topic": "items", "shard": "first"}',
    ],
)
def test_a_message_that_asks_for_no_delivery_is_refused(body: str) -> None:
    with pytest.raises(Refused, match="not a request for a delivery"):
        read_delivery(body)


def test_a_message_that_asks_for_a_delivery_is_read() -> None:
    body = json.dumps({"tenant": "acme", "topic": "items", "shard": 3})
    assert read_delivery(body) == Delivery("acme", "items", 3)
