"""The limits of Lambda itself, and those of one host."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
REQUEST_BYTES = 6 * 1024 * 1024
# The service adds 100 bytes to the 6 MB, as its own error message says.
RESPONSE_BYTES = 6 * 1024 * 1024 + 100


@dataclass(frozen=True)
class HostLimits:
    """What one host may use; each field is also an option of the command line.

    Attributes
    ----------
    environments
        Execution environments of all functions at once.
    starts
        Environments that may initialise at once: more than there are cores only slows each.
    turn_seconds
        An Init phase that takes longer than this no longer counts among them.
    queue
        Invocations that may wait for an environment; one more is throttled.
    queue_seconds
        How long one may wait before it is throttled.
    idle_seconds
        How long an unused environment is kept.
    credential_seconds
        Life of a function's temporary credentials.
    credential_margin_seconds
        An environment is retired when its credentials have less than this left.
    init_seconds
        Longest Init phase. https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html:
        "The Init phase is limited to 10 seconds. If all three tasks do not complete within 10
        seconds, Lambda retries the Init phase at the time of the first function invocation with
        the configured function timeout."
    grace_seconds
        How long running invocations may still take when the host is told to stop.
    """

    environments: int = 40
    starts: int = field(default_factory=lambda: os.cpu_count() or 1)
    turn_seconds: float = 1.0
    queue: int = 200
    queue_seconds: float = 20.0
    idle_seconds: float = 300.0
    credential_seconds: int = 3600
    credential_margin_seconds: float = 300.0
    init_seconds: float = 10.0
    grace_seconds: float = 3.0
