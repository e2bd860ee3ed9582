"""What a WebSocket API does by itself: handshakes, routes, answers, messages posted, limits."""

from __future__ import annotations

import json
from base64 import b64decode
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx
import pytest
from botocore.exceptions import ClientError
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.integration.local_aws.conftest import ACCOUNT, REGION
from tests.integration.local_aws.stand_in import FunctionError, Throttled
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from websockets.sync.client import ClientConnection

    from tests.integration.local_aws.conftest import WebsocketApi

LARGEST = 128 * 1024
DENY = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}


@pytest.fixture
def api(websocket_api: WebsocketApi) -> WebsocketApi:
    return websocket_api


def raises(problem: type[Exception]) -> Callable[[Any], Any]:
    def does(_: Any) -> Any:
        raise problem("secret")

    return does


def code_of_the_end(socket: ClientConnection) -> int | None:
    """Read until the server closes and return its code."""
    for _ in range(1000):
        try:
            socket.recv(timeout=10)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None
    raise AssertionError("it goes on")


# Handshakes


def test_the_authorizer_is_asked_whatever_was_sent(api: WebsocketApi) -> None:
    # When: without any credentials
    with api.connect(query=""):
        pass

    # Then
    [asked] = api.authorizer.events
    assert asked["type"] == "REQUEST"
    assert asked["queryStringParameters"] is None
    assert asked["requestContext"]["eventType"] == "CONNECT"
    assert asked["methodArn"].endswith(f":{api.id}/v1/$connect")


def test_the_functions_learn_who_connected(api: WebsocketApi) -> None:
    # When
    with api.connect() as socket:
        socket.send('{"action": "said"}')
        assert socket.recv(timeout=10) == "said"

    # Then: in every event, the last too
    eventually(lambda: api.disconnected.events)
    for function, kind in (
        (api.connected, "CONNECT"),
        (api.message, "MESSAGE"),
        (api.disconnected, "DISCONNECT"),
    ):
        [event] = function.events
        assert event["requestContext"]["eventType"] == kind
        assert event["requestContext"]["connectionId"] == api.id_of_the_last()
        assert event["requestContext"]["authorizer"] == {"tenant": "demo", "principalId": "p"}


def test_a_denied_handshake_is_forbidden(api: WebsocketApi) -> None:
    # Given
    api.authorizer.does = lambda _: {"principalId": "p", "policyDocument": DENY}

    # When
    with pytest.raises(InvalidStatus) as refused:
        api.connect()

    # Then
    assert refused.value.response.status_code == 403
    assert api.connected.events == []


@pytest.mark.parametrize("status", [401, 429, 503])
def test_the_status_of_the_connecting_function_is_the_handshakes(
    api: WebsocketApi, status: int
) -> None:
    # Given
    api.connected.does = lambda _: {"statusCode": status}

    # When
    with pytest.raises(InvalidStatus) as refused:
        api.connect()

    # Then
    assert refused.value.response.status_code == status


@pytest.mark.parametrize(
    ("does", "status"),
    [(raises(FunctionError), 502), (lambda _: {}, 502), (raises(Throttled), 500)],
)
def test_a_connecting_function_that_fails_refuses_and_tells_nothing(
    api: WebsocketApi, does: Callable[[Any], Any], status: int
) -> None:
    # Given
    api.connected.does = does

    # When
    with pytest.raises(InvalidStatus) as refused:
        api.connect()

    # Then
    assert refused.value.response.status_code == status
    document = json.loads(refused.value.response.body or b"")
    assert document["message"] == "Internal server error"
    assert set(document) == {"message", "connectionId", "requestId"}


# Routes and answers


def test_an_action_chooses_its_route(api: WebsocketApi) -> None:
    # When
    with api.connect() as socket:
        for message in ('{"action": "said"}', '{"action": "other"}', "{}", "no JSON", "", "[1]"):
            socket.send(message)
            expected = "said" if "said" in message else "$default"
            # Then
            assert socket.recv(timeout=10) == expected


@pytest.mark.parametrize("action", ["$connect", "$disconnect", "$default"])
def test_no_action_takes_a_route_of_the_gateways_own(api: WebsocketApi, action: str) -> None:
    # When
    with api.connect() as socket:
        socket.send(json.dumps({"action": action}))

        # Then
        assert socket.recv(timeout=10) == "$default"
    assert len(api.connected.events) == 1


def test_a_deeply_nested_message_is_a_message(api: WebsocketApi) -> None:
    # When
    with api.connect() as socket:
        socket.send('{"a":' * 20_000)

        # Then
        assert socket.recv(timeout=10) == "$default"


def test_a_route_without_a_response_answers_nothing(api: WebsocketApi) -> None:
    # When
    with api.connect() as socket:
        socket.send('{"action": "told"}')
        socket.send('{"action": "said"}')

        # Then
        assert socket.recv(timeout=10) == "said"
    assert [event["requestContext"]["routeKey"] for event in api.message.events] == ["told", "said"]


@pytest.mark.parametrize("action", ["said", "told"])
@pytest.mark.parametrize(
    "does",
    [raises(FunctionError), raises(Throttled), lambda _: None, lambda _: {"statusCode": "many"}],
)
def test_a_function_that_fails_is_the_gateways_message_and_the_connection_lives(
    api: WebsocketApi, does: Callable[[Any], Any], action: str
) -> None:
    # Given
    works = api.message.does
    api.message.does = does

    # When
    with api.connect() as socket:
        socket.send(json.dumps({"action": action}))
        answer = json.loads(socket.recv(timeout=10))

        # Then
        assert answer["message"] == "Internal server error"
        assert answer["connectionId"] == api.id_of_the_last()
        assert answer["requestId"] == api.message.events[-1]["requestContext"]["requestId"]
        assert len(answer) == 3
        api.message.does = works
        socket.send('{"action": "said"}')
        assert socket.recv(timeout=10) == "said"


# Limits


def test_a_message_of_the_largest_size_is_taken(api: WebsocketApi) -> None:
    # Given characters of two bytes
    message = "ä" * (LARGEST // 2)

    # When
    with api.connect() as socket:
        socket.send(message)

        # Then
        assert socket.recv(timeout=10) == "$default"
    assert api.message.events[0]["body"] == message
    assert api.message.events[0]["isBase64Encoded"] is False


@pytest.mark.parametrize("message", ["a" * (LARGEST + 1), "ä" * (LARGEST // 2 + 1)])
def test_a_larger_message_ends_the_connection(api: WebsocketApi, message: str) -> None:
    # When
    with api.connect() as socket:
        socket.send(message)

        # Then
        assert code_of_the_end(socket) == 1009
    assert api.message.events == []


def test_a_message_in_pieces_counts_as_a_whole(api: WebsocketApi) -> None:
    # When
    with api.connect() as socket:
        # It may be over before the last piece is sent.
        with suppress(ConnectionClosed):
            socket.send(["a" * 32_000] * 8)

        # Then
        assert code_of_the_end(socket) == 1009


@pytest.mark.parametrize("frame", [b"\x00\xff", b'{"action": "said"}', b"", b"1234"])
def test_a_binary_frame_passes_for_no_other(api: WebsocketApi, frame: bytes) -> None:
    # When
    with api.connect() as socket:
        socket.send(frame)

        # Then
        assert socket.recv(timeout=10) == "$default"
    [event] = api.message.events
    assert event["isBase64Encoded"] is True
    assert b64decode(event["body"]) == frame


# Connections managed


def test_ids_of_connections_have_to_be_encoded(api: WebsocketApi) -> None:
    # When
    ids = set()
    for _ in range(5):
        with api.connect():
            ids.add(api.id_of_the_last())

    # Then
    assert len(ids) == 5
    assert all(len(one) == 16 and one.endswith("=") and quote(one, safe="") != one for one in ids)


def test_what_is_posted_arrives_in_order(api: WebsocketApi) -> None:
    # Given
    with api.connect() as socket:
        client, connection = api.management(), api.id_of_the_last()

        # When
        for number in range(50):
            client.post_to_connection(ConnectionId=connection, Data=str(number).encode())

        # Then
        assert [socket.recv(timeout=10) for _ in range(50)] == [str(n) for n in range(50)]


def test_what_was_posted_before_a_deletion_arrives_before_the_end(api: WebsocketApi) -> None:
    # Given
    with api.connect() as socket:
        client, connection = api.management(), api.id_of_the_last()
        texts = [str(number) * 1000 for number in range(20)]

        # When
        for text in texts:
            client.post_to_connection(ConnectionId=connection, Data=text.encode())
        client.delete_connection(ConnectionId=connection)

        # Then
        assert [socket.recv(timeout=10) for _ in texts] == texts
        assert code_of_the_end(socket) == 1000
    eventually(lambda: api.disconnected.events)


def test_a_deleted_connection_is_gone_at_once(api: WebsocketApi) -> None:
    # Given
    with api.connect():
        client, connection = api.management(), api.id_of_the_last()
        client.delete_connection(ConnectionId=connection)

        # Then
        for call in (
            lambda: client.post_to_connection(ConnectionId=connection, Data=b"late"),
            lambda: client.delete_connection(ConnectionId=connection),
        ):
            with pytest.raises(client.exceptions.GoneException):
                call()


def test_a_connection_that_the_client_left_is_gone(api: WebsocketApi) -> None:
    # Given
    with api.connect():
        client, connection = api.management(), api.id_of_the_last()

    # Then
    def gone() -> bool:
        try:
            client.post_to_connection(ConnectionId=connection, Data=b"late")
        except client.exceptions.GoneException:
            return True
        return False

    eventually(gone)


def test_a_posted_message_has_a_largest_size(api: WebsocketApi) -> None:
    # Given
    with api.connect() as socket:
        client, connection = api.management(), api.id_of_the_last()

        # When
        with pytest.raises(client.exceptions.PayloadTooLargeException):
            client.post_to_connection(ConnectionId=connection, Data=b"a" * (LARGEST + 1))
        client.post_to_connection(ConnectionId=connection, Data=b"a" * LARGEST)

        # Then
        assert len(socket.recv(timeout=10)) == LARGEST


def test_who_may_post_may_not_close(api: WebsocketApi) -> None:
    # Given a role that may send to the connections of this stage
    iam, sts = api.ministack.client("iam"), api.ministack.client("sts")
    name = f"sender-{api.id}"
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]["Arn"]
    allowed = {
        "Effect": "Allow",
        "Action": "execute-api:ManageConnections",
        "Resource": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api.id}/v1/POST/@connections/*",
    }
    iam.put_role_policy(
        RoleName=name,
        PolicyName="sends",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]}),
    )
    given = sts.assume_role(RoleArn=role, RoleSessionName="sender")["Credentials"]
    client = api.management(
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )

    # When
    with api.connect() as socket:
        connection = api.id_of_the_last()
        client.post_to_connection(ConnectionId=connection, Data=b"allowed")

        # Then
        assert socket.recv(timeout=10) == "allowed"
        with pytest.raises(ClientError) as refused:
            client.delete_connection(ConnectionId=connection)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403


def test_who_does_not_sign_may_not_post(api: WebsocketApi) -> None:
    # When
    with api.connect():
        url = f"{api.endpoint}/@connections/{quote(api.id_of_the_last(), safe='')}"
        answer = httpx.post(url, content=b"unsigned", trust_env=False)

    # Then
    assert answer.status_code == 403
