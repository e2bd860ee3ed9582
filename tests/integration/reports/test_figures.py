"""A week counted by MySQL."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from itemstream.reports.figures import CategoryFigures, StockFigures
from itemstream.reports.figures_mysql import MySqlWeeks
from itemstream.reports.model import OutOfTime
from itemstream.reports.weeks import Week
from tests.integration.reports.rows import Rows

if TYPE_CHECKING:
    from itemstream.mysql.connection import Database
    from itemstream.reports.figures import WeekFigures

WEEK = Week(2026, 47)
LONG_AGO, BEFORE = "2026-10-01T12:00:00", "2026-11-10T12:00:00"
MONDAY, SUNDAY = "2026-11-16T00:00:00", "2026-11-22T23:59:59.999"
AFTER = "2026-11-23T00:00:00"


@pytest.fixture
def rows(mariadb: Database) -> Rows:
    return Rows(mariadb)


def figures(rows: Rows, week: Week = WEEK, tenant: str = "acme") -> WeekFigures:
    with MySqlWeeks(rows.database).reading(tenant) as reading:
        return reading.figures(week)


def stock(rows: Rows, week: Week = WEEK) -> dict[str | None, StockFigures]:
    return dict(figures(rows, week).stock)


def test_changes_are_counted_by_day_and_kind_from_monday_to_monday(rows: Rows) -> None:
    # Given
    rows.created("a", "2026-11-15T23:59:59.999")
    rows.updated("a", MONDAY)
    rows.updated("a", "2026-11-16T23:59:59.999")
    rows.pictured("a", "2026-11-17T00:00:00")
    rows.pictured("a", SUNDAY, "image.failed")
    rows.deleted("a", AFTER)

    # When / Then
    monday, tuesday, sunday = date(2026, 11, 16), date(2026, 11, 17), date(2026, 11, 22)
    assert figures(rows).changes == {
        (monday, "item.updated"): 2,
        (tuesday, "image.ready"): 1,
        (sunday, "image.failed"): 1,
    }
    assert figures(rows, WEEK.before).changes == {(date(2026, 11, 15), "item.created"): 1}
    assert figures(rows, WEEK.after).changes == {(date(2026, 11, 23), "item.deleted"): 1}


def test_another_tenant_counts_for_nothing(rows: Rows) -> None:
    # Given
    rows.created("a", MONDAY)
    rows.calls(MONDAY, "success", "fast", 10, 5)

    # When / Then tenants are told apart by their case too
    for tenant in ("globex", "ACME"):
        counted = figures(rows, tenant=tenant)
        assert not any((counted.changes, counted.stock, counted.calls, counted.calls_by_day))


def test_stock_is_what_there_was_when_the_week_ended(rows: Rows) -> None:
    # Given items that change before, within and after the week
    rows.created("untouched", LONG_AGO)
    rows.created("new", SUNDAY)
    rows.created("later", AFTER)
    rows.created("dearer", BEFORE, price_amount=10)
    rows.updated("dearer", MONDAY, price_amount=20)
    rows.updated("dearer", AFTER, price_amount=1000)
    rows.created("gone", BEFORE, price_amount=7, quantity=1)
    rows.deleted("gone", SUNDAY)
    rows.created("gone after", BEFORE, price_amount=3, quantity=1)
    rows.deleted("gone after", AFTER)

    # When / Then
    assert stock(rows, WEEK.before)["EUR"] == StockFigures(4, 2 + 2 + 1 + 1, 200 + 20 + 7 + 3)
    assert stock(rows)["EUR"] == StockFigures(4, 2 + 2 + 2 + 1, 200 + 200 + 40 + 3)
    assert stock(rows, WEEK.after)["EUR"] == StockFigures(4, 8, 200 + 200 + 200 + 2000)


def test_a_picture_changes_no_stock(rows: Rows) -> None:
    rows.created("a", BEFORE)
    rows.pictured("a", MONDAY)
    rows.pictured("a", AFTER)
    usual = {"EUR": StockFigures(1, 2, 200)}
    assert stock(rows, WEEK.before) == stock(rows) == usual


def test_stock_is_told_by_currency(rows: Rows) -> None:
    rows.created("a", BEFORE)
    rows.created("b", BEFORE, currency="JPY", price_amount=5000, quantity=3)
    rows.created("c", BEFORE, currency=None, price_amount=None, quantity=4)
    rows.updated("b", MONDAY, currency="USD", price_amount=1)
    assert stock(rows) == {
        "EUR": StockFigures(1, 2, 200),
        "USD": StockFigures(1, 3, 3),
        None: StockFigures(1, 4, 0),
    }
    assert stock(rows, WEEK.before)["JPY"] == StockFigures(1, 3, 15000)


def test_the_largest_numbers_that_items_may_have_are_added(rows: Rows) -> None:
    largest = 2**53 - 1
    for item in ("a", "b"):
        rows.created(item, BEFORE, price_amount=largest, quantity=largest)
    assert stock(rows) == {"EUR": StockFigures(2, 2 * largest, 2 * largest**2)}


def test_an_item_whose_past_was_lost_counts_as_it_is(rows: Rows) -> None:
    # Given
    rows.only_current("old", LONG_AGO, quantity=5)
    rows.only_current("unknown", None, status=None)
    rows.items["old"] = {"version": 9, "created_at": None}
    with rows.database.transaction() as cursor:
        cursor.execute(
            "INSERT INTO item_changes (tenant, event_id, item_id, kind, version, occurred_at) "
            "VALUES ('acme', 'old:9:item.updated', 'old', 'item.updated', 9, %s)",
            (AFTER,),
        )

    # When / Then
    assert stock(rows) == {"EUR": StockFigures(1, 5, 500)}


def test_the_categories_in_which_most_happened_come_first(rows: Rows) -> None:
    # Given
    for number, category in enumerate(["b", "a", "a", None, "b", "B", "a"]):
        rows.created(f"i{number}", MONDAY, category=category)
    rows.updated("i0", SUNDAY)
    rows.updated("i3", SUNDAY)
    rows.created("before", BEFORE, category="b")
    rows.created("only before", BEFORE, category="c")
    rows.deleted("i1", SUNDAY)
    rows.created("after", AFTER, category="d")

    # When
    with MySqlWeeks(rows.database).reading("acme") as reading:
        categories = reading.categories(WEEK, most=3)

    # Then
    assert categories == [
        CategoryFigures("b", 3, 1),
        CategoryFigures("a", 3, 0),
        CategoryFigures(None, 2, 0),
    ]


def test_calls_are_added_over_the_hours_of_the_week(rows: Rows) -> None:
    # Given
    rows.calls("2026-11-15T23:00:00", "success", "fast", 10, 1000)
    rows.calls("2026-11-16T00:00:00", "success", "fast", 10, 5)
    rows.calls("2026-11-16T01:00:00", "success", "fast", 10, 7)
    rows.calls("2026-11-16T01:00:00", "success", "fast", 11, 1)
    rows.calls("2026-11-22T23:00:00", "server_error", "slow", 200, 2)
    rows.calls("2026-11-23T00:00:00", "success", "fast", 10, 1000)

    # When
    counted = figures(rows)

    # Then
    fast, slow = counted.calls["success", "fast"], counted.calls["server_error", "slow"]
    assert len(counted.calls) == 2
    assert (fast.calls, fast.durations) == (13, {10: 12, 11: 1})
    assert (slow.calls, slow.durations) == (2, {200: 2})
    assert (fast.bytes_in, fast.bytes_out) == (13, 26)
    assert counted.calls_by_day == {
        (date(2026, 11, 16), "success"): 13,
        (date(2026, 11, 22), "server_error"): 2,
    }


def test_every_change_is_told_in_order(rows: Rows) -> None:
    # Given
    rows.created("b", MONDAY)
    rows.created("a", MONDAY)
    rows.updated("a", SUNDAY, category="=1+1")
    rows.created("c", AFTER)
    rows.created("z", BEFORE)

    # When
    with MySqlWeeks(rows.database).reading("acme") as reading:
        changes = list(reading.changes(WEEK))

    # Then
    assert [change.event_id for change in changes] == [
        "a:1:item.created",
        "b:1:item.created",
        "a:2:item.updated",
    ]
    assert (changes[2].category, changes[2].price_amount, changes[2].version) == ("=1+1", 100, 2)


def test_one_reading_sees_one_moment(rows: Rows) -> None:
    # Given
    rows.created("a", MONDAY)
    with MySqlWeeks(rows.database).reading("acme") as reading:
        before = reading.figures(WEEK)

        # When
        rows.created("b", MONDAY)

        # Then
        assert reading.figures(WEEK) == before
        assert len(list(reading.changes(WEEK))) == 1


def test_time_is_looked_at_before_each_question(rows: Rows) -> None:
    # Given
    asked = 0

    def check() -> None:
        nonlocal asked
        asked += 1
        if asked > 5:
            raise OutOfTime("no more")

    with MySqlWeeks(rows.database).reading("acme", check=check) as reading:
        # When four questions are answered, then one, and then none
        reading.figures(WEEK)
        reading.categories(WEEK, most=1)
        with pytest.raises(OutOfTime):
            reading.changes(WEEK)

    # Then
    assert asked == 6


def test_tenants_are_all_of_whom_anything_is_known(mariadb: Database) -> None:
    # Given
    Rows(mariadb, "changes").created("a", MONDAY)
    Rows(mariadb, "calls").calls(MONDAY, "success", "fast", 1, 1)
    Rows(mariadb, "items").only_current("a", LONG_AGO)
    Rows(mariadb, "Items").only_current("a", LONG_AGO)

    # When / Then
    assert list(MySqlWeeks(mariadb).tenants()) == ["Items", "calls", "changes", "items"]
