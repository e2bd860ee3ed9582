"""The cleanup on the stack: what is over goes, bronze by way of the archive, and the rest stays."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import os
import subprocess
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx

from itemstream.cleanup.objects import OrphanRenditions
from itemstream.cleanup.objects_s3 import S3Versions
from itemstream.cleanup.pace import Pace
from itemstream.cleanup.tasks import Budget
from itemstream.dynamodb.attribute_values import from_item, to_item
from itemstream.items.dynamodb import DynamoItems, DynamoItemsSettings
from tests.event_contract import assert_valid_event
from tests.fakes.pictures import jpeg
from tests.local_stack import ITEMSTREAM, ROOT
from tests.waiting import eventually

if TYPE_CHECKING:
    from tests.local_stack import Caller, LocalStack

DAY = 86400


def clean_up(*options: str) -> dict[str, Any]:
    done = subprocess.run(
        [*ITEMSTREAM, "cleanup", "--json", *options],
        cwd=ROOT,
        env={"ITEMSTREAM_STACK": "test", **os.environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout))


def put(stack: LocalStack, table: str, **row: Any) -> None:
    stack.client("dynamodb").put_item(TableName=stack.table(table), Item=to_item(row))


def row(stack: LocalStack, table: str, **key: str) -> dict[str, Any] | None:
    found = stack.client("dynamodb").get_item(
        TableName=stack.table(table), Key=to_item(key), ConsistentRead=True
    )
    return from_item(found["Item"]) if "Item" in found else None


def archived(stack: LocalStack, tenant: str) -> list[dict[str, Any]]:
    s3, bucket = stack.client("s3"), stack.status["buckets"]["archive"]
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=f"bronze/{tenant}/")
    return [
        json.loads(line)
        for found in listed.get("Contents", [])
        for line in gzip.decompress(
            s3.get_object(Bucket=bucket, Key=found["Key"])["Body"].read()
        ).splitlines()
    ]


def keys(stack: LocalStack, prefix: str) -> set[str]:
    """Return the keys of renditions."""
    bucket = stack.status["buckets"]["processed"]
    listed = stack.client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix)
    return {found["Key"] for found in listed.get("Contents", [])}


def event_of(stack: LocalStack, run_id: str) -> dict[str, Any] | None:
    answer = stack.client("dynamodb").query(
        TableName=stack.table("events"),
        KeyConditionExpression="pk = :tenant",
        ExpressionAttributeValues={":tenant": {"S": "operations"}},
        ScanIndexForward=False,
        Limit=20,
    )
    events = [from_item(found)["event"] for found in answer["Items"]]
    return next((event for event in events if event["subject"] == run_id), None)


def test_what_is_over_goes_and_the_living_stay(stack: LocalStack) -> None:
    # Given rows that are over, and others of the same kinds that are not
    tenant, now = f"t-{uuid4().hex[:12]}", int(time.time())
    file = {"tenant": tenant, "object": {"id": "f1", "bucket": "b", "key": "k", "version": "1"}}
    landed_long_ago, landed_lately = now + 29 * DAY, now + 31 * DAY
    old = [
        {"pk": f"{tenant}#f1#{n}", "sk": f"{n:010d}", "line": n, "raw": f"é{n}", **file}
        | {"expires_at": landed_long_ago, "ingested_at": "2026-09-20T00:00:00.000Z"}
        for n in range(3)
    ]
    kept = {**old[0], "pk": f"{tenant}#f2#0", "expires_at": landed_lately}
    for bronze in (*old, kept):
        put(stack, "bronze_call", **bronze)
    for name, ends in (("over", now - 1), ("open", now + DAY)):
        put(stack, "connections", pk=f"connection#{tenant}-{name}", sk="c", expires_at=ends)
        put(stack, "tickets", pk=f"{tenant}-{name}", expires_at=ends)

    # When
    dry = clean_up("--dry-run")

    # Then nothing has changed
    assert dry["dry_run"]
    assert dry["tasks"]["bronze"]["removed"] >= 3
    assert row(stack, "bronze_call", pk=old[0]["pk"], sk=old[0]["sk"]) == old[0]
    assert archived(stack, tenant) == []

    # When
    run = clean_up()

    # Then the old rows of bronze are in the archive, as they were, and all that was over is gone
    assert not any(task["errors"] for task in run["tasks"].values()), run
    assert all(row(stack, "bronze_call", pk=each["pk"], sk=each["sk"]) is None for each in old)
    assert sorted(archived(stack, tenant), key=lambda each: str(each["pk"])) == old
    assert row(stack, "bronze_call", pk=kept["pk"], sk=kept["sk"]) == kept
    assert row(stack, "connections", pk=f"connection#{tenant}-over", sk="c") is None
    assert row(stack, "tickets", pk=f"{tenant}-over") is None
    assert row(stack, "connections", pk=f"connection#{tenant}-open", sk="c")
    assert row(stack, "tickets", pk=f"{tenant}-open")

    # Then those who run the platform are told
    event = eventually(lambda: event_of(stack, run["id"]), within=30, what="the event")
    assert event is not None
    assert_valid_event(event)
    assert event["data"]["tasks"] == run["tasks"]


def test_of_renditions_only_orphans_go(stack: LocalStack, caller: Caller) -> None:
    # Given an item with a picture, and renditions of a picture that never became one
    item = caller.created()
    asked = caller.http.post(f"items/{item['id']}/images", json={"content_type": "image/jpeg"})
    form = asked.json()["upload"]
    assert httpx.post(form["url"], data=form["fields"], files={"file": jpeg(400, 300)}).is_success
    eventually(lambda: caller.get(item["id"]).json()["images"], within=60, what="the image")
    prefix = f"images/{caller.tenant}/"
    used = keys(stack, prefix)
    assert used
    s3, bucket = stack.client("s3"), stack.status["buckets"]["processed"]
    orphans = {f"{prefix}{item['id']}/{uuid4()}/320-aa.webp", f"{prefix}{uuid4()}/x/320-aa.webp"}
    for key in orphans:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")

    # When two days are over
    table = DynamoItems(
        stack.client("dynamodb"), DynamoItemsSettings(stack.table("items"), items_shards=4)
    )
    in_two_days = (dt.datetime.now(dt.UTC) + dt.timedelta(days=2)).timestamp()
    task = OrphanRenditions(
        S3Versions(s3, bucket, Pace(1000)), table, prefix=prefix, clock=lambda: in_two_days
    )
    account = task.run(Budget(60))

    # Then
    assert (account.removed, account.errors, account.done) == (2, 0, True)
    assert keys(stack, prefix) == used
