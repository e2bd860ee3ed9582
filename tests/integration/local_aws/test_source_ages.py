"""CloudWatch is told how old what consumers read is, and what waits for them."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from tests.integration.local_aws.conftest import create_function, create_queue
from tests.integration.local_aws.stand_in import FunctionError
from tests.waiting import eventually

if TYPE_CHECKING:
    from tests.integration.local_aws.conftest import Ministack
    from tests.integration.local_aws.stand_in import StandIn


def values(ministack: Ministack, namespace: str, name: str, dimension: str, of: str) -> list[float]:
    """Return a metric's values by the minute, as the health checker asks for them."""
    now = datetime.now(UTC)
    metric = {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": dimension, "Value": of}],
    }
    answer = ministack.client("cloudwatch").get_metric_data(
        StartTime=now - timedelta(minutes=3),
        EndTime=now + timedelta(minutes=1),
        MetricDataQueries=[
            {"Id": "age", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}}
        ],
    )
    [result] = answer["MetricDataResults"]
    return list(result["Values"])


def test_the_age_of_what_waits_in_a_queue_grows(ministack: Ministack) -> None:
    # Given
    queue = create_queue(ministack)
    name = queue.arn.rpartition(":")[2]

    def ages() -> list[float]:
        return values(ministack, "AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", name)

    assert ages() == []

    # When
    queue.client.send_message(QueueUrl=queue.url, MessageBody="waits")

    # Then
    eventually(lambda: max(ages(), default=0) > 0.5, what="the age of the message")


def test_the_age_of_records_grows_while_their_consumer_fails(
    ministack: Ministack, host: StandIn
) -> None:
    # Given a function that fails for a second
    function, table = create_function(ministack), f"trial-{uuid4().hex[:8]}"
    until = time.monotonic() + 1

    def fail_at_first(_event: object) -> None:
        if time.monotonic() < until:
            raise FunctionError("not yet")

    host.functions[function] = fail_at_first
    dynamodb, client = ministack.client("dynamodb"), ministack.client("lambda")
    made = dynamodb.create_table(
        TableName=table,
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
    )
    mapping = client.create_event_source_mapping(
        FunctionName=f"{function}:live",
        EventSourceArn=made["TableDescription"]["LatestStreamArn"],
        StartingPosition="TRIM_HORIZON",
    )

    # When
    dynamodb.put_item(TableName=table, Item={"pk": {"S": "late"}})

    # Then
    def age() -> float:
        return max(
            values(ministack, "AWS/Lambda", "IteratorAge", "FunctionName", function), default=0
        )

    try:
        eventually(lambda: age() > 500, what="the age of the record, in milliseconds")
    finally:
        client.delete_event_source_mapping(UUID=mapping["UUID"])
