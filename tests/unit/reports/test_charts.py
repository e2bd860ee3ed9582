"""Where the bars of charts are."""

from __future__ import annotations

import pytest

from itemstream.reports.charts import Column, columns, rows, short
from itemstream.reports.comparison import Compared

SERIES = {"a": "apples", "b": "pears"}


def column(a: int, b: int, before: int = 0) -> Column:
    return Column(("Mon", "16 Nov"), "Monday", Compared(a + b, before), {"a": a, "b": b})


def test_values_are_stacked_to_scale() -> None:
    # When
    chart = columns("Fruit", "What there is.", SERIES, [column(30, 10), column(20, 0)])

    # Then
    first, second, third = chart.bars
    base = chart.lines[0]
    assert first.y + first.height == pytest.approx(base)
    assert second.y + second.height == pytest.approx(first.y)
    assert first.height == pytest.approx(3 * second.height)
    assert third.height == pytest.approx(2 * second.height)
    assert (first.series, second.series, second.title) == ("a", "b", "Monday: 10 pears")


def test_the_week_before_is_marked_at_its_height() -> None:
    chart = columns("Fruit", "", SERIES, [column(10, 0, before=20), column(20, 0, before=10)])
    first, second = chart.markers
    tops = [bar.y for bar in chart.bars]
    assert (first.y1, second.y1) == (tops[1], tops[0])
    assert first.title == "Monday: 20 a week before"


@pytest.mark.parametrize("highest", [0, 1, 3, 4, 7, 99, 100, 101, 12345, 10**12])
def test_a_few_round_lines_reach_the_highest_value(highest: int) -> None:
    chart = columns("Fruit", "", SERIES, [column(highest, 0)])
    assert 2 <= len(chart.lines) <= 6
    assert all(bar.y >= min(chart.lines) - 0.01 for bar in chart.bars)
    labels = [text.text for text in chart.texts if text.anchor == "end"]
    assert len(set(labels)) == len(labels) == len(chart.lines)


def test_rows_are_to_scale_and_stay_in_the_picture() -> None:
    # Given
    data = [("first", Compared(50, 100)), ("x" * 200, Compared(25, 0)), ("none", Compared(0, None))]

    # When
    chart = rows("Things", "", data)

    # Then
    first, second, third = chart.bars
    assert first.width == pytest.approx(2 * second.width)
    assert third.width == 0
    assert chart.markers[0].x1 == pytest.approx(2 * first.width)
    assert all(text.x < chart.width for text in chart.texts)
    names = [text.text for text in chart.texts if not text.strong]
    assert names[1].endswith("…")
    assert max(map(len, names)) < 50


@pytest.mark.parametrize(
    ("value", "written"),
    [(0, "0"), (999, "999"), (1000, "1 k"), (1500, "1.5 k"), (2_000_000, "2 M")],
)
def test_lines_are_named_in_few_characters(value: int, written: str) -> None:
    assert short(value) == written
