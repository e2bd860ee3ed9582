"""Schedules: when they call, and what they say."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

from tests.waiting import eventually

if TYPE_CHECKING:
    from tests.integration.local_aws.conftest import Ministack
    from tests.integration.local_aws.stand_in import StandIn

ROLE = "arn:aws:iam::000000000000:role/scheduler"


def test_a_function_is_told_when_its_call_was_due(
    ministack: Ministack, function: str, host: StandIn
) -> None:
    # Given
    due = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=1)
    words = {
        "schedule": "<aws.scheduler.schedule-arn>",
        "time": "<aws.scheduler.scheduled-time>",
        "execution": "<aws.scheduler.execution-id>",
        "attempt": "<aws.scheduler.attempt-number>",
        "other": "<aws.scheduler.weather>",
    }

    # When
    arn = ministack.client("scheduler").create_schedule(
        Name=f"trial-{uuid4().hex[:8]}",
        ScheduleExpression=f"at({due:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={
            "Arn": f"arn:aws:lambda:us-east-1:000000000000:function:{function}:live",
            "RoleArn": ROLE,
            "Input": json.dumps(words),
        },
    )["ScheduleArn"]

    # Then
    [event] = eventually(lambda: [event for _, event in host.invocations])
    assert due <= datetime.fromisoformat(event["time"]) <= datetime.now(UTC)
    assert len(event["execution"]) == 16
    assert (event["schedule"], event["attempt"]) == (arn, "1")
    assert event["other"] == words["other"]
