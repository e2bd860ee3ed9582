"""What a stream's dead letter points to: from the stream while it has it, else from the table."""

from __future__ import annotations

import datetime as dt
import json
import threading
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from itemstream.dynamodb.attribute_values import to_item
from itemstream.dynamodb.streams import read_stream_record
from itemstream.items.model import timestamp
from itemstream.items.shards import shard_of
from tests.integration.dead_letters.conftest import ACCOUNT
from tools.dead_letters.conditions import read_condition
from tools.dead_letters.redriving import Order, Outcome, redrive
from tools.dead_letters.streams import RecordsTrimmed, fetch_records, read_pointer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.integration.dead_letters.conftest import Environment, Functions
    from tools.dead_letters.queues import DeadLetterQueue

NOW = dt.datetime.now(dt.UTC)


class Table:
    """A table with a stream, and a function that reads it with a filter, two records at a time."""

    def __init__(self, trial: Environment, name: str, events: tuple[str, ...], sort: str) -> None:
        self.trial = trial
        self.name = f"{trial.account.prefix}{name}"
        self.dynamodb = trial.client("dynamodb")
        self.dynamodb.create_table(
            TableName=self.name,
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                *([{"AttributeName": sort, "KeyType": "RANGE"}] if sort else []),
            ],
            AttributeDefinitions=[
                {"AttributeName": name, "AttributeType": "S"} for name in ("pk", sort) if name
            ],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        described = self.dynamodb.describe_table(TableName=self.name)["Table"]
        self.stream_arn = described["LatestStreamArn"]
        self.queue: DeadLetterQueue = trial.dead_letters_of_function()
        self.mapping = trial.client("lambda").create_event_source_mapping(
            FunctionName=f"{self.queue.belongs_to}:live",
            EventSourceArn=self.stream_arn,
            StartingPosition="TRIM_HORIZON",
            BatchSize=2,
            Enabled=False,
            FilterCriteria={"Filters": [{"Pattern": json.dumps({"eventName": list(events)})}]},
        )["UUID"]

    def put(self, **row: Any) -> None:
        self.dynamodb.put_item(TableName=self.name, Item=to_item(row))

    def records(self) -> tuple[str, list[dict[str, Any]]]:
        """Return the shard and its records, as the API has them."""
        streams = self.trial.client("dynamodbstreams")
        shards = streams.describe_stream(StreamArn=self.stream_arn)["StreamDescription"]["Shards"]
        shard = shards[0]["ShardId"]
        iterator = streams.get_shard_iterator(
            StreamArn=self.stream_arn, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        return shard, streams.get_records(ShardIterator=iterator)["Records"]

    def pointer(self, shard: str, first: str, last: str) -> dict[str, Any]:
        return {
            "version": "1.0",
            "timestamp": timestamp(NOW),
            "requestContext": {
                "requestId": str(uuid4()),
                "functionArn": f"{self.queue.target}:live",
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": 4,
            },
            "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
            "DDBStreamBatchInfo": {
                "shardId": shard,
                "startSequenceNumber": first,
                "endSequenceNumber": last,
                "approximateArrivalOfFirstRecord": timestamp(NOW),
                "approximateArrivalOfLastRecord": timestamp(NOW),
                "batchSize": 1,
                "streamArn": self.stream_arn,
            },
        }

    def lost(self, records: int = 1, at: dt.datetime = NOW) -> dict[str, Any]:
        """Point to records that the stream no longer has."""
        number = f"{1:021d}"
        pointer = self.pointer("shardId-00000000000000000000-00000000", number, number)
        for name in ("approximateArrivalOfFirstRecord", "approximateArrivalOfLastRecord"):
            pointer["DDBStreamBatchInfo"][name] = timestamp(at)
        pointer["DDBStreamBatchInfo"]["batchSize"] = records
        return pointer

    def trimmed(self, kind: str, **keys: str) -> dict[str, Any]:
        """Return a record as a letter has it that could not hold its rows."""
        return {
            "eventID": "1",
            "eventName": kind,
            "dynamodb": {
                "ApproximateCreationDateTime": NOW.timestamp(),
                "Keys": to_item(keys),
                "SequenceNumber": "1",
            },
            "eventSourceARN": self.stream_arn,
        }

    def redrive(
        self, body: dict[str, Any], *, accept_loss: bool = False, **attributes: str
    ) -> Outcome:
        self.trial.send(self.queue, body, **attributes)
        outcome = Outcome()
        redrive(
            self.trial.account,
            self.queue,
            Order(read_condition(""), accept_loss=accept_loss),
            threading.Event(),
            lambda _: None,
            outcome,
        )
        return outcome

    def delete(self) -> None:
        self.trial.client("lambda").delete_event_source_mapping(UUID=self.mapping)
        self.dynamodb.delete_table(TableName=self.name)


@pytest.fixture
def make_table(trial: Environment) -> Iterator[Any]:
    made: list[Table] = []

    def make(
        name: str = "", events: tuple[str, ...] = ("INSERT", "MODIFY"), sort: str = ""
    ) -> Table:
        made.append(Table(trial, name or f"things-{uuid4().hex[:8]}", events, sort))
        return made[-1]

    yield make
    for table in made:
        table.delete()


def test_the_records_of_a_failed_batch_are_given_to_the_function_again_in_order(
    make_table: Any, functions: Functions
) -> None:
    # Given: seven changes, of which the second to the sixth failed; a deletion is filtered out
    table = make_table()
    for number in range(5):
        table.put(pk=f"row-{number}", number=number)
    table.dynamodb.delete_item(TableName=table.name, Key=to_item({"pk": "row-2"}))
    table.put(pk="row-0", number=9)
    shard, records = table.records()
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]

    # When
    outcome = table.redrive(table.pointer(shard, numbers[1], numbers[5]))

    # Then: batches as large as the mapping's, in order, without what its filter keeps back
    assert outcome.redriven == 1, outcome
    given = [[read_stream_record(record) for record in batch] for batch in functions.records]
    assert [[record.sequence_number for record in batch] for batch in given] == [
        numbers[1:3],
        numbers[3:5],
    ]
    [(first, _), _] = given
    assert (first.kind, first.table, first.new) == (
        "INSERT",
        table.name,
        {"pk": "row-1", "number": 1},
    )
    assert table.trial.visible(table.queue) == 0


def test_a_batch_that_fails_again_in_the_middle_stays(
    make_table: Any, functions: Functions
) -> None:
    # Given
    table = make_table()
    for number in range(4):
        table.put(pk=f"row-{number}")
    shard, records = table.records()
    numbers = [record["dynamodb"]["SequenceNumber"] for record in records]

    def fail_at_the_third(event: Any) -> Any:
        failed = [
            {"itemIdentifier": numbers[2]}
            for record in event["Records"]
            if record["dynamodb"]["SequenceNumber"] == numbers[2]
        ]
        return {"batchItemFailures": failed}

    functions.answer = fail_at_the_third

    # When
    outcome = table.redrive(table.pointer(shard, numbers[0], numbers[3]))

    # Then
    assert (outcome.redriven, outcome.failed) == (0, 1)
    assert table.trial.visible(table.queue) == 1


def test_records_that_the_stream_lost_are_told_from_records_that_it_has(make_table: Any) -> None:
    # Given
    table = make_table()
    table.put(pk="row")

    # Then
    with pytest.raises(RecordsTrimmed):
        fetch_records(table.trial.account, read_pointer(table.lost()))


def test_lost_records_of_bronze_are_made_anew_from_its_rows(
    make_table: Any, functions: Functions
) -> None:
    # Given: two rows of the time in question, one of the week before
    table = make_table("bronze-call", ("INSERT",))
    for number, age in enumerate((0, 2, 7 * 24)):
        landed_at = timestamp(NOW - dt.timedelta(hours=age))
        table.put(pk=f"demo#{number}", raw="{}", line=number, ingested_at=landed_at)

    # When
    outcome = table.redrive(table.lost())

    # Then
    assert outcome.redriven == 1, outcome
    given = [read_stream_record(record) for batch in functions.records for record in batch]
    assert sorted((record.kind, record.keys["pk"]) for record in given) == [
        ("INSERT", "demo#0"),
        ("INSERT", "demo#1"),
    ]
    assert "from bronze" in outcome.notes[0]


def test_a_letter_stays_when_fewer_records_are_made_anew_than_were_lost(
    make_table: Any, functions: Functions
) -> None:
    # Given: a batch of three, of which bronze has two
    table = make_table("bronze-call", ("INSERT",))
    for number in range(2):
        table.put(pk=f"demo#{number}", raw="{}", line=number, ingested_at=timestamp(NOW))

    # When
    outcome = table.redrive(table.lost(records=3))

    # Then: what there is went to the function all the same
    assert (outcome.redriven, outcome.failed) == (0, 1)
    assert sum(len(batch) for batch in functions.records) == 2
    [reason] = outcome.reasons
    assert "1 of 3 are missing" in reason
    assert "--accept-loss" in reason
    assert table.trial.visible(table.queue) == 1


def test_lost_records_of_items_are_what_the_items_are_now(
    make_table: Any, functions: Functions
) -> None:
    # Given: an item that is new, one that was changed and got an image, one that is old
    table = make_table("items")
    image = {"id": "i-1", "created_at": timestamp(NOW)}
    table.put(pk="new", version=1, updated_at=timestamp(NOW), images=[])
    table.put(pk="changed", version=4, updated_at=timestamp(NOW), images=[image])
    table.put(pk="old", version=2, updated_at=timestamp(NOW - dt.timedelta(hours=1)), images=[])

    table.put(pk="slow", version=1, updated_at=timestamp(NOW - dt.timedelta(seconds=12)), images=[])

    # When
    outcome = table.redrive(table.lost(), accept_loss=True)

    # Then
    assert outcome.redriven == 1, outcome
    given = [read_stream_record(record) for batch in functions.records for record in batch]
    assert {record.keys["pk"] for record in given if record.kind == "INSERT"} == {"new", "slow"}
    changed = [record for record in given if record.kind == "MODIFY"]
    assert {record.keys["pk"] for record in changed} == {"changed"}
    assert [(record.old or {})["version"] for record in changed] == [3, 3]
    assert [(record.old or {})["images"] for record in changed] == [[image], []]
    assert "Accepted as lost: states before the last" in outcome.notes[0]
    assert table.trial.visible(table.queue) == 0


def test_a_letter_of_items_stays_until_the_loss_is_accepted(
    make_table: Any, functions: Functions
) -> None:
    # Given: as many items as records, but nobody knows what else there was
    table = make_table("items")
    table.put(pk="new", version=1, updated_at=timestamp(NOW), images=[])

    # When
    outcome = table.redrive(table.lost())

    # Then
    assert (outcome.redriven, outcome.failed) == (0, 1)
    assert len(functions.records) == 1
    [reason] = outcome.reasons
    assert "deletions are not to be had from the table" in reason
    assert table.trial.visible(table.queue) == 1


def test_lost_deletions_are_those_of_items_that_left_pictures_behind(
    make_table: Any, trial: Environment, functions: Functions
) -> None:
    # Given: an item with a picture; three that are gone, each with something of its own left
    there, left_row, left_upload, left_picture = (str(uuid4()) for _ in range(4))
    trial.function("create-item", ITEMS_SHARDS="4")
    table = make_table("items", ("REMOVE",), sort="sk")
    table.put(pk=f"demo#{shard_of(there, 4)}", sk=there)
    uploads = make_table("image-uploads", sort="sk")
    for item in (there, left_row):
        uploads.put(pk=f"demo#{item}", sk=str(uuid4()))
    s3 = trial.client("s3")
    for name, key in (
        ("uploads", f"uploads/demo/{left_upload}/1"),
        ("uploads", "uploads/demo/unknown/1"),
        ("processed", f"images/demo/{left_picture}/1/640-0.webp"),
        ("processed", f"images/demo/{there}/1/640-0.webp"),
    ):
        bucket = f"{trial.account.prefix}{name}-{ACCOUNT}"
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")

    # When
    outcome = table.redrive(table.lost(records=9))

    # Then
    assert outcome.redriven == 1, outcome
    given = [read_stream_record(record) for batch in functions.records for record in batch]
    assert {record.kind for record in given} == {"REMOVE"}
    assert {(record.keys["pk"], record.keys["sk"]) for record in given} == {
        (f"demo#{shard_of(item, 4)}", item) for item in (left_row, left_upload, left_picture)
    }


def test_lost_deletions_that_leave_nothing_behind_stay(
    make_table: Any, functions: Functions
) -> None:
    # Given
    table = make_table(events=("REMOVE",))

    # When
    outcome = table.redrive(table.lost())

    # Then
    assert (outcome.redriven, outcome.failed) == (0, 1)
    assert functions.events == []
    [reason] = outcome.reasons
    assert "leaves nothing to rebuild it from" in reason


class Log:
    """The event log, whose settings say that it keeps rows for so many hours now."""

    def __init__(self, make_table: Any, trial: Environment, hours: int) -> None:
        self.table: Table = make_table("events", ("INSERT",), sort="sk")
        self.publisher = trial.function("change-publisher", EVENTS_RETENTION_HOURS=str(hours))

    def append(
        self, place: int, kept: int, *, ago: float = 0, late: float = 0, tenant: str = "demo"
    ) -> None:
        """Append a row some hours ago, of an event of so many hours before."""
        appended_at = NOW - dt.timedelta(hours=ago)
        self.table.put(
            pk=tenant,
            sk=f"{place:020d}",
            kind="event",
            expires_at=int(appended_at.timestamp()) + kept * 3600,
            event={"id": place, "time": timestamp(appended_at - dt.timedelta(hours=late))},
        )

    def given(self, functions: Functions) -> list[int]:
        read = [read_stream_record(record) for batch in functions.records for record in batch]
        return sorted((record.new or {})["event"]["id"] for record in read)


@pytest.fixture
def make_log(make_table: Any, trial: Environment) -> Iterator[Callable[[int], Log]]:
    made: list[Log] = []

    def make(hours: int) -> Log:
        made.append(Log(make_table, trial, hours))
        return made[-1]

    yield make
    for log in made:
        trial.client("lambda").delete_function(FunctionName=log.publisher)
        trial.client("iam").delete_role(RoleName=log.publisher)


def test_lost_records_of_the_log_are_its_rows_of_that_time(
    make_log: Callable[[int], Log], functions: Functions
) -> None:
    # Given: two rows of the time in question, one of half an hour before, and the log's head
    log = make_log(2)
    log.append(6, 2, ago=0.5)
    log.append(7, 2)
    log.append(8, 2)
    log.table.put(pk="head#demo", sk="head", kind="head", next=9)

    # When
    outcome = log.table.redrive(log.table.lost(records=2))

    # Then
    assert outcome.redriven == 1, outcome
    assert log.given(functions) == [7, 8]


def test_rows_are_found_that_the_log_was_to_keep_for_another_time_than_it_would_now(
    make_log: Callable[[int], Log], functions: Functions
) -> None:
    # Given: written when the log kept two days; one of them long after its event
    log = make_log(360)
    log.append(6, 48, ago=3)
    log.append(7, 48, ago=2)
    log.append(8, 48, ago=2, late=20.5)

    # When
    outcome = log.table.redrive(log.table.lost(records=2, at=NOW - dt.timedelta(hours=2)))

    # Then
    assert outcome.redriven == 1, outcome
    assert log.given(functions) == [7, 8]


def test_a_letter_stays_when_the_log_has_a_gap_at_that_time(
    make_log: Callable[[int], Log], functions: Functions
) -> None:
    # Given
    log = make_log(24)
    log.append(6, 24)
    log.append(8, 24)

    # When
    outcome = log.table.redrive(log.table.lost(records=2))

    # Then
    assert outcome.failed == 1, outcome
    assert log.given(functions) == [6, 8]
    [reason] = outcome.reasons
    assert "the log has gaps then, of demo" in reason


def test_a_letter_stays_when_the_log_may_have_let_go_of_that_time(
    make_log: Callable[[int], Log], functions: Functions
) -> None:
    # Given: a row whose end has passed, but that is there still
    log = make_log(24)
    log.append(7, 24, ago=25)

    # When
    outcome = log.table.redrive(log.table.lost(at=NOW - dt.timedelta(hours=25)))

    # Then
    assert outcome.failed == 1, outcome
    [reason] = outcome.reasons
    assert "the log may have let go of a part of that time" in reason


TRIMMED = {"Kind": "stream-record", "Trimmed": "true"}


def test_a_record_too_large_for_a_letter_is_made_anew_from_its_row(
    make_table: Any, functions: Functions
) -> None:
    # Given: a row of a table whose rows never change
    table = make_table("bronze-call", ("INSERT",))
    table.put(pk="demo#1", raw="{}", ingested_at=timestamp(NOW))

    # When
    outcome = table.redrive(table.trimmed("INSERT", pk="demo#1"), **TRIMMED)

    # Then
    assert outcome.redriven == 1, outcome
    [[record]] = functions.records
    assert (read_stream_record(record).new or {})["raw"] == "{}"


def test_a_record_too_large_for_a_letter_stays_when_its_row_may_have_changed_or_is_gone(
    make_table: Any, functions: Functions
) -> None:
    # Given
    table = make_table("items")
    table.put(pk="changed", version=4, updated_at=timestamp(NOW), images=[])

    # When
    changed = table.redrive(table.trimmed("MODIFY", pk="changed"), **TRIMMED)
    both = table.redrive(table.trimmed("INSERT", pk="gone"), **TRIMMED)
    accepted = table.redrive(table.trimmed("INSERT", pk="gone"), **TRIMMED, accept_loss=True)

    # Then
    assert "what the row was before and at the change is gone" in next(iter(changed.reasons))
    assert any("the row that its key names is gone" in reason for reason in both.reasons)
    assert (both.failed, accepted.redriven) == (2, 3)
    assert table.trial.visible(table.queue) == 0


def test_a_deletion_too_large_for_a_letter_goes_to_who_is_given_deletions_alone(
    make_table: Any, functions: Functions
) -> None:
    # Given
    table = make_table("items", ("REMOVE",))

    # When
    outcome = table.redrive(table.trimmed("REMOVE", pk="demo#1"), **TRIMMED)

    # Then
    assert outcome.redriven == 1, outcome
    [[record]] = functions.records
    assert read_stream_record(record).keys == {"pk": "demo#1"}
