"""DynamoDB streams invoke functions as their event source mappings say.

What AWS documents, for one shard: the table of a test is small.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.integration.local_aws.conftest import (
    ACCOUNT,
    REGION,
    create_function,
    create_queue,
)
from tests.integration.local_aws.stand_in import FunctionError, Throttled
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.local_aws.conftest import Ministack, Queue
    from tests.integration.local_aws.stand_in import StandIn

PARTIAL = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}
BISECT = {"BisectBatchOnFunctionError": True}


@dataclass
class Table:
    """A table with a stream."""

    name: str
    stream: str
    client: Any

    def put(self, *keys: str, **attributes: str) -> None:
        for key in keys:
            item = {name: {"S": value} for name, value in attributes.items()}
            self.client.put_item(TableName=self.name, Item={"pk": {"S": key}, **item})


@dataclass
class Consumer:
    """A function that a mapping invokes.

    Attributes
    ----------
    batches
        What it was invoked with: the partition keys of each batch.
    does
        What it does with a batch's keys; its answer is the function's.
    """

    name: str
    batches: list[list[str]] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    does: Callable[[list[str]], Any] = lambda _: None

    def __call__(self, event: Any) -> Any:
        keys = [record["dynamodb"]["Keys"]["pk"]["S"] for record in event["Records"]]
        self.batches.append(keys)
        self.records.extend(event["Records"])
        return self.does(keys)

    @property
    def keys(self) -> list[str]:
        return [key for batch in self.batches for key in batch]

    def sequence_number(self, key: str) -> str:
        [number] = {
            record["dynamodb"]["SequenceNumber"]
            for record in self.records
            if record["dynamodb"]["Keys"]["pk"]["S"] == key
        }
        return str(number)

    def failing_at(self, key: str) -> Any:
        """Answer that `key` failed and what follows was not tried."""
        return {"batchItemFailures": [{"itemIdentifier": self.sequence_number(key)}]}


class Setting:
    """Makes what a test needs, and mappings that end with it."""

    def __init__(self, ministack: Ministack, host: StandIn) -> None:
        self.ministack, self.host = ministack, host
        self.client = ministack.client("lambda")
        self.mappings: list[str] = []

    def table(self) -> Table:
        client = self.ministack.client("dynamodb")
        name = f"trial-{uuid4().hex[:8]}"
        made = client.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        return Table(name, made["TableDescription"]["LatestStreamArn"], client)

    def consumer(self, does: Callable[[list[str]], Any] = lambda _: None) -> Consumer:
        consumer = Consumer(create_function(self.ministack), does=does)
        self.host.functions[consumer.name] = consumer
        return consumer

    def map(self, table: Table, consumer: Consumer, **settings: Any) -> str:
        made = self.client.create_event_source_mapping(
            EventSourceArn=table.stream,
            FunctionName=f"{consumer.name}:live",
            **{"StartingPosition": "TRIM_HORIZON", **settings},
        )
        self.mappings.append(made["UUID"])
        return str(made["UUID"])


@pytest.fixture
def setting(ministack: Ministack, host: StandIn) -> Iterator[Setting]:
    setting = Setting(ministack, host)
    yield setting
    for mapping in setting.mappings:
        setting.client.delete_event_source_mapping(UUID=mapping)


@pytest.fixture
def table(setting: Setting) -> Table:
    return setting.table()


@pytest.fixture
def dead_letters(ministack: Ministack) -> Queue:
    return create_queue(ministack)


def to(queue: Queue) -> dict[str, Any]:
    return {"DestinationConfig": {"OnFailure": {"Destination": queue.arn}}}


def failing(*bad: str) -> Callable[[list[str]], None]:
    """Fail as a whole when one of `bad` is in the batch."""

    def does(keys: list[str]) -> None:
        if set(bad) & set(keys):
            raise FunctionError

    return does


def test_a_batch_holds_what_waits_in_order_and_no_more_than_its_size(
    setting: Setting, table: Table
) -> None:
    # Given
    consumer = setting.consumer()
    table.put("a", "b", "c", "d", "e")

    # When
    setting.map(table, consumer, BatchSize=2)

    # Then
    eventually(lambda: len(consumer.keys) == 5)
    assert consumer.batches == [["a", "b"], ["c", "d"], ["e"]]


def test_the_function_is_invoked_by_its_alias_with_whole_records(
    setting: Setting, table: Table
) -> None:
    # Given
    consumer = setting.consumer()
    setting.map(table, consumer)

    # When
    table.put("a", colour="red")
    table.put("a", colour="blue")

    # Then
    eventually(lambda: len(consumer.records) == 2)
    headers, _ = setting.host.invocations[-1]
    assert headers["X-Amzn-Lambda-Function-Arn"].endswith(f":function:{consumer.name}:live")
    assert headers["X-Amzn-Lambda-Function-Version"] == "1"
    changed = consumer.records[1]
    assert changed["eventName"] == "MODIFY"
    assert changed["eventSourceARN"] == table.stream
    assert changed["dynamodb"]["OldImage"] == {"pk": {"S": "a"}, "colour": {"S": "red"}}
    assert changed["dynamodb"]["NewImage"] == {"pk": {"S": "a"}, "colour": {"S": "blue"}}


def test_a_batch_waits_for_more_until_its_window_ends(setting: Setting, table: Table) -> None:
    # Given
    consumer = setting.consumer()
    setting.map(table, consumer, BatchSize=3, MaximumBatchingWindowInSeconds=1)

    # When
    began = time.monotonic()
    table.put("a", "b")
    eventually(lambda: consumer.batches)

    # Then
    assert consumer.batches == [["a", "b"]]
    assert time.monotonic() - began >= 1


def test_a_full_batch_does_not_wait_for_its_window(setting: Setting, table: Table) -> None:
    # Given
    consumer = setting.consumer()
    setting.map(table, consumer, BatchSize=3, MaximumBatchingWindowInSeconds=300)

    # When
    table.put("a", "b", "c")

    # Then
    eventually(lambda: consumer.batches == [["a", "b", "c"]])


def test_a_batch_stays_below_6_megabytes(setting: Setting, table: Table) -> None:
    # Given
    consumer = setting.consumer()
    keys = [str(number) for number in range(20)]
    table.put(*keys, content="x" * 390_000)

    # When
    setting.map(table, consumer, BatchSize=100)

    # Then
    eventually(lambda: consumer.keys == keys)
    assert [len(batch) for batch in consumer.batches] == [16, 4]


def test_latest_skips_what_was_there(setting: Setting, table: Table) -> None:
    # Given
    consumer = setting.consumer()
    table.put("before")
    setting.map(table, consumer, StartingPosition="LATEST")

    # When
    table.put("after")

    # Then
    eventually(lambda: consumer.keys == ["after"])


def test_only_what_a_filter_matches_is_delivered(setting: Setting, table: Table) -> None:
    # Given
    pattern = '{"eventName": ["INSERT"], "dynamodb": {"NewImage": {"kind": {"S": ["event"]}}}}'
    consumer = setting.consumer()
    setting.map(table, consumer, FilterCriteria={"Filters": [{"Pattern": pattern}]})

    # When
    table.put("head", kind="head")
    table.put("a", kind="event")
    table.put("a", kind="event", again="yes")
    table.put("b", kind="event")

    # Then
    eventually(lambda: consumer.keys == ["a", "b"])


def test_a_write_that_changes_nothing_leaves_no_record(setting: Setting, table: Table) -> None:
    # Given
    consumer = setting.consumer()
    setting.map(table, consumer)

    # When
    table.put("a", colour="red")
    table.put("a", colour="red")
    table.client.update_item(
        TableName=table.name,
        Key={"pk": {"S": "a"}},
        UpdateExpression="SET colour = :red",
        ExpressionAttributeValues={":red": {"S": "red"}},
    )
    table.put("last")

    # Then
    eventually(lambda: "last" in consumer.keys)
    assert consumer.keys == ["a", "last"]


def test_a_failed_batch_is_tried_again_as_often_as_it_may_and_then_leaves_a_record(
    setting: Setting, table: Table, dead_letters: Queue
) -> None:
    # Given
    consumer = setting.consumer(failing("a", "b"))
    table.put("a", "b", "c")

    # When
    setting.map(table, consumer, BatchSize=2, MaximumRetryAttempts=2, **to(dead_letters))
    eventually(lambda: "c" in consumer.keys)

    # Then
    assert consumer.batches == [["a", "b"]] * 3 + [["c"]]
    [letter] = dead_letters.bodies()
    context = letter["requestContext"]
    function = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{consumer.name}:live"
    assert context.pop("requestId")
    assert context == {
        "functionArn": function,
        "condition": "RetryAttemptsExhausted",
        "approximateInvokeCount": 3,
    }
    assert letter["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "1",
        "functionError": "Unhandled",
    }
    assert letter["version"] == "1.0"
    assert letter["timestamp"].endswith("Z")
    batch = letter["DDBStreamBatchInfo"]
    assert batch.pop("approximateArrivalOfFirstRecord").endswith("Z")
    assert batch.pop("approximateArrivalOfLastRecord").endswith("Z")
    assert batch == {
        "shardId": batch["shardId"],
        "startSequenceNumber": consumer.sequence_number("a"),
        "endSequenceNumber": consumer.sequence_number("b"),
        "batchSize": 2,
        "streamArn": table.stream,
    }


def test_the_records_of_a_failure_can_be_fetched_again(
    setting: Setting, table: Table, dead_letters: Queue, ministack: Ministack
) -> None:
    # Given
    consumer = setting.consumer(failing("b", "c"))
    table.put("a", "b", "c", "d")
    setting.map(table, consumer, BatchSize=2, MaximumRetryAttempts=0, **BISECT, **to(dead_letters))
    letters = eventually(lambda: letters_so_far(dead_letters, 2))
    streams = ministack.client("dynamodbstreams")

    # When
    fetched = []
    [shard] = streams.describe_stream(StreamArn=table.stream)["StreamDescription"]["Shards"]
    for letter in letters:
        batch = letter["DDBStreamBatchInfo"]
        assert batch["shardId"] == shard["ShardId"]
        iterator = streams.get_shard_iterator(
            StreamArn=table.stream,
            ShardId=batch["shardId"],
            ShardIteratorType="AT_SEQUENCE_NUMBER",
            SequenceNumber=batch["startSequenceNumber"],
        )["ShardIterator"]
        fetched += streams.get_records(ShardIterator=iterator, Limit=batch["batchSize"])["Records"]

    # Then
    assert [record["dynamodb"]["Keys"]["pk"]["S"] for record in fetched] == ["b", "c"]
    assert [record["dynamodb"]["SequenceNumber"] for record in fetched] == [
        consumer.sequence_number("b"),
        consumer.sequence_number("c"),
    ]


_kept: dict[str, list[Any]] = {}


def letters_so_far(queue: Queue, count: int) -> list[Any]:
    """Collect a queue's messages until there are `count`."""
    letters = _kept.setdefault(queue.arn, [])
    letters += queue.bodies()
    return letters if len(letters) >= count else []


def test_bisecting_finds_the_bad_record_and_costs_no_retry(
    setting: Setting, table: Table, dead_letters: Queue
) -> None:
    # Given
    consumer = setting.consumer(failing("c"))
    table.put(*"abcdefgh")

    # When
    setting.map(table, consumer, MaximumRetryAttempts=1, **BISECT, **to(dead_letters))
    eventually(lambda: consumer.keys.count("h") >= 2)

    # Then: halves in order, and the one that is left is tried twice
    assert consumer.batches == [
        list("abcdefgh"),
        list("abcd"),
        list("ab"),
        list("cd"),
        ["c"],
        ["c"],
        ["d"],
        list("efgh"),
    ]
    [letter] = dead_letters.bodies()
    assert letter["DDBStreamBatchInfo"]["startSequenceNumber"] == consumer.sequence_number("c")
    assert letter["DDBStreamBatchInfo"]["batchSize"] == 1


def test_a_partial_failure_goes_on_from_the_lowest_failed_record(
    setting: Setting, table: Table, dead_letters: Queue
) -> None:
    # Given: c fails twice
    consumer = setting.consumer()

    def does(keys: list[str]) -> Any:
        if consumer.keys.count("c") > 2:
            return {"batchItemFailures": []}
        numbers = [consumer.sequence_number(key) for key in ("d", "c")]
        return {"batchItemFailures": [{"itemIdentifier": number} for number in numbers]}

    consumer.does = does
    table.put(*"abcde")

    # When
    setting.map(table, consumer, MaximumRetryAttempts=3, **PARTIAL, **to(dead_letters))

    # Then
    eventually(lambda: consumer.keys.count("e") == 3)
    assert consumer.batches == [list("abcde"), list("cde"), list("cde")]
    assert dead_letters.bodies() == []


def test_a_partial_failure_with_bisecting_leaves_a_record_of_the_failed_one_alone(
    setting: Setting, table: Table, dead_letters: Queue
) -> None:
    # Given
    consumer = setting.consumer()
    consumer.does = lambda keys: consumer.failing_at("c") if "c" in keys else None
    table.put(*"abcde")

    # When
    setting.map(table, consumer, MaximumRetryAttempts=1, **BISECT, **PARTIAL, **to(dead_letters))
    [letter] = eventually(lambda: letters_so_far(dead_letters, 1))
    eventually(lambda: consumer.batches[-1] == ["e"])

    # Then: split at the reported record, then in halves
    assert consumer.batches == [
        list("abcde"),
        list("cde"),
        list("cd"),
        ["c"],
        ["c"],
        ["d"],
        ["e"],
    ]
    assert letter["DDBStreamBatchInfo"]["startSequenceNumber"] == consumer.sequence_number("c")
    assert letter["DDBStreamBatchInfo"]["batchSize"] == 1
    assert letter["responseContext"] == {"statusCode": 200, "executedVersion": "1"}


@pytest.mark.parametrize(
    "answer", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}]
)
def test_these_answers_mean_that_all_went_well(setting: Setting, table: Table, answer: Any) -> None:
    # Given
    consumer = setting.consumer(lambda _: answer)
    setting.map(table, consumer, BatchSize=1, **PARTIAL)

    # When
    table.put("a", "b")

    # Then
    eventually(lambda: "b" in consumer.keys)
    assert consumer.keys == ["a", "b"]


@pytest.mark.parametrize(
    "answer",
    [
        "not an object",
        ["a list"],
        {"batchItemFailures": "not a list"},
        {"batchItemFailures": ["not an object"]},
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"itemIdentifier": "unknown"}]},
        {"batchItemFailures": [{"identifier": "a wrong name"}]},
    ],
)
def test_these_answers_mean_that_all_failed(
    setting: Setting, table: Table, dead_letters: Queue, answer: Any
) -> None:
    # Given
    consumer = setting.consumer(lambda _: answer)
    table.put("a", "b")

    # When
    setting.map(table, consumer, MaximumRetryAttempts=1, **PARTIAL, **to(dead_letters))

    # Then
    [letter] = eventually(lambda: letters_so_far(dead_letters, 1))
    assert letter["DDBStreamBatchInfo"]["batchSize"] == 2
    assert consumer.batches == [["a", "b"]] * 2


def test_without_the_response_type_an_answer_means_nothing(setting: Setting, table: Table) -> None:
    # Given
    consumer = setting.consumer()
    consumer.does = lambda keys: consumer.failing_at(keys[0])
    setting.map(table, consumer, BatchSize=1)

    # When
    table.put("a", "b")

    # Then
    eventually(lambda: "b" in consumer.keys)
    assert consumer.keys == ["a", "b"]


def test_a_throttled_batch_is_tried_until_it_is_taken_and_loses_no_retry(
    setting: Setting, table: Table, dead_letters: Queue
) -> None:
    # Given
    consumer = setting.consumer()

    def does(_: list[str]) -> None:
        if len(consumer.batches) < 6:
            raise Throttled

    consumer.does = does
    table.put("a")

    # When
    setting.map(table, consumer, BatchSize=1, MaximumRetryAttempts=0, **to(dead_letters))
    eventually(lambda: len(consumer.batches) == 6)
    table.put("b")

    # Then
    eventually(lambda: "b" in consumer.keys)
    assert dead_letters.bodies() == []


def test_without_a_limit_a_batch_is_tried_until_it_succeeds(setting: Setting, table: Table) -> None:
    # Given
    consumer = setting.consumer()

    def does(_: list[str]) -> None:
        if len(consumer.batches) < 8:
            raise FunctionError

    consumer.does = does
    setting.map(table, consumer)

    # When
    table.put("a")
    eventually(lambda: len(consumer.batches) == 8)
    table.put("b")

    # Then
    eventually(lambda: consumer.batches[-1] == ["b"])


def test_what_is_too_old_leaves_a_record_and_the_rest_goes_on(
    setting: Setting, table: Table, dead_letters: Queue
) -> None:
    # Given
    working = threading.Event()
    consumer = setting.consumer()

    def does(_: list[str]) -> None:
        if not working.is_set():
            raise FunctionError

    consumer.does = does
    setting.map(table, consumer, BatchSize=1, MaximumRecordAgeInSeconds=1, **to(dead_letters))

    # When
    table.put("a")
    [letter] = eventually(lambda: letters_so_far(dead_letters, 1))
    working.set()
    table.put("b")

    # Then
    eventually(lambda: "b" in consumer.keys)
    assert letter["requestContext"]["condition"] == "RecordAgeExceeded"
    assert letter["requestContext"]["approximateInvokeCount"] == consumer.keys.count("a")
    assert letter["DDBStreamBatchInfo"]["startSequenceNumber"] == consumer.sequence_number("a")


def test_a_failure_is_published_to_a_topic(
    setting: Setting, table: Table, ministack: Ministack
) -> None:
    # Given
    sns = ministack.client("sns")
    topic = sns.create_topic(Name=f"trial-{uuid4().hex[:8]}")["TopicArn"]
    subscriber = create_queue(ministack, open_to="sns.amazonaws.com")
    sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=subscriber.arn,
        Attributes={"RawMessageDelivery": "true"},
    )
    consumer = setting.consumer(failing("a"))
    table.put("a")

    # When
    destination = {"OnFailure": {"Destination": topic}}
    setting.map(table, consumer, MaximumRetryAttempts=0, DestinationConfig=destination)

    # Then
    [letter] = eventually(lambda: letters_so_far(subscriber, 1))
    assert letter["DDBStreamBatchInfo"]["streamArn"] == table.stream


def test_a_slow_or_failing_mapping_delays_no_other_nor_a_queue(
    setting: Setting, table: Table, ministack: Ministack
) -> None:
    # Given: one hangs, one fails for ever
    release = threading.Event()
    slow = setting.consumer(lambda _: release.wait(20) and None)
    poisoned = setting.consumer(failing("a"))
    healthy = setting.consumer()
    setting.map(table, slow)
    setting.map(table, poisoned)
    setting.map(table, healthy)
    table.put("a")
    eventually(lambda: slow.keys and poisoned.keys and healthy.keys)

    # When
    queue = create_queue(ministack)
    received: list[Any] = []
    of_queue = create_function(ministack)
    setting.host.functions[of_queue] = received.append
    made = setting.client.create_event_source_mapping(
        EventSourceArn=queue.arn, FunctionName=of_queue
    )
    setting.mappings.append(made["UUID"])
    began = time.monotonic()
    table.put("b")
    queue.client.send_message(QueueUrl=queue.url, MessageBody="hello")

    # Then
    try:
        eventually(lambda: "b" in healthy.keys and received, within=5)
        assert time.monotonic() - began < 5
        assert "b" not in slow.keys
    finally:
        release.set()


def test_batches_go_out_side_by_side_and_keep_each_items_order(
    setting: Setting, table: Table
) -> None:
    # Given: the first batch with the first change of `a` is slow
    running, most = [0], [0]
    finished: list[tuple[str, str]] = []
    lock = threading.Lock()

    def does(event: Any) -> None:
        images = [record["dynamodb"]["NewImage"] for record in event["Records"]]
        batch = [(image["pk"]["S"], image["number"]["S"]) for image in images]
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.5 if ("a", "0") in batch else 0.02)
        with lock:
            running[0] -= 1
            finished.extend(batch)

    consumer = setting.consumer()
    setting.host.functions[consumer.name] = does
    for number in range(5):
        table.put(*"abcdefg", number=str(number))

    # When
    setting.map(table, consumer, BatchSize=2, ParallelizationFactor=4)
    eventually(lambda: len(finished) == 35)

    # Then
    assert 2 <= most[0] <= 4
    for key in "abcdefg":
        assert [number for changed, number in finished if changed == key] == list("01234")


def test_a_failing_batch_holds_up_only_its_own_lane(setting: Setting, table: Table) -> None:
    # Given
    consumer = setting.consumer(failing("a"))
    setting.map(table, consumer, BatchSize=1, ParallelizationFactor=10)

    # When
    table.put("a", *"bcdefghijklm")

    # Then
    eventually(lambda: len(set(consumer.keys)) >= 9 and consumer.keys.count("a") > 2)


def test_a_disabled_mapping_goes_on_where_it_stopped(setting: Setting, table: Table) -> None:
    # Given
    consumer = setting.consumer()
    mapping = setting.map(table, consumer, StartingPosition="LATEST")
    table.put("a")
    eventually(lambda: consumer.keys == ["a"])

    # When
    setting.client.update_event_source_mapping(UUID=mapping, Enabled=False)
    table.put("b", "c")
    other = setting.consumer()
    setting.map(table, other)
    eventually(lambda: other.keys == ["a", "b", "c"])
    assert consumer.keys == ["a"]
    setting.client.update_event_source_mapping(UUID=mapping, Enabled=True)

    # Then
    eventually(lambda: consumer.keys == ["a", "b", "c"])


def test_what_failed_while_a_mapping_was_disabled_is_tried_again(
    setting: Setting, table: Table
) -> None:
    # Given
    broken = threading.Event()
    broken.set()
    consumer = setting.consumer()

    def does(_: list[str]) -> None:
        if broken.is_set():
            raise FunctionError

    consumer.does = does
    mapping = setting.map(table, consumer)
    table.put("a")
    eventually(lambda: consumer.keys)

    # When
    setting.client.update_event_source_mapping(UUID=mapping, Enabled=False)
    broken.clear()
    setting.client.update_event_source_mapping(UUID=mapping, Enabled=True)
    table.put("b")

    # Then
    eventually(lambda: "b" in consumer.keys)
    assert consumer.batches[-1] in (["b"], ["a", "b"])


def test_a_mapping_is_read_back_as_it_was_set(
    setting: Setting, table: Table, dead_letters: Queue
) -> None:
    # Given
    given: dict[str, Any] = {
        "BatchSize": 50,
        "MaximumBatchingWindowInSeconds": 1,
        "ParallelizationFactor": 2,
        "MaximumRetryAttempts": 5,
        "MaximumRecordAgeInSeconds": 3600,
        "TumblingWindowInSeconds": 0,
        "FilterCriteria": {"Filters": [{"Pattern": '{"eventName": ["REMOVE"]}'}]},
        **BISECT,
        **PARTIAL,
        **to(dead_letters),
    }
    consumer = setting.consumer()

    # When
    mapping = setting.map(table, consumer, **given)

    # Then
    read = setting.client.get_event_source_mapping(UUID=mapping)
    assert given.items() <= read.items()
    assert read["StartingPosition"] == "TRIM_HORIZON"
    assert read["State"] == "Enabled"
    assert read["LastProcessingResult"] == "No records processed"
    assert read["FunctionArn"].endswith(f":function:{consumer.name}:live")
    [listed] = setting.client.list_event_source_mappings(FunctionName=consumer.name)[
        "EventSourceMappings"
    ]
    assert given.items() <= listed.items()


def test_what_is_not_set_has_the_documented_default(setting: Setting, table: Table) -> None:
    # When
    mapping = setting.map(table, setting.consumer())

    # Then
    read = setting.client.get_event_source_mapping(UUID=mapping)
    assert {
        "BatchSize": 100,
        "MaximumBatchingWindowInSeconds": 0,
        "ParallelizationFactor": 1,
        "MaximumRetryAttempts": -1,
        "MaximumRecordAgeInSeconds": -1,
        "BisectBatchOnFunctionError": False,
        "TumblingWindowInSeconds": 0,
        "FunctionResponseTypes": [],
        "DestinationConfig": {"OnFailure": {}},
    }.items() <= read.items()


def test_the_last_result_is_told(setting: Setting, table: Table) -> None:
    # Given
    consumer = setting.consumer(failing("a"))
    mapping = setting.map(table, consumer, MaximumRetryAttempts=1)

    def result() -> str:
        read = setting.client.get_event_source_mapping(UUID=mapping)
        return str(read["LastProcessingResult"])

    # When, then
    table.put("a")
    eventually(lambda: result() == "PROBLEM: Function call failed")
    table.put("b")
    eventually(lambda: result() == "OK")
