"""Finds and ends what a host that crashed left running."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from pathlib import Path

# Set in the environment of every process of a function, and so in that of its children's too.
MARKER = "ITEMSTREAM_LAMBDA_HOST"


def stop_survivors(state: Path) -> int:
    """Kill every process that a host with this state folder started.

    Parameters
    ----------
    state
        The ``--state`` folder of the host.

    Returns
    -------
    int
        How many processes were killed.
    """
    killed = 0
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(MARKER) == str(state.resolve()):
                process.kill()
                killed += 1
        except psutil.Error:  # gone already, or another user's
            continue
    return killed
