"""What ``GET /health`` answers: the last check, or that there was none for too long."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from itemstream.items.model import timestamp

if TYPE_CHECKING:
    from itemstream.health.model import Health, PartHealth, Status

__all__ = ["CRITICAL_PARTS", "health_document", "unreadable_document"]

# Without these the API answers nothing; without the others it answers less, or more slowly.
CRITICAL_PARTS = ("dynamodb", "rest")
# Everybody may ask: what is told of operations is whether work is late or lost, not whose nor how
# much. The reasons themselves are in the table, the event and the checker's answer.
_REASONS = {"dead_letters": "some work has failed", "consumers": "some work is late"}
_REASON = "not found well"
# Five checks that did not come: the checker itself is dead.
OLDEST = timedelta(minutes=5)


def health_document(health: Health | None, now: datetime) -> dict[str, Any]:
    """
    Return the document, with ``status`` for all of it.

    ``down`` and ``unknown`` mean that the API cannot be relied on.
    """
    if health is None:
        return {"status": "unknown", "checked_at": None, "parts": {}}
    return {
        "status": _status(health, now),
        "checked_at": health.checked_at,
        "parts": {name: _part(name, part) for name, part in sorted(health.parts.items())},
    }


def unreadable_document(now: datetime) -> dict[str, Any]:
    """Return the document for when the last check cannot be read: DynamoDB is down."""
    time = timestamp(now)
    part = {"status": "down", "since": None, "latency_ms": None, "checked_at": time}
    return {
        "status": "down",
        "checked_at": time,
        "parts": {"dynamodb": {**part, "reason": "the last check cannot be read"}},
    }


def _status(health: Health, now: datetime) -> Status:
    if now - datetime.fromisoformat(health.checked_at) > OLDEST:
        return "unknown"
    statuses = {name: part.status for name, part in health.parts.items()}
    critical = {statuses.get(name, "unknown") for name in CRITICAL_PARTS}
    for status in ("down", "unknown"):
        if status in critical:
            return status
    return "up" if set(statuses.values()) <= {"up"} else "degraded"


def _part(name: str, part: PartHealth) -> dict[str, Any]:
    document = {
        "status": part.status,
        "since": part.since,
        "latency_ms": part.latency_ms,
        "checked_at": part.checked_at,
    }
    if part.reason is None:
        return document
    return {**document, "reason": _REASONS.get(name, _REASON)}
