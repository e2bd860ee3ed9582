"""Deliveries: events of the log to the subscribers of their topics.

Whoever sends to a subscription begins where everything before was delivered, and goes on without a
gap. So it does not matter who sends, or how many do, or how often they begin again: what a client
sees for the first time it sees in the order of the log.
"""

from __future__ import annotations

import asyncio
import json
import time
from bisect import bisect_right
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from itemstream.dead_letters import Refused
from itemstream.dependencies import DependencyUnavailable
from itemstream.events.log import PositionExpired
from itemstream.realtime.leases import LeaseLost
from itemstream.realtime.server_frames import event_frames
from itemstream.realtime.sockets import Outcome
from itemstream.realtime.topics import Topic, topics_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable, Mapping

    from itemstream.events.log import EventLogReader, LoggedEvent
    from itemstream.realtime.connections import (
        ConnectionRepository,
        Subscription,
        SubscriptionRepository,
        TopicState,
    )
    from itemstream.realtime.leases import ShardDelivery, ShardLease, ShardLeases
    from itemstream.realtime.queues import Deliveries, Replays
    from itemstream.realtime.sockets import Sockets

    Run = Callable[..., Awaitable[Any]]

__all__ = [
    "GRACE_SECONDS",
    "Broadcast",
    "BroadcastSettings",
    "Broadcaster",
    "Delivery",
    "SenderPorts",
    "Sent",
    "TopicSender",
    "read_delivery",
]

POSTS_AT_ONCE = 128
# Beyond, queues take over, with as many invocations as it needs.
SUBSCRIBERS_OF_A_SMALL_TOPIC = 1_000
# What comes next in the stream waits for the slowest socket of a batch.
BROADCAST_PATIENCE_SECONDS = 0.5
# Every page of subscribers has to get all of it within the time of one invocation.
EVENTS_OF_A_PASS = 500
BYTES_OF_A_PASS = 256 * 1024
# A client that did not take a frame is left alone for this long.
SECONDS_TO_A_REPLAY = 5
# Connections are closed when their time is over, and not by those who send: one who skips a
# connection that is being given more time would leave a gap.
GRACE_SECONDS = 30


@dataclass(frozen=True)
class BroadcastSettings:
    """Environment of the broadcaster: beyond so many subscribers a topic is sent to by shards."""

    large_topic_subscribers: int = SUBSCRIBERS_OF_A_SMALL_TOPIC


@dataclass(frozen=True, slots=True)
class Delivery:
    """
    One shard of a large topic that is to be sent to.

    Parameters
    ----------
    tenant, topic, shard
        Which.
    """

    tenant: str
    topic: str
    shard: int


@dataclass(slots=True)
class Sent:
    """
    What an invocation sent.

    Parameters
    ----------
    frames
        How many were delivered.
    gone
        How many sockets there were no longer.
    behind
        How many subscriptions were left to a replayer.
    lag
        Seconds from the oldest event to the last delivery of its batch; ``None`` without any.
    """

    frames: int = 0
    gone: int = 0
    behind: int = 0
    lag: float | None = None


@dataclass(frozen=True, slots=True)
class Broadcast:
    """
    What came of a batch of the log.

    Parameters
    ----------
    sent
        What was sent.
    failed
        Tenants of whose events some may not have been sent: all are to be sent again.
    """

    sent: Sent
    failed: dict[str, DependencyUnavailable]


@dataclass(frozen=True, slots=True)
class SenderPorts:
    """
    What everybody who sends needs.

    Parameters
    ----------
    subscriptions, connections
        Where they are kept.
    sockets
        How frames reach clients.
    replays
        Whom to ask to bring a subscription up to date.
    run
        Calls what waits for an answer, so that others can go on meanwhile.
    clock
        Seconds since the epoch.
    """

    subscriptions: SubscriptionRepository
    connections: ConnectionRepository
    sockets: Sockets
    replays: Replays
    run: Run = asyncio.to_thread
    clock: Callable[[], float] = time.time


class Broadcaster:
    """
    Sends batches of the log to small topics, and has large ones sent to.

    Parameters
    ----------
    ports
        What everybody who sends needs.
    leases
        What is to be sent to the shards of large topics.
    deliveries
        Whom to ask to send it.
    small
        How many subscribers a topic may have that is sent to here.
    """

    def __init__(
        self,
        ports: SenderPorts,
        leases: ShardLeases,
        deliveries: Deliveries,
        *,
        small: int = SUBSCRIBERS_OF_A_SMALL_TOPIC,
    ) -> None:
        self._ports = ports
        self._leases = leases
        self._deliveries = deliveries
        self._small = small

    async def broadcast(
        self,
        batches: Mapping[str, list[LoggedEvent]],
        *,
        out_of_time: Callable[[], bool] = lambda: False,
    ) -> Broadcast:
        """
        Send each tenant's events, in their order.

        Parameters
        ----------
        batches
            The events of each tenant.
        out_of_time
            Whether who has not got all of it is rather left to a replayer.
        """
        sending = _Sending(self._ports)
        outcomes = await asyncio.gather(
            *(
                self._to_tenant(sending, tenant, events, out_of_time)
                for tenant, events in batches.items()
            ),
            return_exceptions=True,
        )
        failed: dict[str, DependencyUnavailable] = {}
        for tenant, outcome in zip(batches, outcomes, strict=True):
            if isinstance(outcome, DependencyUnavailable):
                failed[tenant] = outcome
            elif outcome is not None:
                raise outcome
        return Broadcast(sending.sent, failed)

    async def _to_tenant(
        self,
        sending: _Sending,
        tenant: str,
        events: list[LoggedEvent],
        out_of_time: Callable[[], bool],
    ) -> None:
        topics: dict[str, list[LoggedEvent]] = {}
        for event in events:
            for topic in topics_of(event.document):
                topics.setdefault(topic, []).append(event)
        if not topics:
            return
        run, subscriptions = self._ports.run, self._ports.subscriptions
        states = await run(subscriptions.topics_with_subscribers, tenant, list(topics))
        await _all(
            self._to_topic(sending, _Batch(tenant, topic, topics[topic]), state, out_of_time)
            for topic, state in states.items()
        )

    async def _to_topic(
        self,
        sending: _Sending,
        batch: _Batch,
        state: TopicState,
        out_of_time: Callable[[], bool],
    ) -> None:
        run, tenant, topic = self._ports.run, batch.tenant, batch.topic
        shards = range(state.shards)
        if not state.large:
            if await self._sent_here(sending, batch, shards, out_of_time):
                return
            # Some may get this batch twice. Nothing of it is on its way any more.
            await run(self._ports.subscriptions.make_large, tenant, topic, batch.before)
        await _all(
            run(self._leases.extend, tenant, topic, shard, after=batch.before, until=batch.last)
            for shard in shards
        )
        await run(self._deliveries.ask, tenant, topic, shards)

    async def _sent_here(
        self,
        sending: _Sending,
        batch: _Batch,
        shards: range,
        out_of_time: Callable[[], bool],
    ) -> bool:
        """Send to a topic's subscribers; return false if they are too many."""
        tasks = sending.tasks()
        send = partial(
            sending.send, batch=batch, patience=BROADCAST_PATIENCE_SECONDS, out_of_time=out_of_time
        )
        subscribers = 0

        async def to_shard(shard: int) -> None:
            nonlocal subscribers
            async with aclosing(sending.pages(batch.tenant, batch.topic, shard)) as pages:
                async for page, _ in pages:
                    subscribers += len(page)
                    for subscription in page:
                        if subscribers > self._small:
                            return
                        await tasks.start(send, subscription)

        try:
            await _all(to_shard(shard) for shard in shards)
        finally:
            await tasks.finish()
        sending.note_lag(batch)
        return subscribers <= self._small


class TopicSender:
    """
    Sends to one shard of a large topic what it has not got yet.

    Parameters
    ----------
    ports
        What everybody who sends needs.
    leases
        What is to be sent to the shards of large topics.
    deliveries
        Whom to ask to go on.
    log
        Where the events are.
    events, size
        How many events are sent together at most, and how many bytes of them.
    """

    def __init__(
        self,
        ports: SenderPorts,
        leases: ShardLeases,
        deliveries: Deliveries,
        log: EventLogReader,
        *,
        events: int = EVENTS_OF_A_PASS,
        size: int = BYTES_OF_A_PASS,
    ) -> None:
        self._ports = ports
        self._leases = leases
        self._deliveries = deliveries
        self._log = log
        self._events = events
        self._size = size

    async def deliver(
        self,
        delivery: Delivery,
        *,
        message_id: str,
        out_of_time: Callable[[], bool] = lambda: False,
    ) -> Sent:
        """
        Send, pass after pass, until there is no more to send, or no more time.

        Parameters
        ----------
        delivery
            Which shard.
        message_id
            The message that asks for it; comes it again, it takes over its own lease.
        out_of_time
            Whether the rest is better left to another invocation.

        Raises
        ------
        DependencyUnavailable
            Some may not have been sent: the same message has to come again.
        """
        sending = _Sending(self._ports)
        run, subscriptions = self._ports.run, self._ports.subscriptions
        tenant, topic, shard = delivery.tenant, delivery.topic, delivery.shard
        states = await run(subscriptions.topics_with_subscribers, tenant, [topic])
        state = states.get(topic)
        if state is None or not state.large:
            return sending.sent
        lease: ShardLease | None = await run(
            self._leases.take,
            tenant,
            topic,
            shard,
            large_after=state.large_after or 0,
            message_id=message_id,
        )
        if lease is None:
            return sending.sent
        held = lease
        try:
            while lease is not None:
                held = lease
                if out_of_time():
                    raise _OutOfTime
                lease = await self._pass(sending, lease, out_of_time)
        except LeaseLost:
            pass
        except _OutOfTime:
            # In this order: the message must not find the lease held, and until it is sent ours
            # comes again.
            await run(self._leases.release, held)
            await run(self._deliveries.ask, tenant, topic, [shard])
        except DependencyUnavailable:
            # If this fails too, the message that comes again takes the lease as its own.
            with suppress(DependencyUnavailable):
                await run(self._leases.release, held)
            raise
        return sending.sent

    async def _pass(
        self, sending: _Sending, lease: ShardLease, out_of_time: Callable[[], bool]
    ) -> ShardLease | None:
        """Send some events to all subscribers of the shard; return what is left to do."""
        run, delivery = self._ports.run, lease.delivery
        if delivery.until <= delivery.after:
            return await self._finish(lease, delivery.after)
        send: Callable[[Subscription], Coroutine[Any, Any, None]]
        batch: _Batch | None = None
        try:
            events = await self._events_of(delivery)
        except PositionExpired:
            # Nobody can be sent this any more: replayers tell them.
            until = delivery.until
            send = partial(sending.leave_to_replayer, after=delivery.after, until=until)
        else:
            until = events[-1].sequence if events else delivery.until
            topic = Topic.parse(delivery.topic)
            matching = [event for event in events if topic.matches(event.document)]
            if not matching:
                return await self._finish(lease, until)
            batch = _Batch(delivery.tenant, delivery.topic, matching)
            if delivery.pass_until is None:
                batch = batch.cut(self._size)
                if batch.last < matching[-1].sequence:
                    until = batch.last
            send = partial(sending.send, batch=batch)
        before, present = sending.tasks(), sending.tasks()
        going_on_at, begun = delivery.page, delivery.page
        pages = sending.pages(delivery.tenant, delivery.topic, delivery.shard, delivery.page)
        try:
            async with aclosing(pages):
                async for page, following in pages:
                    for subscription in page:
                        if out_of_time():
                            await before.finish()
                            await present.finish()
                            if begun is not None:
                                await run(self._leases.save_page, lease, begun, until)
                            raise _OutOfTime
                        await present.start(send, subscription)
                        begun = subscription.connection_id
                    # The last of one page are waited for while the next page is being sent.
                    await before.finish()
                    if going_on_at != delivery.page:
                        lease = await run(self._leases.save_page, lease, going_on_at, until)
                    before, present = present, sending.tasks()
                    going_on_at = following
        finally:
            # Whatever failed: who takes over must not be overtaken by frames of ours.
            await _all([before.finish(), present.finish()])
        if batch:
            sending.note_lag(batch)
        return await self._finish(lease, until)

    async def _finish(self, lease: ShardLease, after: int) -> ShardLease | None:
        left: ShardLease | None = await self._ports.run(self._leases.finish_pass, lease, after)
        return left

    async def _events_of(self, delivery: ShardDelivery) -> list[LoggedEvent]:
        """Read a pass's events: if it was begun before, the same as then."""
        run = self._ports.run
        until = delivery.pass_until or delivery.until
        events: list[LoggedEvent] = []
        after = delivery.after
        while after < until:
            more = await run(self._log.read, delivery.tenant, after=after, limit=self._events)
            if not more:
                break
            events += [event for event in more if event.sequence <= until]
            after = more[-1].sequence
            if delivery.pass_until is None:
                break
        return events


def read_delivery(body: str) -> Delivery:
    """
    Read the message that asks for a delivery.

    Raises
    ------
    Refused
        It is no such message.
    """
    try:
        said = json.loads(body)
        topic = Topic.parse(str(said["topic"])).name
        return Delivery(str(said["tenant"]), topic, int(said["shard"]))
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(f"not a request for a delivery: {type(error).__name__} {error}") from error


class _OutOfTime(Exception):  # noqa: N818
    """There is work left, and no time for it."""


class _Batch:
    """Events of one topic that are sent together; their frames are made once for all."""

    def __init__(self, tenant: str, topic: str, events: list[LoggedEvent]) -> None:
        self.tenant = tenant
        self.topic = topic
        self._events = events
        self._sequences = [event.sequence for event in events]
        self._frames: dict[int, list[tuple[int, bytes]]] = {}

    @property
    def before(self) -> int:
        """Up to where everything of the topic was sent before."""
        return self._sequences[0] - 1

    @property
    def last(self) -> int:
        return self._sequences[-1]

    @property
    def oldest(self) -> float:
        return datetime.fromisoformat(self._events[0].document["time"]).timestamp()

    def cut(self, size: int) -> _Batch:
        """Return the first frames of it that are so large together, one at least."""
        together = accumulate(len(frame) for _, frame in self.frames(0))
        fitting = sum(1 for total in together if total <= size) or 1
        last = self.frames(0)[fitting - 1][0]
        kept = bisect_right(self._sequences, last)
        return _Batch(self.tenant, self.topic, self._events[:kept])

    def frames(self, after: int) -> list[tuple[int, bytes]]:
        start = bisect_right(self._sequences, after)
        if start not in self._frames:
            documents = [event.document for event in self._events[start:]]
            self._frames[start] = event_frames(self.topic, documents)
        return self._frames[start]


class _Sending:
    """What one invocation sends."""

    def __init__(self, ports: SenderPorts) -> None:
        self._ports = ports
        self._free = asyncio.Semaphore(POSTS_AT_ONCE)
        self.sent = Sent()

    def tasks(self) -> _Tasks:
        return _Tasks(self._free)

    async def pages(
        self, tenant: str, topic: str, shard: int, start: str | None = None
    ) -> AsyncGenerator[tuple[list[Subscription], str | None], None]:
        """Read a shard's subscriptions, each page while the one before is being sent."""
        run, subscriptions = self._ports.run, self._ports.subscriptions

        def read(start: str | None) -> asyncio.Future[Any]:
            return asyncio.ensure_future(run(subscriptions.page, tenant, topic, shard, start))

        reading = read(start)
        try:
            while True:
                page, following = await reading
                if following is not None:
                    reading = read(following)
                yield page, following
                if following is None:
                    return
        finally:
            await asyncio.gather(reading, return_exceptions=True)

    async def send(
        self,
        subscription: Subscription,
        *,
        batch: _Batch,
        patience: float | None = None,
        out_of_time: Callable[[], bool] = lambda: False,
    ) -> None:
        """Send a subscription what it has not got of a batch, or leave that to a replayer."""
        live = await self._live(subscription, batch.last)
        if live is None:
            return
        ports = self._ports
        # What came before the batch was sent, whoever did that.
        delivered = max(live.after, batch.before)
        for last, frame in batch.frames(live.after):
            if out_of_time():
                await self._leave_behind(live, delivered)
                return
            outcome = await ports.sockets.post(live.connection_id, frame, patience=patience)
            if outcome is Outcome.DELIVERED:
                self.sent.frames += 1
                delivered = last
            elif outcome is Outcome.GONE:
                self.sent.gone += 1
                await ports.run(ports.connections.remove, live.connection_id)
                return
            else:
                await self._leave_behind(live, delivered)
                return

    async def leave_to_replayer(
        self, subscription: Subscription, *, after: int, until: int
    ) -> None:
        """Leave all between two sequences to a replayer."""
        live = await self._live(subscription, until)
        if live is not None and live.after < until:
            await self._leave_behind(live, max(live.after, after))

    def note_lag(self, batch: _Batch) -> None:
        lag = self._ports.clock() - batch.oldest
        self.sent.lag = max(lag, self.sent.lag or 0)

    async def _live(self, subscription: Subscription, until: int) -> Subscription | None:
        """Return the subscription if it is to be sent to; else leave that to its replayer."""
        run, subscriptions = self._ports.run, self._ports.subscriptions
        current: Subscription | None = subscription
        if subscription.ends_at + GRACE_SECONDS <= self._ports.clock():
            return None
        if subscription.state == "behind":
            current = await run(subscriptions.skip, subscription, until)
        return current

    async def _leave_behind(self, subscription: Subscription, after: int) -> None:
        self.sent.behind += 1
        run, replays = self._ports.run, self._ports.replays
        connection_id, topic = subscription.connection_id, subscription.topic
        # The message first: a crash between the two leaves a live subscription, to which the batch
        # is sent again. That it tells where our way ended makes up for a message that overtakes us.
        await run(
            replays.ask,
            connection_id,
            subscription.tenant,
            topic,
            subscription.shard,
            delay=SECONDS_TO_A_REPLAY,
            after=after,
        )
        await run(self._ports.subscriptions.fall_behind, subscription, after)


class _Tasks:
    """
    Work that goes on side by side, as much at once as is free.

    What has begun is brought to its end even if other work fails: a frame on its way cannot be
    called back, and who is told that nothing is on its way must be able to rely on it.
    """

    def __init__(self, free: asyncio.Semaphore) -> None:
        self._free = free
        self._running: set[asyncio.Task[None]] = set()
        self._error: BaseException | None = None

    async def start(
        self, work: Callable[[Subscription], Coroutine[Any, Any, None]], subscription: Subscription
    ) -> None:
        """Begin some work as soon as there is room for it."""
        await self._free.acquire()
        if self._error:
            self._free.release()
            raise self._error
        task = asyncio.create_task(work(subscription))
        self._running.add(task)
        task.add_done_callback(self._ended)

    async def finish(self) -> None:
        """Wait for all of it, and raise what went wrong first."""
        while self._running:
            await asyncio.wait(self._running)
        if self._error:
            raise self._error

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._free.release()
        error = task.exception()
        self._error = self._error or error


async def _all(works: Iterable[Awaitable[None]]) -> None:
    """Bring all of it to its end, and raise what went wrong first."""
    for outcome in await asyncio.gather(*works, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
