"""Run the checks and the tests as CI does: `python -m tools.testing [suite …]`.

Without a suite: all checks, then all tests on a stack of their own, with coverage. With suites:
just their tests, on that stack where they need it. The stack is stopped at the end, come what may.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tools.checks import check_all
from tools.progress import print_problem
from tools.project import ROOT, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

# Ports that were chosen for another stack are not for this one.
_OURS = os.environ.get("ITEMSTREAM_STACK") == "test"
_STACK = {
    name: value
    for name, value in os.environ.items()
    if _OURS or not name.startswith("ITEMSTREAM_PORT_")
} | {"ITEMSTREAM_STACK": "test"}
_ITEMSTREAM = [sys.executable, "-m", "tools"]
# These make what they need themselves.
_WITHOUT_STACK = {"unit", "property", "infrastructure", "clients"}
_COVERAGE = ["--cov", "--cov-report=term"]


def main(suites: list[str]) -> int:
    """
    Run everything, or the named suites; return the exit code.

    The last line printed is pytest's own.
    """
    stages: list[tuple[str, str, float]] = []
    closing_line = ""
    try:
        if not suites:
            with _timed("checks", stages):
                if not check_all():
                    raise Problem("The checks failed; tests were not run. Alone: make lint")
        if not suites or not _WITHOUT_STACK.issuperset(suites):
            with _timed("stack up", stages):
                _itemstream("up")
        with _timed("tests", stages):
            code, closing_line = _pytest(suites)
    except Problem as problem:
        print_problem(problem)
        code = 1
    finally:
        if any(name == "stack up" for name, _, _ in stages):
            subprocess.run([*_ITEMSTREAM, "down"], env=_STACK, capture_output=True, check=False)
    for name, result, seconds in stages:
        print(f"{name:10} {result:7} {seconds:6.0f} s")
    print(closing_line, flush=True)
    return code


@contextmanager
def _timed(name: str, stages: list[tuple[str, str, float]]) -> Iterator[None]:
    started = time.monotonic()
    result = "stopped"
    try:
        yield
        result = "done"
    finally:
        stages.append((name, result, time.monotonic() - started))


def _itemstream(command: str) -> None:
    # What it says to people on standard output is not for here; progress is on standard error.
    done = subprocess.run(
        [*_ITEMSTREAM, command], env=_STACK, stdout=subprocess.DEVNULL, check=False
    )
    if done.returncode:
        raise Problem(
            f"`itemstream {command}` failed, see above. "
            "(Ports given as ITEMSTREAM_PORT_… count here only with ITEMSTREAM_STACK=test.)"
        )


def _pytest(suites: list[str]) -> tuple[int, str]:
    folders = [f"tests/{suite}" for suite in suites]
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "worksteal"),
        *(folders or _COVERAGE),
    ]
    last = ""
    with subprocess.Popen(
        command, cwd=ROOT, env=_STACK, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None  # noqa: S101 (PIPE, for the type checker)
        for line in process.stdout:
            # Held back: it is to be the very last line.
            print(last, end="", flush=True)
            last = line
    return process.returncode, last.rstrip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
