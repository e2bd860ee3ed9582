"""Real time in memory: the ports of connections, subscriptions, leases, queues, tickets and log."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import count
from typing import TYPE_CHECKING, Any

from itemstream.dependencies import DependencyUnavailable
from itemstream.events.log import LoggedEvent, PositionExpired
from itemstream.realtime.connections import (
    Activity,
    Connection,
    ConnectionChanged,
    ConnectionGone,
    Subscription,
    TooManyTopics,
    TopicState,
)
from itemstream.realtime.leases import (
    LEASE_SECONDS,
    LeaseLost,
    ReplayLease,
    ShardDelivery,
    ShardLease,
)
from itemstream.realtime.limits import TOPICS_PER_CONNECTION, VIOLATION_SECONDS
from itemstream.realtime.topics import Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from itemstream.events.envelope import Event
    from itemstream.realtime.tickets import StoredTicket

NOW = 1_800_000_000


def a_connection(connection_id: str = "c-1=", **changes: Any) -> Connection:
    """Make a connection of a token that permits everything and ends in ten minutes."""
    fields: dict[str, Any] = {
        "id": connection_id,
        "tenant": "acme",
        "subject": "alice",
        "scopes": frozenset({"items:read", "calls:read", "reports:read", "realtime:connect"}),
        "connected_at": NOW,
        "ends_at": NOW + 600,
        "ends_by": "token",
        "topics": {},
    }
    return Connection(**{**fields, **changes})


class Clock:
    """Seconds since the epoch, as a test says."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@dataclass
class _Lease:
    token: str
    message_id: str
    until: float


@dataclass
class _Doings:
    second: int = -1
    messages: int = 0
    violations: int = 0
    violations_since: int = -VIOLATION_SECONDS


@dataclass
class RealtimeRows:
    """What the table of connections holds; each port below is a view of it."""

    clock: Callable[[], float] = field(default_factory=Clock)
    shards: int = 8
    page_size: int = 100
    connections: dict[str, Connection] = field(default_factory=dict)
    doings: dict[str, _Doings] = field(default_factory=dict)
    # (tenant, topic, shard) → connection id → its subscription
    subscriptions: dict[tuple[str, str, int], dict[str, Subscription]] = field(default_factory=dict)
    topics: dict[tuple[str, str], TopicState] = field(default_factory=dict)
    deliveries: dict[tuple[str, str, int], ShardDelivery] = field(default_factory=dict)
    leases: dict[tuple[Any, ...], _Lease] = field(default_factory=dict)
    _tokens: count[int] = field(default_factory=count)

    def shard(self, connection_id: str, topic: str) -> int:
        return Topic.parse(topic).shard_of(connection_id, self.shards)

    def subscription(self, connection_id: str, tenant: str, topic: str) -> Subscription | None:
        """Return a connection's subscription, wherever it is kept."""
        found = [
            kept[connection_id]
            for key, kept in self.subscriptions.items()
            if key[:2] == (tenant, topic) and connection_id in kept
        ]
        assert len(found) <= 1
        return found[0] if found else None

    def kept(self, connection_id: str, tenant: str, topic: str, shard: int) -> Subscription | None:
        return self.subscriptions.get((tenant, topic, shard), {}).get(connection_id)

    def put(self, subscription: Subscription) -> None:
        key = (subscription.tenant, subscription.topic, subscription.shard)
        self.subscriptions.setdefault(key, {})[subscription.connection_id] = subscription

    def drop(self, connection: Connection, topic: str) -> None:
        if (shard := connection.topics.get(topic)) is None:
            return
        self.subscriptions.get((connection.tenant, topic, shard), {}).pop(connection.id, None)
        self.leases.pop((connection.id, connection.tenant, topic, shard), None)

    def lease(self, key: tuple[Any, ...], message_id: str) -> str | None:
        """Take a lease that is free, has run out or was taken for the same message."""
        held = self.leases.get(key)
        if held and held.until > self.clock() and held.message_id != message_id:
            return None
        token = f"lease-{next(self._tokens)}"
        self.leases[key] = _Lease(token, message_id, self.clock() + LEASE_SECONDS)
        return token

    def hold(self, key: tuple[Any, ...], token: str) -> None:
        """Hold a lease for longer."""
        held = self.leases.get(key)
        if held is None or held.token != token:
            raise LeaseLost
        held.until = self.clock() + LEASE_SECONDS

    def give_back(self, key: tuple[Any, ...], token: str) -> None:
        held = self.leases.get(key)
        if held and held.token == token:
            del self.leases[key]


class InMemoryConnections:
    """See :class:`itemstream.realtime.connections.ConnectionRepository`."""

    def __init__(self, rows: RealtimeRows | None = None) -> None:
        self.rows = rows or RealtimeRows()

    def add(self, connection: Connection) -> None:
        self.rows.connections[connection.id] = replace(connection, revision=0)

    def find(self, connection_id: str) -> Connection | None:
        return self.rows.connections.get(connection_id)

    def remove(self, connection_id: str) -> None:
        connection = self.rows.connections.pop(connection_id, None)
        self.rows.doings.pop(connection_id, None)
        for topic in connection.topics if connection else ():
            self.rows.drop(connection, topic)  # type: ignore[arg-type]

    def count_message(self, connection_id: str, now: int) -> Activity | None:
        connection = self.find(connection_id)
        if connection is None:
            return None
        done = self.rows.doings.setdefault(connection_id, _Doings())
        if done.second != now:
            done.second, done.messages = now, 0
        done.messages += 1
        recent = now - done.violations_since < VIOLATION_SECONDS
        return Activity(connection, done.messages, done.violations if recent else 0)

    def count_violation(self, connection_id: str, now: int) -> int:
        if connection_id not in self.rows.connections:
            return 0
        done = self.rows.doings.setdefault(connection_id, _Doings())
        if now - done.violations_since >= VIOLATION_SECONDS:
            done.violations, done.violations_since = 0, now
        done.violations += 1
        return done.violations

    def renew(self, connection: Connection) -> None:
        present = self._present(connection)
        if present.revision != connection.revision:
            raise ConnectionChanged
        for topic in present.topics.keys() - connection.topics.keys():
            self.rows.drop(present, topic)
        for topic in connection.topics:
            found = self.rows.subscription(connection.id, connection.tenant, topic)
            assert found is not None
            self.rows.put(replace(found, ends_at=connection.ends_at))
        self._keep(connection)

    def subscribe(
        self,
        connection: Connection,
        topic: Topic,
        shard: int,
        *,
        shards: int,
        after: int,
        live: bool,
    ) -> None:
        key = (connection.tenant, topic.name)
        state = self.rows.topics.setdefault(key, TopicState(shards, large=False, large_after=None))
        self.rows.topics[key] = replace(state, shards=max(state.shards, shards))
        present = self._present(connection)
        if (present.scopes, present.ends_at) != (connection.scopes, connection.ends_at):
            raise ConnectionChanged
        seen = connection.topics.get(topic.name, shard)
        if present.topics.get(topic.name, shard) not in (seen, shard):
            raise ConnectionChanged
        if topic.name not in present.topics and len(present.topics) >= TOPICS_PER_CONNECTION:
            raise TooManyTopics
        self.rows.drop(present, topic.name)
        self.rows.put(
            Subscription(
                connection.id,
                connection.tenant,
                topic.name,
                shard,
                "live" if live else "behind",
                after,
                None,
                present.ends_at,
            )
        )
        self._keep(replace(present, topics={**present.topics, topic.name: shard}))

    def unsubscribe(self, connection: Connection, topic: Topic) -> None:
        present = self._present(connection)
        self.rows.drop(present, topic.name)
        topics = {name: shard for name, shard in present.topics.items() if name != topic.name}
        self._keep(replace(present, topics=topics))

    def _present(self, connection: Connection) -> Connection:
        present = self.find(connection.id)
        if present is None:
            raise ConnectionGone
        return present

    def _keep(self, connection: Connection) -> None:
        changed = replace(connection, revision=connection.revision + 1)
        self.rows.connections[connection.id] = changed


class InMemorySubscriptions:
    """See :class:`itemstream.realtime.connections.SubscriptionRepository`."""

    def __init__(self, rows: RealtimeRows) -> None:
        self.rows = rows

    def topics_with_subscribers(
        self, tenant: str, topics: Collection[str]
    ) -> dict[str, TopicState]:
        return {
            topic: self.rows.topics[tenant, topic]
            for topic in topics
            if (tenant, topic) in self.rows.topics
        }

    def page(
        self, tenant: str, topic: str, shard: int, start: str | None
    ) -> tuple[list[Subscription], str | None]:
        rows = self.rows.subscriptions.get((tenant, topic, shard), {})
        ids = sorted(one for one in rows if start is None or one > start)
        shown = ids[: self.rows.page_size]
        return [rows[one] for one in shown], shown[-1] if len(ids) > len(shown) else None

    def find(self, connection_id: str, tenant: str, topic: str, shard: int) -> Subscription | None:
        return self.rows.kept(connection_id, tenant, topic, shard)

    def skip(self, subscription: Subscription, sequence: int) -> Subscription | None:
        present = self._present(subscription)
        if present is None or present.state == "live":
            return present
        self.rows.put(replace(present, skipped=max(present.skipped or 0, sequence)))
        return None

    def fall_behind(self, subscription: Subscription, after: int) -> bool:
        present = self._present(subscription)
        if present is None or present.state != "live" or present.after > after:
            return False
        self.rows.put(replace(present, state="behind", after=after, skipped=None))
        return True

    def make_large(self, tenant: str, topic: str, after: int) -> None:
        state = self.rows.topics[tenant, topic]
        if not state.large:
            self.rows.topics[tenant, topic] = replace(state, large=True, large_after=after)

    def _present(self, subscription: Subscription) -> Subscription | None:
        its = subscription
        return self.find(its.connection_id, its.tenant, its.topic, its.shard)


class InMemoryReplayLeases:
    """See :class:`itemstream.realtime.leases.ReplayLeases`."""

    def __init__(self, rows: RealtimeRows) -> None:
        self.rows = rows

    def take(
        self, connection_id: str, tenant: str, topic: str, shard: int, *, message_id: str
    ) -> ReplayLease | None:
        found = self.rows.kept(connection_id, tenant, topic, shard)
        if found is None or found.state == "live":
            return None
        token = self.rows.lease((connection_id, tenant, topic, shard), message_id)
        return ReplayLease(found, token) if token else None

    def save(self, lease: ReplayLease, after: int) -> ReplayLease:
        saved = replace(self._held(lease), after=after)
        self.rows.put(saved)
        return ReplayLease(saved, lease.token)

    def go_live(self, lease: ReplayLease, after: int) -> bool:
        present = self._held(lease)
        if present.skipped is not None and present.skipped > after:
            return False
        self.rows.put(replace(present, state="live", after=after, skipped=None))
        self.release(lease)
        return True

    def release(self, lease: ReplayLease) -> None:
        self.rows.give_back(self._key(lease), lease.token)

    def _held(self, lease: ReplayLease) -> Subscription:
        self.rows.hold(self._key(lease), lease.token)
        present = self.rows.kept(*self._key(lease))
        if present is None or present.state != "behind":
            raise LeaseLost
        return present

    @staticmethod
    def _key(lease: ReplayLease) -> tuple[str, str, str, int]:
        its = lease.subscription
        return its.connection_id, its.tenant, its.topic, its.shard


class InMemoryShardLeases:
    """See :class:`itemstream.realtime.leases.ShardLeases`."""

    def __init__(self, rows: RealtimeRows) -> None:
        self.rows = rows

    def extend(self, tenant: str, topic: str, shard: int, *, after: int, until: int) -> None:
        key = (tenant, topic, shard)
        present = self.rows.deliveries.get(key) or ShardDelivery(*key, after, until, None, None)
        self.rows.deliveries[key] = replace(present, until=max(present.until, until))

    def take(
        self, tenant: str, topic: str, shard: int, *, large_after: int, message_id: str
    ) -> ShardLease | None:
        key = (tenant, topic, shard)
        present = self.rows.deliveries.get(key)
        if present is None:
            return None
        token = self.rows.lease(key, message_id)
        if token is None:
            return None
        return ShardLease(_since(large_after, present), token)

    def save_page(self, lease: ShardLease, page: str, pass_until: int) -> ShardLease:
        return self._saved(lease, page=page, pass_until=pass_until)

    def finish_pass(self, lease: ShardLease, after: int) -> ShardLease | None:
        saved = self._saved(lease, after=after, page=None, pass_until=None)
        if saved.delivery.until > after:
            return saved
        self.release(saved)
        return None

    def release(self, lease: ShardLease) -> None:
        self.rows.give_back(self._key(lease), lease.token)

    def _saved(self, lease: ShardLease, **changes: Any) -> ShardLease:
        key = self._key(lease)
        self.rows.hold(key, lease.token)
        self.rows.deliveries[key] = replace(self.rows.deliveries[key], **changes)
        return ShardLease(_since(lease.delivery.after, self.rows.deliveries[key]), lease.token)

    @staticmethod
    def _key(lease: ShardLease) -> tuple[str, str, int]:
        its = lease.delivery
        return its.tenant, its.topic, its.shard


def _since(large_after: int, delivery: ShardDelivery) -> ShardDelivery:
    """Return what is to be sent to a shard since it is sent to by itself."""
    shown = replace(delivery, after=max(delivery.after, large_after))
    if shown.pass_until is not None and shown.pass_until <= shown.after:
        shown = replace(shown, page=None, pass_until=None)
    return shown


class InMemoryLog:
    """See :class:`itemstream.events.log.EventLogReader`; it also appends."""

    def __init__(self) -> None:
        self._events: dict[str, list[LoggedEvent]] = {}
        self._kept_after: dict[str, int] = {}

    def append(self, tenant: str, events: Iterable[Event]) -> list[LoggedEvent]:
        kept = self._events.setdefault(tenant, [])
        new = [
            LoggedEvent(place, event.topic, event.document(place))
            for place, event in enumerate(events, len(kept) + 1)
        ]
        kept += new
        return new

    def forget(self, tenant: str, up_to: int) -> None:
        """Have the log no longer keep events up to a place."""
        self._kept_after[tenant] = up_to

    def read(self, tenant: str, *, after: int, limit: int) -> list[LoggedEvent]:
        if after < min(self._kept_after.get(tenant, 0), self.last(tenant)):
            raise PositionExpired(f"the event after {after} is no longer kept")
        return self._events.get(tenant, [])[after : after + limit]

    def last(self, tenant: str) -> int:
        return len(self._events.get(tenant, []))


@dataclass(frozen=True)
class AskedReplay:
    connection_id: str
    tenant: str
    topic: str
    shard: int
    delay: int = 0
    after: int | None = None


@dataclass(frozen=True)
class AskedDelivery:
    tenant: str
    topic: str
    shard: int


@dataclass(frozen=True)
class AskedEnding:
    connection_id: str
    delay: int
    at_once: bool = False


class InMemoryReplays:
    """See :class:`itemstream.realtime.queues.Replays`."""

    def __init__(self) -> None:
        self.asked: list[AskedReplay] = []

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
        self.asked.append(AskedReplay(connection_id, tenant, topic, shard, delay, after))


class InMemoryDeliveries:
    """See :class:`itemstream.realtime.queues.Deliveries`."""

    def __init__(self) -> None:
        self.asked: list[AskedDelivery] = []

    def ask(self, tenant: str, topic: str, shards: Iterable[int]) -> None:
        self.asked += [AskedDelivery(tenant, topic, shard) for shard in shards]


class InMemoryEndings:
    """See :class:`itemstream.realtime.queues.Endings`."""

    def __init__(self) -> None:
        self.asked: list[AskedEnding] = []

    def ask(self, connection_id: str, *, delay: int, at_once: bool = False) -> None:
        self.asked.append(AskedEnding(connection_id, delay, at_once))


class InMemoryTickets:
    """See :class:`itemstream.realtime.tickets.TicketRepository`."""

    def __init__(self) -> None:
        self.kept: dict[str, StoredTicket] = {}

    def add(self, ticket: StoredTicket) -> None:
        self.kept[ticket.digest] = ticket

    def take(self, digest: str) -> StoredTicket | None:
        return self.kept.pop(digest, None)


class Away:
    """Stands where any of these stands, and does not answer."""

    def __init__(self, dependency: str = "DynamoDB") -> None:
        self._dependency = dependency

    def __getattr__(self, _: str) -> Callable[..., Any]:
        def unanswered(*_args: Any, **_more: Any) -> Any:
            raise DependencyUnavailable(self._dependency)

        return unanswered
