"""What expires leaves its table, and its stream tells that nobody but DynamoDB deleted it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.integration.local_aws.conftest import create_function
from tests.waiting import eventually

if TYPE_CHECKING:
    from tests.integration.local_aws.conftest import Ministack
    from tests.integration.local_aws.stand_in import StandIn


@pytest.fixture
def dynamodb(ministack: Ministack) -> Any:
    return ministack.client("dynamodb")


@pytest.fixture
def table(dynamodb: Any) -> str:
    name = f"trial-{uuid4().hex[:8]}"
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    dynamodb.update_time_to_live(
        TableName=name,
        TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires_at"},
    )
    return name


def stream_records(ministack: Ministack, table: str) -> list[Any]:
    client = ministack.client("dynamodbstreams")
    [stream] = client.list_streams(TableName=table)["Streams"]
    [shard] = client.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]["Shards"]
    iterator = client.get_shard_iterator(
        StreamArn=stream["StreamArn"], ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    return list(client.get_records(ShardIterator=iterator)["Records"])


def removals(ministack: Ministack, table: str) -> list[Any]:
    return [
        record for record in stream_records(ministack, table) if record["eventName"] == "REMOVE"
    ]


def test_an_expired_item_is_deleted_by_dynamodb_itself(
    ministack: Ministack, dynamodb: Any, table: str
) -> None:
    # Given
    item = {"pk": {"S": "a"}, "expires_at": {"N": str(int(time.time()) - 1)}}

    # When
    dynamodb.put_item(TableName=table, Item=item)
    [record] = eventually(lambda: removals(ministack, table))

    # Then
    assert record["userIdentity"] == {"Type": "Service", "PrincipalId": "dynamodb.amazonaws.com"}
    assert record["dynamodb"]["OldImage"] == item
    assert "NewImage" not in record["dynamodb"]
    assert dynamodb.scan(TableName=table)["Items"] == []


def test_a_function_is_told_who_deleted_an_expired_item(
    ministack: Ministack, host: StandIn, dynamodb: Any, table: str
) -> None:
    # Given
    name = create_function(ministack)
    events: list[Any] = []
    host.functions[name] = events.append
    stream = dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    client = ministack.client("lambda")
    mapping = client.create_event_source_mapping(
        EventSourceArn=stream,
        FunctionName=name,
        StartingPosition="TRIM_HORIZON",
        FilterCriteria={"Filters": [{"Pattern": '{"eventName": ["REMOVE"]}'}]},
    )

    # When
    item = {"pk": {"S": "a"}, "expires_at": {"N": str(int(time.time()) - 1)}}
    dynamodb.put_item(TableName=table, Item=item)

    # Then
    [event] = eventually(lambda: events)
    [record] = event["Records"]
    assert record["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    client.delete_event_source_mapping(UUID=mapping["UUID"])


def test_what_a_client_deletes_has_no_identity(
    ministack: Ministack, dynamodb: Any, table: str
) -> None:
    # Given
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "a"}})

    # When
    dynamodb.delete_item(TableName=table, Key={"pk": {"S": "a"}})

    # Then
    [record] = removals(ministack, table)
    assert "userIdentity" not in record


def test_what_is_not_due_or_no_number_or_very_old_stays(
    ministack: Ministack, dynamodb: Any, table: str
) -> None:
    # Given
    now = int(time.time())
    for key, expires_at in (
        ("later", {"N": str(now + 3600)}),
        ("text", {"S": str(now - 1)}),
        ("very old", {"N": str(now - 6 * 365 * 24 * 3600)}),
    ):
        dynamodb.put_item(TableName=table, Item={"pk": {"S": key}, "expires_at": expires_at})

    # When
    item = {"pk": {"S": "due"}, "expires_at": {"N": str(now - 1)}}
    dynamodb.put_item(TableName=table, Item=item)
    eventually(lambda: removals(ministack, table))

    # Then
    left = {item["pk"]["S"] for item in dynamodb.scan(TableName=table)["Items"]}
    assert left == {"later", "text", "very old"}
