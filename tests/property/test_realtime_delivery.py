"""Whoever subscribed gets every event after the promised cursor, in order, whatever goes wrong.

Broadcasters, senders to large topics, replayers and clients that subscribe run side by side on one
event loop, and stop before every call they make: to the tables, the log, the queues, the sockets.
Hypothesis decides who goes on next, which call fails, arrives unheard or finds the client gone, who
dies, whose time is over, and who is given up while it still runs. Batches and messages come again,
at any time, also while somebody is at them; leases run out; the log forgets.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from itemstream.dependencies import DependencyUnavailable
from itemstream.realtime import deliveries, server_frames
from itemstream.realtime.deliveries import Broadcaster, Delivery, SenderPorts, TopicSender
from itemstream.realtime.leases import LEASE_SECONDS
from itemstream.realtime.limits import LARGEST_EVENTS_FRAME_BYTES
from itemstream.realtime.replays import Replay, Replayer
from itemstream.realtime.sockets import Outcome
from itemstream.realtime.topics import Topic
from tests.fakes.events import an_event
from tests.fakes.realtime import (
    Clock,
    InMemoryConnections,
    InMemoryLog,
    InMemoryReplayLeases,
    InMemoryShardLeases,
    InMemorySubscriptions,
    RealtimeRows,
    a_connection,
)

Thing = TypeVar("Thing")

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable, Sequence

TENANTS = ["acme", "other"]
ITEM = "01a1fc6a-9e31-71b5-8c1e-0d6f3a2b4c5d"
TOPICS = ["items", "items", f"items/{ITEM}", "calls"]
MOSTLY_ONE = ["acme", "acme", "acme", "acme", "other"]
# Chooses one of what there is then.
WHICH = st.integers(0, 11)


def one_of(things: Sequence[Thing], which: int) -> Thing:
    """Choose, the latest first: what has just begun is where the most can go wrong."""
    return things[-1 - which % len(things)]


class Died(BaseException):
    """The process is gone: it makes no more calls."""


@dataclass(eq=False)
class Call:
    """A call that a process is about to make."""

    name: str
    act: Callable[[], Any]
    answer: asyncio.Future[Any]
    # What it answers when it has failed, where that is no exception.
    failed: Any = None

    def make(self, verdict: str) -> None:
        try:
            result = None if verdict == "fails" else self.act()
        except Exception as error:
            self.answer.set_exception(error)
            return
        if verdict == "goes":
            self.answer.set_result(result)
        elif self.failed is not None:
            self.answer.set_result(self.failed)
        else:
            self.answer.set_exception(DependencyUnavailable("Somebody"))


class Process:
    """One invocation: several of its calls may be waiting at once."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.calls: list[Call] = []
        self.dead = False
        self.out_of_time = False
        self.finished = False
        self.task: asyncio.Task[None] | None = None
        self.error: BaseException | None = None
        self.ports = SenderPorts(
            InMemorySubscriptions(world.rows),
            InMemoryConnections(world.rows),
            SteppingSockets(self),
            world.replays,
            run=self.run,
            clock=world.clock,
        )

    async def work(self, work: Coroutine[Any, Any, Any]) -> None:
        try:
            await work
        except BaseException as error:
            self.error = error
        self.finished = True

    async def run(self, call: Callable[..., Any], *args: Any, **more: Any) -> Any:
        return await self.step(call.__name__, lambda: call(*args, **more))

    async def step(self, name: str, act: Callable[[], Any], failed: Any = None) -> Any:
        if self.dead:
            raise Died
        call = Call(name, act, self.world.loop.create_future(), failed)
        self.calls.append(call)
        return await call.answer

    def proceed(self, number: int, verdict: str = "goes") -> None:
        self.calls.pop(number % len(self.calls)).make(verdict)
        self.world.settle()

    def finish(self, number: int = 0, trouble: dict[int, str] | None = None) -> None:
        """Let it make all its calls; at some of them there may be trouble."""
        for made in count():
            if not self.calls:
                return
            verdict = (trouble or {}).get(made, "goes")
            if verdict == "die":
                self.die()
            else:
                self.proceed(number, verdict)

    def stand_before(self, name: str) -> None:
        """Let it make its calls until all that are left are these."""
        while others := [n for n, call in enumerate(self.calls) if call.name != name]:
            self.proceed(others[0])
        assert self.calls, f"it ended without {name}"

    def die(self) -> None:
        self.dead = True
        for call in self.calls:
            call.answer.set_exception(Died())
        self.calls.clear()
        self.world.settle()

    @property
    def succeeded(self) -> bool:
        if self.error and not isinstance(self.error, (Died, DependencyUnavailable)):
            raise self.error
        return self.finished and not self.error


@dataclass
class SteppingSockets:
    """See :class:`itemstream.realtime.sockets.Sockets`."""

    process: Process

    async def post(
        self, connection_id: str, frame: bytes, *, patience: float | None = None
    ) -> Outcome:
        client = self.process.world.clients[connection_id]
        outcome: Outcome = await self.process.step(
            "post", lambda: client.take(frame), Outcome.FAILED
        )
        return outcome

    async def close(self, connection_id: str) -> None:
        client = self.process.world.clients[connection_id]
        client.given_up = True
        await self.process.step("close", client.leave)


@dataclass
class Client:
    """What one connection was promised and got; it subscribes once, to one topic."""

    id: str
    tenant: str
    topic: str
    promised: int | None = None
    failed: bool = False
    gone: bool = False
    given_up: bool = False
    stalled: bool = False
    frames: list[dict[str, Any]] = field(default_factory=list)

    def take(self, frame: bytes) -> Outcome:
        if self.gone:
            return Outcome.GONE
        if self.stalled:
            return Outcome.FAILED
        self.frames.append(json.loads(frame))
        return Outcome.DELIVERED

    def leave(self) -> None:
        self.gone = True


@dataclass(eq=False, kw_only=True)
class Work:
    """What is begun again until it is done, and who is at it."""

    process: Process | None = None


@dataclass(eq=False)
class Stream(Work):
    """A tenant's part of the log's stream."""

    tenant: str
    done: int = 0
    batch: int = 0


@dataclass(eq=False)
class Message(Work):
    """A message of a queue: it comes again until somebody has processed it."""

    id: str
    body: Replay | Delivery


class Queue:
    """See :mod:`itemstream.realtime.queues`; messages come in any order, and when it suits them."""

    def __init__(self, world: World) -> None:
        self._world = world


class ReplayQueue(Queue):
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
        self._world.send(Replay(connection_id, tenant, topic, shard, after))


class DeliveryQueue(Queue):
    def ask(self, tenant: str, topic: str, shards: Iterable[int]) -> None:
        for shard in shards:
            self._world.send(Delivery(tenant, topic, shard))


class World(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = Clock()
        self.rows = RealtimeRows(clock=self.clock, shards=2, page_size=1)
        self.log = InMemoryLog()
        self.replays = ReplayQueue(self)
        self.deliveries = DeliveryQueue(self)
        self.clients: dict[str, Client] = {}
        self.streams = [Stream(tenant) for tenant in TENANTS]
        self.messages: list[Message] = []
        self.processes: list[Process] = []
        self.numbers = count(1)
        self.small = 0
        self.size = deliveries.BYTES_OF_A_PASS

    # What there is

    def settle(self) -> None:
        """Let everybody run up to the next call."""
        while self.loop._ready:  # type: ignore[attr-defined]
            self.loop.call_soon(self.loop.stop)
            self.loop.run_forever()

    def send(self, body: Replay | Delivery) -> None:
        self.messages.append(Message(f"m-{next(self.numbers)}", body))

    def begin(self, work: Callable[[Process], Coroutine[Any, Any, Any]]) -> Process:
        process = Process(self)
        self.processes.append(process)
        process.task = self.loop.create_task(process.work(work(process)))
        self.settle()
        return process

    def running(self) -> list[Process]:
        return [process for process in self.processes if process.calls]

    def idle(self) -> list[Stream]:
        return [s for s in self.streams if not s.process and s.done < self.log.last(s.tenant)]

    def works(self) -> list[Work]:
        return [*self.streams, *self.messages]

    def waiting(self) -> list[Message]:
        return [message for message in self.messages if not message.process]

    # What happens

    @initialize(
        topics=st.lists(st.sampled_from(TOPICS), max_size=5),
        events=st.integers(0, 5),
        small=st.sampled_from([3, 100]),
        stalled=st.sets(st.integers(0, 4)),
        page_size=st.sampled_from([1, 3]),
        size=st.sampled_from([1, deliveries.BYTES_OF_A_PASS]),
    )
    def some_are_there_already(
        self,
        topics: list[str],
        events: int,
        small: int,
        stalled: set[int],
        page_size: int,
        size: int,
    ) -> None:
        self.small = small
        self.rows.page_size = page_size
        self.size = size
        self.append(TENANTS[0], ["item", "call"] * events)
        for topic in topics:
            self.subscribe_client(TENANTS[0], topic, None)
            self.running()[-1].finish()
        for number, client in enumerate(self.clients.values()):
            client.stalled = number in stalled

    @rule(
        tenant=st.sampled_from(MOSTLY_ONE),
        kinds=st.lists(st.sampled_from(["item", "other item", "call"]), min_size=1, max_size=4),
    )
    def something_happens(self, tenant: str, kinds: list[str]) -> None:
        self.append(tenant, kinds)

    def append(self, tenant: str, kinds: list[str]) -> None:
        for kind in kinds:
            event_type = "call.recorded" if kind == "call" else "item.updated"
            subject = ITEM if kind == "item" else ITEM.replace("0", "f")
            number = next(self.numbers)
            event = an_event(number, tenant=tenant, type=event_type, subject=subject)
            self.log.append(tenant, [event])

    @rule(
        tenant=st.sampled_from(MOSTLY_ONE),
        topic=st.sampled_from(TOPICS),
        back=st.none() | st.integers(-1, 6),
    )
    def a_client_subscribes(self, tenant: str, topic: str, back: int | None) -> None:
        last = self.log.last(tenant)
        self.subscribe_client(tenant, topic, None if back is None else max(0, last - back))

    def subscribe_client(self, tenant: str, topic: str, after: int | None) -> None:
        client = Client(f"c-{next(self.numbers)}", tenant, topic)
        self.clients[client.id] = client
        InMemoryConnections(self.rows).add(
            a_connection(client.id, tenant=tenant, ends_at=int(self.clock()) + 10**6)
        )
        self.begin(lambda process: self.subscribe(process, client, after))

    async def subscribe(self, process: Process, client: Client, after: int | None) -> None:
        """Do as the function does that answers the frame."""
        connection = self.rows.connections[client.id]
        client.failed = True
        connections, topic = process.ports.connections, Topic.parse(client.topic)
        # The number that this process was deployed with.
        shards = topic.shards(self.rows.shards)
        shard = topic.shard_of(client.id, shards)
        subscribe, where = connections.subscribe, (connection, topic, shard)
        if after is None:
            before = await process.run(self.log.last, client.tenant)
            await process.run(subscribe, *where, shards=shards, after=before, live=True)
            client.promised = await process.run(self.log.last, client.tenant)
        else:
            wanted = (client.id, client.tenant, topic.name, shard)
            await process.run(self.replays.ask, *wanted, delay=15)
            await process.run(subscribe, *where, shards=shards, after=after, live=False)
            await process.run(self.replays.ask, *wanted)
            client.promised = after
        client.failed = False

    @rule(shards=st.integers(1, 4))
    def another_number_of_shards_is_deployed(self, shards: int) -> None:
        """Raised or lowered, while clients are connected."""
        self.rows.shards = shards

    @precondition(lambda self: self.idle())
    @rule(which=WHICH, size=st.integers(1, 6), backwards=st.sampled_from([0, 0, 0, 1, 3]))
    def a_batch_is_handed_out(self, which: int, size: int, backwards: int) -> None:
        """From where the stream is done, or before: a batch may come again."""
        stream = one_of(self.idle(), which)
        self.broadcast(stream, max(0, stream.done - backwards), size + backwards)

    def broadcast(self, stream: Stream, start: int, size: int) -> None:
        # A stream keeps its records whatever the log forgets.
        events = self.log._events[stream.tenant][start : start + size]
        stream.batch = max(stream.done, events[-1].sequence)

        async def work(process: Process) -> None:
            broadcaster = Broadcaster(
                process.ports,
                InMemoryShardLeases(self.rows),
                self.deliveries,
                small=self.small,
            )
            done = await broadcaster.broadcast(
                {stream.tenant: events}, out_of_time=lambda: process.out_of_time
            )
            if done.failed:
                raise done.failed[stream.tenant]

        stream.process = self.begin(work)

    @precondition(lambda self: self.waiting())
    @rule(
        which=WHICH,
        last_attempt=st.sampled_from([False] * 15 + [True]),
        hurried=st.sampled_from([False, False, False, True]),
    )
    def a_message_is_received(self, which: int, last_attempt: bool, hurried: bool) -> None:
        self.receive(one_of(self.waiting(), which), last_attempt=last_attempt)
        self.processes[-1].out_of_time = hurried

    def receive(self, message: Message, *, last_attempt: bool = False) -> None:
        body = message.body

        async def work(process: Process) -> None:
            if isinstance(body, Replay):
                replayer = Replayer(
                    process.ports, InMemoryReplayLeases(self.rows), self.log, events=2
                )
                await replayer.replay(
                    body,
                    message_id=message.id,
                    last_attempt=last_attempt,
                    out_of_time=lambda: process.out_of_time,
                )
                return
            sender = TopicSender(
                process.ports,
                InMemoryShardLeases(self.rows),
                self.deliveries,
                self.log,
                events=2,
                size=self.size,
            )
            await sender.deliver(
                body, message_id=message.id, out_of_time=lambda: process.out_of_time
            )

        message.process = self.begin(work)

    @precondition(lambda self: self.running())
    @rule(which=WHICH, calls=st.lists(st.integers(0, 7), min_size=1, max_size=6))
    def a_process_goes_on(self, which: int, calls: list[int]) -> None:
        process = one_of(self.running(), which)
        for number in calls:
            if process.calls:
                process.proceed(number)

    @precondition(lambda self: self.running())
    @rule(
        which=WHICH,
        number=st.integers(0, 3),
        trouble=st.sampled_from(["goes", "fails", "unheard", "die"]),
        trouble_at=st.integers(0, 12),
    )
    def a_process_runs_to_its_end(
        self, which: int, number: int, trouble: str, trouble_at: int
    ) -> None:
        one_of(self.running(), which).finish(number, {trouble_at: trouble})

    @precondition(lambda self: self.running())
    @rule(
        which=WHICH,
        calls=st.lists(st.integers(0, 2), max_size=14),
        verdict=st.sampled_from(["goes", "fails", "unheard"]),
        more=st.integers(0, 2),
        kinds=st.lists(st.sampled_from(["item", "call"]), max_size=2),
        by=st.sampled_from(["batch", "message", "process"]),
        other=WHICH,
        trouble=st.sampled_from(["goes", "goes", "fails", "unheard", "die"]),
        trouble_at=st.integers(0, 4),
    )
    def a_process_is_overtaken(
        self,
        which: int,
        calls: list[int],
        verdict: str,
        more: int,
        kinds: list[str],
        by: str,
        other: int,
        trouble: str,
        trouble_at: int,
    ) -> None:
        """While it stands before a call, others do all of their work."""
        process = one_of(self.running(), which)
        verdicts = [*(["goes"] * len(calls)), verdict, *(["goes"] * more)]
        for number, each in zip([*calls, 0, 0, 0], verdicts, strict=False):
            if process.calls:
                process.proceed(number, each)
        self.append(TENANTS[0], kinds)
        if by == "process" and self.running():
            one_of(self.running(), other).finish()
        elif by == "message" and self.waiting():
            self.receive(one_of(self.waiting(), other))
            self.processes[-1].finish()
        else:
            self.nobody_has_missed_anything()
            for stream in self.idle():
                self.broadcast(stream, stream.done, 100)
                self.processes[-1].finish()
        process.finish(0, {trouble_at: trouble})

    @rule(
        which=WHICH,
        trouble=st.sampled_from(
            [
                "client stalls",
                "client stalls",
                "client reads",
                "client goes",
                "comes twice",
                "out of time",
                "given up",
                "leases end",
                "log forgets",
            ]
        ),
    )
    def there_is_trouble(self, which: int, trouble: str) -> None:
        running = self.running()
        match trouble:
            case "client stalls" if self.clients:
                one_of(list(self.clients.values()), which).stalled = True
            case "client reads" if self.clients:
                one_of(list(self.clients.values()), which).stalled = False
            case "client goes" if self.clients:
                one_of(list(self.clients.values()), which).leave()
            case "comes twice" if self.messages:
                message = one_of(self.messages, which)
                self.messages.append(Message(message.id, message.body))
            case "out of time" if running:
                one_of(running, which).out_of_time = True
            case "given up" if running:
                # It still runs; what it was at is begun again.
                for work in self.works():
                    if work.process is one_of(running, which):
                        work.process = None
            case "leases end":
                self.clock.now += LEASE_SECONDS + 1
            case "log forgets":
                # Not what is still to come out of its stream.
                stream = one_of(self.streams, which)
                self.log.forget(stream.tenant, max(0, stream.done - which))

    @invariant()
    def nobody_has_missed_anything(self) -> None:
        for work in self.works():
            process = work.process
            if process and process.finished:
                work.process = None
                if process.succeeded and isinstance(work, Stream):
                    work.done = max(work.done, work.batch)
                elif process.succeeded and isinstance(work, Message):
                    self.messages.remove(work)
        for process in self.processes:
            assert process.finished == (not process.calls)
            assert not process.finished or process.succeeded in (True, False)
        self.processes = self.running()
        for client in self.clients.values():
            self.seen(client)

    def seen(self, client: Client) -> int | None:
        """Check all that a client got; return up to where it has everything."""
        cursor = client.promised
        expected = self.topic_events(client)
        for frame in client.frames:
            if frame["type"] == "closing":
                continue
            assert frame["topic"] == client.topic
            its = int(frame["cursor"])
            if frame["type"] == "reset":
                # A cursor that was never ours goes back, one that is too old goes on.
                made_up = cursor is not None and cursor == client.promised and cursor > its
                cursor = its if made_up or cursor is None else max(cursor, its)
                continue
            assert frame["type"] == "events"
            for event in frame["events"]:
                assert event["tenant"] == client.tenant
                place = int(event["sequence"])
                assert expected[place] == event["id"]
                if cursor is not None and place > cursor:
                    missed = [one for one in expected if cursor < one < place]
                    assert not missed, f"{client.id} got {place} before {missed}"
                    cursor = place
            assert its == int(frame["events"][-1]["sequence"])
        return cursor

    def topic_events(self, client: Client) -> dict[int, str]:
        # Whatever the log forgets, this does not.
        events = self.log._events.get(client.tenant, [])
        topic = Topic.parse(client.topic)
        return {e.sequence: e.document["id"] for e in events if topic.matches(e.document)}

    def teardown(self) -> None:
        """Nothing goes wrong any more: everybody gets what is missing, and is live."""
        try:
            for tenant in TENANTS:
                self.append(tenant, ["item", "call"])
            for client in self.clients.values():
                client.stalled = False
            self.finish_everything()
            for client in self.clients.values():
                self.got_everything(client)
        finally:
            for process in self.processes:
                process.die()
            self.loop.close()

    def finish_everything(self) -> None:
        for _ in range(10_000):
            self.nobody_has_missed_anything()
            for process in self.running():
                process.out_of_time = False
                process.finish()
            self.nobody_has_missed_anything()
            for stream in self.idle():
                self.broadcast(stream, stream.done, 100)
            for message in self.waiting():
                self.receive(message)
            if not self.running() and not self.messages and not self.idle():
                return
        raise AssertionError(f"never done: {Counter(type(m.body) for m in self.messages)}")

    def got_everything(self, client: Client) -> None:
        row = self.rows.subscription(client.id, client.tenant, client.topic)
        if client.failed:
            return
        assert client.promised is not None
        if client.given_up and client.id not in self.rows.connections:
            # Its next frame is answered so, and it comes back with its cursor.
            client.leave()
        if client.gone:
            # Whoever sent it anything has found out.
            assert row is None or max(self.topic_events(client)) <= client.promised
            return
        assert row is not None
        assert row.state == "live"
        cursor = self.seen(client)
        assert cursor is not None
        assert not [place for place in self.topic_events(client) if place > cursor]


@pytest.mark.parametrize(
    "frame_bytes", [LARGEST_EVENTS_FRAME_BYTES, 1], ids=["events together", "each by itself"]
)
def test_nobody_misses_an_event_and_all_go_live(
    frame_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_frames, "LARGEST_EVENTS_FRAME_BYTES", frame_bytes)
    monkeypatch.setattr(deliveries, "POSTS_AT_ONCE", 3)
    run_state_machine_as_test(
        World,
        settings=settings(
            max_examples=60,
            stateful_step_count=100,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )


# What Hypothesis finds seldom, because three have to meet at one place.


def a_world(topic: str = "items", after: int | None = None) -> tuple[World, Client]:
    world = World()
    world.small = 100
    world.subscribe_client("acme", topic, after)
    world.running()[-1].finish()
    (client,) = world.clients.values()
    return world, client


def received(world: World) -> Process:
    world.receive(world.waiting()[-1])
    return world.processes[-1]


def handed_out(world: World) -> Process:
    world.broadcast(world.streams[0], world.streams[0].done, 100)
    return world.processes[-1]


def test_what_goes_live_between_two_looks_of_a_sender_is_sent_to() -> None:
    # Given: the replayer has seen the end of the log; then something happens.
    world, client = a_world(after=0)
    replayer = received(world)
    replayer.stand_before("go_live")
    world.append("acme", ["item"])
    broadcaster = handed_out(world)
    broadcaster.stand_before("skip")

    # When
    replayer.finish()
    broadcaster.finish()

    # Then
    assert [frame["type"] for frame in client.frames] == ["events"]
    world.teardown()


def test_what_happens_before_it_goes_live_is_replayed() -> None:
    # Given
    world, client = a_world(after=0)
    replayer = received(world)
    replayer.stand_before("go_live")

    # When
    world.append("acme", ["item"])
    handed_out(world).finish()
    assert client.frames == []
    replayer.finish()

    # Then
    assert [frame["type"] for frame in client.frames] == ["events"]
    world.teardown()


def test_what_a_broadcaster_has_no_time_for_comes_before_what_follows() -> None:
    # Given
    world, client = a_world()
    world.append("acme", ["item"])
    broadcaster = handed_out(world)
    broadcaster.out_of_time = True

    # When
    broadcaster.finish()
    world.nobody_has_missed_anything()
    world.append("acme", ["item"])
    handed_out(world).finish()

    # Then
    assert client.frames == []
    world.teardown()
    assert [event["sequence"][-1] for frame in client.frames for event in frame["events"]][:2] == [
        "1",
        "2",
    ]


def test_a_pass_that_is_left_keeps_nobody_whose_frame_is_under_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Given: three subscribers of a large topic, and the time is over with the first of them.
    monkeypatch.setattr(deliveries, "POSTS_AT_ONCE", 1)
    world, _ = a_world(f"items/{ITEM}")
    world.rows.page_size = 3
    for _ in range(2):
        world.subscribe_client("acme", f"items/{ITEM}", None)
        world.running()[-1].finish()
    world.small = 0
    world.append("acme", ["item"])
    handed_out(world).finish()
    sender = received(world)
    sender.stand_before("post")
    sender.out_of_time = True

    # When: the second was begun by then.
    sender.proceed(0)
    sender.stand_before("post")

    # Then: who takes over now begins before it.
    assert [call.name for call in sender.calls] == ["post"]
    sender.die()
    assert all(row.page is None for row in world.rows.deliveries.values())
    world.teardown()


@pytest.mark.parametrize("verdict", ["goes", "fails", "unheard"])
def test_a_client_that_is_given_up_is_not_left_in_silence(verdict: str) -> None:
    # Given
    world, client = a_world(after=0)
    world.append("acme", ["item"])
    client.stalled = True
    world.receive(world.waiting()[-1], last_attempt=True)
    replayer = world.processes[-1]
    replayer.stand_before("close")

    # When
    replayer.proceed(0, verdict)
    replayer.finish()

    # Then
    assert client.id not in world.rows.connections
    world.teardown()


@pytest.mark.parametrize("end", ["finish", "die"])
def test_a_replay_that_overtakes_its_sender_leaves_nobody_behind(end: str) -> None:
    # Given
    world, _ = a_world()
    world.append("acme", ["item"])
    broadcaster = handed_out(world)
    broadcaster.stand_before("post")
    broadcaster.proceed(0, "fails")
    broadcaster.stand_before("fall_behind")

    # When: the message is received, and done with, before the sender goes on, or dies.
    received(world).finish()
    getattr(broadcaster, end)()

    # Then
    world.teardown()


def test_a_message_that_hands_work_on_finds_the_lease_free() -> None:
    # Given
    world, client = a_world(after=0)
    world.append("acme", ["item"] * 5)
    replayer = received(world)
    replayer.out_of_time = True
    replayer.stand_before("release")
    world.nobody_has_missed_anything()

    # When: whatever it has sent by then is received before it goes on.
    for message in world.waiting():
        world.receive(message)
        world.processes[-1].finish()
    replayer.finish()

    # Then
    assert client.frames
    world.teardown()


def test_a_reset_that_was_heard_and_not_known_to_be_leaves_no_gap() -> None:
    # Given: a cursor from nowhere.
    world, client = a_world(after=1)
    replayer = received(world)
    replayer.stand_before("post")

    # When
    replayer.proceed(0, "unheard")
    replayer.finish()
    world.append("acme", ["item", "item"])

    # Then
    assert [frame["type"] for frame in client.frames] == ["reset"]
    world.teardown()
