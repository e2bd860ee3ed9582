"""Run the checks and the tests as CI does: `python -m tools.testing [suite …]`.

Without a suite: all checks, then all tests on a stack of their own, with coverage. With suites:
just their tests, on that stack where they need it. The stack is stopped at the end, come what may.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from typing import TYPE_CHECKING

from tools.checks import check_all
from tools.progress import console, print_problem
from tools.project import ROOT, Problem
from tools.stack.run_choice import Run
from tools.stack.sandboxes import why_no_sandboxes
from tools.stack.starting import starting

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

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
        run = _pytest if _WITHOUT_STACK.issuperset(suites or ["all"]) else _pytest_with_stack
        code, closing_line = run(suites, stages)
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


def _pytest_with_stack(suites: list[str], stages: list[tuple[str, str, float]]) -> tuple[int, str]:
    """Run tests while the stack is made; those that need it wait (tests/turns.py)."""
    begun = Event()
    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(_make_stack, stages, begun)
        begun.wait()
        code, closing_line = _pytest(suites, stages, unless_fails=made)
    made.result()
    return code, closing_line


def _make_stack(stages: list[tuple[str, str, float]], begun: Event) -> None:
    with starting(), _timed("stack up", stages):
        begun.set()
        # Between the tests' lines its own are for nobody, if all goes well.
        done = subprocess.run(
            [*_ITEMSTREAM, "up", "--run", _run()],
            env=_STACK,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode:
            console.print(done.stderr.rstrip(), markup=False)
            raise Problem(
                "`itemstream up` failed, see above; tests were stopped. "
                "(Ports given as ITEMSTREAM_PORT_… count here only with ITEMSTREAM_STACK=test.)"
            )


def _run() -> Run:
    """Choose to test what goes to AWS, the images, where they can be run; or what is asked for."""
    if asked := os.environ.get("ITEMSTREAM_TEST_RUN"):
        if asked not in tuple(Run):
            raise Problem(f"ITEMSTREAM_TEST_RUN={asked} is none of: {', '.join(Run)}.")
        return Run(asked)
    if hindrance := why_no_sandboxes():
        console.print(f"Functions run out of the source, not of their images: {hindrance}.")
        return Run.SOURCE
    return Run.IMAGES


def _pytest(
    suites: list[str],
    stages: list[tuple[str, str, float]],
    unless_fails: Future[None] | None = None,
) -> tuple[int, str]:
    folders = [f"tests/{suite}" for suite in suites]
    command = [
        *(sys.executable, "-m", "pytest", "-q", "-n", "2"),
        *("--dist", "loadscope", "--no-loadscope-reorder"),
        *(folders or _COVERAGE),
    ]
    last = ""
    with (
        _timed("tests", stages),
        subprocess.Popen(
            command, cwd=ROOT, env=_STACK, stdout=subprocess.PIPE, text=True
        ) as process,
    ):
        if unless_fails is not None:
            unless_fails.add_done_callback(
                lambda done: process.send_signal(signal.SIGINT) if done.exception() else None
            )
        assert process.stdout is not None  # noqa: S101 (PIPE, for the type checker)
        for line in process.stdout:
            # Held back: it is to be the very last line.
            print(last, end="", flush=True)
            last = line
    return process.returncode, last.rstrip()


if __name__ == "__main__":
    # What a shell runs in the background ignores this, and so would pytest when it is to stop.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main(sys.argv[1:]))
