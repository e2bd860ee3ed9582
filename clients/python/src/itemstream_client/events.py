"""What a subscription gives its reader."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["Event", "Reset", "text_of"]


@dataclass(frozen=True, slots=True)
class Event:
    """
    Something that happened: a CloudEvent.

    Parameters
    ----------
    id
        The same whenever this event is told again.
    type
        What happened, such as ``item.updated``.
    subject
        Id of the item, call or report that it is about.
    time
        When it happened, in ISO 8601.
    cursor
        Its place in the log: subscribe ``after`` it to go on from here.
    data
        What there is to say; None for an event that was too large to send.
    dataref
        Of such an event: where to read what it is about, relative to the REST API.
    document
        The whole CloudEvent, as it came.
    """

    id: str
    type: str
    subject: str
    time: str
    cursor: str
    data: dict[str, Any] | None
    dataref: str | None
    document: dict[str, Any]

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> Event:
        """
        Read a CloudEvent.

        Raises
        ------
        KeyError
            If an attribute is missing.
        TypeError
            If its place in the log is no text.
        """
        return cls(
            id=document["id"],
            type=document["type"],
            subject=document["subject"],
            time=document["time"],
            cursor=text_of(document, "sequence"),
            data=document.get("data"),
            dataref=document.get("dataref"),
            document=document,
        )


@dataclass(frozen=True, slots=True)
class Reset:
    """
    The log no longer holds what came after the cursor: load anew over REST.

    Parameters
    ----------
    topic
        The topic that has a gap here.
    cursor
        Events after this one follow.
    """

    topic: str
    cursor: str


def text_of(document: dict[str, Any], name: str) -> str:
    """
    Return a text by its name.

    Raises
    ------
    TypeError
        If it is none.
    """
    if not isinstance(document[name], str):
        raise TypeError(f"{name} is no text")
    return str(document[name])
