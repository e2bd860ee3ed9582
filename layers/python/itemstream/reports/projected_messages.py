"""Messages of the event bus as changes, with the events that are too large for it from the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from itemstream.dead_letters import Refused
from itemstream.events.log import PositionExpired
from itemstream.notifications.model import read_event
from itemstream.reports.projected_events import NotProjectable, change_of, is_projected

if TYPE_CHECKING:
    from collections.abc import Mapping

    from itemstream.events.log import EventLogReader
    from itemstream.reports.projection import ItemChange

__all__ = ["changes_of_messages"]


def changes_of_messages(
    bodies: Mapping[str, str], log: EventLogReader
) -> tuple[dict[str, ItemChange], dict[str, str]]:
    """
    Read messages.

    Parameters
    ----------
    bodies
        Their texts, by the messages' ids.
    log
        Where an event stands whole.

    Returns
    -------
    tuple
        Changes, and why there is none, both by the messages' ids. Neither has those that mean
        nothing to reports.

    Raises
    ------
    DependencyUnavailable
        If the log cannot be read now.
    """
    changes: dict[str, ItemChange] = {}
    refused: dict[str, str] = {}
    for message_id, body in bodies.items():
        try:
            event = read_event(body)
            if is_projected(event):
                changes[message_id] = change_of(event if "data" in event else _whole(event, log))
        except Refused as error:
            refused[message_id] = error.reason
        except NotProjectable as error:
            refused[message_id] = str(error)
    return changes, refused


def _whole(event: dict[str, Any], log: EventLogReader) -> dict[str, Any]:
    """Return an event as it stands in the log (the claim check pattern)."""
    try:
        place = int(event["sequence"])
        (logged,) = log.read(event["tenant"], after=place - 1, limit=1)
    except PositionExpired as error:
        raise NotProjectable(f"too large for the bus, and {error}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise NotProjectable("neither data, nor a place in the log where it stands") from error
    if logged.document.get("id") != event["id"]:
        raise NotProjectable("another event stands at its place in the log")
    return logged.document
