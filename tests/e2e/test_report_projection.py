"""From the APIs to the tables of reports, and the same again when they are made from nothing."""

from __future__ import annotations

import datetime as dt
import json
import os
import subprocess
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from tests.e2e.test_images import Uploads
from tests.fakes.pictures import png
from tests.local_stack import ITEMSTREAM, ROOT
from tests.report_tables import ReportTables
from tests.waiting import eventually

if TYPE_CHECKING:
    from tests.local_stack import Caller, LocalStack


def stored(moment: str) -> dt.datetime:
    return dt.datetime.fromisoformat(moment).replace(tzinfo=None)


def land(stack: LocalStack, tenant: str, calls: list[dict[str, Any]]) -> None:
    stack.client("s3").put_object(
        Bucket=stack.status["buckets"]["landing"],
        Key=f"calls/{tenant}/{uuid4()}.jsonl",
        Body="\n".join(map(json.dumps, calls)).encode(),
    )


def call(number: int, moment: dt.datetime) -> dict[str, Any]:
    return {
        "call_id": f"c-{number}",
        "client_id": "shop",
        "occurred_at": moment.isoformat(),
        "method": "GET",
        "path": "/orders",
        "status_code": [200, 503][number % 2],
        "duration_ms": 10 + 5 * (number % 2),
        "bytes_out": 100,
    }


def rebuilt(*options: str) -> str:
    done = subprocess.run(
        [*ITEMSTREAM, "reports", "rebuild", *options],
        cwd=ROOT,
        env={"ITEMSTREAM_STACK": "test", **os.environ},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def test_what_happens_is_in_the_tables_and_comes_back_from_nothing(
    stack: LocalStack, caller: Caller
) -> None:
    # Given an item that is changed and gets a picture, one that goes, and calls, one of them twice
    tables, uploads = ReportTables(stack, caller.tenant), Uploads(caller)
    kept = caller.created(category="furniture", price={"amount": 1250, "currency": "EUR"})
    gone = caller.created()
    content = {"name": "B", "category": "toys", "status": "active", "quantity": 4}
    assert caller.put(kept["id"], content, '"1"').status_code == 200
    image_id = uploads.uploaded(kept["id"], png(), "image/png")
    assert uploads.settled(kept["id"], image_id)["status"] == "ready"
    assert caller.delete(gone["id"], '"1"').status_code == 204
    noon = dt.datetime.now(dt.UTC).replace(hour=12, minute=0) - dt.timedelta(days=1)
    land(stack, caller.tenant, [*(call(number, noon) for number in range(8)), call(0, noon)])

    # When
    eventually(lambda: len(tables.changes()) == 5, within=60, what="five changes")
    eventually(lambda: tables.calls() == 8, within=60, what="eight calls")

    # Then
    kinds = sorted((row[3], row[2]) for row in tables.changes())
    assert kinds == sorted(
        [
            ("image.ready", kept["id"]),
            ("item.created", gone["id"]),
            ("item.created", kept["id"]),
            ("item.deleted", gone["id"]),
            ("item.updated", kept["id"]),
        ]
    )
    now = caller.get(kept["id"]).json()
    first, second = tables.items()
    assert first == (
        *(caller.tenant, kept["id"], 0, 3, "toys", "active", None, None, 4, 1),
        *(stored(now["created_at"]), stored(now["updated_at"])),
    )
    assert second[:4] == (caller.tenant, gone["id"], 1, 1)
    assert [row[2:4] + row[5:7] + row[8:] for row in tables.hours()] == [
        ("server_error", "instant", 4, 60, 400),
        ("success", "instant", 4, 40, 400),
    ]

    # When
    before = tables.dump()
    said = rebuilt("--tenant", caller.tenant, "--from-nothing", "--yes")

    # Then
    assert tables.dump() == before
    assert "Nothing would be lost" in said or "nothing" in said

    # When everything comes once more
    rebuilt("--tenant", caller.tenant)

    # Then
    assert tables.dump() == before


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("not an event of {}", "not a CloudEvent from the event bus"),
        ('{{"detail": {{"specversion": "1.0", "tenant": "{}"}}}}', "KeyError 'id'"),
    ],
)
def test_a_poison_message_is_a_dead_letter_with_its_reason(
    stack: LocalStack, caller: Caller, body: str, why: str
) -> None:
    # Given
    sqs, queues = stack.client("sqs"), stack.status["queues"]
    poison = body.format(caller.tenant)

    # When
    sqs.send_message(QueueUrl=queues["report_events"]["url"], MessageBody=poison)

    # Then
    url = queues["report_events_dead_letters"]["url"]

    def letter() -> dict[str, Any] | None:
        for message in sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=1,
            MessageAttributeNames=["Reason"],
        ).get("Messages", []):
            if message["Body"] == poison:
                return dict(message)
        return None

    found = eventually(letter, every=0.3, what="the dead letter")
    assert found is not None
    assert why in found["MessageAttributes"]["Reason"]["StringValue"]
    sqs.delete_message(QueueUrl=url, ReceiptHandle=found["ReceiptHandle"])
