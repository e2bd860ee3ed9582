"""The health's state machine, whatever is found and whoever checks at the same time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from itemstream.dynamodb.streams import StreamRecord
from itemstream.events import events_of
from itemstream.health.model import SEVERITY, Health, Measurement
from itemstream.health.repository import record
from itemstream.health.states import after_check

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

STATES = st.sampled_from(["up", "degraded", "down"])
RUNS = st.lists(STATES, min_size=1, max_size=30)
LASTING = st.integers(1, 4)


def time(number: int) -> str:
    return f"2026-11-21T{number // 60:02}:{number % 60:02}:00.000Z"


class Memory:
    """The table in memory, that keeps every row it ever held."""

    def __init__(self) -> None:
        self.rows: list[Health] = []

    def latest(self) -> Health | None:
        return self.rows[-1] if self.rows else None

    def replace(
        self, before: Health | None, after: Health, _measurements: Sequence[Measurement]
    ) -> bool:
        if before is not self.latest():
            return False
        self.rows.append(after)
        return True


def told(old: Health | None, new: Health) -> list[dict[str, Any]]:
    """Return the events of a change of the row."""
    from datetime import UTC, datetime

    def row(health: Health) -> dict[str, Any]:
        parts = {
            name: {"status": part.status, "since": part.since, "reason": part.reason}
            for name, part in health.parts.items()
        }
        return {"tenant": "operations", "checked_at": health.checked_at, "parts": parts}

    change = StreamRecord(
        *("1", "INSERT" if old is None else "MODIFY", "1", datetime.now(UTC), {}),
        None if old is None else row(old),
        row(new),
        *("itemstream-test-health", False, {}),
    )
    return [event.document(1) for event in events_of(change)]


@given(found=RUNS, lasting=LASTING)
def test_what_is_said_lasted(found: list[Any], lasting: int) -> None:
    health: Health | None = None
    for number, state in enumerate(found):
        before = health
        health = after_check(before, [Measurement("s3", state, 1)], time(number), lasting=lasting)
        part = health.parts["s3"]
        recent = found[max(0, number - lasting + 1) : number + 1]

        # As many equal findings in a row are what is said
        if len(recent) == lasting and len(set(recent)) == 1:
            assert part.status == state
        status = before.parts["s3"].status if before else "unknown"
        if part.status == status:
            continue
        # A change is to something that was found, and no finding that it rests on is less of one
        if status == "unknown":
            assert part.status == "up" or (len(recent) == lasting and "up" not in recent)
            continue
        worse = SEVERITY[part.status] > SEVERITY[status]
        assert len(recent) == lasting
        assert part.status in recent
        for one in recent:
            assert (
                SEVERITY[one] >= SEVERITY[part.status]
                if worse
                else (SEVERITY[one] <= SEVERITY[part.status])
            )
        assert part.since == time(number - lasting + 1)


@given(found=RUNS, lasting=LASTING)
def test_every_lasting_change_is_told_once(found: list[Any], lasting: int) -> None:
    # Given
    rows = Memory()
    for number, state in enumerate(found):
        record(rows, [Measurement("s3", state, 1)], time(number), lasting=lasting)

    # When
    events = [
        event
        for old, new in zip([None, *rows.rows], rows.rows, strict=False)
        for event in told(old, new)
    ]

    # Then who hears of them, and of nothing else, knows what is known
    assert len({event["id"] for event in events}) == len(events)
    status = "up"
    for event in events:
        assert event["data"]["previous"] in (status, "unknown")
        assert event["data"]["status"] != status
        status = event["data"]["status"]
    last = rows.rows[-1].parts["s3"].status
    assert last in (status, "unknown")


@given(
    found=st.lists(st.tuples(st.integers(0, 40), STATES), min_size=1, max_size=20), lasting=LASTING
)
def test_checks_in_any_order_leave_the_latest(found: list[tuple[int, Any]], lasting: int) -> None:
    # When checks come to their end in another order than they began
    rows = Memory()
    for number, state in found:
        record(rows, [Measurement("s3", state, 1)], time(number), lasting=lasting)

    # Then time runs forward, and the latest of all has its say
    times = [row.checked_at for row in rows.rows]
    assert times == sorted(set(times))
    assert times[-1] == time(max(number for number, _ in found))
