"""The WebSocket API, by real clients: handshake, topics, catching up, limits, ends."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from websockets.exceptions import InvalidStatus

from tests.frame_contract import conversation
from tests.local_stack import EVERY_SCOPE, assert_problem
from tests.sockets import connected, first_seen, rows_of_connections
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from tests.local_stack import Caller, LocalStack
    from tests.sockets import Socket

SCOPES = f"{EVERY_SCOPE} calls:read realtime:connect"
MISSING = "01900000-0000-7000-8000-000000000000"


@pytest.fixture
def tenant() -> str:
    return f"t-{uuid4().hex[:12]}"


@pytest.fixture
def token(sign: Callable[..., str], tenant: str) -> str:
    return sign(tenant=tenant, scope=SCOPES)


@pytest.fixture
def writer(make_caller: Callable[..., Caller], tenant: str) -> Caller:
    return make_caller(tenant, SCOPES)


@pytest.fixture
def socket(stack: LocalStack, token: str) -> Iterator[Socket]:
    with connected(stack, token) as socket:
        yield socket


def land_call(stack: LocalStack, tenant: str, call_id: str) -> None:
    """Put a file with one call record into the landing bucket."""
    line = {
        "call_id": call_id,
        "client_id": "client-1",
        "occurred_at": "2026-11-20T10:00:00Z",
        "method": "GET",
        "path": "/items/1",
        "status_code": 200,
        "duration_ms": 12,
        "bytes_in": 1,
        "bytes_out": 2,
        "ip": "203.0.113.7",
        "user_agent": "curl/8.5.0",
    }
    stack.client("s3").put_object(
        Bucket=stack.status["buckets"]["landing"],
        Key=f"calls/{tenant}/{uuid4()}.jsonl",
        Body=json.dumps(line).encode(),
    )


def ticket_of(writer: Caller) -> str:
    answer = writer.http.post("realtime/tickets")
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json()["expires_in"] == 30
    return str(answer.json()["ticket"])


# --- Connecting --------------------------------------------------------------------------------


def test_a_token_in_the_header_opens_a_connection(socket: Socket) -> None:
    socket.send("ping")
    assert socket.heard("pong") == {"type": "pong"}


def test_a_ticket_opens_one_connection_and_no_second(stack: LocalStack, writer: Caller) -> None:
    # Given
    ticket = ticket_of(writer)

    # When
    with connected(stack, ticket=ticket) as socket:
        socket.send("ping")
        socket.heard("pong")

    # Then
    with pytest.raises(InvalidStatus) as raised, connected(stack, ticket=ticket):
        pass
    assert raised.value.response.status_code == 403


def test_only_its_hash_is_stored_of_a_ticket(stack: LocalStack, writer: Caller) -> None:
    ticket = ticket_of(writer)
    pages = stack.client("dynamodb").get_paginator("scan")
    stored = json.dumps(
        [page["Items"] for page in pages.paginate(TableName=stack.table("tickets"))]
    )
    assert writer.tenant in stored
    assert ticket not in stored


def test_a_ticket_needs_the_scope(make_caller: Callable[..., Caller]) -> None:
    answer = make_caller(scope="items:read").http.post("realtime/tickets")
    assert_problem(answer, 403)


@pytest.mark.parametrize(
    ("claims", "headers"),
    [
        ({"scope": "items:read"}, {}),
        ({"exp": 1}, {}),
        ({"aud": "somebody else"}, {}),
        ({}, {"kid": "no such key"}),
    ],
    ids=["no scope", "expired", "audience", "unknown key"],
)
def test_a_token_that_is_refused_opens_nothing(
    stack: LocalStack, sign: Callable[..., str], claims: dict[str, Any], headers: dict[str, str]
) -> None:
    refused = sign(**{"scope": SCOPES, **claims}, headers=headers)
    with pytest.raises(InvalidStatus) as raised, connected(stack, refused):
        pass
    assert raised.value.response.status_code == 403


@pytest.mark.parametrize("ticket", ["", "never-given-out", "%00", "x" * 4000])
def test_without_good_credentials_nothing_opens(stack: LocalStack, ticket: str) -> None:
    with pytest.raises(InvalidStatus) as raised, connected(stack, ticket=ticket):
        pass
    assert raised.value.response.status_code in {401, 403}


def test_a_connection_ends_with_its_token_and_says_so(
    stack: LocalStack, sign: Callable[..., str], tenant: str
) -> None:
    # Given
    brief = sign(tenant=tenant, scope=SCOPES, exp=int(time.time()) + 5)
    with connected(stack, brief) as socket:
        socket.subscribe("items")

        # Then
        assert socket.heard("closing", within=40)["code"] == 4401
        assert socket.ended()
    eventually(lambda: not [key for key in rows_of_connections(stack) if tenant in key])


def test_a_new_token_makes_a_connection_last(
    stack: LocalStack, sign: Callable[..., str], writer: Caller, tenant: str
) -> None:
    # Given
    first_end = int(time.time()) + 6
    with connected(stack, sign(tenant=tenant, scope=SCOPES, exp=first_end)) as socket:
        socket.subscribe("items")

        # When
        socket.send("authenticate", token=sign(tenant=tenant, scope=SCOPES))

        # Then it outlives the first, and goes on to get its events
        assert socket.heard("authenticated")["topics"] == ["items"]
        eventually(lambda: time.time() > first_end + 4, within=20)
        item = writer.created()
        socket.event("items", "item.created", item["id"])


def test_nobody_else_may_authenticate_a_connection(
    socket: Socket, sign: Callable[..., str], tenant: str
) -> None:
    socket.send("authenticate", token=sign(tenant=tenant, sub="another", scope=SCOPES))
    assert socket.problem()["status"] == 403
    socket.send("authenticate", token=sign(tenant="another", scope=SCOPES))
    assert socket.problem(2)["status"] == 403
    socket.send("authenticate", token="a.b.c")
    assert socket.problem(3)["status"] == 401
    socket.send("ping")
    socket.heard("pong")


# --- Subscribing -------------------------------------------------------------------------------


def test_who_is_subscribed_hears_of_every_change(socket: Socket, writer: Caller) -> None:
    # Given
    socket.subscribe("items")

    # When
    item = writer.created(name="Chair")
    changed = writer.put(item["id"], {"name": "Armchair"}, '"1"')
    writer.delete(item["id"], changed.headers["etag"])

    # Then
    socket.event("items", "item.deleted", item["id"])
    kinds = [event["type"] for event in socket.events("items")]
    assert kinds == ["item.created", "item.updated", "item.deleted"]
    assert socket.events("items")[1]["data"]["name"] == "Armchair"


def test_one_items_topic_has_its_events_alone(socket: Socket, writer: Caller) -> None:
    # Given
    watched, other = writer.created(), writer.created()
    socket.subscribe(f"items/{watched['id']}")

    # When
    writer.put(other["id"], {"name": "Other"}, '"1"')
    writer.put(watched["id"], {"name": "Watched"}, '"1"')

    # Then
    socket.event(f"items/{watched['id']}", "item.updated", watched["id"])
    assert {event["subject"] for event in socket.events(f"items/{watched['id']}")} == {
        watched["id"]
    }


def test_calls_are_a_topic(stack: LocalStack, sign: Callable[..., str], tenant: str) -> None:
    with connected(stack, sign(tenant=tenant, scope="realtime:connect calls:read")) as socket:
        # Given
        socket.subscribe("calls")

        # When
        land_call(stack, tenant, "call-1")

        # Then
        socket.event("calls", "call.recorded", "call-1", within=60)


def test_who_unsubscribes_hears_no_more(
    stack: LocalStack, token: str, socket: Socket, writer: Caller
) -> None:
    with connected(stack, token) as another:
        # Given two who hear of items
        for each in (socket, another):
            each.subscribe("items")
        first = writer.created()
        for each in (socket, another):
            each.event("items", "item.created", first["id"])

        # When one of them unsubscribes
        socket.send("unsubscribe", topic="items")
        socket.heard("unsubscribed", topic="items")
        later = [writer.created()["id"] for _ in range(3)]

        # Then only the other hears of what comes later
        another.event("items", "item.created", later[-1])
        socket.send("ping")
        socket.heard("pong")
        assert [event["subject"] for event in socket.events("items")] == [first["id"]]


@pytest.mark.parametrize("topic", ["items", f"items/{MISSING}", "calls", "reports"])
def test_a_topic_needs_its_scope(
    stack: LocalStack, sign: Callable[..., str], tenant: str, topic: str
) -> None:
    with connected(stack, sign(tenant=tenant, scope="realtime:connect")) as socket:
        socket.send("subscribe", topic=topic)
        assert socket.problem()["status"] == 403


def test_another_tenant_hears_nothing(
    stack: LocalStack,
    make_caller: Callable[..., Caller],
    sign: Callable[..., str],
    writer: Caller,
    socket: Socket,
) -> None:
    # Given a stranger who asks for the same topics, from the beginning
    stranger_tenant = f"t-{uuid4().hex[:12]}"
    watched = writer.created()
    topics = ("items", f"items/{watched['id']}", "calls")
    with connected(stack, sign(tenant=stranger_tenant, scope=SCOPES)) as stranger:
        for topic in topics:
            stranger.subscribe(topic, after="0" * 20)
            socket.subscribe(topic)

        # When there is news on all of them, and then news of the stranger's own
        writer.put(watched["id"], {"name": "Changed"}, '"1"')
        land_call(stack, writer.tenant, "call-1")
        socket.event("calls", "call.recorded", "call-1", within=60)
        socket.event(f"items/{watched['id']}", "item.updated", watched["id"])
        own = make_caller(stranger_tenant, SCOPES).created()
        land_call(stack, stranger_tenant, "call-2")

        # Then all that the stranger has heard of, when that has come, is its own
        stranger.event("items", "item.created", own["id"])
        stranger.event("calls", "call.recorded", "call-2", within=60)
        heard = [event for topic in topics for event in stranger.events(topic)]
        assert {event["tenant"] for event in heard} == {stranger_tenant}
        assert {event["tenant"] for event in socket.events("items")} == {writer.tenant}


# --- Catching up -------------------------------------------------------------------------------


def test_what_was_missed_comes_first_and_in_order(
    stack: LocalStack, token: str, writer: Caller
) -> None:
    # Given a client that goes away
    with connected(stack, token) as socket:
        socket.subscribe("items")
        seen = socket.event("items", "item.created", writer.created()["id"])
    missed = [writer.created(name=f"Missed {number}")["id"] for number in range(60)]

    # When
    with connected(stack, token) as socket:
        assert socket.subscribe("items", after=seen["sequence"]) == seen["sequence"]
        live = [writer.created(name=f"Live {number}")["id"] for number in range(20)]

        # Then
        socket.event("items", "item.created", live[-1])
        sequences = first_seen(socket.events("items"))
        start = int(seen["sequence"])
        assert [int(sequence) for sequence in sequences] == list(
            range(start + 1, start + 1 + len(missed) + len(live))
        )


def test_after_a_cursor_that_cannot_be_the_client_is_told_to_begin_anew(
    socket: Socket, writer: Caller
) -> None:
    # Given
    writer.created()

    # When
    socket.send("subscribe", topic="items", after="9" * 20)

    # Then
    cursor = socket.heard("reset", topic="items")["cursor"]
    assert int(cursor) < 1000
    socket.event("items", "item.created", writer.created()["id"])


# --- What clients should not send --------------------------------------------------------------


BAD_FRAMES: dict[str, str | bytes] = {
    "empty": "",
    "no JSON": "subscribe please",
    "half": '{"action":"subscribe","topic":',
    "no object": '["subscribe"]',
    "null": "null",
    "no action": '{"topic":"items"}',
    "unknown action": '{"action":"shout"}',
    "action of another type": '{"action":{"a":1}}',
    "route of the gateway": '{"action":"$connect"}',
    "the other route of the gateway": '{"action":"$disconnect"}',
    "unknown topic": '{"action":"subscribe","topic":"secrets"}',
    "odd topic": '{"action":"subscribe","topic":"items/../calls"}',
    "another tenant's topic": '{"action":"subscribe","topic":"other#items"}',
    "bad cursor": '{"action":"subscribe","topic":"items","after":"yesterday"}',
    "cursor of another type": '{"action":"subscribe","topic":"items","after":7}',
    "unknown member": '{"action":"ping","really":true}',
    "twice the same": '{"action":"ping","action":"ping"}',
    "deeply nested": '{"action":"ping","a":' + "[" * 1500 + "]" * 1500 + "}",
    "not a number": '{"action":"ping","a":NaN}',
    "oversized": json.dumps({"action": "ping", "a": "x" * 5000}),
    "lone surrogate": '{"action":"subscribe","topic":"\\ud800"}',
    "nul": '{"action":"\\u0000"}',
    "emoji": "🙂" * 100,
    # Here only: AWS itself closes the connection (1003) before a function sees the frame.
    "binary": b"\x00\xff\xfe",
    "binary JSON": b'{"action":"ping"}',
}


@pytest.mark.parametrize("kind", BAD_FRAMES)
def test_what_cannot_be_read_is_answered_and_the_connection_stays(
    socket: Socket, kind: str
) -> None:
    # When
    socket.send_raw(BAD_FRAMES[kind])

    # Then
    problem = socket.problem()
    assert 400 <= problem["status"] < 500
    assert problem["detail"]
    assert "Traceback" not in json.dumps(problem)
    socket.send("ping")
    socket.heard("pong")


def test_a_connection_has_so_many_topics_and_no_more(socket: Socket) -> None:
    # Given
    topics = [f"items/01900000-0000-7000-8000-{number:012}" for number in range(51)]
    for topic in topics[:50]:
        socket.subscribe(topic)

    # When
    refused = answer_to_subscribe(socket, topics[50])

    # Then
    assert refused["type"] == "error"
    assert refused["problem"]["status"] == 409
    assert refused["problem"]["type"].endswith(":too-many-topics")


def answer_to_subscribe(socket: Socket, topic: str) -> dict[str, Any]:
    """Subscribe as often as too many messages a second are refused; return what else is said."""

    def answer() -> dict[str, Any] | None:
        known = len(socket.hear())
        socket.send("subscribe", topic=topic)
        found = eventually(
            lambda: (
                [frame for frame in socket.hear()[known:] if frame.get("topic") == topic]
                or [frame for frame in socket.hear()[known:] if frame["type"] == "error"]
            )
        )[0]
        return found if found.get("problem", {}).get("status") != 429 else None

    found = eventually(answer, every=1.1)
    assert found is not None
    return found


def test_who_floods_is_warned_and_then_shut_out(stack: LocalStack, token: str) -> None:
    with connected(stack, token) as socket:
        # When
        for _ in range(120):
            socket.send("ping")

        # Then
        problem = socket.problem()
        assert problem["status"] == 429
        assert socket.heard("closing", within=60)["code"] == 1008
        assert socket.ended(within=60)


def test_a_ticket_cannot_be_had_without_a_token(anonymous: httpx.Client) -> None:
    assert_problem(anonymous.post("realtime/tickets"), 401)


# --- The documentation -------------------------------------------------------------------------


def alike(shown: Any, real: Any) -> bool:
    """Tell whether a documented value has the form of a real one: names, types and kinds."""
    if isinstance(shown, dict):
        return (
            isinstance(real, dict)
            and shown.keys() == real.keys()
            and all(alike(shown[name], real[name]) for name in shown)
            and all(shown[name] == real[name] for name in FIXED & shown.keys())
        )
    if isinstance(shown, list):
        return isinstance(real, list) and len(shown) == len(real) and all(map(alike, shown, real))
    return type(shown) is type(real)


FIXED = {"type", "topic", "topics", "action", "code", "reason", "status", "title", "detail"}


def test_the_documented_conversation_is_what_happens(
    stack: LocalStack, sign: Callable[..., str], writer: Caller, token: str, tenant: str
) -> None:
    # Given the item that the page tells of
    item = writer.created(name="Oak table")
    changes = {
        "item.updated": lambda: writer.put(item["id"], {"name": "Ash table"}, '"1"'),
        "item.deleted": lambda: writer.delete(item["id"], '"2"'),
    }
    eventually(lambda: stack.end_of_log(tenant) == 1)
    cursor = ""
    with ExitStack() as connections:
        socket = connections.enter_context(connected(stack, token))
        frames = [(sender, json.loads(text)) for sender, text in conversation()]
        for sender, frame in frames:
            if sender == "→":
                # When the client says what the page says, with its own token and cursors
                members = {name: value for name, value in frame.items() if name != "action"}
                if frame.get("topic") == "items" and "after" in members:
                    connections.close()
                    changes.pop("item.deleted")()
                    eventually(lambda: stack.end_of_log(tenant) == 3)
                    socket = connections.enter_context(connected(stack, token))
                    members["after"] = cursor
                elif "after" in members:
                    members["after"] = "9" * 20
                if "token" in members:
                    end = int(time.time()) + 6
                    members["token"] = sign(tenant=tenant, scope=SCOPES, exp=end)
                socket.send(frame["action"], **members)
                continue
            # Then the server answers in the form that the page shows
            if (kind := frame.get("events", [{}])[0].get("type")) in changes:
                changes.pop(kind)()
            heard = socket.heard(
                frame["type"],
                within=40,
                **({"topic": frame["topic"]} if "topic" in frame else {}),
            )
            assert alike(frame, heard), f"{frame}\n{heard}"
            cursor = heard.get("cursor", cursor)


# --- Ends --------------------------------------------------------------------------------------


def test_who_hangs_up_leaves_nothing_behind(stack: LocalStack, token: str, tenant: str) -> None:
    # Given
    with connected(stack, token) as socket:
        socket.subscribe("items")
        socket.subscribe(f"items/{MISSING}")
        assert len([key for key in rows_of_connections(stack) if f"#{tenant}#" in key]) == 2

    # Then
    eventually(lambda: not [key for key in rows_of_connections(stack) if f"#{tenant}#" in key])
