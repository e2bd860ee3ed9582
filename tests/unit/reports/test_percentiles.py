"""Percentiles from buckets: within 1 % of the exact ones, however the counts were added."""

from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from itemstream.reports.percentiles import ACCURACY, NO_TIME, duration_bucket, percentile

DAY_MS = 24 * 3600 * 1000
durations = st.lists(
    st.one_of(
        st.integers(0, 200), st.integers(0, DAY_MS), st.sampled_from([0, 1, 2, DAY_MS, 10**15])
    ),
    min_size=1,
    max_size=200,
)


def counted(milliseconds: list[int]) -> Counter[int]:
    return Counter(map(duration_bucket, milliseconds))


@given(durations, st.floats(0, 1))
@example([10, 1000], 0.5)
@example([0, 0, 1], 1.0)
def test_a_percentile_is_within_one_percent_of_the_exact_one(took: list[int], part: float) -> None:
    # Given the duration with the same rank among all
    exact = sorted(took)[math.floor(1 + part * (len(took) - 1)) - 1]

    # When
    found = percentile(counted(took), part)

    # Then
    assert found is not None
    assert abs(found - exact) <= ACCURACY * exact * (1 + 1e-9)


@given(durations, durations)
def test_counts_may_be_added_in_any_order(one: list[int], other: list[int]) -> None:
    assert counted(one) + counted(other) == counted(other + one)


@given(st.integers(0, 10**15), st.integers(0, 10**15))
def test_longer_calls_are_in_no_lower_bucket(one: int, other: int) -> None:
    assert duration_bucket(min(one, other)) <= duration_bucket(max(one, other))


@pytest.mark.parametrize(
    ("milliseconds", "bucket"), [(0, NO_TIME), (1, 0), (2, 35), (1000, 346), (DAY_MS, 914)]
)
def test_buckets_are_what_rows_of_mysql_have(milliseconds: int, bucket: int) -> None:
    # They are stored: another number for the same duration would spoil what is there.
    assert duration_bucket(milliseconds) == bucket


def test_without_calls_there_is_no_percentile() -> None:
    assert percentile({}, 0.5) is None


def test_a_part_beyond_all_calls_is_none() -> None:
    with pytest.raises(ValueError, match="part"):
        percentile({1: 1}, 1.5)
