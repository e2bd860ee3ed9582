"""Schedules are looked at each second, and tell their targets when the call was due.

AWS: Scheduler replaces ``<aws.scheduler.scheduled-time>`` and three other words in a target's input
(https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html).
MiniStack 1.5.33: hands the input over as it is, up to ten seconds late.
"""

import os
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from ministack.services import eventbridge, scheduler

_SWEEP_SECONDS = float(os.environ.get("ITEMSTREAM_SCHEDULE_SECONDS", "1"))


def apply() -> None:
    """Patch ``ministack.services``: EventBridge invokes Scheduler's targets too."""
    scheduler._SCHEDULE_TICK_INTERVAL = _SWEEP_SECONDS
    invoke = eventbridge._invoke_target

    def invoke_told(
        target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None
    ) -> None:
        if event.get("Source") == "aws.scheduler" and "Input" in target:
            target = {**target, "Input": _told(target["Input"], rule["Arn"], event["Time"])}
        invoke(target, event, rule, view)

    eventbridge._invoke_target = invoke_told


def _told(text: str, schedule_arn: str, time: float) -> str:
    words = {
        "schedule-arn": schedule_arn,
        "scheduled-time": datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "execution-id": uuid4().hex[:16],
        "attempt-number": "1",
    }
    for word, value in words.items():
        text = text.replace(f"<aws.scheduler.{word}>", value)
    return text
