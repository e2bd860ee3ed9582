"""What a client says over its socket, and what it hears in answer: one frame for one frame.

Whatever is sent, the answer is a frame that says what was wrong with it. What breaks a rule counts
as a violation, and a connection that does little else is told so and closed.

Frames of one connection may be answered at the same time and in any order: API Gateway does not
wait for one answer before it hands on the next frame.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from itemstream.api.problems import Problem
from itemstream.auth import AuthError, TokenRefused
from itemstream.dependencies import DependencyUnavailable
from itemstream.observability.errors import error_fields
from itemstream.observability.logs import logger
from itemstream.observability.metrics import count
from itemstream.realtime import problems, server_frames
from itemstream.realtime.authentication import CONNECT_SCOPE, connection_end
from itemstream.realtime.connections import ConnectionChanged, ConnectionGone, TooManyTopics
from itemstream.realtime.frames import (
    Authenticate,
    ClientFrame,
    FrameRefused,
    Ping,
    Subscribe,
    Unsubscribe,
    read_frame,
)
from itemstream.realtime.limits import MESSAGES_PER_SECOND, MOST_VIOLATIONS
from itemstream.realtime.server_frames import CloseCode
from itemstream.realtime.topics import Topic

if TYPE_CHECKING:
    from collections.abc import Callable

    from itemstream.auth import Principal
    from itemstream.events.log import EventLogReader
    from itemstream.realtime.connections import Activity, Connection, ConnectionRepository
    from itemstream.realtime.queues import Endings, Replays

__all__ = ["ClientMessage", "Messages", "MessagesSettings"]

# Frames of one client that change its connection at the same time decide anew so often.
_ATTEMPTS = 5
# Longer than the function that answers a frame may run.
SECONDS_TO_A_LEFT_REPLAY = 15


@dataclass(frozen=True)
class MessagesSettings:
    """
    Environment of the function that answers messages.

    Parameters
    ----------
    realtime_shards
        Over how many partitions the subscribers of a topic are spread.
    """

    realtime_shards: int


@dataclass(frozen=True, slots=True)
class ClientMessage:
    """
    A message as the gateway hands it over.

    Parameters
    ----------
    id
        The gateway's id of it.
    connection_id
        Whose it is.
    body
        Its text, or its bytes in base64.
    is_binary
        Whether it came in a binary frame.
    """

    id: str
    connection_id: str
    body: str
    is_binary: bool


class _Closing(Exception):  # noqa: N818
    """The connection is at its end."""

    def __init__(self, code: CloseCode) -> None:
        super().__init__(code.name)
        self.code = code


class _Refused(Exception):  # noqa: N818
    """A violation."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


class Messages:
    """
    Answers the messages of clients.

    Parameters
    ----------
    connections
        Who is connected.
    log
        The log of events.
    replays
        Who brings subscriptions up to date.
    endings
        Who closes connections.
    verify
        Turns a token into a principal, as :meth:`itemstream.auth.tokens.TokenVerifier.verify` does.
    shards
        Over how many partitions the subscribers of a topic are spread.
    """

    def __init__(
        self,
        connections: ConnectionRepository,
        log: EventLogReader,
        replays: Replays,
        endings: Endings,
        verify: Callable[[str], Principal],
        *,
        shards: int,
    ) -> None:
        self._connections = connections
        self._log = log
        self._replays = replays
        self._endings = endings
        self._verify = verify
        self._shards = shards

    def answer(self, message: ClientMessage, *, now: int) -> bytes:
        """
        Answer a message, whatever it is and whatever goes wrong.

        Parameters
        ----------
        message
            The message.
        now
            Seconds since the epoch.
        """
        instance = f"urn:itemstream:message:{message.id}"
        asked = _Asked()
        try:
            asked = _Asked.of(message)
            frame = self._answer(message, asked, now)
        except _Closing as closing:
            logger.info("closing", extra={"reason": closing.code.name})
            return server_frames.closing(closing.code)
        except Exception as error:
            problem = _problem(error)
            logger.info("answered", extra={"action": asked.action, "status": problem.status})
            return server_frames.error(
                problem, instance=instance, action=asked.action, topic=asked.topic
            )
        logger.info("answered", extra={"action": asked.action, "status": 200})
        return frame

    def _answer(self, message: ClientMessage, asked: _Asked, now: int) -> bytes:
        activity = self._connections.count_message(message.connection_id, now)
        if activity is None:
            raise ConnectionGone(message.connection_id)
        connection = activity.connection
        logger.append_keys(tenant=connection.tenant)
        _require_open(connection, now)
        if activity.violations >= MOST_VIOLATIONS:
            self._count_violation(connection, now)
        try:
            return self._answer_frame(_permitted(asked, activity), connection, now)
        except _Refused as refused:
            count("FramesRefused")
            self._count_violation(connection, now)
            raise refused.problem from None

    def _count_violation(self, connection: Connection, now: int) -> None:
        violations = self._connections.count_violation(connection.id, now)
        if violations < MOST_VIOLATIONS:
            return
        # They are counted one by one, so that one of many frames asks for the end; and another one
        # later, if the connection is still open.
        if violations % MOST_VIOLATIONS == 0:
            count("ConnectionsAbused")
            self._endings.ask(connection.id, delay=0, at_once=True)
        raise _Closing(CloseCode.ABUSE)

    def _answer_frame(self, frame: ClientFrame, connection: Connection, now: int) -> bytes:
        if isinstance(frame, Ping):
            return server_frames.pong()
        if isinstance(frame, Unsubscribe):
            self._connections.unsubscribe(connection, frame.topic)
            return server_frames.unsubscribed(frame.topic.name)
        for _ in range(_ATTEMPTS):
            try:
                if isinstance(frame, Subscribe):
                    return self._subscribe(frame, connection)
                return self._authenticate(frame, connection, now)
            except ConnectionChanged:
                found = self._connections.find(connection.id)
            if found is None:
                raise ConnectionGone(connection.id)
            connection = found
            _require_open(connection, now)
        raise DependencyUnavailable("DynamoDB")

    def _subscribe(self, frame: Subscribe, connection: Connection) -> bytes:
        topic, tenant = frame.topic, connection.tenant
        if topic.scope not in connection.scopes:
            raise _Refused(problems.not_permitted(topic))
        shard = topic.shard_of(connection.id, self._shards)
        if frame.after is None:
            return self._subscribe_live(connection, topic, shard)
        # First of all, so that no crash leaves a subscription behind that nobody looks after.
        wanted = (connection.id, tenant, topic.name, shard)
        self._replays.ask(*wanted, delay=SECONDS_TO_A_LEFT_REPLAY)
        self._put(connection, topic, shard, after=frame.after, live=False)
        with suppress(DependencyUnavailable):
            self._replays.ask(*wanted)
        return server_frames.subscribed(topic.name, frame.after)

    def _subscribe_live(self, connection: Connection, topic: Topic, shard: int) -> bytes:
        self._put(connection, topic, shard, after=self._log.last(connection.tenant), live=True)
        try:
            # Senders may have passed by before the subscription was there: what they sent then is
            # promised to nobody.
            cursor = self._log.last(connection.tenant)
        except Exception:
            # Nothing was promised. What the client had before is gone too: it is told of an error,
            # and subscribes again.
            with suppress(DependencyUnavailable, ConnectionGone):
                self._connections.unsubscribe(connection, topic)
            raise
        return server_frames.subscribed(topic.name, cursor)

    def _put(
        self, connection: Connection, topic: Topic, shard: int, *, after: int, live: bool
    ) -> None:
        try:
            self._connections.subscribe(
                connection,
                topic,
                shard,
                shards=topic.shards(self._shards),
                after=after,
                live=live,
            )
        except TooManyTopics:
            raise _Refused(problems.too_many_topics()) from None

    def _authenticate(self, frame: Authenticate, connection: Connection, now: int) -> bytes:
        try:
            principal = self._verify(frame.token)
        except TokenRefused as refused:
            logger.warning("token refused", extra={"reason": str(refused)})
            raise _Refused(problems.token_refused()) from None
        if CONNECT_SCOPE not in principal.scopes or principal.expires_at <= now:
            raise _Refused(problems.token_refused())
        if (principal.tenant, principal.subject) != (connection.tenant, connection.subject):
            raise _Refused(problems.other_principal())
        ends_at, ends_by = connection_end(connection.connected_at, principal.expires_at)
        renewed = replace(
            connection,
            scopes=principal.scopes,
            ends_at=ends_at,
            ends_by=ends_by,
            topics={
                name: shard
                for name, shard in connection.topics.items()
                if Topic.parse(name).scope in principal.scopes
            },
        )
        # The message that was sent when the connection began comes at its first end: an earlier
        # one needs its own. It is sent first, so that nothing can come between the two.
        if ends_at < connection.ends_at:
            self._endings.ask(connection.id, delay=ends_at - now)
        self._connections.renew(renewed)
        return server_frames.authenticated(ends_at, renewed.topics)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What a message asks for: a frame, or what is wrong with it."""

    frame: ClientFrame | None = None
    problem: Problem | None = None
    action: str | None = None
    topic: str | None = None

    @classmethod
    def of(cls, message: ClientMessage) -> _Asked:
        try:
            frame = read_frame(message.body, message.is_binary)
        except FrameRefused as refused:
            return cls(None, refused.problem, refused.action, refused.topic)
        topic = frame.topic.name if isinstance(frame, Subscribe | Unsubscribe) else None
        return cls(frame, None, frame.action, topic)


def _permitted(asked: _Asked, activity: Activity) -> ClientFrame:
    if activity.messages_in_window > MESSAGES_PER_SECOND:
        raise _Refused(problems.too_many_messages())
    if asked.frame is None:
        raise _Refused(asked.problem or problems.unexpected())
    return asked.frame


def _require_open(connection: Connection, now: int) -> None:
    # Who closes it may come a moment later.
    if connection.ends_at <= now:
        age = connection.ends_by == "age"
        raise _Closing(CloseCode.AGE if age else CloseCode.TOKEN_ENDED)


def _problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, ConnectionGone):
        return problems.connection_gone()
    if isinstance(error, DependencyUnavailable | AuthError):
        logger.error("dependency unavailable", extra={"dependency": str(error)})
        count("ServerErrors")
        return problems.unavailable(getattr(error, "retry_after", 1))
    logger.error("unexpected error", extra=error_fields(error))
    count("ServerErrors")
    return problems.unexpected()
