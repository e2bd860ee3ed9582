"""What the server sends, as Pydantic models; only their JSON Schemas need them.

What clients send is validated by the models in ``itemstream.realtime.frames``.
"""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - Pydantic reads annotations at run time
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from itemstream.events.envelope import SEQUENCE_DIGITS
from itemstream.realtime.frames import CLIENT_FRAMES
from itemstream.realtime.server_frames import CloseCode
from itemstream.realtime.topics import TOPIC_PATTERN
from tools.event_schemas.models import Envelope  # noqa: TC001

__all__ = ["FRAMES", "SERVER_FRAMES"]

TopicName = Annotated[str, StringConstraints(pattern=TOPIC_PATTERN)]
Cursor = Annotated[str, StringConstraints(pattern=rf"^[0-9]{{{SEQUENCE_DIGITS}}}$")]


def _without_defaults(schema: dict[str, Any]) -> None:
    """Let members be absent that are never null."""
    for member in schema["properties"].values():
        member.pop("default", None)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra=_without_defaults)


class FieldError(_Strict):
    """One thing that is wrong with a frame."""

    field: str
    reason: str


class ProblemDocument(_Strict):
    """A problem document (RFC 9457)."""

    type: str = Field(pattern="^(about:blank|urn:itemstream:problem:[a-z-]+)$")
    title: str
    status: int = Field(ge=400, le=599)
    detail: str
    instance: str = Field(description="A URI of this occurrence, to quote when you ask for help.")
    errors: list[FieldError] = Field(default_factory=list, min_length=1)
    retry_after: int = Field(default=1, ge=0, description="Seconds after which to try again.")


class Subscribed(_Strict):
    """All events of the topic after the cursor will come."""

    type: Literal["subscribed"]
    topic: TopicName
    cursor: Cursor


class Unsubscribed(_Strict):
    """No more events of the topic will come, but those on their way."""

    type: Literal["unsubscribed"]
    topic: TopicName


class Pong(_Strict):
    """The connection lives."""

    type: Literal["pong"]


class Authenticated(_Strict):
    """The new token counts."""

    type: Literal["authenticated"]
    expires_at: datetime = Field(description="When the connection ends, if nothing else ends it.")
    topics: list[TopicName] = Field(
        description="Those that the new token permits; other subscriptions have ended."
    )


class Events(_Strict):
    """Events of a topic, in the order of the log."""

    type: Literal["events"]
    topic: TopicName
    cursor: Cursor = Field(description="Of the last of them.")
    events: list[Envelope] = Field(min_length=1)


class Reset(_Strict):
    """The log no longer holds what comes after your cursor: reload over REST, then go on."""

    type: Literal["reset"]
    topic: TopicName
    cursor: Cursor = Field(description="Events after it will come.")


class Error(_Strict):
    """Something that you sent was refused, or failed; the connection goes on."""

    type: Literal["error"]
    problem: ProblemDocument
    action: str = Field(
        default="",
        description="What you asked for, as far as that can be told.",
        json_schema_extra={"enum": [*CLIENT_FRAMES]},
    )
    topic: str = Field(default="", description="As you spelled it.")


class Closing(_Strict):
    """The server ends the connection: ignore what still comes after this."""

    type: Literal["closing"]
    code: int = Field(json_schema_extra={"enum": [code.value for code in CloseCode]})
    reason: str


SERVER_FRAMES: dict[str, type[BaseModel]] = {
    "subscribed": Subscribed,
    "unsubscribed": Unsubscribed,
    "pong": Pong,
    "authenticated": Authenticated,
    "events": Events,
    "reset": Reset,
    "error": Error,
    "closing": Closing,
}
FRAMES: dict[str, type[BaseModel]] = {**CLIENT_FRAMES, **SERVER_FRAMES}
