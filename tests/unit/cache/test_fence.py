"""How long a fence stands that nobody lowers."""

from __future__ import annotations

from itemstream.items.redis_cache import FENCE_SECONDS
from tools.catalogue import catalogue


def test_a_fence_outlasts_every_function() -> None:
    # Given the time-outs of all functions
    default = catalogue()["defaults"]["timeout"]
    timeouts = [function.get("timeout", default) for function in catalogue()["functions"].values()]

    # Then a writer that is still running has its fence still up
    assert max(timeouts) < FENCE_SECONDS
