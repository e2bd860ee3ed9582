"""The time that a silent service may cost, beside the time that functions have."""

from __future__ import annotations

from pathlib import Path

import yaml

from itemstream.aws import _CONFIG
from itemstream.cache.connection import ANSWER_TIMEOUT_SECONDS, CONNECT_TIMEOUT_SECONDS

CATALOGUE = yaml.safe_load((Path(__file__).parents[2] / "functions.yaml").read_text())


def test_a_silent_aws_service_is_given_up_before_any_function_ends() -> None:
    # Given what botocore does at its worst: every attempt times out, with the longest pauses
    # between (standard mode: up to 2^n s before repeat n + 1)
    attempts = _CONFIG.retries["total_max_attempts"]
    pauses = sum(2**repeat for repeat in range(attempts - 1))
    worst = attempts * max(_CONFIG.read_timeout, _CONFIG.connect_timeout) + pauses

    # Then there is time left for the cache, which is tried twice, and for the answer
    redis = 2 * (CONNECT_TIMEOUT_SECONDS + ANSWER_TIMEOUT_SECONDS)
    for name, function in CATALOGUE["functions"].items():
        timeout = function.get("timeout", CATALOGUE["defaults"]["timeout"])
        assert worst + redis < timeout, name
