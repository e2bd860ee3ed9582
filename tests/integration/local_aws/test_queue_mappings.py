"""Queues invoke functions as their event source mappings say."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.integration.local_aws.conftest import create_function, create_queue
from tests.integration.local_aws.stand_in import FunctionError, Throttled
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.local_aws.conftest import Ministack, Queue
    from tests.integration.local_aws.stand_in import StandIn

PARTIAL = {"FunctionResponseTypes": ["ReportBatchItemFailures"]}


@dataclass
class Consumer:
    """A function and the bodies it was invoked with, batch by batch."""

    name: str
    batches: list[list[str]] = field(default_factory=list)
    records: list[dict[str, Any]] = field(default_factory=list)
    does: Callable[[list[dict[str, Any]]], Any] = lambda _: None

    def __call__(self, event: Any) -> Any:
        self.batches.append([record["body"] for record in event["Records"]])
        self.records.extend(event["Records"])
        return self.does(event["Records"])

    @property
    def bodies(self) -> list[str]:
        return [body for batch in self.batches for body in batch]


class Setting:
    """Makes what a test needs, and mappings that end with it."""

    def __init__(self, ministack: Ministack, host: StandIn) -> None:
        self.ministack, self.host = ministack, host
        self.client = ministack.client("lambda")
        self.mappings: list[str] = []

    def consumer(self, does: Callable[[list[dict[str, Any]]], Any] = lambda _: None) -> Consumer:
        consumer = Consumer(create_function(self.ministack), does=does)
        self.host.functions[consumer.name] = consumer
        return consumer

    def map(self, queue: Queue, consumer: Consumer, **settings: Any) -> str:
        made = self.client.create_event_source_mapping(
            EventSourceArn=queue.arn, FunctionName=f"{consumer.name}:live", **settings
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
def dead_letters(ministack: Ministack) -> Queue:
    return create_queue(ministack)


@pytest.fixture
def queue(ministack: Ministack, dead_letters: Queue) -> Queue:
    """Make a queue that gives a message up when it was received twice."""
    redrive = {"deadLetterTargetArn": dead_letters.arn, "maxReceiveCount": 2}
    return create_queue(ministack, VisibilityTimeout="1", RedrivePolicy=json.dumps(redrive))


def send(queue: Queue, *bodies: str) -> None:
    for body in bodies:
        queue.client.send_message(QueueUrl=queue.url, MessageBody=body)


def bad(*bodies: str) -> Callable[[list[dict[str, Any]]], Any]:
    """Report the messages with these bodies as failed."""

    def does(records: list[dict[str, Any]]) -> Any:
        failed = [record["messageId"] for record in records if record["body"] in bodies]
        return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}

    return does


def test_the_function_is_invoked_by_its_alias_with_whole_messages(
    setting: Setting, queue: Queue
) -> None:
    # Given
    consumer = setting.consumer()
    setting.map(queue, consumer)

    # When
    queue.client.send_message(
        QueueUrl=queue.url,
        MessageBody="hello",
        MessageAttributes={"Reason": {"DataType": "String", "StringValue": "because"}},
    )

    # Then
    [record] = eventually(lambda: consumer.records)
    headers, _ = setting.host.invocations[-1]
    assert headers["X-Amzn-Lambda-Function-Arn"].endswith(f":function:{consumer.name}:live")
    assert record["eventSourceARN"] == queue.arn
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert record["messageAttributes"]["Reason"]["stringValue"] == "because"
    assert record["receiptHandle"]


def test_a_partial_failure_repeats_the_failed_alone_until_they_are_dead_letters(
    setting: Setting, queue: Queue, dead_letters: Queue
) -> None:
    # Given
    consumer = setting.consumer(bad("poison"))
    send(queue, "a", "poison", "b")

    # When
    setting.map(queue, consumer, BatchSize=10, **PARTIAL)
    [letter] = eventually(dead_letters.receive)

    # Then
    assert letter["Body"] == "poison"
    assert sorted(consumer.bodies) == ["a", "b", "poison", "poison"]
    counts = [
        record["attributes"]["ApproximateReceiveCount"]
        for record in consumer.records
        if record["body"] == "poison"
    ]
    assert counts == ["1", "2"]


def raising(problem: type[Exception], *bodies: str) -> Callable[[list[dict[str, Any]]], Any]:
    def does(records: list[dict[str, Any]]) -> None:
        if {record["body"] for record in records} & set(bodies):
            raise problem

    return does


def test_a_failed_batch_is_received_again_when_its_visibility_ends(
    setting: Setting, queue: Queue, dead_letters: Queue
) -> None:
    # Given
    consumer = setting.consumer(raising(FunctionError, "a"))
    times: list[float] = []
    does = consumer.does

    def timed(records: list[dict[str, Any]]) -> Any:
        times.append(time.monotonic())
        return does(records)

    consumer.does = timed
    setting.map(queue, consumer)

    # When
    send(queue, "a")
    eventually(dead_letters.receive)

    # Then
    assert consumer.bodies == ["a", "a"]
    assert times[1] - times[0] >= 0.9


@pytest.mark.parametrize(
    "answer",
    [
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"itemIdentifier": "unknown"}]},
        {"batchItemFailures": [{"identifier": "a wrong name"}]},
        {"batchItemFailures": ["not an object"]},
        {"batchItemFailures": "not a list"},
    ],
)
def test_these_answers_mean_that_all_failed(
    setting: Setting, queue: Queue, dead_letters: Queue, answer: Any
) -> None:
    # Given
    consumer = setting.consumer(lambda _: answer)
    setting.map(queue, consumer, **PARTIAL)

    # When
    send(queue, "a")

    # Then
    [letter] = eventually(dead_letters.receive)
    assert letter["Body"] == "a"


@pytest.mark.parametrize(
    "answer", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}]
)
def test_these_answers_mean_that_all_went_well(setting: Setting, queue: Queue, answer: Any) -> None:
    # Given
    consumer = setting.consumer(lambda _: answer)
    setting.map(queue, consumer, **PARTIAL)

    # When
    send(queue, "a")
    eventually(lambda: consumer.bodies)

    # Then
    eventually(lambda: left(queue) == 0)
    assert consumer.bodies == ["a"]


def left(queue: Queue) -> int:
    """Count a queue's messages, those that somebody has received included."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = queue.client.get_queue_attributes(QueueUrl=queue.url, AttributeNames=names)
    return sum(int(count) for count in answer["Attributes"].values())


def test_no_more_batches_run_at_once_than_the_maximum(
    setting: Setting, ministack: Ministack
) -> None:
    # Given
    running, most = [0], [0]
    lock = threading.Lock()

    def does(_: Any) -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.05)
        with lock:
            running[0] -= 1

    queue = create_queue(ministack)
    consumer = setting.consumer(does)
    send(queue, *(str(number) for number in range(20)))

    # When
    setting.map(queue, consumer, BatchSize=1, ScalingConfig={"MaximumConcurrency": 2})
    eventually(lambda: len(consumer.bodies) == 20)

    # Then
    assert most[0] == 2


def test_a_batch_waits_for_more_until_its_window_ends(
    setting: Setting, ministack: Ministack
) -> None:
    # Given
    queue = create_queue(ministack)
    consumer = setting.consumer()
    setting.map(queue, consumer, BatchSize=100, MaximumBatchingWindowInSeconds=1)

    # When
    began = time.monotonic()
    send(queue, "a", "b", "c")
    eventually(lambda: consumer.batches)

    # Then
    assert [sorted(batch) for batch in consumer.batches] == [["a", "b", "c"]]
    assert time.monotonic() - began >= 1


def test_a_full_batch_does_not_wait_for_its_window(setting: Setting, ministack: Ministack) -> None:
    # Given
    queue = create_queue(ministack)
    consumer = setting.consumer()
    bodies = [f"{number:02}" for number in range(15)]
    setting.map(queue, consumer, BatchSize=15, MaximumBatchingWindowInSeconds=300)

    # When
    send(queue, *bodies)

    # Then
    eventually(lambda: [sorted(batch) for batch in consumer.batches] == [bodies])


def test_a_throttled_batch_is_not_lost(setting: Setting, ministack: Ministack) -> None:
    # Given
    queue = create_queue(ministack, VisibilityTimeout="1")
    consumer = setting.consumer()
    consumer.does = lambda records: (
        raising(Throttled, "a")(records) if len(consumer.batches) < 3 else None
    )
    setting.map(queue, consumer)

    # When
    send(queue, "a")

    # Then
    eventually(lambda: left(queue) == 0)
    assert consumer.bodies == ["a"] * 3


def test_slow_and_failing_functions_delay_no_other_queue(
    setting: Setting, ministack: Ministack
) -> None:
    # Given: ten queues, one hangs, one fails for ever
    release = threading.Event()
    slow = setting.consumer(lambda _: release.wait(20) and None)
    failing = setting.consumer(raising(FunctionError, "a"))
    others = [setting.consumer() for _ in range(8)]
    queues = [create_queue(ministack, VisibilityTimeout="1") for _ in range(10)]
    for queue, consumer in zip(queues, [slow, failing, *others], strict=True):
        setting.map(queue, consumer)
    send(queues[0], *(str(number) for number in range(10)))
    send(queues[1], "a")
    eventually(lambda: slow.batches and failing.batches)

    # When
    for queue in queues[2:]:
        send(queue, "b")

    # Then
    try:
        eventually(lambda: all(other.bodies == ["b"] for other in others), within=5)
    finally:
        release.set()


def test_a_mapping_is_read_back_as_it_was_set(setting: Setting, ministack: Ministack) -> None:
    # Given
    given: dict[str, Any] = {
        "BatchSize": 50,
        "MaximumBatchingWindowInSeconds": 1,
        "ScalingConfig": {"MaximumConcurrency": 4},
        "FilterCriteria": {"Filters": [{"Pattern": '{"body": {"kind": ["a"]}}'}]},
        **PARTIAL,
    }

    # When
    mapping = setting.map(create_queue(ministack), setting.consumer(), **given)

    # Then
    assert given.items() <= setting.client.get_event_source_mapping(UUID=mapping).items()
