"""Two weeks side by side."""

from __future__ import annotations

import json

import pytest

from itemstream.reports.comparison import Compared
from tests.fakes.reports import WEEK, figures, nothing, request, summary


@pytest.mark.parametrize(
    ("now", "before", "difference", "percent"),
    [
        (15, 10, 5, 50.0),
        (10, 15, -5, -33.3),
        (10, 10, 0, 0.0),
        (0, 10, -10, -100.0),
        (10, 0, 10, None),
        (0, 0, 0, None),
        (10, None, None, None),
    ],
)
def test_numbers_are_compared(
    now: int, before: int | None, difference: int | None, percent: float | None
) -> None:
    compared = Compared(now, before)
    assert (compared.difference, compared.percent) == (difference, percent)


def test_each_number_stands_beside_the_week_before() -> None:
    # When
    report = summary()

    # Then
    assert (report.week, report.compared_with) == ("2026-W47", "2026-W46")
    assert report.changes == Compared(30, 15)
    assert report.changes_by_kind["item.updated"] == Compared(6, 3)
    assert report.images == {"ready": Compared(10, 5), "failed": Compared(2, 1)}
    assert report.items == Compared(28, 18)
    assert report.bytes_in == Compared(9, 9)


def test_days_are_compared_with_the_same_days_a_week_before() -> None:
    days = summary().changes_by_day
    assert [day.day for day in days] == WEEK.days
    assert days[0].total == Compared(14, 7)
    assert days[0].counts["item.created"] == 8
    assert days[1].total == Compared(0, 0)
    assert days[6].total == Compared(16, 8)


def test_stock_is_told_by_currency_and_without_a_price_has_no_value() -> None:
    euro, yen, none = summary().stock
    assert (euro.currency, euro.value) == ("EUR", Compared(246912, 123456))
    assert (yen.currency, yen.items.difference) == ("JPY", 0)
    assert (none.currency, none.value, none.quantity) == (None, None, Compared(8, 8))


def test_calls_are_told_by_outcome_class_and_percentile() -> None:
    everything, success, failed = summary().calls
    assert (everything.outcome, success.outcome, failed.outcome) == (
        "all",
        "success",
        "server_error",
    )
    assert everything.calls == Compared(200, 100)
    assert everything.latency_classes["slow"] == Compared(20, 10)
    assert failed.latency_classes["instant"] == Compared(0, 0)
    # Nine of ten calls took 20 ms, the others 2 s; percentiles are right to 1 %.
    p50, p99 = everything.durations.p50, everything.durations.p99
    assert p50 is not None
    assert p99 is not None
    assert p50.now == pytest.approx(20, rel=0.03)
    assert p99.now == pytest.approx(2000, rel=0.01)


def test_where_there_were_no_calls_before_durations_are_not_compared() -> None:
    report = summary(before=nothing())
    assert report.all_calls.durations.p50 is not None
    assert report.all_calls.durations.p50.before is None


def test_a_tenant_without_anything_has_a_report_of_nothing() -> None:
    report = summary(figures=nothing(), before=nothing(), categories=[])
    assert report.changes == Compared(0, 0)
    assert [call.outcome for call in report.calls] == ["all"]
    assert report.all_calls.durations.p50 is None
    assert report.stock == []


def test_the_document_of_a_week_that_is_over_does_not_tell_when_it_was_made() -> None:
    # Given two requests at different times
    first = summary(request=request(requested_at="2026-11-23T06:00:00.000Z"))
    second = summary(request=request(requested_at="2026-12-24T18:00:00.000Z", id="another"))

    # Then
    assert json.dumps(first.document()) == json.dumps(second.document())
    assert first.document()["complete"] is True


def test_the_document_of_a_week_that_is_not_over_says_until_when_it_tells() -> None:
    # When
    document = summary(request=request(requested_at="2026-11-19T12:30:00.000Z")).document()

    # Then
    assert document["complete"] is False
    assert document["as_of"] == "2026-11-19T12:30:00.000Z"
    assert document["ends_at"] == "2026-11-23T00:00:00.000Z"


def test_the_document_is_json_of_plain_names() -> None:
    document = json.loads(json.dumps(summary(figures=figures(times=3)).document()))
    assert document["changes"] == {"now": 45, "before": 15, "difference": 30, "percent": 200.0}
    assert document["changes_by_day"][0]["day"] == "2026-11-16"
    assert document["stock"][0]["value"]["now"] == 370368
    assert document["categories"][1]["category"] is None
