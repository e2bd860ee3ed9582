"""Percentiles from counts: durations go into buckets whose counts may be added in any order.

Source: Masson, Rim and Lee, "DDSketch: A fast and fully-mergeable quantile sketch with
relative-error guarantees", VLDB 2019. A bucket reaches up to 1.02 times where it begins, so that
what stands for it is never more than 1 % away from what is in it. Nothing is ever collapsed: a day,
which is the longest call, is bucket 914.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["ACCURACY", "NO_TIME", "duration_bucket", "percentile"]

ACCURACY = 0.01
# The bucket of 0 ms, which has no logarithm.
NO_TIME = -1

_GROWTH = (1 + ACCURACY) / (1 - ACCURACY)
_LOG_GROWTH = math.log(_GROWTH)


def duration_bucket(milliseconds: int) -> int:
    """Return the bucket of a duration, 0 or more."""
    if milliseconds < 1:
        return NO_TIME
    return math.ceil(math.log(milliseconds) / _LOG_GROWTH)


def percentile(calls: Mapping[int, int], part: float) -> float | None:
    """
    Return the duration that a part of all calls do not exceed.

    Parameters
    ----------
    calls
        How many calls each bucket has.
    part
        0.5 for the median, 0.99 for the 99th percentile.

    Returns
    -------
    float or None
        Milliseconds, within 1 % of the duration with this rank; ``None`` if there are no calls.

    Raises
    ------
    ValueError
        If the part is none.
    """
    if not 0 <= part <= 1:
        raise ValueError(f"part must be from 0 to 1, not {part}")
    total = sum(calls.values())
    # The lower quantile of the paper: the rank floor(1 + part (n - 1)).
    rank = math.floor(1 + part * (total - 1))
    seen = 0
    for bucket in sorted(calls):
        seen += calls[bucket]
        if seen >= rank:
            return _middle(bucket)
    return None


def _middle(bucket: int) -> float:
    """Return the duration that is as far, in parts of it, from both ends of a bucket."""
    return 0.0 if bucket == NO_TIME else 2 * _GROWTH**bucket / (_GROWTH + 1)
