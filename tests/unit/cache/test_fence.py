"""How long a fence stands that nobody lowers."""

from __future__ import annotations

from itemstream.items.redis_cache import FENCE_SECONDS
from tools.catalogue import catalogue


def test_a_fence_outlasts_every_function_that_raises_one() -> None:
    # Given the time-outs of the functions that write items through the cache
    default = catalogue()["defaults"]["timeout"]
    writers = {
        name: function.get("timeout", default)
        for name, function in catalogue()["functions"].items()
        if "cache" in function.get("settings", [])
        and {"UpdateItem", "DeleteItem"}
        & set(function.get("access", {}).get("tables", {}).get("items", []))
    }
    assert writers.keys() == {"update_item", "delete_item", "image_processor"}

    # Then a writer that is still running has its fence still up
    assert max(writers.values()) < FENCE_SECONDS
