"""Run every benchmark, or those that are named: `python -m benchmarks [cold_start …]`."""

from __future__ import annotations

import sys
from importlib import import_module

BENCHMARKS = [
    "cold_start",
    "launchers",
    "warm_cpu",
    "authorizer",
    "list_pages",
    "images",
    "calls",
    "events",
    "realtime",
    "reports",
]


def main() -> None:
    """Run them one after another: side by side they would measure each other."""
    for name in sys.argv[1:] or BENCHMARKS:
        if name not in BENCHMARKS:
            sys.exit(f"There is no benchmark {name}: choose from {', '.join(BENCHMARKS)}.")
        import_module(f"benchmarks.{name}").main()


if __name__ == "__main__":
    main()
