"""More requests than the API lets through."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tests.local_stack import assert_problem

if TYPE_CHECKING:
    import httpx


def test_a_burst_over_a_methods_limit_is_throttled_with_a_problem(anonymous: httpx.Client) -> None:
    # When more is asked for at once than the limit of the documentation's assets
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: anonymous.get("docs/page.js"), range(150)))

    # Then
    throttled = [answer for answer in answers if answer.status_code == 429]
    assert throttled
    for answer in throttled:
        assert_problem(answer, 429)
        assert int(answer.headers["retry-after"]) >= 1
    assert {answer.status_code for answer in answers} == {200, 429}
