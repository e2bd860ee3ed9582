"""What becomes of each raw record: a call, a reject or a repeat."""

from __future__ import annotations

import json
from typing import Any

from itemstream.calls.model import RawCall
from itemstream.calls.transformation import Outcome, transform
from tests.fakes.calls import LANDED_AT, InMemorySetAsides, InMemorySilver, said


def record(line: int, *, file: str = "a", tenant: str = "acme", **changes: Any) -> RawCall:
    return RawCall(tenant, file * 32, line, json.dumps(said(**changes)), LANDED_AT)


class Stage:
    """Silver and what was set aside, and what came of a batch."""

    def __init__(self) -> None:
        self.silver = InMemorySilver()
        self.aside = InMemorySetAsides()

    def batch(self, *records: RawCall) -> Outcome:
        return transform(records, self.silver, self.aside)

    @property
    def account(self) -> tuple[int, int, int]:
        return len(self.silver.rows), len(self.aside.rejected), len(self.aside.repeats)


def test_each_record_becomes_one_thing() -> None:
    stage = Stage()
    outcome = stage.batch(
        record(1, call_id="c-1"),
        record(2, call_id="c-2"),
        record(3, call_id=None),
        record(4, call_id="c-1", method="get"),
        record(5, call_id="c-1", status_code=500),
    )
    assert outcome == Outcome(2, 2, 1)
    assert stage.account == (2, 2, 1)
    assert [one.reason for one in stage.aside.rejected] == [
        "call_id is missing",
        "call_id belongs to another call that is known",
    ]
    (repeat,) = stage.aside.repeats
    assert (repeat.record.line, repeat.repeat_of) == (4, record(1).origin)


def test_a_batch_that_comes_again_changes_nothing() -> None:
    # Given
    stage = Stage()
    batch = [record(1), record(2), record(3, call_id=None), record(4, status_code=500)]
    first = stage.batch(*batch)
    before = stage.account

    # When / Then
    assert stage.batch(*batch) == first
    assert stage.batch(*reversed(batch)) == first
    assert [stage.batch(one).calls for one in batch] == [1, 0, 0, 0]
    assert stage.account == before == (1, 2, 1)


def test_a_call_from_another_file_is_a_repeat_if_it_says_the_same() -> None:
    stage = Stage()
    stage.batch(record(1, file="a"))
    assert stage.batch(record(9, file="b")) == Outcome(0, 0, 1)
    assert stage.batch(record(9, file="c", status_code=500)) == Outcome(0, 1, 0)
    assert stage.account == (1, 1, 1)


def test_the_record_that_silver_has_is_the_call_even_if_it_comes_second() -> None:
    # Given a later record of one call that an earlier attempt stored, in a half of the batch
    stage = Stage()
    first, second, third = record(1), record(2), record(3)
    stage.batch(second)

    # When
    outcome = stage.batch(first, second, third)

    # Then the account is whole: it is neither lost nor its own repeat
    assert outcome == Outcome(1, 0, 2)
    assert {one.record.line for one in stage.aside.repeats} == {1, 3}


def test_tenants_have_calls_of_their_own() -> None:
    stage = Stage()
    assert stage.batch(record(1), record(1, tenant="other", status_code=500)) == Outcome(2, 0, 0)


def test_many_calls_are_stored_a_hundred_at_once() -> None:
    # The silver of the test refuses more.
    stage = Stage()
    batch = [record(n, call_id=f"c-{n}") for n in range(1, 251)]
    assert stage.batch(*batch) == Outcome(250, 0, 0)
    assert stage.batch() == Outcome(0, 0, 0)
