"""Frames: what the server says, and what it is told."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from itemstream_client.errors import ProblemError
from itemstream_client.events import Event, Reset, text_of

__all__ = [
    "Authenticated",
    "Closing",
    "Events",
    "Frame",
    "MalformedFrameError",
    "Refused",
    "Subscribed",
    "Unknown",
    "authenticate",
    "ping",
    "read",
    "subscribe",
    "unsubscribe",
]


class MalformedFrameError(Exception):
    """The server sent what is no frame."""


@dataclass(frozen=True, slots=True)
class Subscribed:
    """All events of the topic after the cursor will come."""

    topic: str
    cursor: str


@dataclass(frozen=True, slots=True)
class Events:
    """Events of one topic, in the log's order."""

    topic: str
    events: list[Event]


@dataclass(frozen=True, slots=True)
class Authenticated:
    """A new token was taken; the topics that it permits."""

    ends_at: float
    topics: list[str]


@dataclass(frozen=True, slots=True)
class Refused:
    """A problem, and what it is about."""

    problem: ProblemError
    topic: str | None
    action: str | None


@dataclass(frozen=True, slots=True)
class Closing:
    """The last frame before the server closes."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """A frame that says nothing to this client, such as an answer to a ping."""


Frame = Subscribed | Events | Reset | Authenticated | Refused | Closing | Unknown


def read(text: str | bytes) -> Frame:
    """
    Read a frame of the server.

    Raises
    ------
    MalformedFrameError
        If it is no JSON object, or lacks what a frame of its type has.
    """
    try:
        return _frame(json.loads(text))
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise MalformedFrameError(f"a frame that cannot be read ({error!r})") from error


def _frame(frame: dict[str, Any]) -> Frame:
    match frame.get("type"):
        case "subscribed":
            return Subscribed(frame["topic"], text_of(frame, "cursor"))
        case "events":
            events = [Event.from_document(document) for document in frame["events"]]
            return Events(frame["topic"], events)
        case "reset":
            return Reset(frame["topic"], text_of(frame, "cursor"))
        case "authenticated":
            ends_at = dt.datetime.fromisoformat(frame["expires_at"]).timestamp()
            return Authenticated(ends_at, list(frame["topics"]))
        case "error":
            return Refused(ProblemError(frame["problem"]), frame.get("topic"), frame.get("action"))
        case "closing":
            return Closing(int(frame["code"]), str(frame.get("reason", "")))
    return Unknown()


def subscribe(topic: str, after: str | None) -> str:
    """Ask for a topic's events, those after a cursor first."""
    return _text({"action": "subscribe", "topic": topic} | ({"after": after} if after else {}))


def unsubscribe(topic: str) -> str:
    """Ask for no more events of a topic."""
    return _text({"action": "unsubscribe", "topic": topic})


def ping() -> str:
    """Ask for a sign of life."""
    return _text({"action": "ping"})


def authenticate(token: str) -> str:
    """Hand in a fresh token."""
    return _text({"action": "authenticate", "token": token})


def _text(frame: dict[str, str]) -> str:
    return json.dumps(frame, separators=(",", ":"))
