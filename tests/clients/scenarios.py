"""What both clients have to get right: one list, which a runner for each language works through.

A scenario is what the client does (steps that a driver in its language carries out one after
another), what the server does meanwhile, and what the client's readers see. Events are told by
their ids.
"""

from __future__ import annotations

import base64
import json
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.clients.stand_in import cursor, problem

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.clients.stand_in import Connection, StandIn

SCENARIOS: list[Scenario] = []

# In seconds. Long enough for a busy machine, and never waited for unless it is what is tried.
USUAL_TIMING = {"first_wait": 0.02, "longest_wait": 0.2, "patience": 0.1}


@dataclass(frozen=True)
class Scenario:
    """
    One story.

    Parameters
    ----------
    play
        What the server does.
    steps
        What the client does.
    seen
        What each topic's reader saw.
    credentials
        What the provider gives, in turn, the last for ever; None for "there are no others".
    renewals
        For a client that has tickets, and tokens to stay connected: how long these live.
    timing, buffer
        The client's settings.
    """

    name: str
    play: Callable[[StandIn], Awaitable[None]]
    steps: list[dict[str, Any]]
    seen: dict[str, list[str]]
    credentials: list[str | None] = field(default_factory=lambda: ["secret"])
    renewals: list[float] | None = None
    timing: dict[str, float] = field(default_factory=dict)
    buffer: int = 100

    def program(self, url: str) -> dict[str, Any]:
        """Return what a driver needs."""
        now = time.time()
        return {
            "url": url,
            "steps": self.steps,
            "credentials": self.credentials,
            "renewals": self.renewals and [token(now + lives) for lives in self.renewals],
            "timing": USUAL_TIMING | self.timing,
            "buffer": self.buffer,
        }


def subscribe(topic: str = "items", after: int | None = None, **more: Any) -> dict[str, Any]:
    return {
        "do": "subscribe",
        "topic": topic,
        "after": None if after is None else cursor(after),
        **more,
    }


def started(topic: str = "items") -> dict[str, Any]:
    return {"do": "started", "topic": topic}


def read(count: int, topic: str = "items") -> dict[str, Any]:
    return {"do": "read", "topic": topic, "count": count}


def close(topic: str = "items") -> dict[str, Any]:
    return {"do": "close", "topic": topic}


def signal() -> dict[str, Any]:
    """Tell the server, by a topic of its own, that the steps before are done."""
    return subscribe("reports")


def ids(first: int, last: int) -> list[str]:
    return [f"e{sequence}" for sequence in range(first, last + 1)]


def token(ends_at: float) -> str:
    """Make what looks like a token."""
    claims = json.dumps({"exp": ends_at}).encode()
    return f"header.{base64.urlsafe_b64encode(claims).rstrip(b'=').decode()}.signature"


def scenario(
    *steps: dict[str, Any], items: list[str] | None = None, **more: Any
) -> Callable[[Callable[[StandIn], Awaitable[None]]], Callable[[StandIn], Awaitable[None]]]:
    """Add a scenario; the function is the server's part, its name the scenario's."""
    seen = {"items": items} if items is not None else {}
    seen |= more.pop("seen", {})

    def add(play: Callable[[StandIn], Awaitable[None]]) -> Callable[[StandIn], Awaitable[None]]:
        SCENARIOS.append(Scenario(play.__name__, play, list(steps), seen, **more))
        return play

    return add


# --- Events in order, each once ------------------------------------------------------------------


@scenario(subscribe(), started(), read(3), items=["started 2", *ids(3, 5)])
async def live_events_come_in_order(server: StandIn) -> None:
    server.append(count=2)
    await server.subscribed()
    await server.publish()
    await server.publish(count=2)


@scenario(subscribe(after=2), started(), read(4), items=["started 2", *ids(3, 6)])
async def what_was_missed_comes_before_what_is_live(server: StandIn) -> None:
    server.append(count=5)
    await server.subscribed()
    await server.publish()


@scenario(
    *(subscribe(), subscribe("calls"), started(), started("calls")),
    *(read(2), read(1, "calls")),
    seen={"items": ["started 0", "e1", "e3"], "calls": ["started 0", "e2"]},
)
async def several_topics_share_one_socket(server: StandIn) -> None:
    await server.subscribed("items")
    await server.subscribed("calls")
    for topic in ("items", "calls", "items"):
        await server.publish(topic)
    assert len(server.handshakes) == 1


@scenario(subscribe(after=0), read(4), items=ids(1, 4))
async def repeats_are_left_out(server: StandIn) -> None:
    one, two, three, four = server.append(count=4)

    async def repeat(connection: Connection, frame: dict[str, Any]) -> None:
        await connection.send({"type": "subscribed", "topic": "items", "cursor": cursor(0)})
        await connection.events("items", one, two)
        await connection.events("items", one, two, three)
        await connection.events("items", two)
        await connection.events("items", four)

    server.answer_once("subscribe", repeat)


@scenario(subscribe(), started(), read(3), items=["started 9", *ids(7, 9)])
async def events_may_come_before_the_confirmation(server: StandIn) -> None:
    # Given a confirmation that promises less than the server is about to send
    server.append(count=6)

    async def late(connection: Connection, frame: dict[str, Any]) -> None:
        one, two, three = server.append(count=3)
        await connection.events("items", one)
        await connection.send({"type": "subscribed", "topic": "items", "cursor": cursor(9)})
        await connection.events("items", two, three)

    server.answer_once("subscribe", late)


@scenario(subscribe(after=0), read(1), items=["e1 without data, see items/subject"])
async def an_event_too_large_says_where_to_read(server: StandIn) -> None:
    server.append(data=None, dataref="items/subject")


# --- Coming back ---------------------------------------------------------------------------------


@scenario(subscribe(), read(2), signal(), read(3), items=ids(1, 5))
async def a_dropped_connection_is_resumed(server: StandIn) -> None:
    connection = await server.subscribed()
    await server.publish(count=2)
    await server.subscribed("reports")
    connection.drop()
    await server.until(lambda: not connection.is_open)
    server.append(count=2)
    await server.subscribed(connection=1)
    await server.publish()
    assert server.connections[1].received[0]["after"] == cursor(2)


@scenario(
    *(subscribe(), subscribe("calls", after=0), read(1), read(1, "calls"), signal()),
    *(read(1), read(1, "calls")),
    seen={"items": ["e2", "e3"], "calls": ["e1", "e4"]},
)
async def each_topic_is_resumed_from_its_own_cursor(server: StandIn) -> None:
    server.append("calls")
    connection = await server.subscribed("items")
    await server.subscribed("calls")
    await server.publish("items")
    await server.subscribed("reports")
    connection.drop()
    await server.until(lambda: not connection.is_open)
    server.append("items")
    server.append("calls")
    await server.subscribed("items", 1)
    await server.subscribed("calls", 1)
    resumed = {frame["topic"]: frame.get("after") for frame in server.connections[1].received}
    assert resumed["items"] == cursor(2)
    assert resumed["calls"] == cursor(1)


@scenario(subscribe(), read(1), items=["e1"])
async def a_connection_lost_before_the_answer_is_made_again(server: StandIn) -> None:
    async def lose(connection: Connection, frame: dict[str, Any]) -> None:
        connection.drop()

    server.answer_once("subscribe", lose)
    await server.subscribed(connection=1)
    assert "after" not in server.connections[1].received[0]
    await server.publish()


@scenario(subscribe(), read(1), items=["e1"])
async def a_server_that_is_away_is_tried_again(server: StandIn) -> None:
    server.refusals.extend([503, 429, 500])
    await server.subscribed()
    await server.publish()
    assert len(server.handshakes) == 4


def _closing(code: int) -> None:
    async def play(server: StandIn) -> None:
        connection = await server.subscribed()
        await server.publish()
        await connection.closing(code)
        server.append()
        await server.subscribed(connection=1)
        await server.publish()

    play.__name__ = f"closing_{code}_is_resumed"
    scenario(subscribe(), read(3), items=ids(1, 3))(play)


for _code in (1011, 1012, 4408, 4999):
    _closing(_code)


@scenario(
    *(subscribe(), read(1), signal(), read(1)),
    items=ids(1, 2),
    timing={"ping_every": 0.2, "pong_within": 0.3},
)
async def a_dead_peer_is_left(server: StandIn) -> None:
    connection = await server.subscribed()
    await server.publish()
    await server.subscribed("reports")
    connection.is_mute = True
    connection.topics.clear()
    await server.subscribed(connection=1)
    await server.publish()
    assert server.connections[1].received[0]["after"] == cursor(1)


@scenario(subscribe(), read(1), items=["e1"], timing={"ping_every": 0.1, "pong_within": 10})
async def pings_keep_a_silent_socket_open(server: StandIn) -> None:
    await server.subscribed()
    await server.heard("ping", 3)
    await server.publish()
    assert len(server.connections) == 1


@scenario(subscribe(), read(2), items=ids(1, 2))
async def a_frame_that_cannot_be_read_costs_no_event(server: StandIn) -> None:
    connection = await server.subscribed()
    await server.publish()
    server.append()
    await connection.send('{"type":"events","topic":"items","events":[{"id":')
    await server.subscribed(connection=1)


@scenario(subscribe(), read(1), items=["e1"])
async def frames_that_say_nothing_are_passed_over(server: StandIn) -> None:
    connection = await server.subscribed()
    await connection.send(
        '{"message":"Internal server error","connectionId":"c","requestId":"r"}',
        '{"type":"of a later version"}',
        {"type": "error", "problem": problem(429)},
    )
    await server.publish()
    assert len(server.connections) == 1


# --- Gaps that cannot be closed ------------------------------------------------------------------


@scenario(subscribe(after=1), read(2), items=["reset 6", "e7"])
async def a_cursor_that_is_too_old_is_reset(server: StandIn) -> None:
    server.append(count=6)
    server.oldest = 5
    await server.subscribed()
    await server.publish()


@scenario(subscribe(after=100), read(2), items=["reset 3", "e4"])
async def a_cursor_beyond_the_log_is_reset(server: StandIn) -> None:
    server.append(count=3)
    await server.subscribed()
    await server.publish()


@scenario(subscribe(after=1, tell_resets=True), read(1), items=["told of reset 6", "e7"])
async def a_reader_may_be_told_of_resets(server: StandIn) -> None:
    server.append(count=6)
    server.oldest = 5
    await server.subscribed()
    await server.publish()


@scenario(subscribe(), read(1), signal(), read(2), items=["e1", "reset 9", "e10"])
async def a_reset_may_come_after_a_reconnection(server: StandIn) -> None:
    connection = await server.subscribed()
    await server.publish()
    await server.subscribed("reports")
    connection.drop()
    await server.until(lambda: not connection.is_open)
    server.append(count=8)
    server.oldest = 8
    await server.subscribed(connection=1)
    await server.publish()


# --- Problems ------------------------------------------------------------------------------------


def _refuse(status: int) -> Any:
    async def refuse(connection: Connection, frame: dict[str, Any]) -> None:
        await connection.send(
            {
                "type": "error",
                "problem": problem(status),
                "topic": frame["topic"],
                "action": "subscribe",
            }
        )

    return refuse


@scenario(
    *(subscribe("reports"), started("reports"), read(1, "reports")),
    *(subscribe(), started(), read(1)),
    seen={"reports": ["problem 403 Forbidden", "problem 403 Forbidden"]},
    items=["started 0", "e1"],
)
async def a_refused_topic_leaves_the_others_alone(server: StandIn) -> None:
    server.answer_once("subscribe", _refuse(403))
    await server.subscribed()
    await server.publish()
    assert len(server.connections) == 1


@scenario(subscribe(), read(1), items=["e1"])
async def a_problem_that_may_pass_is_tried_again(server: StandIn) -> None:
    server.answer_once("subscribe", _refuse(503))
    server.answer_once("subscribe", _refuse(429))
    await server.subscribed()
    await server.publish()
    assert len(server.connections) == 1


@scenario(subscribe(), read(1), items=["e1"])
async def a_connection_that_the_server_forgot_is_made_again(server: StandIn) -> None:
    server.answer_once("subscribe", _refuse(410))
    await server.subscribed(connection=1)
    await server.publish()


@scenario(subscribe(), read(1), items=["e1"], timing={"answer_within": 0.2})
async def a_lost_answer_is_asked_for_again(server: StandIn) -> None:
    async def nothing(connection: Connection, frame: dict[str, Any]) -> None:
        pass

    server.answer_once("subscribe", nothing)
    await server.subscribed()
    await server.publish()
    assert len(server.connections) == 1


@scenario(subscribe(), read(2), items=["e1", "abuse"])
async def a_close_for_abuse_is_final(server: StandIn) -> None:
    connection = await server.subscribed()
    await server.publish()
    await connection.closing(1008)
    await server.until(lambda: not connection.is_open)
    assert len(server.handshakes) == 1


# --- Credentials ---------------------------------------------------------------------------------


@scenario(subscribe(), read(2), items=ids(1, 2), credentials=["first", "second"])
async def a_tokens_end_brings_fresh_credentials(server: StandIn) -> None:
    connection = await server.subscribed()
    await server.publish()
    await connection.closing(4401)
    server.append()
    await server.subscribed(connection=1)
    assert server.handshakes == ["first", "second"]


@scenario(subscribe(), read(2), items=["e1", "credentials"], credentials=["only", None])
async def without_fresh_credentials_the_client_ends(server: StandIn) -> None:
    connection = await server.subscribed()
    await server.publish()
    await connection.closing(4401)
    await server.until(lambda: not connection.is_open)


@scenario(subscribe(), read(1), items=["e1"], credentials=["stale", "fresh"])
async def refused_credentials_are_renewed_once(server: StandIn) -> None:
    server.refusals.append(401)
    await server.subscribed()
    await server.publish()
    assert server.handshakes == ["stale", "fresh"]


@scenario(subscribe(), read(1), items=["e1"], credentials=["fails", "works"])
async def a_provider_that_fails_is_asked_again(server: StandIn) -> None:
    await server.subscribed()
    await server.publish()
    assert server.handshakes == ["works"]


@scenario(
    *(subscribe(), read(1)),
    items=["e1"],
    credentials=["ticket"],
    renewals=[3, 3, 7200],
    timing={"renew_before": 3600},
)
async def a_fresh_token_is_handed_in_before_the_old_one_ends(server: StandIn) -> None:
    # Given a provider that, asked the second time, still has the old one
    await server.subscribed()
    await server.heard("authenticate")
    await server.publish()
    [handed_in] = server.connections[0].actions("authenticate")
    payload = handed_in["token"].split(".")[1]
    assert json.loads(base64.urlsafe_b64decode(payload + "=="))["exp"] > time.time() + 3600
    assert server.handshakes == ["ticket"]


@scenario(
    *(subscribe(), started(), subscribe("calls"), started("calls")),
    *(read(1, "calls"), read(1)),
    seen={"items": ["started 0", "problem 403 Forbidden"], "calls": ["started 0", "e1"]},
    credentials=["ticket"],
    renewals=[4, 7200],
    timing={"renew_before": 3600},
)
async def topics_that_a_new_token_does_not_permit_end(server: StandIn) -> None:
    async def narrow(connection: Connection, frame: dict[str, Any]) -> None:
        connection.topics.pop("items")
        await server._authenticate(connection, frame)

    server.answer_once("authenticate", narrow)
    await server.subscribed("calls")
    await server.heard("authenticate")
    await server.publish("calls")


# --- Readers that are slow, or leave -------------------------------------------------------------


@scenario(subscribe(), *(read(25) for _ in range(8)), items=ids(1, 200), buffer=10)
async def a_slow_reader_misses_nothing(server: StandIn) -> None:
    await server.subscribed()
    for _ in range(20):
        await server.publish(count=10)


@scenario(
    *(subscribe(after=0), subscribe("calls"), read(3, "calls"), read(60)),
    seen={"calls": ids(61, 63)},
    items=ids(1, 60),
    buffer=5,
)
async def a_topic_that_nobody_reads_holds_no_other(server: StandIn) -> None:
    server.append("items", 60)
    # It was let go: the server is told to send no more of it.
    await server.until(lambda: server.connections and server.connections[0].actions("unsubscribe"))
    await server.subscribed("calls")
    await server.publish("calls", 3)


@scenario(
    *(subscribe(), subscribe("calls"), started(), started("calls"), read(1)),
    *(close(), read(1), read(1, "calls")),
    seen={"items": ["started 0", "e1", "closed"], "calls": ["started 0", "e2"]},
)
async def a_reader_may_leave_a_topic(server: StandIn) -> None:
    connection = await server.subscribed("items")
    await server.subscribed("calls")
    await server.publish()
    await server.heard("unsubscribe")
    await server.publish("calls")
    assert connection.actions("unsubscribe") == [{"action": "unsubscribe", "topic": "items"}]


@scenario(
    *(subscribe(after=0), subscribe("calls"), started("calls"), read(3), close()),
    *(read(1, "calls"), subscribe(after=1), read(3)),
    items=[*ids(1, 3), *ids(2, 4)],
    seen={"calls": ["started 3", "e5"]},
)
async def a_topic_taken_up_again_gets_another_socket(server: StandIn) -> None:
    # Given a late event of the first subscription, which the second may not take for its own
    server.append(count=3)

    async def straggle(connection: Connection, frame: dict[str, Any]) -> None:
        await connection.events("items", *server.append())
        del connection.topics["items"]

    server.answer_once("unsubscribe", straggle)
    connection = await server.subscribed("calls")
    await server.until(lambda: "items" not in connection.topics)
    await server.publish("calls")
    await server.subscribed(connection=1)
    assert {"action": "subscribe", "topic": "items", "after": cursor(1)} in server.connections[
        1
    ].received


@scenario(
    *(subscribe(), started(), read(1), {"do": "end"}, read(1)),
    items=["started 0", "e1", "closed"],
)
async def a_client_that_is_closed_closes_its_socket(server: StandIn) -> None:
    connection = await server.subscribed()
    await server.publish()
    await server.until(lambda: not connection.is_open)
    await connection.socket.wait_closed()
    assert connection.socket.close_code == 1000
