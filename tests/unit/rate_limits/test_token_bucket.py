"""What is said of a bucket of which one number is known."""

from __future__ import annotations

import pytest

from itemstream.rate_limits.token_bucket import RateLimit, Standing

SECOND = 1_000_000


def standing(missing: int, *, requests: int = 3, seconds: int = 30) -> Standing:
    return Standing(RateLimit("reports", requests, seconds), taken=True, missing=missing)


@pytest.mark.parametrize(
    ("missing", "remaining", "next_token"),
    [
        (0, 3, 10),
        (1, 2, 1),
        (10 * SECOND, 2, 10),
        (10 * SECOND + 1, 1, 1),
        (29 * SECOND, 0, 9),
        (30 * SECOND, 0, 10),
    ],
)
def test_what_is_left_and_when_there_is_more(missing: int, remaining: int, next_token: int) -> None:
    standing_now = standing(missing)
    assert standing_now.remaining == remaining
    assert standing_now.next_token_seconds == next_token


def test_what_comes_back_within_a_second_comes_within_one() -> None:
    assert standing(SECOND, requests=600, seconds=60).next_token_seconds == 1


@pytest.mark.parametrize(("requests", "seconds"), [(3, 1), (7, 60), (600, 60), (20, 3600)])
def test_tokens_never_come_back_sooner_than_they_should(requests: int, seconds: int) -> None:
    limit = RateLimit("reports", requests, seconds)
    assert limit.interval * requests == limit.window
    assert 0 <= limit.window - seconds * SECOND < requests
