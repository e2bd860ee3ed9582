"""The envelope: an event as CloudEvents 1.0 says, with the attributes that we add.

Source of the format: CloudEvents 1.0.2, JSON event format, and its documented extensions
``sequence`` and ``dataref``. ``tenant`` is an extension of our own.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

__all__ = ["SEQUENCE_DIGITS", "Event", "json_size", "referenced", "sequence_text", "topic_of"]

# As many as a 64-bit number has, so that texts sort as the numbers do.
SEQUENCE_DIGITS = 20

# The first word of an event's type → where it comes from, and the topic that clients subscribe to.
_SOURCES = {
    "item": "/itemstream/items",
    "image": "/itemstream/images",
    "call": "/itemstream/calls",
    "report": "/itemstream/reports",
    "health": "/itemstream/health",
    "cleanup": "/itemstream/cleanup",
}
_TOPICS = {
    "item": "items",
    "image": "items",
    "call": "calls",
    "report": "reports",
    "health": "health",
    # Those who run the platform subscribe to one topic.
    "cleanup": "health",
}


@dataclass(frozen=True, slots=True)
class Event:
    """
    Something that happened, before it has its place in the log.

    Parameters
    ----------
    type
        What happened, such as ``item.created``.
    id
        Made from what it tells of, so that whoever sees it twice can know it; unique in its tenant.
    tenant
        Whose it is.
    subject
        Id of the item or call that it is about.
    time
        When it happened, in ISO 8601.
    data
        What there is to say, as JSON values.
    """

    type: str
    id: str
    tenant: str
    subject: str
    time: str
    data: dict[str, Any]

    @property
    def topic(self) -> str:
        """The topic that it belongs to."""
        return topic_of(self.type)

    def document(self, sequence: int) -> dict[str, Any]:
        """Return the CloudEvent with its place in the log."""
        return {
            "specversion": "1.0",
            "id": self.id,
            "source": _SOURCES[_kind(self.type)],
            "type": self.type,
            "subject": self.subject,
            "time": self.time,
            "tenant": self.tenant,
            "sequence": sequence_text(sequence),
            "datacontenttype": "application/json",
            "dataschema": f"urn:itemstream:schema:{self.type}:1",
            "data": self.data,
        }


def topic_of(event_type: str) -> str:
    """Return the topic of a type of event: ``items``, ``calls``, ``reports`` or ``health``."""
    return _TOPICS[_kind(event_type)]


def sequence_text(sequence: int) -> str:
    """Write a place in the log so that texts sort as the places do."""
    return f"{sequence:0{SEQUENCE_DIGITS}d}"


def referenced(document: dict[str, Any]) -> dict[str, Any]:
    """
    Return a CloudEvent that is too large without its data: ``dataref`` says where to read it.

    The reference is the item's address, relative to the REST API's: what stands there is the item
    as it is then, not as it was. (Source: CloudEvents extension ``dataref``, the claim check
    pattern.)
    """
    small = {name: value for name, value in document.items() if name != "data"}
    return {**small, "dataref": f"items/{document['subject']}"}


def json_size(document: dict[str, Any]) -> int:
    """Return how many bytes a document has as compact JSON in UTF-8."""
    return len(json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())


def _kind(event_type: str) -> str:
    return event_type.partition(".")[0]
