"""Streams, positions and waiting events outlast a stop, and a crash as well as can be."""

from __future__ import annotations

import json
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.local_aws.conftest import (
    ACCOUNT,
    FAST,
    REGION,
    create_function,
    create_queue,
    running_ministack,
)
from tests.integration.local_aws.stand_in import FunctionError
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.integration.local_aws.conftest import Ministack
    from tests.integration.local_aws.stand_in import StandIn

STREAM = {"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"}


class Restarted:
    """A MiniStack that keeps its state in a folder from one start to the next."""

    def __init__(self, folder: Path, host: StandIn) -> None:
        self._folder, self._host = folder, host

    @contextmanager
    def running(self, **settings: str) -> Iterator[Ministack]:
        kept = {"PERSIST_STATE": "1", "ITEMSTREAM_LAMBDA_HOST_URL": self._host.url}
        with running_ministack(self._folder, **{**FAST, **kept, **settings}) as ministack:
            yield ministack

    @staticmethod
    def end(ministack: Ministack, how: signal.Signals) -> None:
        ministack.process.send_signal(how)
        ministack.process.wait(timeout=20)

    def saved(self, name: str, what: str) -> bool:
        """Whether `what` is in a saved file."""
        file = self._folder / "state" / name
        return file.exists() and what in file.read_text()


@pytest.fixture
def restarted(tmp_path: Path, host: StandIn) -> Restarted:
    return Restarted(tmp_path, host)


def make_consumer(
    ministack: Ministack, host: StandIn, does: Callable[[Any], Any], **settings: Any
) -> None:
    """Make the table `source` and a function that consumes its stream."""
    table = ministack.client("dynamodb").create_table(
        TableName="source",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification=STREAM,
    )["TableDescription"]
    name = create_function(ministack)
    host.functions[name] = does
    ministack.client("lambda").create_event_source_mapping(
        EventSourceArn=table["LatestStreamArn"],
        FunctionName=f"{name}:live",
        **{"StartingPosition": "LATEST", "BatchSize": 1, **settings},
    )


def put(ministack: Ministack, *keys: str) -> None:
    for key in keys:
        ministack.client("dynamodb").put_item(TableName="source", Item={"pk": {"S": key}})


def keys(event: Any) -> list[str]:
    return [record["dynamodb"]["Keys"]["pk"]["S"] for record in event["Records"]]


@pytest.mark.parametrize("factor", [1, 3])
def test_a_stop_in_the_middle_skips_no_record_and_repeats_few(
    restarted: Restarted, host: StandIn, factor: int
) -> None:
    # Given a consumer that comes to a halt at a record
    done: list[str] = []
    halted, going_on = threading.Event(), threading.Event()

    def does(event: Any) -> None:
        if keys(event) == ["k20"] and not going_on.is_set():
            halted.set()
            raise FunctionError
        done.extend(keys(event))

    written = [f"k{number}" for number in range(40)]
    with restarted.running() as ministack:
        make_consumer(ministack, host, does, ParallelizationFactor=factor)
        put(ministack, *written)
        assert halted.wait(20)

        # When
        restarted.end(ministack, signal.SIGTERM)
    before = list(done)
    assert 0 < len(before) < 40
    going_on.set()
    with restarted.running() as ministack:
        put(ministack, "after")
        eventually(lambda: {*written, "after"} <= set(done))

    # Then: in order where one lane has them all
    again = done[len(before) :]
    if factor == 1:
        assert again == [*written[20:], "after"]
    assert set(before) | set(again) == {*written, "after"}


def test_records_that_are_done_with_can_be_read_after_a_stop(
    restarted: Restarted, host: StandIn
) -> None:
    # Given
    done: list[str] = []
    with restarted.running() as ministack:
        make_consumer(ministack, host, lambda event: done.extend(keys(event)))
        put(ministack, "a", "b")
        eventually(lambda: done == ["a", "b"])
        # What is done with is written down before what follows is begun.
        put(ministack, "last")
        eventually(lambda: "last" in done)
        first = records(ministack)

        # When
        restarted.end(ministack, signal.SIGTERM)

    # Then: and nobody is told of them again, but for what was done at that moment
    with restarted.running() as ministack:
        assert records(ministack) == first
        put(ministack, "c")
        eventually(lambda: "c" in done)
        assert [key for key in done if key != "last"] == ["a", "b", "c"]
        assert records(ministack)[:3] == first


def records(ministack: Ministack) -> list[tuple[str, str]]:
    client = ministack.client("dynamodbstreams")
    [stream] = client.list_streams(TableName="source")["Streams"]
    [shard] = client.describe_stream(StreamArn=stream["StreamArn"])["StreamDescription"]["Shards"]
    iterator = client.get_shard_iterator(
        StreamArn=stream["StreamArn"], ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    return [
        (record["dynamodb"]["SequenceNumber"], record["dynamodb"]["Keys"]["pk"]["S"])
        for record in client.get_records(ShardIterator=iterator)["Records"]
    ]


def test_a_crash_repeats_records_rather_than_skip_them(restarted: Restarted, host: StandIn) -> None:
    # Given a consumer in the middle of its work, and a round of saving that had all the records
    done: list[str] = []
    going_on = threading.Event()

    def does(event: Any) -> None:
        if keys(event) == ["k5"] and not going_on.is_set():
            raise FunctionError
        done.extend(keys(event))

    written = [f"k{number}" for number in range(10)]
    with restarted.running(ITEMSTREAM_SAVE_SECONDS="0.1") as ministack:
        make_consumer(ministack, host, does)
        put(ministack, *written)
        eventually(lambda: done == written[:5])
        rounds = restarted._folder / "state" / "itemstream_consumption.json"
        seen = [rounds.stat().st_mtime_ns if rounds.exists() else 0]
        for _ in range(2):
            eventually(lambda: rounds.exists() and rounds.stat().st_mtime_ns > seen[-1])
            seen.append(rounds.stat().st_mtime_ns)

        # When
        restarted.end(ministack, signal.SIGKILL)
    going_on.set()

    # Then
    with restarted.running() as ministack:
        eventually(lambda: set(written) <= set(done))
        assert done[5:] == written[5:]


def test_a_line_that_a_crash_cut_off_is_in_nobodys_way(
    restarted: Restarted, host: StandIn, tmp_path: Path
) -> None:
    # Given
    done: list[str] = []
    tried = threading.Event()
    going_on = threading.Event()

    def does(event: Any) -> None:
        if keys(event) == ["b"] and not going_on.is_set():
            tried.set()
            raise FunctionError
        done.extend(keys(event))

    with restarted.running() as ministack:
        make_consumer(ministack, host, does)
        put(ministack, "a")
        eventually(lambda: done == ["a"])
        restarted.end(ministack, signal.SIGTERM)
    [file] = (tmp_path / "state" / "streams").iterdir()
    with file.open("a") as stream:
        stream.write('{"eventID": "cut of')

    # When: what comes after it is still to be done at the next stop
    with restarted.running() as ministack:
        put(ministack, "b")
        assert tried.wait(60)
        restarted.end(ministack, signal.SIGTERM)
    going_on.set()

    # Then
    with restarted.running():
        # (a stop right after a record is done may repeat it)
        eventually(lambda: list(dict.fromkeys(done)) == ["a", "b"], within=60)


def test_an_event_that_waits_for_its_retry_is_tried_after_a_stop(
    restarted: Restarted, host: StandIn
) -> None:
    # Given
    events: list[Any] = []
    broken = threading.Event()
    broken.set()

    def does(event: Any) -> None:
        events.append(event)
        if broken.is_set():
            raise FunctionError

    with restarted.running(ITEMSTREAM_EVENT_RETRY_SECONDS="2") as ministack:
        name = create_function(ministack)
        host.functions[name] = does
        client = ministack.client("lambda")
        client.invoke(
            FunctionName=name, Qualifier="live", InvocationType="Event", Payload=b'{"n": 1}'
        )
        eventually(lambda: len(events) == 1)

        # When
        restarted.end(ministack, signal.SIGTERM)
    broken.clear()

    # Then: and it ends there
    with restarted.running():
        eventually(lambda: len(events) == 2)
        assert events == [{"n": 1}] * 2


def test_a_notification_of_an_object_outlasts_a_stop_right_after_it(
    restarted: Restarted, host: StandIn
) -> None:
    # Given
    told: list[str] = []

    def does(event: Any) -> None:
        told.extend(record["s3"]["object"]["key"] for record in event["Records"])

    keys = {f"calls/{number}" for number in range(30)}
    with restarted.running() as ministack:
        name = create_function(ministack)
        host.functions[name] = does
        client = ministack.client("s3")
        client.create_bucket(Bucket="landing")
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}:live"
        to_function = {"LambdaFunctionArn": arn, "Events": ["s3:ObjectCreated:*"]}
        client.put_bucket_notification_configuration(
            Bucket="landing",
            NotificationConfiguration={"LambdaFunctionConfigurations": [to_function]},
        )
        for key in keys:
            client.put_object(Bucket="landing", Key=key, Body=b"{}")

        # When
        restarted.end(ministack, signal.SIGTERM)

    # Then
    with restarted.running():
        eventually(lambda: set(told) == keys)


def test_an_event_that_runs_during_a_stop_is_tried_after_it(
    restarted: Restarted, host: StandIn
) -> None:
    # Given
    events: list[Any] = []
    release = threading.Event()

    def does(event: Any) -> None:
        events.append(event)
        release.wait(20)

    with restarted.running() as ministack:
        name = create_function(ministack)
        host.functions[name] = does
        ministack.client("lambda").invoke(
            FunctionName=name, Qualifier="live", InvocationType="Event", Payload=b'{"n": 1}'
        )
        eventually(lambda: len(events) == 1)

        # When
        restarted.end(ministack, signal.SIGTERM)
    release.set()

    # Then
    with restarted.running():
        eventually(lambda: len(events) == 2)


def test_an_event_that_is_done_with_is_not_tried_after_a_stop(
    restarted: Restarted, host: StandIn
) -> None:
    # Given
    events: list[Any] = []
    with restarted.running() as ministack:
        name = create_function(ministack)
        host.functions[name] = events.append
        client = ministack.client("lambda")
        queue = create_queue(ministack)
        client.put_function_event_invoke_config(
            FunctionName=name,
            Qualifier="live",
            DestinationConfig={"OnSuccess": {"Destination": queue.arn}},
        )
        arguments = {"FunctionName": name, "Qualifier": "live", "InvocationType": "Event"}
        client.invoke(**arguments, Payload=json.dumps("first"))
        eventually(queue.receive)
        restarted.end(ministack, signal.SIGTERM)

    # When
    with restarted.running() as ministack:
        ministack.client("lambda").invoke(**arguments, Payload=json.dumps("second"))
        eventually(lambda: "second" in events)

    # Then
    assert events == ["first", "second"]


def test_messages_of_a_queue_outlast_a_stop(restarted: Restarted) -> None:
    # Given
    with restarted.running() as ministack:
        queue = create_queue(ministack)
        queue.client.send_message(QueueUrl=queue.url, MessageBody="kept")
        restarted.end(ministack, signal.SIGTERM)

    # When
    with restarted.running() as ministack:
        client = ministack.client("sqs")
        name = queue.arn.rpartition(":")[2]
        url = client.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=ACCOUNT)["QueueUrl"]
        [message] = client.receive_message(QueueUrl=url)["Messages"]

    # Then
    assert message["Body"] == "kept"
    assert REGION in queue.arn
