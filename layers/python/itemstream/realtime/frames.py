"""Frames that clients send: the Pydantic models that say what is valid.

What the server sends is in ``server_frames``, which needs no Pydantic; only the function that reads
frames imports this.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import PydanticCustomError

from itemstream.events.envelope import SEQUENCE_DIGITS
from itemstream.realtime.limits import LARGEST_FRAME_BYTES, NESTING
from itemstream.realtime.problems import frame_too_large, invalid_frame, unknown_action
from itemstream.realtime.topics import TOPIC_PATTERN, Topic, TopicRefused

if TYPE_CHECKING:
    from itemstream.api.problems import Problem

__all__ = [
    "CLIENT_FRAMES",
    "Authenticate",
    "ClientFrame",
    "FrameRefused",
    "Ping",
    "Subscribe",
    "Unsubscribe",
    "read_frame",
]

LONGEST_ECHO = 64
MAX_ERRORS = 20

# A string, or one that never ends: what it holds opens nothing.
_STRING = re.compile(r'"(?:[^"\\]|\\.)*+"?', re.DOTALL)
_CURSOR = re.compile(rf"[0-9]{{{SEQUENCE_DIGITS}}}")


class FrameRefused(Exception):  # noqa: N818
    """
    A frame that cannot be answered.

    Parameters
    ----------
    problem
        What is wrong with it.
    action, topic
        What it asked for, as far as that can be told.
    """

    def __init__(
        self,
        problem: Problem,
        *,
        action: str | None = None,
        topic: str | None = None,
    ) -> None:
        super().__init__(problem.detail)
        self.problem = problem
        self.action = action
        self.topic = topic


def _topic(name: Any) -> Topic:
    try:
        return Topic.parse(name if isinstance(name, str) else "")
    except TopicRefused as error:
        raise PydanticCustomError("topic", "{reason}", {"reason": str(error)}) from None


def _cursor(text: Any) -> int:
    if isinstance(text, str) and _CURSOR.fullmatch(text):
        return int(text)
    raise PydanticCustomError(
        "cursor",
        "must be a cursor of {digits} digits, as a text",
        {"digits": SEQUENCE_DIGITS},
    )


def _without_default(schema: dict[str, Any]) -> None:
    del schema["default"]


TopicName = Annotated[
    Topic,
    PlainValidator(_topic),
    WithJsonSchema({"type": "string", "pattern": TOPIC_PATTERN}),
]
# Who has no cursor leaves it out: null is no cursor.
Cursor = Annotated[
    int | None,
    PlainValidator(_cursor),
    WithJsonSchema({"type": "string", "pattern": f"^{_CURSOR.pattern}$"}),
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Subscribe(_Strict):
    """Ask for the events of a topic, from a cursor on or from now on."""

    action: Literal["subscribe"]
    topic: TopicName = Field(examples=["items"])
    after: Cursor = Field(
        default=None,
        description="The topic's last cursor: what came since is sent first.",
        examples=["00000000000000000007"],
        json_schema_extra=_without_default,
    )


class Unsubscribe(_Strict):
    """Ask for no more events of a topic."""

    action: Literal["unsubscribe"]
    topic: TopicName = Field(examples=["items"])


class Ping(_Strict):
    """Keep the connection from being idle, and see that it lives."""

    action: Literal["ping"]


class Authenticate(_Strict):
    """Give a new token, before the one that opened the connection ends."""

    action: Literal["authenticate"]
    token: Annotated[str, StringConstraints(min_length=1)] = Field(
        description="Of the same tenant and subject, with the scope realtime:connect."
    )


ClientFrame = Subscribe | Unsubscribe | Ping | Authenticate
CLIENT_FRAMES: dict[str, type[ClientFrame]] = {
    "subscribe": Subscribe,
    "unsubscribe": Unsubscribe,
    "ping": Ping,
    "authenticate": Authenticate,
}


def read_frame(body: str, is_binary: bool) -> ClientFrame:
    """
    Read what a client sent, whatever that is.

    Raises
    ------
    FrameRefused
        It is no frame; the problem says why.
    """
    if is_binary:
        raise FrameRefused(invalid_frame("Frames are text; this one is binary."))
    said = _json_object(body)
    action = said.get("action")
    model = CLIENT_FRAMES.get(action) if isinstance(action, str) else None
    if model is None:
        raise FrameRefused(unknown_action(CLIENT_FRAMES))
    try:
        return model.model_validate(said)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        errors = [
            {"field": ".".join(map(str, one["loc"])), "reason": one["msg"]}
            for one in found[:MAX_ERRORS]
        ]
        named = ", ".join(sorted({one["field"] for one in errors}))
        raise FrameRefused(
            invalid_frame(f"The frame is not valid: {named}.", errors),
            action=action,
            topic=_echo(said.get("topic")),
        ) from None


def _json_object(body: str) -> dict[str, Any]:
    try:
        size = len(body.encode())
    except UnicodeEncodeError:
        raise FrameRefused(invalid_frame("The frame is not UTF-8 text.")) from None
    if size > LARGEST_FRAME_BYTES:
        raise FrameRefused(frame_too_large())
    # Before it is parsed: a parser of nested things has a limit of its own, and a worse message.
    if _nesting(body) > NESTING:
        raise FrameRefused(
            invalid_frame(f"The frame is nested deeper than {NESTING} arrays and objects.")
        )
    try:
        said = json.loads(body, object_pairs_hook=_object, parse_constant=_refuse_constant)
        # JSON can spell half a character, which no text that we answer or store may hold.
        json.dumps(said, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise FrameRefused(invalid_frame("The frame holds half a surrogate pair.")) from None
    except ValueError as error:
        raise FrameRefused(invalid_frame(f"The frame is not JSON: {error}.")) from None
    if not isinstance(said, dict):
        raise FrameRefused(invalid_frame("The frame is not a JSON object."))
    return said


def _nesting(text: str) -> int:
    deepest = depth = 0
    for character in _STRING.sub("", text):
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        # Readers differ in which of two counts (RFC 8259, section 4): the gateway's router, we.
        raise ValueError("a name is given more than once")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no value")


def _echo(topic: Any) -> str | None:
    """Return a topic as the client spelled it: it looks for the frame that was refused."""
    return topic if isinstance(topic, str) and len(topic) <= LONGEST_ECHO else None
