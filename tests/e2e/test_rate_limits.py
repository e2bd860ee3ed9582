"""How often a tenant may ask for what is dear to do, and what it is told of that."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from tests.local_stack import assert_problem
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx

    from tests.local_stack import Caller, LocalStack


@pytest.fixture
def make_reader(make_caller: Callable[..., Caller]) -> Callable[[], Caller]:
    """Make callers of different tenants that may ask for reports."""
    return lambda: make_caller(scope="reports:write")


def ask(caller: Caller) -> httpx.Response:
    """Ask for a report that cannot be: it counts, and costs nothing."""
    return caller.http.post("reports", json={"week": "2025-W99"})


def test_who_asks_too_often_waits_and_nobody_else_does(
    stack: LocalStack, make_reader: Callable[[], Caller]
) -> None:
    # Given
    variables = stack.variables("create_report")
    requests, seconds = (int(variables[f"RATE_LIMIT_{name}"]) for name in ("REQUESTS", "SECONDS"))
    policy = f'"reports";q={requests};w={seconds}'
    caller = make_reader()
    refusals: list[httpx.Response] = []

    def let_in() -> Iterator[httpx.Response]:
        while (answer := ask(caller)).status_code != 429:
            yield answer
        refusals.append(answer)

    # When a tenant asks and asks
    answers = list(islice(let_in(), 5 * requests))

    # Then it is let in as often as the limit says (and if Redis was late, once more), and is told
    # how it stands, whatever the answer is
    assert requests <= len(answers) < 5 * requests
    assert {answer.status_code for answer in answers} <= {400, 422}
    said = [answer for answer in answers if "RateLimit" in answer.headers]
    assert {answer.headers["RateLimit-Policy"] for answer in said} == {policy}
    left = [re.fullmatch(r'"reports";r=(\d+);t=\d+', a.headers["RateLimit"]) for a in said]
    assert int(left[0][1]) >= int(left[-1][1])  # type: ignore[index]

    # Then it is told when to come back
    (refused,) = refusals
    problem = assert_problem(refused, 429)
    assert problem["type"] == "urn:itemstream:problem:rate-limit-exceeded"
    assert refused.headers["RateLimit-Policy"] == policy
    assert refused.headers["RateLimit"] == f'"reports";r=0;t={refused.headers["Retry-After"]}'
    exposed = refused.headers["Access-Control-Expose-Headers"]
    assert {"RateLimit", "RateLimit-Policy"} <= set(re.split(", *", exposed))

    # Then another tenant is not held up, and this one not for long
    assert ask(make_reader()).status_code in (400, 422)
    within = int(refused.headers["Retry-After"]) + 10
    eventually(lambda: ask(caller).status_code != 429, within=within, what="the limit to give way")
