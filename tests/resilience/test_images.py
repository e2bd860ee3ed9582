"""A processor of pictures that dies again and again at its writes, and uploads that come twice."""

from __future__ import annotations

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from tests.e2e.test_images import Uploads, keys, outcomes, post
from tests.fakes.pictures import jpeg
from tests.local_stack import ITEMSTREAM, ROOT
from tests.resilience.faults import ANSWER_LOST, BROKEN, AwsCall, Fault, faults_between, kill
from tests.waiting import eventually

if TYPE_CHECKING:
    from tests.local_stack import Caller, LocalStack

PROCESSOR = "image_processor"
ITEMS = 6
DEATHS = 8


class Deaths:
    """Kills the processor at every other write: before the table has it, or after."""

    def __init__(self, stack: LocalStack) -> None:
        self.stack = stack
        self.writes = 0
        self.killed = 0

    def __call__(self, call: AwsCall) -> Fault | None:
        if call.operation != "UpdateItem" or self.killed >= DEATHS:
            return None
        self.writes += 1
        if self.writes % 2 == 0:
            return None
        self.killed += kill(self.stack, PROCESSOR)
        return BROKEN if self.writes % 4 == 1 else ANSWER_LOST


def dead_letters(*command: str) -> dict[str, Any]:
    shown = subprocess.run(
        [*ITEMSTREAM, "dlq", *command, "--json"],
        cwd=ROOT,
        env={"ITEMSTREAM_STACK": "test", **os.environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=90,
    )
    assert shown.returncode == 0, shown.stdout + shown.stderr
    return dict(json.loads(shown.stdout))


def redriven_letters(tenant: str) -> int:
    redriven = dead_letters(
        "redrive", PROCESSOR, "--yes", "--filter", f"contains(to_string(payload), '{tenant}')"
    )
    return int(redriven["redriven"])


def test_each_item_gets_its_image_once_though_the_processor_dies(
    stack: LocalStack, caller: Caller
) -> None:
    # Given a picture for each item; the forms of three of them are used twice, one item is deleted
    uploads = Uploads(caller)
    items = [caller.created(name=f"Item {number}")["id"] for number in range(ITEMS)]
    asked = [uploads.asked(item) for item in items]
    used = [*range(ITEMS), 0, 1, 2]
    deleted = ITEMS - 1

    # When
    with faults_between(stack, PROCESSOR, "DYNAMODB") as proxy:
        proxy.decide = deaths = Deaths(stack)
        with ThreadPoolExecutor(len(used)) as pool:
            posts = [
                pool.submit(post, asked[number], jpeg(900, 600, seed=seed))
                for seed, number in enumerate(used)
            ]
            assert {sent.result().status_code for sent in posts} == {204}
        # An image that comes in between is a new version.
        eventually(
            lambda: (
                caller.delete(items[deleted], caller.get(items[deleted]).headers["etag"]).is_success
            )
        )
        eventually(lambda: deaths.killed >= DEATHS, within=90, what="deaths of the processor")

    # Then every file is looked at to the end, those that were given up once they are sent back
    def all_looked_at() -> bool:
        redriven_letters(caller.tenant)
        return all(
            len(outcomes(stack, asked[number]["image_id"])) >= used.count(number)
            for number in range(ITEMS)
        )

    eventually(all_looked_at, within=120, every=1, what="every file's outcome")

    # … each item that is left has its one image, and nothing is stored but its renditions
    stored = set()
    for number in range(ITEMS - 1):
        image = uploads.image(items[number], asked[number]["image_id"])
        assert (image["status"], image["reason"]) == ("ready", None)
        read = caller.get(items[number]).json()
        assert [found["id"] for found in read["images"]] == [asked[number]["image_id"]]
        assert read["version"] == 2
        stored |= {rendition["url"] for rendition in image["renditions"]}
    found = eventually(
        lambda: (
            rendition_keys
            if len(rendition_keys := keys(stack, "processed", f"images/{caller.tenant}/"))
            == len(stored)
            else None
        ),
        what="just the renditions in use",
    )
    assert found is not None
    assert all(any(key in url for url in stored) for key in found)
    assert redriven_letters(caller.tenant) == 0
