"""Every line of a file is accounted for, whatever is delivered twice, fails or dies."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import random
import threading
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus
from uuid import uuid4

import psutil
import pytest

from itemstream.calls.model import CallFile
from tests.resilience.faults import (
    ANSWER_LOST,
    BROKEN,
    THROTTLED,
    AwsCall,
    Fault,
    at_random,
    faults_between,
    processes_of,
)
from tests.waiting import eventually
from tools.calls.generator import Mix, records, written

if TYPE_CHECKING:
    from tests.local_stack import LocalStack

LINES = 20_000
MOST_DEATHS = 15
# Lambda tries an event three times. Twice bad luck, whichever of the file's events it meets, leaves
# one.
INGESTOR_DEATHS = 2


class Account:
    """
    What became of the lines of a tenant's two files.

    Read by partition and by key: a scan of tables that other tests have filled would take more of
    the local AWS's time than all that is to be accounted for.
    """

    def __init__(self, stack: LocalStack, tenant: str, versions: list[str]) -> None:
        bucket = stack.status["buckets"]["landing"]
        self._stack = stack
        self._tenant = tenant
        self._files = [
            CallFile(tenant, bucket, key_of(tenant), version, "").id for version in versions
        ]
        self._dynamodb = stack.client("dynamodb")

    def complete(self) -> bool:
        """Whether the ingestor has read both files to their ends."""
        keys = [self._key(file, "progress") for file in self._files]
        found = self._rows_of("bronze_call", keys)
        return sum(row["progress"]["M"]["complete"]["BOOL"] for row in found) == len(keys)

    def nearly_decided(self) -> bool:
        """Whether of some lines that stand in both files, one at least was set aside each time."""
        some = [f"{line:010d}" for line in range(LINES, 0, -LINES // 50)]
        keys = [self._key(file, line) for file in self._files for line in some]
        found = self._rows_of("rejected_call", keys)
        return {row["sk"]["S"] for row in found} == set(some)

    def count_set_aside(self) -> int:
        return sum(
            page["Count"]
            for file in self._files
            for page in self._pages("rejected_call", f"{self._tenant}#{file}", Select="COUNT")
        )

    def set_aside(self) -> list[dict[str, Any]]:
        partitions = [f"{self._tenant}#{file}" for file in self._files]
        return self._all("rejected_call", partitions)

    def raw(self) -> list[dict[str, Any]]:
        partitions = [f"{self._tenant}#{file}#{n}" for file in self._files for n in range(16)]
        return self._all("bronze_call", partitions)

    def calls(self, days: set[str]) -> list[dict[str, Any]]:
        by_day = {"IndexName": "by_day", "hash_key": "day_key"}
        partitions = [f"{self._tenant}#{day}" for day in sorted(days)]
        keys = [{"pk": row["pk"]} for row in self._all("silver_call", partitions, **by_day)]
        return self._rows_of("silver_call", keys)

    def _key(self, file: str, sort_key: str) -> dict[str, Any]:
        return {"pk": {"S": f"{self._tenant}#{file}"}, "sk": {"S": sort_key}}

    def _rows_of(self, table: str, keys: list[dict[str, Any]]) -> list[dict[str, Any]]:
        name, found = self._stack.table(table), []
        for start in range(0, len(keys), 100):
            asked: dict[str, Any] = {
                name: {"Keys": keys[start : start + 100], "ConsistentRead": True}
            }
            while asked:
                answer = self._dynamodb.batch_get_item(RequestItems=asked)
                found += answer["Responses"][name]
                asked = answer["UnprocessedKeys"]
        return found

    def _all(self, table: str, partitions: list[str], **more: str) -> list[dict[str, Any]]:
        return [
            row
            for partition in partitions
            for page in self._pages(table, partition, **more)
            for row in page["Items"]
        ]

    def _pages(self, table: str, partition: str, *, hash_key: str = "pk", **more: str) -> Any:
        return self._dynamodb.get_paginator("query").paginate(
            TableName=self._stack.table(table),
            KeyConditionExpression=f"{hash_key} = :partition",
            ExpressionAttributeValues={":partition": {"S": partition}},
            **more,
        )


class Killer:
    """
    Bad luck for both functions.

    The ingestor is killed twice as it writes. Of the transformer, one call in six fails, and a
    process is killed at every twentieth transaction.
    """

    def __init__(self, stack: LocalStack) -> None:
        self._stack = stack
        self._fail = at_random(1 / 6, THROTTLED, BROKEN, ANSWER_LOST, seed=1)
        self._chance = random.Random(2)
        self._lock = threading.Lock()
        self._transactions = self._batches = 0
        self.deaths = self.ingestor_deaths = 0

    def ingestor(self, call: AwsCall) -> None:
        """Kill an ingestor in the middle of its writes: what it asked for is never answered."""
        with self._lock:
            self._batches += call.operation == "BatchWriteItem"
            due = self._batches > 250 * (self.ingestor_deaths + 1)
            if due and self.ingestor_deaths < INGESTOR_DEATHS:
                self.ingestor_deaths += self._kill("call_ingestor")

    def transformer(self, call: AwsCall) -> Fault | None:
        with self._lock:
            self._transactions += call.operation == "TransactWriteItems"
            due = self._transactions > 20 * (self.deaths + 1) and self.deaths < MOST_DEATHS
            if due:
                self.deaths += self._kill("data_transformer")
        return self._fail(call)

    def _kill(self, function: str) -> int:
        """Kill one of a function's processes, any one; return how many died."""
        if processes := processes_of(self._stack, function):
            # It may be gone by itself.
            with suppress(psutil.Error):
                self._chance.choice(processes).kill()
                return 1
        return 0


def origin(row: dict[str, Any]) -> str:
    """Return the file and line of a row of bronze, or of what was set aside."""
    return f"{row['pk']['S'].split('#')[1]}#{row['sk']['S']}"


@pytest.mark.timeout(540)
def test_lines_are_calls_rejects_and_repeats_though_all_comes_twice_and_much_fails(
    stack: LocalStack,
) -> None:
    # Given a file of 20,000 lines, of which one in ten is broken
    tenant = f"t-{uuid4().hex[:12]}"
    until = dt.datetime.now(dt.UTC)
    made = list(records(LINES, Mix(broken=0.1, repeats=0.02), seed=tenant, until=until))
    kinds = Counter(record.kind for record in made)
    content = gzip.compress("".join(written(made, "jsonl")).encode())
    expected = {
        "rejected": 2 * kinds["broken"],
        "repeat": kinds["call"] + 2 * kinds["repeat"],
    }

    # And an ingestor that dies as it writes, and a transformer that does so too, and whose calls of
    # DynamoDB fail
    with (
        faults_between(stack, "call_ingestor", "DYNAMODB") as ingestor,
        faults_between(stack, "data_transformer", "DYNAMODB") as transformer,
    ):
        killer = Killer(stack)
        ingestor.decide = killer.ingestor
        transformer.decide = killer.transformer
        # When the file lands, its event comes twice, at the same time, and the file lands again
        first = land(stack, tenant, content)
        again = threading.Thread(target=deliver, args=(stack, tenant, first))
        again.start()
        second = land(stack, tenant, content)
        again.join()
        account = Account(stack, tenant, [first["VersionId"], second["VersionId"]])
        eventually(account.complete, within=240, every=1, what="bronze")
        eventually(account.nearly_decided, within=180, every=1, what="most lines to be something")
        eventually(
            lambda: account.count_set_aside() >= sum(expected.values()),
            within=60,
            every=3,
            what="all lines to be something",
        )

    # Then bad luck there was
    assert killer.deaths >= MOST_DEATHS / 2
    assert killer.ingestor_deaths == INGESTOR_DEATHS
    assert transformer.faults.total() > 20

    # And each line of each landing is one thing, and just one
    lines = {origin(row) for row in account.raw()}
    days = {f"{until - dt.timedelta(days=back):%Y-%m-%d}" for back in (0, 1)}
    calls = Counter(row["origin"]["S"] for row in account.calls(days))
    aside = {origin(row): row["kind"]["S"] for row in account.set_aside()}
    assert len(lines) == 2 * LINES
    assert set(calls) | set(aside) == lines
    assert not set(calls) & set(aside)
    assert set(calls.values()) == {1}
    assert len(calls) == kinds["call"]
    assert Counter(aside.values()) == expected
    assert kinds["broken"] > LINES * 0.09


def land(stack: LocalStack, tenant: str, content: bytes) -> dict[str, Any]:
    """Put the file, and return what S3 says of it."""
    return dict(
        stack.client("s3").put_object(
            Bucket=stack.status["buckets"]["landing"], Key=key_of(tenant), Body=content
        )
    )


def key_of(tenant: str) -> str:
    return f"calls/{tenant}/twice.jsonl.gz"


def deliver(stack: LocalStack, tenant: str, put: dict[str, Any]) -> None:
    """Deliver S3's event of a put once more."""
    bucket = stack.status["buckets"]["landing"]
    created = {
        "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
        "object": {
            "key": quote_plus(key_of(tenant), safe="/"),
            "eTag": put["ETag"].strip('"'),
            "versionId": put["VersionId"],
        },
    }
    event = {"Records": [{"eventTime": "2026-11-21T06:00:00.000Z", "s3": created}]}
    stack.client("lambda").invoke(
        FunctionName=f"{stack.function('call_ingestor')}:live",
        InvocationType="Event",
        Payload=json.dumps(event),
    )
