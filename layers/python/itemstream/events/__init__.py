"""Events: what happened, as CloudEvents, in one dense and ordered log for each tenant.

``envelope`` says what an event is, ``changes`` which events a change of a row means, ``log`` and
``bus`` where events go. All of that is the domain; ``dynamodb`` and ``eventbridge`` are adapters.

Errors
------
::

    Unpublishable     a change means no event, however often it is tried
    PositionExpired   the log no longer holds what comes after a position
"""

from __future__ import annotations

from itemstream.events.changes import Unpublishable, events_of
from itemstream.events.envelope import Event, topic_of
from itemstream.events.log import PositionExpired

__all__ = ["Event", "PositionExpired", "Unpublishable", "events_of", "topic_of"]
