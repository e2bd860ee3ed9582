"""From what checks find to what is said: a change counts when it lasts.

One failed check in a thousand is weather. A part is said to be worse when as many checks in a row
as ``lasting`` found it worse, and better when as many found it better; if those differ, the least
change that all of them bear out is made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from itemstream.health.model import SEVERITY, Health, PartHealth

if TYPE_CHECKING:
    from collections.abc import Iterable

    from itemstream.health.model import Measurement, State

__all__ = ["after_check"]


def after_check(
    before: Health | None, measurements: Iterable[Measurement], at: str, *, lasting: int
) -> Health:
    """
    Return the health after a check.

    Parameters
    ----------
    before
        The health before; ``None`` if nobody has looked yet. Parts that were not measured now are
        no longer there.
    measurements
        What the check found, each part once.
    at
        When it began, later than the one before.
    lasting
        How many checks in a row a change takes.
    """
    known = before.parts if before else {}
    return Health(
        at, {one.part: _part(known.get(one.part), one, at, lasting) for one in measurements}
    )


def _part(before: PartHealth | None, now: Measurement, at: str, lasting: int) -> PartHealth:
    recent = (*(before.recent if before else ()), (now.state, at))[-lasting:]
    status, since = (before.status, before.since) if before else ("unknown", at)
    if status == "unknown":
        if now.state == "up":
            # Good news about a new part needs no waiting: nobody was told anything else.
            status, since = "up", at
        elif len(recent) == lasting:
            status, since = _mildest(recent), recent[0][1]
    elif len(recent) == lasting:
        ranks = [SEVERITY[state] for state, _ in recent]
        if min(ranks) > SEVERITY[status]:
            status, since = _mildest(recent), recent[0][1]
        elif max(ranks) < SEVERITY[status]:
            status, since = _gravest(recent), recent[0][1]
    return PartHealth(status, since, at, now.latency_ms, now.reason, recent)


def _mildest(recent: tuple[tuple[State, str], ...]) -> State:
    return min((state for state, _ in recent), key=SEVERITY.__getitem__)


def _gravest(recent: tuple[tuple[State, str], ...]) -> State:
    return max((state for state, _ in recent), key=SEVERITY.__getitem__)
