"""An alias with weights shares its invocations between two versions, whoever calls."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests.integration.local_aws.conftest import create_function, create_queue
from tests.waiting import eventually

if TYPE_CHECKING:
    from tests.integration.local_aws.conftest import Ministack, RestApi, WebsocketApi
    from tests.integration.local_aws.stand_in import StandIn


class Released:
    """A function with two versions; its alias `live` names the first."""

    def __init__(self, ministack: Ministack, name: str) -> None:
        self.name, self.client = name, ministack.client("lambda")
        self.client.update_function_configuration(FunctionName=name, Description=name)
        self.client.publish_version(FunctionName=name)

    def weigh(self, weights: dict[str, float], version: str = "1") -> Any:
        return self.client.update_alias(
            FunctionName=self.name,
            Name="live",
            FunctionVersion=version,
            RoutingConfig={"AdditionalVersionWeights": weights},
        )

    def invoke(self, **more: Any) -> Any:
        return self.client.invoke(FunctionName=self.name, Qualifier="live", **more)


@pytest.fixture
def released(ministack: Ministack) -> Released:
    return Released(ministack, create_function(ministack))


def ran(host: StandIn, name: str) -> set[tuple[str, str]]:
    """Return which versions of a function ran, and by which qualifier they were called."""
    return {
        (headers["X-Amzn-Lambda-Function-Version"], headers["X-Amzn-Lambda-Function-Arn"][-5:])
        for headers, _ in host.invocations
        if headers["X-Amzn-Lambda-Function-Name"] == name
    }


def test_invocations_are_shared_by_weight_and_the_answer_names_the_version(
    released: Released, host: StandIn
) -> None:
    # Given
    calls, share = 100, 0.4
    released.weigh({"2": share})

    # When
    told = [released.invoke()["ExecutedVersion"] for _ in range(calls)]

    # Then
    assert told == [headers["X-Amzn-Lambda-Function-Version"] for headers, _ in host.invocations]
    five_sigma = 5 * math.sqrt(calls * share * (1 - share))
    assert abs(told.count("2") - calls * share) < five_sigma
    assert set(told) == {"1", "2"}


def test_weights_are_kept_and_end_when_they_are_taken_away(
    released: Released, host: StandIn
) -> None:
    # Given
    released.weigh({"2": 1.0})
    kept = released.client.get_alias(FunctionName=released.name, Name="live")
    while_weighted = released.invoke()["ExecutedVersion"]

    # When
    released.weigh({})

    # Then
    assert kept["FunctionVersion"] == "1"
    assert kept["RoutingConfig"] == {"AdditionalVersionWeights": {"2": 1.0}}
    assert while_weighted == "2"
    assert released.invoke()["ExecutedVersion"] == "1"
    assert "RoutingConfig" not in released.client.get_alias(FunctionName=released.name, Name="live")


def test_an_event_nobody_waits_for_goes_by_weight(released: Released, host: StandIn) -> None:
    # Given
    released.weigh({"2": 1.0})

    # When
    released.invoke(InvocationType="Event")

    # Then
    assert eventually(lambda: ran(host, released.name)) == {("2", ":live")}


def test_a_queues_messages_go_by_weight(
    ministack: Ministack, released: Released, host: StandIn
) -> None:
    # Given
    queue = create_queue(ministack)
    released.weigh({"2": 1.0})
    mapping = released.client.create_event_source_mapping(
        EventSourceArn=queue.arn, FunctionName=f"{released.name}:live"
    )["UUID"]

    # When
    queue.client.send_message(QueueUrl=queue.url, MessageBody="{}")

    # Then
    assert eventually(lambda: ran(host, released.name)) == {("2", ":live")}
    released.client.delete_event_source_mapping(UUID=mapping)


def test_a_streams_records_go_by_weight_and_a_dead_letter_names_the_version(
    ministack: Ministack, released: Released, host: StandIn
) -> None:
    # Given
    table = ministack.client("dynamodb").create_table(
        TableName=released.name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]
    letters = create_queue(ministack)
    released.weigh({"2": 1.0})
    host.answers({"errorMessage": "no"}, X_Amz_Function_Error="Unhandled")
    mapping = released.client.create_event_source_mapping(
        EventSourceArn=table["LatestStreamArn"],
        FunctionName=f"{released.name}:live",
        StartingPosition="TRIM_HORIZON",
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": letters.arn}},
    )["UUID"]

    # When
    ministack.client("dynamodb").put_item(TableName=released.name, Item={"pk": {"S": "a"}})

    # Then
    [letter] = eventually(letters.bodies)
    assert letter["responseContext"]["executedVersion"] == "2"
    assert ran(host, released.name) == {("2", ":live")}
    released.client.delete_event_source_mapping(UUID=mapping)


def test_a_rest_apis_calls_go_by_weight(
    ministack: Ministack, rest_api: RestApi, host: StandIn
) -> None:
    # Given
    released = Released(ministack, rest_api.function)
    released.weigh({"2": 1.0})
    host.answers({"statusCode": 200, "body": ""})

    # When
    answer = rest_api.http.post("/things", json={"name": "Chair"})

    # Then
    assert answer.status_code == 200
    assert ran(host, released.name) == {("2", ":live")}
    released.weigh({})


def test_a_websocket_apis_messages_and_authorizer_go_by_weight(
    ministack: Ministack, websocket_api: WebsocketApi, host: StandIn
) -> None:
    # Given
    functions = (websocket_api.authorizer, websocket_api.connected, websocket_api.message)
    for function in functions:
        Released(ministack, function.name).weigh({"2": 1.0})

    # When
    with websocket_api.connect() as socket:
        socket.send(json.dumps({"action": "said"}))
        socket.recv(timeout=10)

    # Then
    assert [ran(host, function.name) for function in functions] == [{("2", ":live")}] * 3


@pytest.mark.parametrize(
    ("weights", "version", "kind"),
    [
        ({"2": 1.5}, "1", "InvalidParameterValueException"),
        ({"2": 0.5, "3": 0.1}, "1", "InvalidParameterValueException"),
        ({"1": 0.5}, "1", "InvalidParameterValueException"),
        ({"1": 0.5}, "$LATEST", "InvalidParameterValueException"),
        ({"9": 0.5}, "1", "ResourceNotFoundException"),
    ],
)
def test_weights_that_cannot_be_are_refused(
    released: Released, weights: dict[str, float], version: str, kind: str
) -> None:
    # When
    with pytest.raises(ClientError) as raised:
        released.weigh(weights, version)

    # Then
    assert raised.value.response["Error"]["Code"] == kind
    alias = released.client.get_alias(FunctionName=released.name, Name="live")
    assert alias["FunctionVersion"] == "1"
    assert "RoutingConfig" not in alias


def test_while_there_are_weights_an_alias_takes_no_provisioned_concurrency(
    released: Released,
) -> None:
    # Given
    released.weigh({"2": 0.1})

    # When
    with pytest.raises(ClientError, match="Alias with weights"):
        released.client.put_provisioned_concurrency_config(
            FunctionName=released.name, Qualifier="live", ProvisionedConcurrentExecutions=1
        )

    # Then
    released.weigh({})
    released.client.put_provisioned_concurrency_config(
        FunctionName=released.name, Qualifier="live", ProvisionedConcurrentExecutions=1
    )
