"""The functions between the WebSocket API and its clients, as the gateway calls them."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from itemstream.aws import aws_client
from itemstream.dynamodb.attribute_values import from_item
from itemstream.realtime.topics import Topic
from tests.fakes.gateway import LambdaContext, assert_problem, event
from tests.fakes.issuer import AUDIENCE, ISSUER, claims, issuer_jwks, token
from tests.fakes.realtime import Away
from tests.fakes.tables import CONNECTIONS, EVENTS, TICKETS
from tests.unit.auth.corpus import REFUSED

if TYPE_CHECKING:
    from collections.abc import Callable

SCOPES = "items:read realtime:connect"
METHOD_ARN = "arn:aws:execute-api:us-east-1:000000000000:abc123/local/$connect"
CONNECTION = "IoMvJd3MoAMCLOg="
SHARD = Topic("items").shard_of(CONNECTION, 8)
QUEUES = ("replays", "connection-endings")


class Gateway:
    """What the gateway does with a client, function by function."""

    def __init__(self, load: Callable[[str], Any]) -> None:
        self._load = load
        for queue in QUEUES:
            aws_client("sqs").create_queue(QueueName=queue)
        aws_client("s3").create_bucket(Bucket="keys")
        aws_client("s3").put_object(Bucket="keys", Key="jwks.json", Body=issuer_jwks())
        self._modules: dict[str, Any] = {}

    def module(self, name: str) -> Any:
        if name not in self._modules:
            self._modules[name] = self._load(name)
        return self._modules[name]

    def call(self, name: str, given: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = self.module(name).handler(given, LambdaContext())
        return answer

    def authorize(self, **given: Any) -> dict[str, Any]:
        handshake = {"type": "REQUEST", "methodArn": METHOD_ARN, "requestContext": {}}
        return self.call("authorizers.websocket", {**handshake, **given})

    def ticket(self, **more: Any) -> dict[str, Any]:
        asked = event("POST /realtime/tickets", **{"scopes": SCOPES, **more})
        return self.call("functions.realtime.create_ticket", asked)

    def connect(self, said: dict[str, str] | None, **more: Any) -> int:
        context = {
            "eventType": "CONNECT",
            "routeKey": "$connect",
            "connectionId": CONNECTION,
            "connectedAt": int(time.time() * 1000),
            **({"authorizer": said} if said is not None else {}),
            **more,
        }
        answer = self.call("functions.realtime.connect", {"requestContext": context})
        return int(answer["statusCode"])

    def disconnect(self, event_type: str = "DISCONNECT") -> int:
        context = {"eventType": event_type, "connectionId": CONNECTION}
        answer = self.call("functions.realtime.disconnect", {"requestContext": context})
        return int(answer["statusCode"])

    def say(self, body: str | None, **more: Any) -> Any:
        context = {"eventType": "MESSAGE", "connectionId": CONNECTION, "requestId": "JKJaXmPLvHc="}
        answer = self.call(
            "functions.realtime.message", {"requestContext": context, "body": body, **more}
        )
        assert answer["statusCode"] == 200
        return json.loads(answer["body"])

    def rows(self, table: str = CONNECTIONS) -> list[dict[str, Any]]:
        return [from_item(item) for item in aws_client("dynamodb").scan(TableName=table)["Items"]]

    def messages(self, queue: str) -> list[dict[str, Any]]:
        url = aws_client("sqs").get_queue_url(QueueName=queue)["QueueUrl"]
        found = aws_client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in found.get("Messages", [])]

    def delayed(self, queue: str) -> int:
        sqs = aws_client("sqs")
        url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        name = "ApproximateNumberOfMessagesDelayed"
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])
        return int(answer["Attributes"][name])


@pytest.fixture
def gateway(load: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> Gateway:
    for name, value in {
        "JWKS_URL": "s3://keys/jwks.json",
        "TOKEN_ISSUER": ISSUER,
        "TOKEN_AUDIENCE": AUDIENCE,
        "CONNECTIONS_TABLE": CONNECTIONS,
        "TICKETS_TABLE": TICKETS,
        "EVENTS_TABLE": EVENTS,
        "REALTIME_SHARDS": "8",
        "REPLAYS_QUEUE": "replays",
        "CONNECTION_ENDINGS_QUEUE": "connection-endings",
    }.items():
        monkeypatch.setenv(name, value)
    return Gateway(load)


def current(**changes: Any) -> str:
    now = int(time.time())
    good = {"iat": now, "nbf": now, "exp": now + 600, "scope": SCOPES}
    return token(payload=claims(**{**good, **changes}))


def said(**changes: str) -> dict[str, str]:
    """Return an authorizer's context, as it hands it on."""
    context = {
        "principalId": "alice",
        "tenant": "acme",
        "subject": "alice",
        "scopes": SCOPES,
        "expires_at": str(int(time.time()) + 600),
    }
    return {**context, **changes}


def denied(answer: dict[str, Any]) -> bool:
    (statement,) = answer["policyDocument"]["Statement"]
    assert statement["Resource"] == METHOD_ARN
    assert statement["Effect"] in {"Allow", "Deny"}
    return bool(statement["Effect"] == "Deny")


# --- The handshake -----------------------------------------------------------------------------


def test_a_token_is_let_in_with_whose_it_is(gateway: Gateway) -> None:
    # When
    answer = gateway.authorize(headers={"authorization": f"Bearer {current()}"})

    # Then
    assert not denied(answer)
    assert answer["principalId"] == "alice"
    context = answer["context"]
    assert (context["tenant"], context["subject"]) == ("acme", "alice")
    assert context["scopes"] == "items:read realtime:connect"
    assert 590 < int(context["expires_at"]) - time.time() <= 600


def test_a_ticket_is_let_in_once_as_who_asked_for_it(gateway: Gateway) -> None:
    # Given
    answer = gateway.ticket()
    assert answer["statusCode"] == 201
    assert answer["headers"]["Cache-Control"] == "no-store"
    made = json.loads(answer["body"])
    assert made["expires_in"] == 30
    assert made["ticket"] not in json.dumps(gateway.rows(TICKETS))

    # When
    given = {"queryStringParameters": {"ticket": made["ticket"]}}
    first, second = gateway.authorize(**given), gateway.authorize(**given)

    # Then
    assert not denied(first)
    assert first["context"] == {
        "tenant": "acme",
        "subject": "alice",
        "scopes": SCOPES,
        "expires_at": "4102444800",
    }
    assert denied(second)
    assert "context" not in second


def test_a_ticket_is_for_who_may_connect(gateway: Gateway) -> None:
    assert_problem(gateway.ticket(tenant=None), 401)
    assert_problem(gateway.ticket(scopes="items:read"), 403)
    assert_problem(gateway.ticket(query="a=b"), 400, "a")
    assert gateway.rows(TICKETS) == []


def test_a_token_that_is_over_gets_no_ticket(gateway: Gateway) -> None:
    # Given an answer of the authorizer that the gateway kept
    asked = event("POST /realtime/tickets", scopes=SCOPES)
    asked["requestContext"]["authorizer"]["expires_at"] = str(int(time.time()))

    # Then
    assert_problem(gateway.call("functions.realtime.create_ticket", asked), 401)
    assert gateway.rows(TICKETS) == []


def test_every_bad_token_stays_outside_and_out_of_the_log(
    gateway: Gateway, log: Callable[[], list[dict[str, Any]]]
) -> None:
    for name, bad in REFUSED.items():
        assert denied(gateway.authorize(headers={"Authorization": f"Bearer {bad}"})), name
        lines = log()
        assert "handshake refused" in [line.get("message") for line in lines], name
        written = json.dumps(lines)
        assert not any(part in written for part in bad.split(".") if len(part) > 12), name


@pytest.mark.parametrize("ticket", ["", "never-given-out", "\0", "x" * 4000, "A" * 43])
def test_what_is_no_ticket_stays_outside_and_out_of_the_log(
    gateway: Gateway, ticket: str, log: Callable[[], list[dict[str, Any]]]
) -> None:
    assert denied(gateway.authorize(queryStringParameters={"ticket": ticket}))
    assert len(ticket) < 10 or ticket not in json.dumps(log())


def test_a_handshake_is_denied_when_nobody_can_be_told(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    module = gateway.module("authorizers.websocket")
    ticket = {"queryStringParameters": {"ticket": "A" * 43}}

    # When the table does not answer, or we are wrong
    monkeypatch.setattr(module, "tickets", Away())
    assert denied(gateway.authorize(**ticket))
    monkeypatch.setattr(module, "tickets", None)
    assert denied(gateway.authorize(**ticket))


def test_without_keys_a_handshake_is_denied(gateway: Gateway) -> None:
    aws_client("s3").delete_object(Bucket="keys", Key="jwks.json")
    assert denied(gateway.authorize(headers={"Authorization": f"Bearer {current()}"}))


# --- Connections -------------------------------------------------------------------------------


def test_a_connection_is_kept_until_its_token_ends(gateway: Gateway) -> None:
    # When
    context = said()
    assert gateway.connect(context) == 200

    # Then
    (row,) = gateway.rows()
    assert row["pk"] == f"connection#{CONNECTION}"
    assert (row["tenant"], row["subject"]) == ("acme", "alice")
    assert row["scopes"] == ["items:read", "realtime:connect"]
    assert (row["ends_at"], row["reason_of_end"]) == (int(context["expires_at"]), "token")
    assert abs(row["connected_at"] - time.time()) < 10
    assert row["expires_at"] > row["connected_at"] + 7200
    assert gateway.delayed("connection-endings") == 1


def test_its_end_is_looked_at_in_its_time(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Given
    sent: list[dict[str, Any]] = []
    module = gateway.module("functions.realtime.connect")
    client = module.endings._queue._client

    def send(**call: Any) -> dict[str, Any]:
        sent.extend(call["Entries"])
        return {}

    monkeypatch.setattr(client, "send_message_batch", send)
    soon, late = str(int(time.time()) + 60), str(int(time.time()) + 10_000)

    # When
    for expires_at in (soon, late):
        assert gateway.connect(said(expires_at=expires_at)) == 200

    # Then no message waits for longer than SQS allows
    first, second = sent
    assert json.loads(first["MessageBody"]) == {"connection_id": CONNECTION, "at_once": False}
    assert 50 < first["DelaySeconds"] <= 60
    assert second["DelaySeconds"] == 900


def test_a_connection_lasts_two_hours_from_when_the_gateway_began_it(gateway: Gateway) -> None:
    began = int(time.time()) - 5
    late = str(began + 10_000)
    assert gateway.connect(said(expires_at=late), connectedAt=began * 1000) == 200
    (row,) = gateway.rows()
    assert (row["connected_at"], row["reason_of_end"]) == (began, "age")
    assert began + 7100 < row["ends_at"] < began + 7200


@pytest.mark.parametrize(
    "context",
    [None, {}, {"tenant": "acme"}, said(tenant=""), said(expires_at="1"), said(expires_at="")],
)
def test_nobody_is_connected_whom_no_authorizer_let_in(
    gateway: Gateway, context: dict[str, str] | None
) -> None:
    assert gateway.connect(context) == 401
    assert gateway.rows() == []


@pytest.mark.parametrize("part", ["connections", "endings"])
def test_what_does_not_answer_refuses_the_handshake(
    gateway: Gateway, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.module("functions.realtime.connect"), part, Away())
    assert gateway.connect(said()) == 503


def test_an_error_of_ours_is_logged_and_told_without_its_text(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, log: Callable[[], list[dict[str, Any]]]
) -> None:
    monkeypatch.setattr(gateway.module("functions.realtime.connect"), "connections", None)
    assert gateway.connect(said()) == 500
    lines = log()
    assert "AttributeError" in [line.get("error") for line in lines]
    assert [line["ServerErrors"] for line in lines if "ServerErrors" in line] == [[1.0]]


def test_who_hangs_up_leaves_no_row(gateway: Gateway) -> None:
    # Given
    gateway.connect(said())
    for topic in ("items", "items/01a1fd0d-0f71-747f-8457-26ecebd91c18"):
        gateway.say(json.dumps({"action": "subscribe", "topic": topic}))
    assert len([row for row in gateway.rows() if row["pk"].startswith("topic#")]) == 2

    # When it is told twice
    assert [gateway.disconnect(), gateway.disconnect()] == [200, 200]

    # Then
    assert {row["pk"] for row in gateway.rows()} == {"topics#acme"}


def test_an_end_that_cannot_be_noted_is_no_success(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gateway.module("functions.realtime.disconnect"), "connections", Away())
    assert gateway.disconnect() == 503


def test_a_frame_that_names_these_routes_does_nothing(gateway: Gateway) -> None:
    gateway.connect(said())
    before = gateway.rows()
    assert gateway.connect(said(tenant="other"), eventType="MESSAGE") == 400
    assert gateway.disconnect("MESSAGE") == 400
    assert gateway.rows() == before


# --- Messages ----------------------------------------------------------------------------------


def test_frames_are_answered(gateway: Gateway) -> None:
    # Given
    gateway.connect(said())

    # Then
    assert gateway.say('{"action":"ping"}') == {"type": "pong"}
    assert gateway.say('{"action":"subscribe","topic":"items"}') == {
        "type": "subscribed",
        "topic": "items",
        "cursor": "0" * 20,
    }
    after = "0" * 19 + "7"
    answer = gateway.say(json.dumps({"action": "subscribe", "topic": "items", "after": after}))
    assert answer["cursor"] == after
    assert gateway.messages("replays") == [
        {"connection_id": CONNECTION, "tenant": "acme", "topic": "items", "shard": SHARD}
    ]
    assert gateway.say('{"action":"unsubscribe","topic":"items"}')["type"] == "unsubscribed"


def test_a_connection_is_authenticated_anew(gateway: Gateway) -> None:
    # Given
    gateway.connect(said())

    # When
    ends_at = int(time.time()) + 1000
    answer = gateway.say(json.dumps({"action": "authenticate", "token": current(exp=ends_at)}))

    # Then
    assert answer["type"] == "authenticated"
    (row,) = gateway.rows()
    assert row["ends_at"] == ends_at

    # When it is somebody else's, or none
    for bad, status in ((current(exp=ends_at, tenant="other"), 403), (REFUSED["PS256"], 401)):
        answer = gateway.say(json.dumps({"action": "authenticate", "token": bad}))
        assert answer["problem"]["status"] == status
    assert gateway.rows()[0]["tenant"] == "acme"


@pytest.mark.parametrize(
    ("body", "more"),
    [
        (None, {}),
        ("", {}),
        ("{", {}),
        ("AP/+", {"isBase64Encoded": True}),
        ("x" * 130_000, {}),
        ('{"action":"shout"}', {}),
    ],
    ids=["none", "empty", "half", "binary", "large", "unknown"],
)
def test_whatever_comes_is_answered_with_a_problem(
    gateway: Gateway, body: str | None, more: dict[str, Any]
) -> None:
    gateway.connect(said())
    answer = gateway.say(body, **more)
    assert answer["type"] == "error"
    assert 400 <= answer["problem"]["status"] < 500


def test_whom_nobody_knows_is_told_to_connect_again(gateway: Gateway) -> None:
    assert gateway.say('{"action":"ping"}')["problem"]["status"] == 410


def test_who_floods_is_closed(gateway: Gateway) -> None:
    # Given
    gateway.connect(said())

    # When
    answers = [gateway.say("{") for _ in range(20)]

    # Then
    assert [answer["type"] for answer in answers] == ["error"] * 19 + ["closing"]
    assert gateway.messages("connection-endings") == [
        {"connection_id": CONNECTION, "at_once": True}
    ]
