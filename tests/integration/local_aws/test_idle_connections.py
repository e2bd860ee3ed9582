"""The local AWS does not close a connection that a client may be about to use again."""

from __future__ import annotations

import subprocess

from tools.project import ROOT
from tools.stack.parts import MINISTACK_LAUNCHER

# AWS's SDK for Go, and so Terraform, lets go of a connection that was idle for 90 s.
LONGEST_IDLE_SECONDS = 90
# What MiniStack does before it serves, after our patches: here in its own interpreter, without the
# minutes that a real idle connection would take.
AS_MINISTACK_CONFIGURES = """
from tools.local_aws import idle_connections
idle_connections.apply()
from hypercorn.config import Config
config = Config()
config.keep_alive_timeout = 75
print(config.keep_alive_timeout)
"""


def test_clients_let_go_of_idle_connections_before_the_local_aws_does() -> None:
    # When
    done = subprocess.run(
        [MINISTACK_LAUNCHER[0], "-c", AS_MINISTACK_CONFIGURES],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    # Then
    assert float(done.stdout) > LONGEST_IDLE_SECONDS


def test_the_local_aws_still_sets_what_is_patched() -> None:
    # When
    done = subprocess.run(
        [
            MINISTACK_LAUNCHER[0],
            "-c",
            "import inspect, ministack.app; print(inspect.getsource(ministack.app.main))",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    # Then: another way of setting it would leave the patch without effect
    assert "config = HypercornConfig()" in done.stdout
    assert "config.keep_alive_timeout = 75" in done.stdout
