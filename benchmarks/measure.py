"""Interleaved rounds, medians and spreads: how every benchmark here measures and reports."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = ["MEASURE", "ROOT", "Comparison", "cpu_of", "function_environment", "interleaved"]

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "build" / "benchmarks"
console = Console()

# For programs that `cpu_of` runs: prints the milliseconds of CPU that one warm call takes.
MEASURE = """
import os, sys, time

def measure(call, calls=300):
    stdout, sys.stdout = sys.stdout, open(os.devnull, "w")
    for _ in range(20):
        call()
    began = time.process_time()
    for _ in range(calls):
        call()
    used = time.process_time() - began
    sys.stdout = stdout
    print(used / calls * 1000)
"""


@dataclass
class Comparison:
    """
    Measurements of some candidates beside a floor.

    Parameters
    ----------
    title, unit
        What was measured, in what.
    floor
        The candidate that the others are compared with.
    goals
        The highest ratio to the floor (or to another candidate, by `against`) that is wanted.
    against
        Candidates that are compared with another than the floor.
    """

    title: str
    unit: str
    floor: str
    goals: Mapping[str, float] = field(default_factory=dict)
    against: Mapping[str, str] = field(default_factory=dict)
    samples: dict[str, list[float]] = field(default_factory=dict)

    def report(self) -> None:
        """Print a table, and write the figures to build/benchmarks."""
        table = Table(title=f"{self.title} ({self.unit})", title_justify="left")
        for column in ("", "median", "spread", "ratio", "beside", "goal"):
            table.add_column(column, justify="left" if column in ("", "beside") else "right")
        rows: list[dict[str, Any]] = []
        for name, samples in self.samples.items():
            median = statistics.median(samples)
            low, high = _quartiles(samples)
            beside = self.against.get(name, self.floor)
            ratio = median / statistics.median(self.samples[beside])
            goal = self.goals.get(name)
            rows.append({"name": name, "median": median, "ratio": ratio, "beside": beside})
            table.add_row(
                name,
                f"{median:.2f}",
                f"{low:.2f} – {high:.2f}",
                *(("", "") if name == beside else (f"{ratio:.2f}", beside)),
                "" if goal is None else f"{'✓' if ratio <= goal else '✗'} ≤ {goal}",
            )
        console.print(table)
        RESULTS.mkdir(parents=True, exist_ok=True)
        file = RESULTS / f"{self.title.lower().replace(' ', '_')}.json"
        machine = {"python": platform.python_version(), "cores": os.cpu_count()}
        document = {"title": self.title, "unit": self.unit, "machine": machine, "rows": rows}
        file.write_text(json.dumps({**document, "samples": self.samples}, indent=2) + "\n")


def interleaved(
    comparison: Comparison, candidates: Mapping[str, Callable[[], float]], rounds: int
) -> Comparison:
    """Measure every candidate once in each round, so that noise falls on all alike."""
    for measure in candidates.values():
        measure()
    comparison.samples = {name: [] for name in candidates}
    for _ in track(
        range(rounds), comparison.title, console=console, transient=True, refresh_per_second=1
    ):
        for name, measure in candidates.items():
            comparison.samples[name].append(measure())
    return comparison


def function_environment(
    endpoint: str = "http://127.0.0.1:1", redis_url: str = ""
) -> dict[str, str]:
    """Return what a function's process is given, and nothing of ours."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT}:{ROOT / 'layers' / 'python'}",
        "PYTHONPYCACHEPREFIX": str(ROOT / "build" / "byte_code"),
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "PYDANTIC_DISABLE_PLUGINS": "true",
        "AWS_REGION": "us-east-1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "POWERTOOLS_SERVICE_NAME": "itemstream",
        "POWERTOOLS_METRICS_NAMESPACE": "Itemstream",
        "ITEMS_TABLE": "items",
        "ITEMS_SHARDS": "4",
        "IDEMPOTENCY_TABLE": "idempotency",
        "REDIS_URL": redis_url,
        "CURSOR_SIGNING_SECRET": "cursor_signing",
        "JWKS_URL": "s3://keys/jwks.json",
        "TOKEN_ISSUER": "https://issuer.example",
        "TOKEN_AUDIENCE": "itemstream",
        "ROUTE_SCOPES": '[{"method": "GET", "path": "/items", "scope": "items:read"}]',
    }


def cpu_of(code: str, environment: Mapping[str, str]) -> float:
    """Run a program that prints one number as its last line, and return that number."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=dict(environment),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return float(done.stdout.strip().splitlines()[-1])


def _quartiles(samples: list[float]) -> tuple[float, float]:
    if len(samples) < 2:
        return samples[0], samples[0]
    low, _, high = statistics.quantiles(samples, n=4)
    return low, high
