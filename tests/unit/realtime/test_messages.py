"""What clients hear in answer to what they say."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from itemstream.auth import KeysUnavailable, Principal, TokenRefused
from itemstream.dependencies import DependencyUnavailable
from itemstream.events.envelope import sequence_text
from itemstream.realtime.connections import ConnectionChanged, ConnectionGone
from itemstream.realtime.limits import (
    CONNECTION_SECONDS,
    MESSAGES_PER_SECOND,
    MOST_VIOLATIONS,
    TOPICS_PER_CONNECTION,
    VIOLATION_SECONDS,
)
from itemstream.realtime.messages import SECONDS_TO_A_LEFT_REPLAY, ClientMessage, Messages
from itemstream.realtime.topics import Topic
from tests.fakes.events import an_event
from tests.fakes.realtime import (
    NOW,
    AskedEnding,
    AskedReplay,
    Away,
    InMemoryConnections,
    InMemoryEndings,
    InMemoryLog,
    InMemoryReplays,
    a_connection,
)
from tools.catalogue import catalogue

if TYPE_CHECKING:
    from collections.abc import Callable

    from itemstream.realtime.connections import Connection, Subscription

ITEM = "01a1fd0d-0f71-747f-8457-26ecebd91c18"
SCOPES = frozenset({"items:read", "calls:read", "reports:read", "realtime:connect"})
ALICE = Principal("acme", "alice", SCOPES, NOW + 1200)


class Client:
    """A connection, and all that answers it."""

    def __init__(self) -> None:
        self.connections: Any = InMemoryConnections()
        self.log: Any = InMemoryLog()
        self.replays: Any = InMemoryReplays()
        self.endings: Any = InMemoryEndings()
        self.token: Principal | Exception = ALICE
        self.now = NOW
        self.shards = 8
        self.connections.add(a_connection())

    @property
    def connection(self) -> Connection:
        return self.connections.rows.connections["c-1="]  # type: ignore[no-any-return]

    def subscription(self, topic: str) -> Subscription | None:
        return self.connections.rows.subscription("c-1=", "acme", topic)  # type: ignore[no-any-return]

    def append(self, number: int = 1) -> None:
        self.log.append("acme", [an_event(one) for one in range(number)])

    def say(self, action: str | None = None, *, quickly: bool = False, **members: Any) -> Any:
        """Say a frame, each in a second of its own unless it is to be quick."""
        said = {**({"action": action} if action else {}), **members}
        return self.say_raw(json.dumps(said), quickly=quickly)

    def say_raw(self, body: str, *, is_binary: bool = False, quickly: bool = False) -> Any:
        self.now += 0 if quickly else 1
        message = ClientMessage("m-1=", "c-1=", body, is_binary)
        messages = Messages(
            self.connections,
            self.log,
            self.replays,
            self.endings,
            self._verify,
            shards=self.shards,
        )
        return json.loads(messages.answer(message, now=self.now))

    def problem(self, action: str | None = None, **members: Any) -> dict[str, Any]:
        return self.problem_of(self.say(action, **members))

    @staticmethod
    def problem_of(frame: Any) -> dict[str, Any]:
        assert frame["type"] == "error", frame
        return dict(frame["problem"])

    def _verify(self, _token: str) -> Principal:
        if isinstance(self.token, Exception):
            raise self.token
        return self.token


@pytest.fixture
def client() -> Client:
    return Client()


class Between:
    """Stands before another thing, and does something of the test's before one of its methods."""

    def __init__(self, thing: Any, method: str, does: Callable[[], None]) -> None:
        self._thing = thing
        self._method = method
        self._does = does

    def __getattr__(self, name: str) -> Any:
        if name == self._method:
            self._does()
        return getattr(self._thing, name)


def raising(error: Exception) -> Callable[[], None]:
    def does() -> None:
        raise error

    return does


# --- Answers -----------------------------------------------------------------------------------


def test_a_ping_is_answered(client: Client) -> None:
    assert client.say("ping") == {"type": "pong"}


def test_a_subscription_begins_at_the_end_of_the_log(client: Client) -> None:
    # Given
    client.append(3)

    # When
    answer = client.say("subscribe", topic="items")

    # Then
    assert answer == {"type": "subscribed", "topic": "items", "cursor": sequence_text(3)}
    row = client.subscription("items")
    assert row
    assert (row.state, row.after, row.ends_at) == ("live", 3, client.connection.ends_at)
    assert client.replays.asked == []


def test_what_is_appended_while_it_is_made_is_not_promised_and_may_come(client: Client) -> None:
    # Given an event that senders may have passed by before the subscription was there
    client.append(3)
    client.connections = Between(client.connections, "subscribe", client.append)

    # When
    answer = client.say("subscribe", topic="items")

    # Then the promise begins after it
    assert answer["cursor"] == sequence_text(4)
    row = client.subscription("items")
    assert row
    assert row.after == 3


@pytest.mark.parametrize("topic", ["items", f"items/{ITEM}", "calls", "reports"])
def test_a_subscription_after_a_cursor_is_behind_and_replayed(client: Client, topic: str) -> None:
    # Given
    client.append(9)

    # When
    answer = client.say("subscribe", topic=topic, after=sequence_text(4))

    # Then
    assert answer == {"type": "subscribed", "topic": topic, "cursor": sequence_text(4)}
    row = client.subscription(topic)
    assert row
    assert (row.state, row.after) == ("behind", 4)
    asked = AskedReplay("c-1=", "acme", topic, row.shard)
    assert client.replays.asked == [replace(asked, delay=SECONDS_TO_A_LEFT_REPLAY), asked]


def test_no_row_is_ever_there_that_nobody_was_asked_to_replay(client: Client) -> None:
    # Given
    found = []
    client.replays = Between(
        client.replays, "ask", lambda: found.append(client.subscription("items"))
    )

    # When
    client.say("subscribe", topic="items", after=sequence_text(0))

    # Then one is asked before, who begins later; and one as soon as there is work
    assert [row is not None for row in found] == [False, True]


def test_a_topic_may_be_subscribed_to_anew(client: Client) -> None:
    # Given
    client.append(5)
    client.say("subscribe", topic="items")

    # When
    answer = client.say("subscribe", topic="items", after=sequence_text(2))

    # Then
    assert answer["type"] == "subscribed"
    row = client.subscription("items")
    assert row
    assert (row.state, row.after) == ("behind", 2)


def test_who_unsubscribes_is_not_subscribed(client: Client) -> None:
    # Given
    client.say("subscribe", topic="items")

    # When
    answers = [client.say("unsubscribe", topic="items") for _ in range(2)]

    # Then
    assert answers == [{"type": "unsubscribed", "topic": "items"}] * 2
    assert client.subscription("items") is None
    assert client.connection.topics == {}


def test_subscriptions_outlive_a_change_of_the_number_of_shards(client: Client) -> None:
    # Given
    shards = {topic: Topic.parse(topic).shard_of("c-1=", 8) for topic in ("items", "calls")}
    moved = {topic: Topic.parse(topic).shard_of("c-1=", 20) for topic in ("items", "calls")}
    assert shards["items"] != moved["items"]
    client.say("subscribe", topic="items")
    client.say("subscribe", topic="calls")

    # When
    client.shards = 20
    client.say("unsubscribe", topic="calls")

    # Then
    assert client.connection.topics == {"items": shards["items"]}
    assert client.subscription("calls") is None

    # When
    answer = client.say("subscribe", topic="items", after=sequence_text(0))

    # Then it has moved, and whoever replays it is told where to
    assert answer["type"] == "subscribed"
    assert client.connection.topics == {"items": moved["items"]}
    row = client.subscription("items")
    assert row
    assert row.shard == moved["items"]
    assert {asked.shard for asked in client.replays.asked} == {moved["items"]}


# --- Refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("topic", "scope"),
    [
        ("items", "items:read"),
        (f"items/{ITEM}", "items:read"),
        ("calls", "calls:read"),
        ("reports", "reports:read"),
    ],
)
def test_a_topic_needs_its_scope(client: Client, topic: str, scope: str) -> None:
    # Given
    client.connections.add(a_connection(scopes=SCOPES - {scope}))

    # When
    answer = client.say("subscribe", topic=topic)

    # Then
    problem = client.problem_of(answer)
    assert problem["status"] == 403
    assert scope in problem["detail"]
    assert (answer["action"], answer["topic"]) == ("subscribe", topic)
    assert client.subscription(topic) is None


def test_so_many_topics_and_no_more(client: Client) -> None:
    # Given
    topics = [f"items/{ITEM[:-4]}{number:04}" for number in range(TOPICS_PER_CONNECTION)]
    for topic in topics:
        assert client.say("subscribe", topic=topic)["type"] == "subscribed"

    # Then
    assert client.problem("subscribe", topic="items")["status"] == 409
    assert client.say("subscribe", topic=topics[0])["type"] == "subscribed"

    # When
    client.say("unsubscribe", topic=topics[0])
    assert client.say("subscribe", topic="items")["type"] == "subscribed"


@pytest.mark.parametrize(
    ("body", "is_binary"),
    [
        ("", False),
        ("{", False),
        ("[]", False),
        ('{"action":"shout"}', False),
        ('{"action":"subscribe","topic":"secrets"}', False),
        ('{"action":"ping"}', True),
        ("[" * 100_000, False),
        (json.dumps({"action": "ping", "a": "x" * 5000}), False),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_no_frame_is_a_problem_and_a_violation(
    client: Client, body: str, is_binary: bool
) -> None:
    # When
    problem = client.problem_of(client.say_raw(body, is_binary=is_binary))

    # Then
    assert 400 <= problem["status"] < 500
    assert problem["instance"] == "urn:itemstream:message:m-1="
    assert client.connections.rows.doings["c-1="].violations == 1
    assert client.say("ping") == {"type": "pong"}


def test_so_many_messages_a_second_and_no_more(client: Client) -> None:
    # Given
    client.now += 1
    for _ in range(MESSAGES_PER_SECOND):
        assert client.say("ping", quickly=True) == {"type": "pong"}

    # When
    answer = client.say("subscribe", quickly=True, topic="items")

    # Then it says what was not done, and when to try again
    problem = client.problem_of(answer)
    assert (problem["status"], problem["retry_after"]) == (429, 1)
    assert (answer["action"], answer["topic"]) == ("subscribe", "items")
    assert client.subscription("items") is None
    assert client.say("ping") == {"type": "pong"}


def test_who_goes_on_is_told_and_closed_once(client: Client) -> None:
    # Given
    for _ in range(MOST_VIOLATIONS - 1):
        assert client.say_raw("{", quickly=True)["type"] == "error"
    assert client.endings.asked == []

    # When
    answers = [client.say_raw("{", quickly=True) for _ in range(3)]
    answers.append(client.say("ping"))

    # Then
    assert [(answer["type"], answer["code"]) for answer in answers] == [("closing", 1008)] * 4
    assert client.endings.asked == [AskedEnding("c-1=", 0, at_once=True)]


def test_a_violation_now_and_then_is_forgiven(client: Client) -> None:
    for _ in range(3 * MOST_VIOLATIONS):
        client.now += VIOLATION_SECONDS // (MOST_VIOLATIONS - 1)
        assert client.say_raw("{")["type"] == "error"
    assert client.endings.asked == []


def test_an_end_that_could_not_be_asked_for_is_asked_for_again(client: Client) -> None:
    # Given
    endings, client.endings = client.endings, Away("SQS")
    for _ in range(MOST_VIOLATIONS):
        last = client.say_raw("{", quickly=True)
    assert last["problem"]["status"] == 503

    # When
    client.endings = endings
    for _ in range(MOST_VIOLATIONS):
        last = client.say("ping", quickly=True)

    # Then
    assert last["code"] == 1008
    assert endings.asked == [AskedEnding("c-1=", 0, at_once=True)]


@pytest.mark.parametrize(("ends_by", "code"), [("token", 4401), ("age", 4408)])
def test_whose_time_is_over_is_told_so(client: Client, ends_by: str, code: int) -> None:
    # Given
    client.connections.add(a_connection(ends_at=NOW + 1, ends_by=ends_by))

    # When
    answer = client.say("authenticate", token="t")

    # Then
    assert (answer["type"], answer["code"]) == ("closing", code)


# --- Authenticating ----------------------------------------------------------------------------


def test_a_new_token_moves_the_end(client: Client) -> None:
    # Given
    client.say("subscribe", topic="items")
    client.say("subscribe", topic="calls")

    # When
    answer = client.say("authenticate", token="t")

    # Then
    assert answer == {
        "type": "authenticated",
        "expires_at": "2027-01-15T08:20:00Z",
        "topics": ["calls", "items"],
    }
    assert (client.connection.ends_at, client.connection.ends_by) == (NOW + 1200, "token")
    for topic in ("items", "calls"):
        row = client.subscription(topic)
        assert row
        assert row.ends_at == NOW + 1200
    assert client.endings.asked == []


def test_it_moves_it_to_two_hours_at_most(client: Client) -> None:
    client.token = replace(ALICE, expires_at=NOW + 10 * CONNECTION_SECONDS)
    client.say("authenticate", token="t")
    assert client.connection.ends_by == "age"
    assert NOW + CONNECTION_SECONDS - 60 < client.connection.ends_at < NOW + CONNECTION_SECONDS


def test_an_earlier_end_is_looked_after(client: Client) -> None:
    client.token = replace(ALICE, expires_at=NOW + 100)
    assert client.say("authenticate", token="t")["type"] == "authenticated"
    assert client.connection.ends_at == NOW + 100
    assert client.endings.asked == [AskedEnding("c-1=", 99)]


def test_topics_that_it_does_not_permit_are_gone(client: Client) -> None:
    # Given
    for topic in ("items", f"items/{ITEM}", "calls"):
        client.say("subscribe", topic=topic)
    client.token = replace(ALICE, scopes=frozenset({"calls:read", "realtime:connect"}))

    # When
    answer = client.say("authenticate", token="t")

    # Then
    assert answer["topics"] == ["calls"]
    assert client.subscription("items") is None
    assert client.subscription(f"items/{ITEM}") is None
    assert client.subscription("calls")
    assert client.problem("subscribe", topic="items")["status"] == 403


@pytest.mark.parametrize(
    ("token", "status"),
    [
        (TokenRefused("algorithm"), 401),
        (replace(ALICE, scopes=frozenset({"items:read"})), 401),
        (replace(ALICE, expires_at=NOW), 401),
        (replace(ALICE, tenant="other"), 403),
        (replace(ALICE, subject="bob"), 403),
    ],
    ids=["refused", "no scope", "over", "another tenant", "another subject"],
)
def test_a_token_that_is_no_good_changes_nothing(
    client: Client, token: Principal | Exception, status: int
) -> None:
    # Given
    before = client.connection
    client.token = token

    # When
    problem = client.problem("authenticate", token="t")

    # Then
    assert problem["status"] == status
    assert "algorithm" not in json.dumps(problem)
    assert client.connection == before
    assert client.connections.rows.doings["c-1="].violations == 1


def test_without_keys_nobody_is_judged(client: Client) -> None:
    client.token = KeysUnavailable("no verification keys yet")
    assert client.problem("authenticate", token="t")["status"] == 503
    assert client.connections.rows.doings["c-1="].violations == 0


# --- Frames at the same time -------------------------------------------------------------------


def test_a_subscription_beside_an_authentication_is_decided_anew(client: Client) -> None:
    # Given a token that permits no items, taken in by another frame just now
    renewed = replace(a_connection(), scopes=frozenset({"realtime:connect"}))
    connections = client.connections
    client.connections = Between(connections, "subscribe", lambda: connections.renew(renewed))

    # When
    problem = client.problem("subscribe", topic="items")

    # Then
    assert problem["status"] == 403
    assert client.subscription("items") is None


def test_a_subscription_beside_an_authentication_that_ends_at_once_is_too_late(
    client: Client,
) -> None:
    # Given
    connections = client.connections
    over = replace(a_connection(), ends_at=NOW + 1)
    client.connections = Between(connections, "subscribe", lambda: connections.renew(over))

    # When
    answer = client.say("subscribe", topic="items")

    # Then
    assert (answer["type"], answer["code"]) == ("closing", 4401)
    assert client.subscription("items") is None


def test_an_authentication_beside_a_subscription_keeps_it(client: Client) -> None:
    # Given
    connections, found = client.connections, a_connection()

    def subscribe_once() -> None:
        if not connections.find("c-1=").topics:
            connections.subscribe(found, Topic.parse("items"), 3, shards=8, after=0, live=True)

    client.connections = Between(connections, "renew", subscribe_once)

    # When
    answer = client.say("authenticate", token="t")

    # Then
    assert answer["topics"] == ["items"]
    row = client.subscription("items")
    assert row
    assert row.ends_at == NOW + 1200


def test_who_is_never_alone_is_asked_to_try_again(client: Client) -> None:
    changed = raising(ConnectionChanged("c-1="))
    client.connections = Between(client.connections, "subscribe", changed)
    problem = client.problem("subscribe", topic="items")
    assert (problem["status"], problem["retry_after"]) == (503, 1)


def test_a_connection_that_goes_meanwhile_is_gone(client: Client) -> None:
    def go() -> None:
        client.connections.remove("c-1=")
        raise ConnectionChanged("c-1=")

    client.connections = Between(client.connections, "subscribe", go)
    assert client.problem("subscribe", topic="items")["status"] == 410


# --- Failures ----------------------------------------------------------------------------------


def test_who_is_not_known_connects_again(client: Client) -> None:
    client.connections.remove("c-1=")
    for said in ({"action": "ping"}, {"action": "subscribe", "topic": "items"}, {}):
        assert client.problem(**said)["status"] == 410


def test_one_that_is_removed_at_that_moment_is_gone(client: Client) -> None:
    gone = raising(ConnectionGone("c-1="))
    for method, action in (("subscribe", "subscribe"), ("unsubscribe", "unsubscribe")):
        client.connections = Between(InMemoryConnections(), method, gone)
        client.connections.add(a_connection())
        assert client.problem(action, topic="items")["status"] == 410


@pytest.mark.parametrize("part", ["connections", "log"])
def test_what_does_not_answer_is_a_problem_to_try_again(client: Client, part: str) -> None:
    setattr(client, part, Away())
    problem = client.problem("subscribe", topic="items")
    assert (problem["status"], problem["retry_after"]) == (503, 1)


def test_a_replay_that_was_asked_for_before_begins_when_the_function_has_ended() -> None:
    document = catalogue()
    function = {**document["defaults"], **document["functions"]["message"]}
    assert function["timeout"] < SECONDS_TO_A_LEFT_REPLAY


def test_without_a_replay_there_is_no_subscription(client: Client) -> None:
    # Given
    client.replays = Away("SQS")

    # When
    problem = client.problem("subscribe", topic="items", after=sequence_text(0))

    # Then nobody waits for what never comes
    assert problem["status"] == 503
    assert client.subscription("items") is None


def test_without_a_replay_a_subscription_stays_as_it_was(client: Client) -> None:
    # Given
    client.append(3)
    client.say("subscribe", topic="items")
    before = client.subscription("items")
    client.replays = Away("SQS")

    # When
    problem = client.problem("subscribe", topic="items", after=sequence_text(0))

    # Then
    assert problem["status"] == 503
    assert client.subscription("items") == before is not None


def test_a_replay_that_was_asked_for_before_is_enough(client: Client) -> None:
    # Given
    asks = iter([None, DependencyUnavailable("SQS")])

    def ask() -> None:
        if error := next(asks):
            raise error

    replays, client.replays = client.replays, Between(client.replays, "ask", ask)

    # When
    answer = client.say("subscribe", topic="items", after=sequence_text(0))

    # Then
    assert answer["type"] == "subscribed"
    row = client.subscription("items")
    assert row
    assert replays.asked == [
        AskedReplay("c-1=", "acme", "items", row.shard, SECONDS_TO_A_LEFT_REPLAY)
    ]


@pytest.mark.parametrize("anew", [False, True])
def test_without_the_logs_end_there_is_none_either(client: Client, anew: bool) -> None:
    # Given
    if anew:
        client.say("subscribe", topic="items")
    looks = iter([None, DependencyUnavailable("DynamoDB")])

    def look() -> None:
        if error := next(looks):
            raise error

    client.log = Between(client.log, "last", look)

    # Then
    assert client.problem("subscribe", topic="items")["status"] == 503
    assert client.subscription("items") is None


@pytest.mark.parametrize("part", ["connections", "log", "replays", "endings", "token"])
def test_an_error_of_ours_is_told_without_its_text(
    client: Client, part: str, log: Callable[[], list[dict[str, Any]]]
) -> None:
    # Given
    error = RuntimeError("a secret of the inside")
    broken = Between(
        getattr(client, part),
        {
            "connections": "count_message",
            "log": "last",
            "replays": "ask",
            "endings": "ask",
        }.get(part, ""),
        raising(error),
    )
    setattr(client, part, error if part == "token" else broken)
    frames: dict[str, dict[str, Any]] = {
        "connections": {"action": "ping"},
        "log": {"action": "subscribe", "topic": "items"},
        "replays": {"action": "subscribe", "topic": "items", "after": sequence_text(0)},
        "endings": {"action": "authenticate", "token": "t"},
        "token": {"action": "authenticate", "token": "t"},
    }
    if part == "endings":
        client.token = replace(ALICE, expires_at=NOW + 100)

    # When
    answer = client.say(**frames[part])

    # Then
    assert client.problem_of(answer)["status"] == 500
    assert "secret" not in json.dumps(answer)
    (line,) = [line for line in log() if line.get("message") == "unexpected error"]
    assert line["error"] == "RuntimeError"


def test_an_error_while_a_frame_is_read_is_told_too(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_body: str, _is_binary: bool) -> None:
        raise RuntimeError

    monkeypatch.setattr("itemstream.realtime.messages.read_frame", broken)
    assert client.problem("ping")["status"] == 500


def test_no_token_is_ever_logged(client: Client, log: Callable[[], list[dict[str, Any]]]) -> None:
    client.say("authenticate", token="a-token-of-alice")
    client.token = TokenRefused("algorithm")
    client.say("authenticate", token="a-token-of-alice")
    client.say("authenticate", token=7, topic="a-token-of-alice")
    lines = log()
    assert len(lines) >= 3
    assert "a-token-of-alice" not in json.dumps(lines)
