"""Calls by the clock: EventBridge Scheduler has called Lambda asynchronously.

The form is ours (terraform/schedules.tf); Scheduler fills in when it was to call (EventBridge
Scheduler User Guide, "Adding context attributes"). An operator may call the same function with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from itemstream.dead_letters import DeadLetter, Refused
from itemstream.dead_letters.sqs import dead_letters
from itemstream.observability.invocation import observed
from itemstream.observability.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Scheduled", "schedule_handler"]

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Scheduled:
    """
    A call by the clock.

    Parameters
    ----------
    schedule
        The catalogue's name of the schedule.
    time
        When the call was due: the same in each attempt at it, however late that is.
    input
        What the catalogue has it told, or the operator says.
    remaining_seconds
        Tells how long the invocation may still take.
    """

    schedule: str
    time: datetime
    input: dict[str, Any]
    remaining_seconds: Callable[[], float]


def schedule_handler(
    run: Callable[[Scheduled], Answer],
) -> Callable[[dict[str, Any], Any], Answer | None]:
    """
    Make a Lambda handler of a function that runs by the clock.

    What the function returns is an operator's answer; the clock does not listen. The function
    raises :class:`itemstream.dead_letters.Refused` for a call that makes no sense: it becomes a
    dead letter with its reason. For any other error Lambda tries again, twice, and then keeps the
    call on the function's dead-letter queue. A call may come twice: do what is due, not what is
    next.
    """

    @wraps(run)
    @observed
    def handler(event: Any, context: Any) -> Answer | None:
        try:
            scheduled = _read(event, context)
            answer = run(scheduled)
        except Refused as refused:
            # By its schedule's name, if it has one: an operator's call came from none.
            source = str(event.get("schedule", "")) if isinstance(event, dict) else ""
            dead_letters().send(DeadLetter("event", refused.reason, source, event))
            return None
        logger.info("ran", extra={"schedule": scheduled.schedule})
        return answer

    return handler


def _read(event: Any, context: Any) -> Scheduled:
    try:
        # An operator need not say when.
        time = event.get("scheduled_time")
        moment = datetime.now(UTC) if time is None else datetime.fromisoformat(time)
        given = event.get("input", {})
        schedule = event["schedule"]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Refused(f"not a call by a schedule: {type(error).__name__} {error}") from error
    if not isinstance(given, dict) or not isinstance(schedule, str) or moment.tzinfo is None:
        raise Refused("not a call by a schedule: schedule, scheduled_time or input is malformed")
    return Scheduled(
        schedule,
        moment.astimezone(UTC),
        given,
        lambda: float(context.get_remaining_time_in_millis()) / 1000,
    )
