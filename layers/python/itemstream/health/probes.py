"""Asking all parts at once, each for its own time at most."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from itemstream.dependencies import DependencyUnavailable
from itemstream.health.model import Finding, Measurement

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

__all__ = ["Probe", "call_in_thread", "calls_in_thread", "kind_of", "measure"]


@dataclass(frozen=True, slots=True)
class Probe:
    """
    How some parts are asked.

    Parameters
    ----------
    parts
        Their names.
    ask
        Returns how each of them is, but for those that this environment does without; what it
        raises means that all of them are down.
    seconds
        How long that may take.
    """

    parts: tuple[str, ...]
    ask: Callable[[], Awaitable[dict[str, Finding]]]
    seconds: float


async def measure(
    probes: Iterable[Probe], failed: Callable[[tuple[str, ...], Exception], None]
) -> list[Measurement]:
    """
    Ask all parts side by side and return what was found, each part once.

    Parameters
    ----------
    probes
        How they are asked.
    failed
        Told of the errors, for the log: what is found says only their kind.
    """
    found = await asyncio.gather(*(_measured(probe, failed) for probe in probes))
    return [measurement for some in found for measurement in some]


def calls_in_thread(
    parts: tuple[str, ...], call: Callable[[], dict[str, Finding]], seconds: float
) -> Probe:
    """Make a probe of a call that waits."""

    async def ask() -> dict[str, Finding]:
        # One that is given up goes on in its thread, until its client's own time-outs end it.
        return await asyncio.to_thread(call)

    return Probe(parts, ask, seconds)


def call_in_thread(part: str, call: Callable[[], Finding | None], seconds: float) -> Probe:
    """Make a probe of a call that waits, for one part; if it finds nothing to tell, that is up."""
    return calls_in_thread((part,), lambda: {part: call() or Finding("up")}, seconds)


async def _measured(
    probe: Probe, failed: Callable[[tuple[str, ...], Exception], None]
) -> list[Measurement]:
    started = time.perf_counter()
    try:
        async with asyncio.timeout(probe.seconds):
            findings = await probe.ask()
    except TimeoutError:
        findings = _all_down(probe, f"no answer within {probe.seconds:g} s")
    except DependencyUnavailable as unavailable:
        findings = _all_down(probe, str(unavailable))
    except Exception as error:
        failed(probe.parts, error)
        findings = _all_down(probe, f"fails with {kind_of(error)}")
    took = round((time.perf_counter() - started) * 1000)
    return [
        Measurement(
            part,
            finding.state,
            took if finding.latency_ms is None else finding.latency_ms,
            finding.reason,
        )
        for part, finding in findings.items()
    ]


def _all_down(probe: Probe, reason: str) -> dict[str, Finding]:
    return dict.fromkeys(probe.parts, Finding("down", reason))


def kind_of(error: Exception) -> str:
    """Name an error without its text, which may quote an address: AWS's code, or its class."""
    answer = getattr(error, "response", None)
    code = answer.get("Error", {}).get("Code") if isinstance(answer, dict) else None
    return str(code or type(error).__name__)
