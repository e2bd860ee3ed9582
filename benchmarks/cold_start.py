"""Cold start: from process start to ready to take the first event, for every function.

Beside it: a bare interpreter that imports boto3 and makes one client (the floor), and the same
functions as samples write them (`benchmarks/naive`).
"""

from __future__ import annotations

import subprocess
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

import yaml

from benchmarks.measure import ROOT, Comparison, function_environment, interleaved

if TYPE_CHECKING:
    from collections.abc import Callable

FLOOR = "import boto3; boto3.client('dynamodb')"
HIGHEST_RATIO = 1.6
HIGHEST_RATIO_TO_NAIVE = 0.5


def main(rounds: int = 15) -> None:
    """Measure and report."""
    catalogue = yaml.safe_load((ROOT / "functions.yaml").read_text())
    handlers = {
        name: function["handler"].rpartition(".")[0]
        for name, function in catalogue["functions"].items()
    }
    naive = {
        name: f"benchmarks.naive.{name}"
        for name in handlers
        if (ROOT / "benchmarks" / "naive" / f"{name}.py").exists()
    }
    candidates: dict[str, Callable[[], float]] = {"boto3 and one client": partial(start, FLOOR)}
    for name, module in handlers.items():
        candidates[name] = partial(start, f"import {module}")
    for name, module in naive.items():
        candidates[f"naive {name}"] = partial(start, f"import {module}")
    comparison = interleaved(
        Comparison(
            "Cold start",
            "ms",
            "boto3 and one client",
            goals=dict.fromkeys(handlers, HIGHEST_RATIO),
        ),
        candidates,
        rounds,
    )
    comparison.report()
    Comparison(
        "Cold start beside naive functions",
        "ms",
        "boto3 and one client",
        goals=dict.fromkeys(naive, HIGHEST_RATIO_TO_NAIVE),
        against={name: f"naive {name}" for name in naive},
        samples={
            name: samples
            for name, samples in comparison.samples.items()
            if name in naive or name.startswith("naive ") or name == "boto3 and one client"
        },
    ).report()


def start(code: str) -> float:
    """Start an interpreter, run the code and end; return milliseconds."""
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", code],
        env=function_environment(),
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return (time.perf_counter() - began) * 1000


if __name__ == "__main__":
    main()
