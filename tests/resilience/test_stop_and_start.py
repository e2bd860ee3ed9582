"""The whole stack is stopped and started while events are under way: nothing is lost."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.local_stack import ITEMSTREAM, ROOT
from tests.waiting import eventually

if TYPE_CHECKING:
    from tests.local_stack import Caller, LocalStack

LINES = 6_000
ITEMS = 20
DAY = "2026-11-20"


def itemstream(*command: str) -> None:
    done = subprocess.run(
        [*ITEMSTREAM, *command],
        cwd=ROOT,
        env={"ITEMSTREAM_STACK": "test", **os.environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def call_line(number: int) -> str:
    return json.dumps(
        {
            "call_id": f"call-{number:06}",
            "client_id": f"client-{number % 7}",
            "occurred_at": f"{DAY}T{number % 24:02}:{number % 60:02}:00Z",
            "method": "GET",
            "path": f"/items/{number}",
            "status_code": 200,
            "duration_ms": number % 900,
            "bytes_in": 100,
            "bytes_out": 2_000,
            "ip": "203.0.113.7",
            "user_agent": "curl/8.5.0",
        }
    )


def rejects(stack: LocalStack, tenant: str) -> list[dict[str, Any]]:
    pages = stack.client("dynamodb").get_paginator("scan")
    return [
        row
        for page in pages.paginate(TableName=stack.table("rejected_call"), ConsistentRead=True)
        for row in page["Items"]
        if row["pk"]["S"].startswith(f"{tenant}#")
    ]


def count_calls(stack: LocalStack, tenant: str) -> int:
    pages = stack.client("dynamodb").get_paginator("query")
    return sum(
        page["Count"]
        for page in pages.paginate(
            TableName=stack.table("silver_call"),
            IndexName="by_day",
            Select="COUNT",
            KeyConditionExpression="day_key = :day",
            ExpressionAttributeValues={":day": {"S": f"{tenant}#{DAY}"}},
        )
    )


def events(stack: LocalStack, tenant: str) -> list[dict[str, Any]]:
    pages = stack.client("dynamodb").get_paginator("query")
    return [
        row
        for page in pages.paginate(
            TableName=stack.table("events"),
            ConsistentRead=True,
            KeyConditionExpression="pk = :tenant",
            ExpressionAttributeValues={":tenant": {"S": tenant}},
        )
        for row in page["Items"]
    ]


@pytest.mark.timeout(500)
def test_a_stop_in_the_middle_of_ingest_loses_no_call_and_no_event(
    stack: LocalStack, caller: Caller
) -> None:
    # Given a file of calls, of which some have reached the log and some have not
    tenant = caller.tenant
    items = [caller.created(name=f"Item {number}")["id"] for number in range(ITEMS)]
    eventually(lambda: stack.end_of_log(tenant) == ITEMS, within=60, what="the items' events")
    stack.client("s3").put_object(
        Bucket=stack.status["buckets"]["landing"],
        Key=f"calls/{tenant}/{uuid4()}.jsonl",
        Body="\n".join(map(call_line, range(LINES))).encode(),
    )
    eventually(lambda: stack.end_of_log(tenant) > ITEMS, within=60, what="the first calls")
    arrived = stack.end_of_log(tenant) - ITEMS
    assert arrived < LINES, "all calls had arrived before the stop: use more lines"

    # When
    try:
        itemstream("down")
    finally:
        # Whatever the stop did, the tests after this one need the stack.
        itemstream("up")

    # Then every call arrives, and every item's event, each once
    whole = LINES + ITEMS
    eventually(
        lambda: stack.end_of_log(tenant) >= whole, within=240, every=0.5, what="events in the log"
    )
    assert count_calls(stack, tenant) == LINES
    assert rejects(stack, tenant) == []
    log = events(stack, tenant)
    sequences = sorted(int(row["sk"]["S"]) for row in log)
    assert sequences == list(range(1, whole + 1))
    created = [row["subject"]["S"] for row in log if row["type"]["S"] == "item.created"]
    assert sorted(created) == sorted(items)
