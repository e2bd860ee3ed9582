"""The log is dense, in order and holds each event once, whatever happens to who writes it.

Shards of a stream are read side by side, as Lambda does: one batch of each at a time, the next one
only when all before it is done, and the same again when a publisher failed. Publishers stop before
every call they make to DynamoDB. Hypothesis decides who goes on next, which call is lost, arrives
without an answer or arrives late, who dies, and who is given up while it still runs.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Thread, local
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from itemstream.dependencies import DependencyUnavailable
from itemstream.events import dynamodb
from itemstream.events.dynamodb import (
    DynamoLogReader,
    DynamoLogWriter,
    LogReaderSettings,
    LogWriterSettings,
)
from tests.fakes.events import an_event
from tests.fakes.log_tables import LogTables

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from itemstream.events import Event

TENANTS = ["acme", "other"]
# Two shards of one tenant race for its head; the third is another tenant's.
SHARDS = ["acme", "acme", "other"]
SETTINGS = LogWriterSettings("events", "idempotency", 24)

running = local()


class Died(BaseException):
    """The process of a publisher is gone: it makes no more calls."""


class Publisher:
    """One invocation, in a thread of its own, which stops before each call it makes."""

    def __init__(self, action: Callable[[], Any]) -> None:
        self.finished = False
        self.succeeded = False
        self._dead = False
        self._action = action
        self._told: SimpleQueue[str] = SimpleQueue()
        self._stopped: SimpleQueue[bool] = SimpleQueue()
        Thread(target=self._run, daemon=True).start()
        self.finished = self._stopped.get(timeout=10)

    def proceed(self, verdict: str) -> None:
        """Let it make the call it stands before, and run on to the next one."""
        self._told.put(verdict)
        self.finished = self._stopped.get(timeout=10)

    def stop(self) -> str:
        if self._dead:
            raise Died
        self._stopped.put(False)
        verdict = self._told.get()
        if verdict == "die":
            self._dead = True
            raise Died
        return verdict

    def _run(self) -> None:
        running.publisher = self
        try:
            self._action()
            self.succeeded = True
        except (DependencyUnavailable, Died):
            pass
        self._stopped.put(True)


@dataclass
class Wire:
    """A DynamoDB client whose calls get lost, unanswered or late as the test says."""

    tables: LogTables
    late: list[Callable[[], Any]] = field(default_factory=list)

    def get_item(self, **call: Any) -> Any:
        return self._call(lambda: self.tables.get_item(**call))

    def transact_write_items(self, **call: Any) -> Any:
        return self._call(lambda: self.tables.transact_write_items(**call))

    def _call(self, call: Callable[[], Any]) -> Any:
        verdict = running.publisher.stop()
        if verdict == "arrives":
            return call()
        if verdict == "unanswered":
            _whatever_it_answers(call)
        if verdict == "late":
            self.late.append(call)
        raise DependencyUnavailable("DynamoDB")


@dataclass
class Shard:
    """A shard of a stream: its records, how far it is done, and who works on it."""

    tenant: str
    events: list[Event] = field(default_factory=list)
    done: int = 0
    batch: int = 0
    publisher: Publisher | None = None


class LogUnderFire(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.tables = LogTables()
        self.wire = Wire(self.tables)
        self.shards = [Shard(tenant) for tenant in SHARDS]
        # Execution environments stay, with what they believe of the log; the dead are replaced.
        self.environments = [self.new_environment() for _ in SHARDS]
        self.given_up: list[Publisher] = []
        self.made = 0

    def new_environment(self) -> DynamoLogWriter:
        return DynamoLogWriter(self.wire, SETTINGS, clock=lambda: 0.0, pause=lambda _: None)

    def working(self) -> list[Shard]:
        return [shard for shard in self.shards if shard.publisher]

    def idle(self) -> list[Shard]:
        return [s for s in self.shards if not s.publisher and s.done < len(s.events)]

    @rule(data=st.data(), count=st.integers(1, 5))
    def items_change(self, data: st.DataObject, count: int) -> None:
        shard = data.draw(st.sampled_from(self.shards))
        for _ in range(count):
            self.made += 1
            shard.events.append(an_event(self.made, tenant=shard.tenant))

    @precondition(lambda self: self.idle())
    @rule(data=st.data(), size=st.integers(1, 10), backwards=st.integers(0, 4))
    def a_batch_is_handed_out(self, data: st.DataObject, size: int, backwards: int) -> None:
        """From where the shard is done, or before: a batch may come again."""
        shard = data.draw(st.sampled_from(self.idle()))
        start = max(0, shard.done - backwards)
        events = shard.events[start : shard.done + size]
        shard.batch = min(shard.done + size, len(shard.events))
        log = data.draw(st.sampled_from(self.environments))
        self.work(shard, Publisher(lambda: log.append(shard.tenant, events)))

    @precondition(lambda self: self.working())
    @rule(data=st.data(), calls=st.integers(1, 4))
    def go_on(self, data: st.DataObject, calls: int) -> None:
        shard = data.draw(st.sampled_from(self.working()))
        for _ in range(calls):
            if shard.publisher:
                shard.publisher.proceed("arrives")
                self.work(shard, shard.publisher)

    @precondition(lambda self: self.working())
    @rule(data=st.data(), verdict=st.sampled_from(["lost", "unanswered", "late", "die"]))
    def a_call_fails(self, data: st.DataObject, verdict: str) -> None:
        shard = data.draw(st.sampled_from(self.working()))
        assert shard.publisher
        shard.publisher.proceed(verdict)
        self.work(shard, shard.publisher)
        if verdict == "die":
            number = data.draw(st.integers(0, len(self.environments) - 1))
            self.environments[number] = self.new_environment()

    @precondition(lambda self: self.working())
    @rule(data=st.data())
    def lambda_gives_up_while_it_still_runs(self, data: st.DataObject) -> None:
        shard = data.draw(st.sampled_from(self.working()))
        assert shard.publisher
        self.given_up.append(shard.publisher)
        shard.publisher = None

    @precondition(lambda self: self.given_up)
    @rule(data=st.data())
    def who_was_given_up_goes_on(self, data: st.DataObject) -> None:
        publisher = data.draw(st.sampled_from(self.given_up))
        publisher.proceed("arrives")
        if publisher.finished:
            self.given_up.remove(publisher)

    @precondition(lambda self: self.wire.late)
    @rule(data=st.data())
    def a_late_call_arrives(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(0, len(self.wire.late) - 1))
        _whatever_it_answers(self.wire.late.pop(number))

    def work(self, shard: Shard, publisher: Publisher) -> None:
        """Note how far an invocation has come."""
        shard.publisher = None if publisher.finished else publisher
        if publisher.finished and publisher.succeeded:
            shard.done = shard.batch

    @invariant()
    def the_log_is_dense_and_holds_nothing_twice_or_too_early(self) -> None:
        for tenant in TENANTS:
            logged = self.logged(tenant)
            assert len(set(logged)) == len(logged)
            for shard in self.shards:
                if shard.tenant == tenant:
                    ids = [event.id for event in shard.events]
                    of_shard = [event_id for event_id in logged if event_id in set(ids)]
                    assert of_shard == ids[: len(of_shard)]
                    assert len(of_shard) >= shard.done

    def logged(self, tenant: str) -> list[str]:
        reader = DynamoLogReader(self.tables, LogReaderSettings("events"), pause=lambda _: None)
        events = reader.read(tenant, after=0, limit=10_000)
        assert [event.sequence for event in events] == list(range(1, len(events) + 1))
        assert reader.last(tenant) == len(events)
        return [event.document["id"] for event in events]

    def teardown(self) -> None:
        """Let everybody finish; then the log is that of an undisturbed run."""
        for call in self.wire.late:
            _whatever_it_answers(call)
        for publisher in self.given_up:
            while not publisher.finished:
                publisher.proceed("arrives")
        for shard in self.shards:
            while shard.publisher:
                shard.publisher.proceed("arrives")
                self.work(shard, shard.publisher)
            DynamoLogWriter(self.tables, SETTINGS).append(shard.tenant, shard.events)
            shard.done = len(shard.events)
        self.the_log_is_dense_and_holds_nothing_twice_or_too_early()
        assert sum(len(self.logged(tenant)) for tenant in TENANTS) == self.made


def _whatever_it_answers(call: Callable[[], Any]) -> None:
    with suppress(ClientError):
        call()


def test_each_event_has_one_place_and_each_place_one_event(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Batches then take several transactions, between which anything may happen.
    monkeypatch.setattr(dynamodb, "EVENTS_PER_TRANSACTION", 3)
    run_state_machine_as_test(
        LogUnderFire, settings=settings(max_examples=80, stateful_step_count=60)
    )
