"""The event loop of a function: one for as long as its execution environment lives."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor

__all__ = ["make_runner"]

# As many as an AWS client keeps connections.
CALLS_AT_ONCE = 16


def make_runner() -> asyncio.Runner:
    """
    Make what runs a handler's coroutine.

    The loop stays between invocations, and so do the connections that were made on it.
    """
    return asyncio.Runner(loop_factory=_new_loop)


def _new_loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    loop.set_default_executor(ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="aws"))
    return loop
