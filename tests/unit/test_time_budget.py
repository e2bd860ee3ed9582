"""The time that a silent service may cost, beside the time that functions have."""

from __future__ import annotations

from pathlib import Path

import yaml

from itemstream.aws import _CONFIG
from itemstream.cache.connection import ANSWER_TIMEOUT_SECONDS, CONNECT_TIMEOUT_SECONDS
from itemstream.reports.figures_mysql import ANSWER_SECONDS as MYSQL_SECONDS
from itemstream.reports.generation import LEAST_SECONDS

CATALOGUE = yaml.safe_load((Path(__file__).parents[2] / "functions.yaml").read_text())


def test_a_silent_aws_service_is_given_up_before_any_function_ends() -> None:
    # Then there is time left for the cache, which is tried twice, and for the answer
    redis = 2 * (CONNECT_TIMEOUT_SECONDS + ANSWER_TIMEOUT_SECONDS)
    for name, function in CATALOGUE["functions"].items():
        timeout = function.get("timeout", CATALOGUE["defaults"]["timeout"])
        assert silent_aws_seconds() + redis < timeout, name


def test_a_report_that_runs_out_of_time_can_say_so() -> None:
    # After MySQL was silent for as long as it may be: an upload ends, a dead letter, a row
    assert MYSQL_SECONDS + 3 * silent_aws_seconds() <= LEAST_SECONDS
    assert CATALOGUE["functions"]["report_generator"]["timeout"] / 2 > LEAST_SECONDS


def test_calls_wait_for_mysql_for_as_long_as_their_stream_keeps_them() -> None:
    consumed = CATALOGUE["functions"]["report_projector"]["consumes"]
    (stream,) = (one for one in consumed if one.get("stream") == "silver_call")
    assert (stream["maximum_age"], stream["retries"]) == (24 * 60 * 60, 10_000)


def silent_aws_seconds() -> float:
    """Return what botocore's worst takes: every attempt times out, after the longest pauses."""
    # Standard mode: up to 2^n s before repeat n + 1.
    attempts = _CONFIG.retries["total_max_attempts"]
    pauses = sum(2**repeat for repeat in range(attempts - 1))
    return float(attempts * max(_CONFIG.read_timeout, _CONFIG.connect_timeout) + pauses)
