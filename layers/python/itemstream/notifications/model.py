"""What a notification is, and of which events there are any.

Errors
------
::

    OutcomeUnknown      nobody can say whether a notification was published
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from itemstream.dead_letters import Refused

__all__ = ["Notification", "OutcomeUnknown", "Severity", "Topic", "read_event", "severity_of"]

Severity = Literal["info", "warning"]

# CloudEvents 1.0, "Required attributes", and those that notifications tell by.
_ATTRIBUTES = ("id", "source", "type", "subject", "time", "tenant")


class OutcomeUnknown(Exception):  # noqa: N818
    """
    A notification was sent and may have been published: the answer never came.

    Sending it again could publish it twice, so somebody has to look.
    """


@dataclass(frozen=True, slots=True)
class Notification:
    """
    What subscribers get.

    Parameters
    ----------
    event
        The CloudEvent that it tells of.
    severity
        How urgent it is.
    subject
        One line of at most 99 ASCII characters.
    text, html
        The same message for people, as plain text and as a page.
    """

    event: dict[str, Any]
    severity: Severity
    subject: str
    text: str
    html: str

    @property
    def tenant(self) -> str:
        """Whose event it is."""
        return str(self.event["tenant"])

    @property
    def type(self) -> str:
        """Type of the event, such as ``item.created``."""
        return str(self.event["type"])

    @property
    def event_id(self) -> str:
        """Id of the event, unique in its tenant."""
        return str(self.event["id"])


class Topic(Protocol):
    """Where notifications are published."""

    @property
    def name(self) -> str:
        """Its name, which tells it from other topics."""

    def publish(self, notification: Notification) -> None:
        """
        Publish a notification; when this returns, it is published.

        Raises
        ------
        Refused
            If the topic will never take it.
        DependencyUnavailable
            If it was not published, and may be published later.
        OutcomeUnknown
            If it may have been published.
        """


def read_event(body: str) -> dict[str, Any]:
    """
    Return the CloudEvent that a message from the event bus carries.

    Raises
    ------
    Refused
        If there is none.
    """
    try:
        event = json.loads(body)["detail"]
        version, attributes = event["specversion"], {name: event[name] for name in _ATTRIBUTES}
        data = event.get("data", {})
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise Refused(
            f"not a CloudEvent from the event bus: {type(error).__name__} {error}"
        ) from error
    if version != "1.0":
        raise Refused(f"a CloudEvent of version {version!r}, not 1.0")
    for name, value in attributes.items():
        if not isinstance(value, str) or not value or not value.isprintable():
            raise Refused(f"the CloudEvent's {name} is no printable text: {value!r}")
    if not isinstance(data, dict):
        raise Refused("the CloudEvent's data is no object")
    return dict(event)


def severity_of(event: dict[str, Any]) -> Severity:
    """Return how urgent it is that somebody hears of an event."""
    match event["type"]:
        case "image.failed":
            return "warning"
        case "health.changed":
            return "info" if event.get("data", {}).get("status") == "up" else "warning"
        case "cleanup.finished":
            tasks = event.get("data", {}).get("tasks", {}).values()
            return "warning" if any(task["errors"] for task in tasks) else "info"
        case _:
            return "info"
