"""A bad version is seen by a tenth of the callers until its alarm fires; a good one by all."""

from __future__ import annotations

import json
import math
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest

from tests.local_stack import ITEMSTREAM, ROOT
from tests.resilience.broken_images import with_file
from tests.resilience.published_versions import published_versions
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.local_stack import Caller, LocalStack
    from tests.resilience.published_versions import PublishedVersions

FUNCTION = "get_item"
SHARE = 0.1
# Longer than the alarm takes: a minute of data, and a look at it.
BAKE_SECONDS = 150
BROKEN = '''"""A version that went wrong."""


def handler(event, context):
    raise RuntimeError("broken on purpose")
'''


@dataclass
class Readers:
    """Callers who read an item for ever."""

    caller: Caller
    item_id: str
    statuses: list[int] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def read(self) -> None:
        while not self.stop.is_set():
            self.statuses.append(self.caller.get(self.item_id).status_code)

    @contextmanager
    def reading(self, at_once: int = 3) -> Iterator[None]:
        with ThreadPoolExecutor(at_once) as threads:
            done = [threads.submit(self.read) for _ in range(at_once)]
            try:
                yield
            finally:
                self.stop.set()
        for one in done:
            one.result()

    def more(self, count: int) -> list[int]:
        """Wait for so many more answers, and return them."""
        seen = len(self.statuses)
        eventually(lambda: len(self.statuses) >= seen + count, within=60)
        return self.statuses[seen : seen + count]


@dataclass(frozen=True)
class Trial:
    """What the alias sent to a version on trial, for how long, and what callers got meanwhile."""

    weights: dict[str, float]
    seconds: float
    statuses: list[int]


def watch_trial(function: PublishedVersions, readers: Readers) -> Trial:
    """Wait until the alias has weights, and until it has none."""
    eventually(lambda: "RoutingConfig" in function.alias, within=180, every=0.2)
    weights = function.alias["RoutingConfig"]["AdditionalVersionWeights"]
    began, seen = time.monotonic(), len(readers.statuses)
    eventually(lambda: "RoutingConfig" not in function.alias, within=BAKE_SECONDS, every=0.2)
    return Trial(weights, time.monotonic() - began, readers.statuses[seen:])


def itemstream(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*ITEMSTREAM, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )


def publish_broken(stack: LocalStack, function: PublishedVersions) -> str:
    """Publish a version that fails whenever it is called."""
    image, command = function.image, function.command
    if stack.status["run"] == "images":
        repository, _, digest = image.partition("@")
        path = PurePosixPath("var/task", *command[0].split(".")[:-1]).with_suffix(".py")
        image = f"{repository}@{with_file(digest, path, BROKEN)}"
    else:
        # All versions run the source: only what is said about them can be wrong.
        command = ["functions.crud.not_there.handler"]
    return function.publish(image=image, command=command, description="A broken version.")


@pytest.mark.timeout(300)
def test_a_bad_version_goes_back_by_itself_and_a_good_one_reaches_all(
    stack: LocalStack, caller: Caller
) -> None:
    with published_versions(stack, FUNCTION) as function:
        # Given an item that is read all the time, and a new version that is broken
        readers = Readers(caller, caller.created()["id"])
        good = (function.image, function.command)
        live = function.alias["FunctionVersion"]
        bad = publish_broken(stack, function)
        with readers.reading(), ThreadPoolExecutor(1) as beside:
            readers.more(20)
            watched = beside.submit(watch_trial, function, readers)

            # When it is deployed
            deployed = itemstream(
                "deploy", FUNCTION, "--strategy", f"canary10percent{BAKE_SECONDS}seconds"
            )
            trial = watched.result()

            # Then its alarm takes it back before its time is over
            assert deployed.returncode == 1, deployed.stderr
            assert f"{FUNCTION} was rolled back: {function.name}-canary" in deployed.stderr
            assert trial.seconds < BAKE_SECONDS
            assert function.alias["FunctionVersion"] == live
            assert "RoutingConfig" not in function.alias

            # And its share of the callers saw the fault, no more, no less, and nobody sees it now
            assert trial.weights == {bad: SHARE}
            calls = len(trial.statuses)
            faults = sum(status != 200 for status in trial.statuses)
            five_sigma = 5 * math.sqrt(calls * SHARE * (1 - SHARE))
            assert abs(faults - calls * SHARE) <= five_sigma
            readers.more(10)
            assert set(readers.more(50)) == {200}

            # When a good version is deployed, faster than an alarm could look at it
            mended = function.publish(
                image=good[0], command=good[1], description="A mended version."
            )
            seen = len(readers.statuses)
            deployed = itemstream("deploy", FUNCTION, "--strategy", "canary10percent5seconds")
            readers.more(50)

        # Then all calls go to it, and none has failed
        assert deployed.returncode == 0, deployed.stderr
        assert function.alias["FunctionVersion"] == mended
        assert "RoutingConfig" not in function.alias
        assert set(readers.statuses[seen:]) == {200}

        # And the history tells of both
        told = [json.loads(line) for line in itemstream("history", "--json").stdout.splitlines()]
        ends = {one["after"]: one["result"] for one in told if one["function"] == FUNCTION}
        assert ends[bad] == "rolled back"
        assert ends[mended] == "succeeded"
