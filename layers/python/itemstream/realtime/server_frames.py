"""Frames that the server sends, as compact JSON in UTF-8."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from itemstream.events.envelope import referenced, sequence_text
from itemstream.realtime.limits import LARGEST_EVENTS_FRAME_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from itemstream.api.problems import Problem

__all__ = [
    "CloseCode",
    "authenticated",
    "closing",
    "error",
    "event_frames",
    "pong",
    "reset",
    "subscribed",
    "unsubscribed",
]


class CloseCode(IntEnum):
    """
    Why the server ends a connection.

    Those below 4000 mean what they mean in RFC 6455, section 7.4.1, and IANA's registry; the others
    are our own.
    """

    ABUSE = 1008
    REPLAY_GIVEN_UP = 1011
    TOKEN_ENDED = 4401
    AGE = 4408


def subscribed(topic: str, cursor: int) -> bytes:
    """Promise all events of the topic after the cursor."""
    return _frame(type="subscribed", topic=topic, cursor=sequence_text(cursor))


def unsubscribed(topic: str) -> bytes:
    """Promise no more events of the topic but those on their way."""
    return _frame(type="unsubscribed", topic=topic)


def pong() -> bytes:
    """Say that the connection lives."""
    return _frame(type="pong")


def authenticated(expires_at: int, topics: Iterable[str]) -> bytes:
    """Say until when the new token holds (seconds since 1970), and for which topics."""
    until = datetime.fromtimestamp(expires_at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return _frame(type="authenticated", expires_at=until, topics=sorted(topics))


def reset(topic: str, cursor: int) -> bytes:
    """Say that the log no longer holds what was asked for; events after the cursor will come."""
    return _frame(type="reset", topic=topic, cursor=sequence_text(cursor))


def error(
    problem: Problem, *, instance: str, action: str | None = None, topic: str | None = None
) -> bytes:
    """
    Say that something a client sent was refused, or failed.

    ``instance`` is a URI of this occurrence. Where an answer over HTTP would have the header
    ``Retry-After``, the problem document has the member ``retry_after``.
    """
    document = problem.document(instance)
    if seconds := problem.headers.get("Retry-After"):
        document["retry_after"] = int(seconds)
    asked = {"action": action, "topic": topic}
    return _frame(
        type="error",
        problem=document,
        **{name: value for name, value in asked.items() if value is not None},
    )


_REASONS = {
    CloseCode.ABUSE: "Too many frames went against the limits.",
    CloseCode.REPLAY_GIVEN_UP: (
        "Events could not be delivered for minutes. Connect again, with your cursors."
    ),
    CloseCode.TOKEN_ENDED: "The token has ended. Connect with a new one.",
    CloseCode.AGE: "A connection lasts two hours. Connect again, with your cursors.",
}


def closing(code: CloseCode) -> bytes:
    """
    Say why the connection ends.

    Frames that were on their way may still come after it, and mean nothing any more.
    API Gateway's ``DeleteConnection`` carries no close code, so it stands here.
    """
    return _frame(type="closing", code=int(code), reason=_REASONS[code])


def event_frames(topic: str, events: Iterable[Mapping[str, Any]]) -> list[tuple[int, bytes]]:
    """
    Put events of one topic, CloudEvents in the order of the log, into as few frames as hold them.

    An event that is too large for a frame of its own comes with ``dataref`` in place of its data.

    Returns
    -------
    list
        Of each frame the sequence of its last event, and its bytes.
    """
    frames: list[tuple[int, bytes]] = []
    together: list[bytes] = []
    last = 0
    room = space = LARGEST_EVENTS_FRAME_BYTES - len(_events_frame(topic, 0, []))
    for event in events:
        encoded = _json(event)
        if len(encoded) > space:
            encoded = _json(referenced(dict(event)))
        if together and len(encoded) > room:
            frames.append((last, _events_frame(topic, last, together)))
            together, room = [], space
        together.append(encoded)
        room -= len(encoded) + 1
        last = int(event["sequence"])
    if together:
        frames.append((last, _events_frame(topic, last, together)))
    return frames


def _events_frame(topic: str, cursor: int, events: list[bytes]) -> bytes:
    start = _frame(type="events", topic=topic, cursor=sequence_text(cursor))
    return start[:-1] + b',"events":[' + b",".join(events) + b"]}"


def _frame(**members: Any) -> bytes:
    return _json(members)


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
