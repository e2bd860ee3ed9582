"""What every invocation does around its handler: log keys, correlation, metrics."""

from __future__ import annotations

import gc
import time
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from itemstream.observability import metrics
from itemstream.observability.logs import logger

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["observed"]

Answer = TypeVar("Answer")

_cold_start = True


def observed(handler: Callable[[Any, Any], Answer]) -> Callable[[Any, Any], Answer]:
    """
    Decorate a Lambda handler with logs and metrics.

    Every line it logs carries request id, function and cold start; ``Requests``, ``Latency`` and
    ``ColdStarts`` are counted for the function, with whatever the handler itself counted.
    """

    @wraps(handler)
    def observing(event: Any, context: Any) -> Answer:
        global _cold_start
        started = time.perf_counter()
        logger.structure_logs(append=False)
        logger.append_keys(
            function=context.function_name,
            request_id=context.aws_request_id,
            cold_start=_cold_start,
        )
        if _cold_start:
            metrics.count("ColdStarts")
            # What Init made is never looked at again by the garbage collector.
            gc.freeze()
            _cold_start = False
        try:
            return handler(event, context)
        finally:
            metrics.count("Requests")
            metrics.duration("Latency", (time.perf_counter() - started) * 1000)
            metrics.flush(function=context.function_name, version=context.function_version)

    return observing
