"""An example of each frame: the server's are made by what makes the real ones."""

from __future__ import annotations

import json
from typing import Any

from itemstream.events.envelope import Event
from itemstream.realtime import server_frames
from itemstream.realtime.problems import not_permitted
from itemstream.realtime.server_frames import CloseCode
from itemstream.realtime.topics import Topic

__all__ = ["EXAMPLES"]

_ITEM = "01a1fd0d-0f71-747f-8457-26ecebd91c18"
_DELETED = Event(
    type="item.deleted",
    id=f"{_ITEM}:4:item.deleted",
    tenant="demo",
    subject=_ITEM,
    time="2026-11-21T07:41:00.000Z",
    data={"id": _ITEM, "version": 4},
)
((_, _EVENTS),) = server_frames.event_frames("items", [_DELETED.document(25)])

_CLIENT: list[dict[str, Any]] = [
    {"action": "subscribe", "topic": "items", "after": "00000000000000000007"},
    {"action": "unsubscribe", "topic": f"items/{_ITEM}"},
    {"action": "ping"},
    {"action": "authenticate", "token": "eyJhbGciOiJFUzI1NiIsImtpZCI6…"},
]
_SERVER = [
    server_frames.subscribed("items", 7),
    server_frames.unsubscribed(f"items/{_ITEM}"),
    server_frames.pong(),
    server_frames.authenticated(1_795_251_600, ["items"]),
    _EVENTS,
    server_frames.reset("items", 25),
    server_frames.error(
        not_permitted(Topic.parse("reports")),
        instance="urn:uuid:f3c1a5c5-6f0e-4d11-9d54-3f2b3a4c5d6e",
        action="subscribe",
        topic="reports",
    ),
    server_frames.closing(CloseCode.TOKEN_ENDED),
]

EXAMPLES: dict[str, dict[str, Any]] = {
    **{frame["action"]: frame for frame in _CLIENT},
    **{frame["type"]: frame for frame in map(json.loads, _SERVER)},
}
