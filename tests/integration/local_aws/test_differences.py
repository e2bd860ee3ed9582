"""What the local AWS does not do as AWS does, listed in docs/local.md.

Each test states what MiniStack does. One that fails is good news: take the entry off the list.
"""

from __future__ import annotations

import json
from threading import Event
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from websockets.sync.client import connect

from tests.integration.local_aws.conftest import create_queue

if TYPE_CHECKING:
    from tests.integration.local_aws.conftest import Ministack, RestApi, WebsocketApi
    from tests.integration.local_aws.stand_in import StandIn


def test_header_names_arrive_in_lower_case(rest_api: RestApi, host: StandIn) -> None:
    # Given
    host.answers({"statusCode": 200})

    # When
    rest_api.http.post("/things", json={"name": "a"}, headers={"If-Match": '"1"'})

    # Then: AWS keeps the case of the client
    assert host.last_event["headers"]["if-match"] == '"1"'


def test_repeated_headers_are_joined(rest_api: RestApi, host: StandIn) -> None:
    # Given
    host.answers({"statusCode": 200})

    # When
    rest_api.http.post("/things", json={"name": "a"}, headers=[("X-Many", "1"), ("X-Many", "2")])

    # Then: AWS gives the last one, and both in multiValueHeaders
    assert host.last_event["headers"]["x-many"] == "1, 2"
    assert host.last_event["multiValueHeaders"]["x-many"] == ["1, 2"]


def test_a_functions_permission_to_be_called_is_not_checked(
    rest_api: RestApi, host: StandIn
) -> None:
    # Given: nobody was permitted to call the function
    host.answers({"statusCode": 200})

    # Then: AWS answers 500
    assert rest_api.http.post("/things", json={"name": "a"}).status_code == 200


def test_a_method_is_live_before_it_is_deployed(rest_api: RestApi, host: StandIn) -> None:
    # Given
    [things] = [
        resource
        for resource in rest_api.client.get_resources(restApiId=rest_api.id)["items"]
        if resource["path"] == "/things"
    ]
    method = {"restApiId": rest_api.id, "resourceId": things["id"], "httpMethod": "GET"}

    # When
    rest_api.client.put_method(**method, authorizationType="NONE")
    rest_api.client.put_integration(
        **method, type="MOCK", requestTemplates={"application/json": '{"statusCode": 200}'}
    )

    # Then: AWS answers 403 until the next deployment
    assert rest_api.http.get("/things").status_code == 200


def test_a_body_of_another_content_type_is_validated_as_json(
    rest_api: RestApi, host: StandIn
) -> None:
    # When
    answer = rest_api.http.post("/things", content="{}", headers={"Content-Type": "text/plain"})

    # Then: AWS has no model for text/plain and passes the body on
    assert answer.status_code == 400
    assert answer.json()["kind"] == "BAD_REQUEST_BODY"


def test_there_is_no_response_cache(rest_api: RestApi) -> None:
    # When
    rest_api.client.update_stage(
        restApiId=rest_api.id,
        stageName="v1",
        patchOperations=[
            {"op": "replace", "path": "/cacheClusterEnabled", "value": "true"},
            {"op": "replace", "path": "/cacheClusterSize", "value": "0.5"},
        ],
    )

    # Then: AWS reports CREATE_IN_PROGRESS, then AVAILABLE
    stage = rest_api.client.get_stage(restApiId=rest_api.id, stageName="v1")
    assert stage.get("cacheClusterStatus") in (None, "NOT_AVAILABLE")


def test_there_is_no_application_auto_scaling(ministack: Ministack) -> None:
    with pytest.raises(ClientError):
        ministack.client("application-autoscaling").describe_scalable_targets(
            ServiceNamespace="lambda"
        )


def test_there_is_no_code_deploy(ministack: Ministack) -> None:
    with pytest.raises(ClientError):
        ministack.client("codedeploy").list_applications()


def test_traces_are_not_taken(ministack: Ministack) -> None:
    with pytest.raises(ClientError):
        ministack.client("xray").put_trace_segments(TraceSegmentDocuments=["{}"])


def test_access_logs_are_not_written(
    rest_api: RestApi, ministack: Ministack, host: StandIn
) -> None:
    # Given
    group = f"access-{rest_api.id}"
    logs = ministack.client("logs")
    logs.create_log_group(logGroupName=group)
    rest_api.client.update_stage(
        restApiId=rest_api.id,
        stageName="v1",
        patchOperations=[
            {
                "op": "replace",
                "path": "/accessLogSettings/destinationArn",
                "value": f"arn:aws:logs:us-east-1:000000000000:log-group:{group}",
            },
            {"op": "replace", "path": "/accessLogSettings/format", "value": "$context.requestId"},
        ],
    )
    host.answers({"statusCode": 200})

    # When
    assert rest_api.http.post("/things", json={"name": "a"}).status_code == 200

    # Then: AWS writes a line
    assert logs.describe_log_streams(logGroupName=group)["logStreams"] == []


def test_a_policy_does_not_bind_a_role_to_leading_keys(ministack: Ministack) -> None:
    # Given a role that may read the items of tenant a
    dynamodb, iam = ministack.client("dynamodb"), ministack.client("iam")
    table = dynamodb.create_table(
        TableName="leading-keys",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )["TableDescription"]["TableArn"]
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    role = iam.create_role(RoleName="leading-keys", AssumeRolePolicyDocument=policy(trust))["Role"]
    allowed = {
        "Effect": "Allow",
        "Action": "dynamodb:GetItem",
        "Resource": table,
        "Condition": {"ForAllValues:StringEquals": {"dynamodb:LeadingKeys": ["a"]}},
    }
    iam.put_role_policy(
        RoleName="leading-keys", PolicyName="access", PolicyDocument=policy(allowed)
    )
    given = ministack.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="trial")
    as_role = boto3.client(
        "dynamodb",
        endpoint_url=ministack.endpoint,
        region_name="us-east-1",
        aws_access_key_id=given["Credentials"]["AccessKeyId"],
        aws_secret_access_key=given["Credentials"]["SecretAccessKey"],
        aws_session_token=given["Credentials"]["SessionToken"],
    )

    # When
    with pytest.raises(ClientError, match="AccessDenied"):
        as_role.scan(TableName="leading-keys")
    answer = as_role.get_item(TableName="leading-keys", Key={"pk": {"S": "b"}})

    # Then: AWS refuses the key of another tenant
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_stream_has_one_shard(ministack: Ministack) -> None:
    # Given
    dynamodb = ministack.client("dynamodb")
    stream = dynamodb.create_table(
        TableName="one-shard",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"},
    )["TableDescription"]["LatestStreamArn"]

    # When
    for number in range(100):
        dynamodb.put_item(TableName="one-shard", Item={"pk": {"S": str(number)}})

    # Then: AWS has one for each partition of the table, an on-demand table four to begin with
    described = ministack.client("dynamodbstreams").describe_stream(StreamArn=stream)
    assert len(described["StreamDescription"]["Shards"]) == 1


def test_what_a_topic_cannot_deliver_is_dropped(ministack: Ministack) -> None:
    # Given a subscription whose queue is gone, with a dead-letter queue
    sns = ministack.client("sns")
    topic = sns.create_topic(Name="undelivered")["TopicArn"]
    gone = create_queue(ministack, open_to="sns.amazonaws.com")
    dead_letters = create_queue(ministack, open_to="sns.amazonaws.com")
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=gone.arn,
        Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": dead_letters.arn})},
    )
    gone.client.delete_queue(QueueUrl=gone.url)

    # When
    sns.publish(TopicArn=topic, Message="lost")

    # Then: AWS sends it to the subscription's dead-letter queue
    assert dead_letters.receive() == []


def test_a_queue_is_not_fair(ministack: Ministack) -> None:
    # Given a queue with much from one tenant, of which much is at work
    queue = create_queue(ministack)
    for tenant, number in (("large", 60), ("small", 1)):
        for _ in range(number):
            queue.client.send_message(QueueUrl=queue.url, MessageBody=tenant, MessageGroupId=tenant)

    # When
    handed_out = [
        message["Body"]
        for _ in range(6)
        for message in queue.client.receive_message(
            QueueUrl=queue.url, MaxNumberOfMessages=10, VisibilityTimeout=60
        )["Messages"]
    ]

    # Then: AWS does not let the small tenant wait for all of the large one's
    assert handed_out == ["large"] * 60


def policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


# WebSocket API


def test_a_large_message_may_be_one_frame(websocket_api: WebsocketApi) -> None:
    # When
    with websocket_api.connect() as socket:
        socket.send("a" * 100_000)

        # Then: AWS closes with 1009
        assert socket.recv(timeout=10) == "$default"


def test_messages_of_a_connection_wait_for_each_other(websocket_api: WebsocketApi) -> None:
    # Given a function that is still at the first message while the second is there
    second = Event()

    def does(event: Any) -> Any:
        if event["body"] == "first":
            second.wait(0.5)
        else:
            second.set()
        return {"statusCode": 200, "body": f"{event['body']}, {second.is_set()}"}

    websocket_api.message.does = does

    # When
    with websocket_api.connect() as socket:
        socket.send("first")
        socket.send("second")

        # Then: AWS calls the function for both at once
        assert [socket.recv(timeout=10) for _ in range(2)] == ["first, False", "second, True"]


def test_a_stage_that_is_not_there_accepts_connections(websocket_api: WebsocketApi) -> None:
    # When: AWS answers 403
    with connect(websocket_api.url.replace("/v1", "/v2"), proxy=None) as socket:
        socket.send("message")

        # Then
        assert socket.recv(timeout=10) == "$default"


def test_a_websocket_apis_throttling_is_not_applied(websocket_api: WebsocketApi) -> None:
    # Given
    websocket_api.ministack.client("apigatewayv2").update_stage(
        ApiId=websocket_api.id,
        StageName="v1",
        DefaultRouteSettings={"ThrottlingBurstLimit": 1, "ThrottlingRateLimit": 0.5},
    )

    # When
    with websocket_api.connect() as socket:
        for _ in range(5):
            socket.send("message")

        # Then
        assert [socket.recv(timeout=10) for _ in range(5)] == ["$default"] * 5
