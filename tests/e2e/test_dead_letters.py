"""`itemstream dlq`: what failed for a cause has its effect once the cause is mended.

The consumer here is change_publisher as it stands, under another name and with a stream of its own,
so that nothing else on the stack notices when it is broken.
"""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import boto3
import httpx
import pytest

from itemstream.dynamodb.attribute_values import from_item, to_item
from tests.local_stack import ITEMSTREAM, ROOT
from tests.waiting import eventually
from tools.dead_letters.accounts import Account
from tools.dead_letters.queues import find_queue
from tools.dead_letters.reading import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.local_stack import LocalStack

TIME = "2026-11-21T06:00:00.000Z"


def account_of(stack: LocalStack) -> Account:
    session = boto3.Session("test", "test", region_name=stack.status["region"])
    return Account("local", "the stack", session, stack.status["aws_endpoint_url"])


def dlq(stack: LocalStack, *arguments: str) -> tuple[int, Any]:
    """Run `itemstream dlq … --json`; return its exit code and what it says."""
    done = subprocess.run(
        [*ITEMSTREAM, "dlq", *arguments, "--json"],
        cwd=ROOT,
        env={**os.environ, "ITEMSTREAM_STACK": stack.status["stack"]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    return done.returncode, json.loads(done.stdout)


def package_of(model: dict[str, Any]) -> dict[str, Any]:
    """Return what makes a function of the same code, as an Image or as a Zip."""
    configuration, code = model["Configuration"], model["Code"]
    if configuration["PackageType"] == "Image":
        return {
            "PackageType": "Image",
            "Code": {"ImageUri": code["ImageUri"]},
            "ImageConfig": configuration["ImageConfigResponse"]["ImageConfig"],
        }
    archive = httpx.get(code["Location"], trust_env=False).content
    return {
        "Code": {"ZipFile": archive},
        "Runtime": configuration["Runtime"],
        "Handler": configuration["Handler"],
        "Layers": [layer["Arn"] for layer in configuration["Layers"]],
    }


@dataclass
class Publisher:
    """A publisher of changes with a table of its own; it can be broken and mended."""

    stack: LocalStack
    name: str = field(default_factory=lambda: f"itemstream-local-trial-{uuid4().hex[:8]}")
    tenant: str = field(default_factory=lambda: f"t-{uuid4().hex[:12]}")
    mapping: str = ""

    @property
    def letters(self) -> str:
        """What `itemstream dlq` calls its dead letters."""
        return self.name.removeprefix("itemstream-local-").replace("-", "_")

    @property
    def table(self) -> str:
        return f"{self.name}-items"

    def make(self) -> None:
        function, iam, sqs = (self.stack.client(name) for name in ("lambda", "iam", "sqs"))
        trust = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}}
        allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        role = iam.create_role(
            RoleName=self.name,
            AssumeRolePolicyDocument=json.dumps(
                {"Version": "2012-10-17", "Statement": [{**trust, "Action": "sts:AssumeRole"}]}
            ),
        )["Role"]["Arn"]
        iam.put_role_policy(
            RoleName=self.name,
            PolicyName="access",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]}),
        )
        self.queue_url = sqs.create_queue(QueueName=f"{self.name}-dead-letters")["QueueUrl"]
        self.queue_arn = f"arn:aws:sqs:us-east-1:000000000000:{self.name}-dead-letters"
        model = function.get_function(
            FunctionName=self.stack.function("change_publisher"), Qualifier="live"
        )
        configuration = model["Configuration"]
        self.usual = {
            **configuration["Environment"]["Variables"],
            "DEAD_LETTERS_QUEUE": f"{self.name}-dead-letters",
        }
        function.create_function(
            FunctionName=self.name,
            **package_of(model),
            Role=role,
            Timeout=20,
            MemorySize=512,
            Environment={"Variables": self.usual},
            Publish=True,
        )
        function.create_alias(FunctionName=self.name, Name="live", FunctionVersion="1")
        function.put_function_event_invoke_config(
            FunctionName=self.name,
            Qualifier="live",
            MaximumRetryAttempts=0,
            MaximumEventAgeInSeconds=21600,
            DestinationConfig={"OnFailure": {"Destination": self.queue_arn}},
        )
        self.stack.client("dynamodb").create_table(
            TableName=self.table,
            KeySchema=[
                {"AttributeName": "pk", "KeyType": "HASH"},
                {"AttributeName": "sk", "KeyType": "RANGE"},
            ],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
            BillingMode="PAY_PER_REQUEST",
            StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        )
        described = self.stack.client("dynamodb").describe_table(TableName=self.table)
        self.mapping = function.create_event_source_mapping(
            FunctionName=f"{self.name}:live",
            EventSourceArn=described["Table"]["LatestStreamArn"],
            StartingPosition="TRIM_HORIZON",
            BatchSize=10,
            MaximumRetryAttempts=0,
            FunctionResponseTypes=["ReportBatchItemFailures"],
            DestinationConfig={"OnFailure": {"Destination": self.queue_arn}},
        )["UUID"]

    def break_(self) -> None:
        self._change({**self.usual, "EVENTS_TABLE": "there-is-none"})

    def mend(self) -> None:
        self._change(self.usual)

    def _change(self, variables: dict[str, str]) -> None:
        function = self.stack.client("lambda")
        function.update_function_configuration(
            FunctionName=self.name, Environment={"Variables": variables}
        )
        version = function.publish_version(FunctionName=self.name)["Version"]
        function.update_alias(FunctionName=self.name, Name="live", FunctionVersion=version)

    def row(self, item_id: str = "") -> dict[str, Any]:
        return {
            "pk": f"{self.tenant}#0",
            "sk": item_id or str(uuid4()),
            **dict.fromkeys(("name", "description", "category", "status", "created_by"), "a"),
            "price": None,
            "quantity": 1,
            "tags": [],
            "attributes": {},
            "images": [],
            "version": 1,
            "created_at": TIME,
            "updated_at": TIME,
        }

    def put(self, row: dict[str, Any]) -> None:
        self.stack.client("dynamodb").put_item(TableName=self.table, Item=to_item(row))

    def event(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return an event with the record that putting a row makes."""
        image = to_item(row)
        return {
            "Records": [
                {
                    "eventID": uuid4().hex,
                    "eventName": "INSERT",
                    "eventSource": "aws:dynamodb",
                    "awsRegion": "us-east-1",
                    "eventSourceARN": f"arn:aws:dynamodb:us-east-1:000000000000:table/{self.table}"
                    "/stream/2026-11-21T06:00:00.000",
                    "dynamodb": {
                        "ApproximateCreationDateTime": 1795240800,
                        "Keys": {name: image[name] for name in ("pk", "sk")},
                        "NewImage": image,
                        "SequenceNumber": f"{1:021d}",
                    },
                }
            ]
        }

    def log(self) -> list[str]:
        """Return the ids of the tenant's events, in order."""
        rows = self.stack.client("dynamodb").query(
            TableName=self.stack.table("events"),
            KeyConditionExpression="pk = :tenant",
            ExpressionAttributeValues=to_item({":tenant": self.tenant}),
            ConsistentRead=True,
        )["Items"]
        return [from_item(row)["event_id"] for row in rows]

    def depth(self) -> int:
        _, queues = dlq(self.stack, "list")
        return next(int(queue["depth"]) for queue in queues if queue["name"] == self.letters)

    def forget(self) -> None:
        function, iam = self.stack.client("lambda"), self.stack.client("iam")
        if self.mapping:
            function.delete_event_source_mapping(UUID=self.mapping)
        self.stack.client("dynamodb").delete_table(TableName=self.table)
        function.delete_function(FunctionName=self.name)
        self.stack.client("sqs").delete_queue(QueueUrl=self.queue_url)
        iam.delete_role_policy(RoleName=self.name, PolicyName="access")
        iam.delete_role(RoleName=self.name)


@pytest.fixture
def publisher(stack: LocalStack) -> Iterator[Publisher]:
    made = Publisher(stack)
    made.make()
    yield made
    made.forget()


def test_changes_that_a_stream_gave_up_are_in_the_log_once_the_cause_is_mended(
    publisher: Publisher, stack: LocalStack
) -> None:
    # Given: a consumer that is broken when three items are made
    publisher.break_()
    rows = [publisher.row() for _ in range(3)]
    for row in rows:
        publisher.put(row)

    def pointers() -> Any:
        _, letters = dlq(stack, "show", publisher.letters)
        pointed = {one["eventID"] for letter in letters for one in letter.get("records", [])}
        return letters if len(pointed) == len(rows) else None

    letters = eventually(pointers, within=60, every=0.5, what="all records are pointed to")
    assert {letter["kind"] for letter in letters} == {"stream-pointer"}
    assert "RetryAttemptsExhausted" in letters[0]["reason"]
    assert publisher.log() == []

    # When: redriven before, and after the cause is mended
    code, outcome = dlq(stack, "redrive", publisher.letters, "--yes")
    assert (code, outcome["redriven"]) == (1, 0)
    assert publisher.depth() == outcome["failed"]
    publisher.mend()
    code, outcome = dlq(stack, "redrive", publisher.letters, "--yes")

    # Then
    assert (code, outcome["failed"]) == (0, 0), outcome
    assert publisher.log() == [f"{row['sk']}:1:item.created" for row in rows]
    assert publisher.depth() == 0


def test_a_record_that_was_refused_is_explained_and_goes_back(
    publisher: Publisher, stack: LocalStack
) -> None:
    # Given: a row that is no item
    publisher.put({"pk": f"{publisher.tenant}#0", "sk": "not-an-item"})
    eventually(publisher.depth, within=60, every=0.5, what="the record is refused")

    # Then
    _, [letter] = dlq(stack, "show", publisher.letters)
    assert letter["kind"] == "stream-record"
    assert letter["function"] == publisher.name
    assert "the row is not one of items" in letter["reason"]
    assert letter["payload"]["dynamodb"]["Keys"]["sk"] == {"S": "not-an-item"}

    # When: nothing was mended, so that it is refused again
    code, outcome = dlq(stack, "redrive", publisher.letters, "--yes")

    # Then
    assert (code, outcome["came_back"]) == (1, 1), outcome
    assert outcome["reasons"] == {letter["reason"]: 1}
    assert publisher.depth() == 1


def test_a_refused_record_that_can_be_read_now_has_its_effect_once(
    publisher: Publisher, stack: LocalStack
) -> None:
    # Given: two dead letters of one record
    row = publisher.row()
    [record] = publisher.event(row)["Records"]
    ours = {
        "Kind": "stream-record",
        "Reason": "an older version could not read it",
        "Source": record["eventSourceARN"],
        "Function": publisher.name,
        "FailedAt": TIME,
    }
    for _ in range(2):
        stack.client("sqs").send_message(
            QueueUrl=publisher.queue_url,
            MessageBody=json.dumps(record),
            MessageAttributes={
                name: {"DataType": "String", "StringValue": value} for name, value in ours.items()
            },
        )

    # When
    code, outcome = dlq(
        stack, "redrive", publisher.letters, "--yes", "--filter", "contains(reason, 'older')"
    )

    # Then
    assert (code, outcome["redriven"]) == (0, 2), outcome
    assert publisher.log() == [f"{row['sk']}:1:item.created"]


def test_an_asynchronous_event_that_failed_is_given_to_the_function_again(
    publisher: Publisher, stack: LocalStack
) -> None:
    # Given
    publisher.break_()
    row = publisher.row()
    stack.client("lambda").invoke(
        FunctionName=publisher.name,
        Qualifier="live",
        InvocationType="Event",
        Payload=json.dumps(publisher.event(row)).encode(),
    )
    eventually(publisher.depth, within=60, every=0.5, what="the event is kept")
    _, [letter] = dlq(stack, "show", publisher.letters)
    assert letter["kind"] == "invocation"
    assert "ResourceNotFoundException" in letter["reason"]

    # When
    publisher.mend()
    code, outcome = dlq(stack, "redrive", publisher.letters, "--yes")

    # Then
    assert (code, outcome["redriven"]) == (0, 1), outcome
    eventually(lambda: publisher.log() == [f"{row['sk']}:1:item.created"], what="it is in the log")


@pytest.fixture
def mark(stack: LocalStack) -> Iterator[str]:
    """Mark notifications, and delete the dead letters that have the mark at the end."""
    mark = uuid4().hex
    yield mark
    account = account_of(stack)
    with Reading(account.client("sqs"), find_queue(account, "notifications")) as reading:
        for letter in reading:
            if mark in letter.body:
                reading.delete(letter)


def test_a_message_that_a_consumer_refused_is_explained_and_goes_back(
    stack: LocalStack, mark: str
) -> None:
    # Given: a notification about a kind of event that nobody knows
    event = {
        "specversion": "1.0",
        "id": mark,
        "source": "/itemstream/planets",
        "type": "planet.landed",
        "time": TIME,
        "subject": "mars",
        "tenant": "demo",
        "data": {},
    }
    stack.client("sqs").send_message(
        QueueUrl=stack.status["queues"]["notifications"]["url"],
        MessageBody=json.dumps({"detail-type": "planet.landed", "detail": event}),
    )
    mine = ("--filter", f"payload.detail.id == '{mark}'")

    def shown() -> Any:
        return dlq(stack, "show", "notifications", *mine)[1]

    # Then
    [letter] = eventually(shown, within=60, every=0.5, what="the message is refused")
    assert letter["kind"] == "queue-message"
    assert letter["source"] == stack.status["queues"]["notifications"]["arn"]
    assert "planet.landed" in letter["reason"]

    # When
    _, outcome = dlq(stack, "redrive", "notifications", "--yes", *mine)
    assert (outcome["redriven"], outcome["failed"]) == (1, 0)

    # Then: the consumer had it again, and refused it again
    [again] = eventually(shown, within=60, every=0.5, what="the message is refused again")
    assert again["id"] != letter["id"]
    assert again["payload"] == letter["payload"]


def test_every_redrive_is_in_the_audit(publisher: Publisher, stack: LocalStack) -> None:
    # Given
    stack.client("sqs").send_message(
        QueueUrl=publisher.queue_url, MessageBody=json.dumps({"requestPayload": "not whole"})
    )

    # When: looked at, then redriven
    dlq(stack, "redrive", publisher.letters, "--dry-run")
    dlq(stack, "redrive", publisher.letters, "--yes", "--filter", "kind == 'stream-record'")

    # Then
    done = subprocess.run(
        [*ITEMSTREAM, "dlq", "audit", "--json"],
        cwd=ROOT,
        env={**os.environ, "ITEMSTREAM_STACK": stack.status["stack"]},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    begins, ends = (line for line in lines if line["queue"] == publisher.letters)
    assert begins["run"] == ends["run"]
    assert (begins["phase"], ends["phase"]) == ("begins", "ends")
    assert begins["who"] == "arn:aws:iam::000000000000:root"
    assert begins["filter"] == "kind == 'stream-record'"
    assert (ends["redriven"], ends["skipped"]) == (0, 1)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("show", "nothing"), "has no dead letters of `nothing`"),
        (("redrive", "notifications", "--filter", "a=b"), "is not JMESPath"),
        (("redrive", "notifications"), "--dry-run"),
        (("redrive", "notifications", "--rate", "0"), "0.01"),
    ],
)
def test_a_wrong_command_says_what_to_do_and_changes_nothing(
    stack: LocalStack, arguments: tuple[str, ...], said: str
) -> None:
    # When
    done = subprocess.run(
        [*ITEMSTREAM, "dlq", *arguments],
        cwd=ROOT,
        env={**os.environ, "ITEMSTREAM_STACK": stack.status["stack"], "COLUMNS": "200"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )

    # Then
    assert done.returncode == 2
    assert said in done.stderr
