"""The smoke test that a deployment ends with, on a stack that works."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from tests.local_stack import ITEMSTREAM, ROOT

if TYPE_CHECKING:
    from tests.local_stack import LocalStack


def test_a_stack_that_works_passes(stack: LocalStack) -> None:
    # When
    done = subprocess.run(
        [*ITEMSTREAM, "smoke", "--environment", "local"],
        cwd=ROOT,
        env={"ITEMSTREAM_STACK": "test", **os.environ},
        capture_output=True,
        text=True,
        check=False,
    )

    # Then
    assert done.returncode == 0, done.stderr
    assert "made, read, deleted" in done.stderr
    assert "opened with a ticket, ping answered" in done.stderr
