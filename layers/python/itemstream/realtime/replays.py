"""Replays: a subscription that is behind is brought up to date, and then goes live."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from itemstream.dead_letters import Refused
from itemstream.dependencies import DependencyUnavailable
from itemstream.events.log import PositionExpired
from itemstream.realtime.deliveries import GRACE_SECONDS
from itemstream.realtime.leases import LeaseLost
from itemstream.realtime.server_frames import CloseCode, closing, event_frames, reset
from itemstream.realtime.sockets import Outcome
from itemstream.realtime.topics import Topic

if TYPE_CHECKING:
    from collections.abc import Callable

    from itemstream.events.log import EventLogReader, LoggedEvent
    from itemstream.realtime.deliveries import SenderPorts
    from itemstream.realtime.leases import ReplayLease, ReplayLeases

__all__ = [
    "ATTEMPTS_AT_A_CLIENT",
    "Replay",
    "ReplayOutcome",
    "Replayed",
    "Replayer",
    "read_replay",
]

EVENTS_AT_ONCE = 500
# A client that takes nothing for so many attempts, ten minutes or so, does better to come back.
# The queue has more of them: of tables that do not answer no client is to know.
ATTEMPTS_AT_A_CLIENT = 10


@dataclass(frozen=True, slots=True)
class Replay:
    """
    A subscription that is to be brought up to date.

    Parameters
    ----------
    connection_id, tenant, topic, shard
        Which, and where it is kept.
    after
        Where the way of the sender ended who asks for it; ``None`` if no sender does.
    """

    connection_id: str
    tenant: str
    topic: str
    shard: int
    after: int | None = None


class ReplayOutcome(Enum):
    """How a replay ended."""

    LIVE = "live"
    GONE = "gone"
    IN_PART = "in part"
    GIVEN_UP = "given up"
    NOTHING = "nothing to do"


@dataclass(slots=True)
class Replayed:
    """
    What a replay did.

    Parameters
    ----------
    outcome
        How it ended.
    frames
        How many frames were delivered.
    """

    outcome: ReplayOutcome = ReplayOutcome.NOTHING
    frames: int = 0


class Replayer:
    """
    Brings subscriptions up to date, one at a time.

    Parameters
    ----------
    ports
        What everybody who sends needs.
    leases
        Who is at which subscription.
    log
        Where the events are.
    events
        How many events are read together.
    """

    def __init__(
        self,
        ports: SenderPorts,
        leases: ReplayLeases,
        log: EventLogReader,
        *,
        events: int = EVENTS_AT_ONCE,
    ) -> None:
        self._ports = ports
        self._leases = leases
        self._log = log
        self._events = events

    async def replay(
        self,
        replay: Replay,
        *,
        message_id: str,
        last_attempt: bool = False,
        out_of_time: Callable[[], bool] = lambda: False,
    ) -> Replayed:
        """
        Send what a subscription has not got, then let it go live.

        Parameters
        ----------
        replay
            Which subscription.
        message_id
            The message that asks for it; comes it again, it takes over its own lease.
        last_attempt
            Whether a client that still takes nothing is closed.
        out_of_time
            Whether the rest is better left to another invocation.

        Raises
        ------
        DependencyUnavailable
            The client, or a store, does not answer: the message has to come again.
        """
        ports = self._ports
        done = Replayed()
        await self._put_behind(replay)
        lease: ReplayLease | None = await ports.run(
            self._leases.take,
            replay.connection_id,
            replay.tenant,
            replay.topic,
            replay.shard,
            message_id=message_id,
        )
        if lease is None:
            return done
        if lease.subscription.ends_at + GRACE_SECONDS <= ports.clock():
            done.outcome = ReplayOutcome.GONE
            return done
        try:
            done.outcome = await _Replaying(ports, self._leases, self._log, lease, done).run(
                self._events, out_of_time
            )
        except LeaseLost:
            # Who has it goes on; if it is gone, so is the subscription.
            return done
        except _NotTaken as not_taken:
            if last_attempt:
                await self._close(replay.connection_id)
                done.outcome = ReplayOutcome.GIVEN_UP
                return done
            with suppress(DependencyUnavailable):
                await ports.run(self._leases.release, lease)
            raise DependencyUnavailable("the client") from not_taken
        except DependencyUnavailable:
            # If this fails too, the message that comes again takes the lease as its own.
            with suppress(DependencyUnavailable):
                await ports.run(self._leases.release, lease)
            raise
        if done.outcome is ReplayOutcome.IN_PART:
            # In this order: the message must not find the lease held, and until it is sent ours
            # comes again.
            await ports.run(self._leases.release, lease)
            await ports.run(
                ports.replays.ask,
                replay.connection_id,
                replay.tenant,
                replay.topic,
                replay.shard,
            )
        return done

    async def _put_behind(self, replay: Replay) -> None:
        """Do what the sender who asks may not have come to."""
        if replay.after is None:
            return
        run, subscriptions = self._ports.run, self._ports.subscriptions
        found = await run(
            subscriptions.find, replay.connection_id, replay.tenant, replay.topic, replay.shard
        )
        if found is not None and found.state == "live" and found.after <= replay.after:
            await run(subscriptions.fall_behind, found, replay.after)

    async def _close(self, connection_id: str) -> None:
        """Close a connection whose client takes nothing: it comes back with its cursors."""
        ports = self._ports
        frame = closing(CloseCode.REPLAY_GIVEN_UP)
        try:
            if await ports.sockets.post(connection_id, frame) is not Outcome.GONE:
                await ports.sockets.close(connection_id)
        finally:
            # Even if it stays open: its next frame is answered that it is gone, and a client that
            # hears nothing more for ever has no other way to learn it.
            await ports.run(ports.connections.remove, connection_id)


class _NotTaken(Exception):  # noqa: N818
    """The client did not take a frame."""


class _Replaying:
    """One replay, its lease held."""

    def __init__(
        self,
        ports: SenderPorts,
        leases: ReplayLeases,
        log: EventLogReader,
        lease: ReplayLease,
        done: Replayed,
    ) -> None:
        self._ports = ports
        self._leases = leases
        self._log = log
        self._lease = lease
        self._done = done
        self._connection_id = lease.subscription.connection_id
        self._tenant = lease.subscription.tenant
        self._topic = Topic.parse(lease.subscription.topic)
        self._after = lease.subscription.after

    async def run(self, at_once: int, out_of_time: Callable[[], bool]) -> ReplayOutcome:
        run = self._ports.run
        while True:
            end = await run(self._log.last, self._tenant)
            if self._after == end:
                # False if senders have skipped what came after that look.
                if await run(self._leases.go_live, self._lease, end):
                    return ReplayOutcome.LIVE
            elif self._after > end:
                # No cursor of ours: there was never such an event. Saved before it is said: by the
                # time it is said again there may be one, which the client was told would come.
                await self._save(end)
                if not await self._post(reset(self._topic.name, end)):
                    return ReplayOutcome.GONE
            else:
                try:
                    events = await run(
                        self._log.read, self._tenant, after=self._after, limit=at_once
                    )
                except PositionExpired:
                    delivered = await self._start_at_the_end()
                else:
                    delivered = await self._send(events, out_of_time)
                if not delivered:
                    return ReplayOutcome.GONE
            if out_of_time():
                return ReplayOutcome.IN_PART

    async def _send(self, events: list[LoggedEvent], out_of_time: Callable[[], bool]) -> bool:
        documents = [event.document for event in events if self._topic.matches(event.document)]
        for last, frame in event_frames(self._topic.name, documents):
            if not await self._post(frame):
                return False
            self._after = last
            if out_of_time():
                # Saved with each frame from now on: if the time ends before all are sent, whoever
                # goes on repeats none of them.
                await self._save(last)
                return True
        if events:
            await self._save(events[-1].sequence)
        return True

    async def _start_at_the_end(self) -> bool:
        cursor = await self._ports.run(self._log.last, self._tenant)
        # Said before it is saved: a client that never hears of it would miss what is gone.
        if not await self._post(reset(self._topic.name, cursor)):
            return False
        await self._save(cursor)
        return True

    async def _post(self, frame: bytes) -> bool:
        """Post one frame; return whether there is anybody to send more to."""
        outcome = await self._ports.sockets.post(self._connection_id, frame)
        if outcome is Outcome.DELIVERED:
            self._done.frames += 1
            return True
        if outcome is Outcome.GONE:
            await self._ports.run(self._ports.connections.remove, self._connection_id)
            return False
        await self._save(self._after)
        raise _NotTaken

    async def _save(self, after: int) -> None:
        self._lease = await self._ports.run(self._leases.save, self._lease, after)
        self._after = after


def read_replay(body: str) -> Replay:
    """
    Read the message that asks for a replay.

    Raises
    ------
    Refused
        It is no such message.
    """
    try:
        said = json.loads(body)
        after = said.get("after")
        replay = Replay(
            str(said["connection_id"]),
            str(said["tenant"]),
            Topic.parse(str(said["topic"])).name,
            int(said["shard"]),
            None if after is None else int(after),
        )
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Refused(f"not a request for a replay: {type(error).__name__} {error}") from error
    return replay
