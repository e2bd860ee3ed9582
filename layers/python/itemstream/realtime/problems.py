"""What may be wrong with what a client sends over its socket, as problem documents."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from itemstream.api.problems import FieldError, Problem
from itemstream.realtime.limits import (
    LARGEST_FRAME_BYTES,
    MESSAGES_PER_SECOND,
    TOPICS_PER_CONNECTION,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from itemstream.realtime.topics import Topic

__all__ = [
    "connection_gone",
    "frame_too_large",
    "invalid_frame",
    "not_permitted",
    "other_principal",
    "token_refused",
    "too_many_messages",
    "too_many_topics",
    "unavailable",
    "unexpected",
    "unknown_action",
]


def invalid_frame(detail: str, errors: Iterable[FieldError] = ()) -> Problem:
    """Make the problem of a frame that cannot be read."""
    return Problem(HTTPStatus.BAD_REQUEST, detail, slug="invalid-frame", errors=list(errors))


def unknown_action(actions: Iterable[str]) -> Problem:
    """Make the problem of a frame that asks for nothing there is."""
    return Problem(
        HTTPStatus.BAD_REQUEST,
        "There is no such action.",
        slug="unknown-action",
        errors=[{"field": "action", "reason": f"must be one of {', '.join(actions)}"}],
    )


def frame_too_large() -> Problem:
    """Make the problem of a frame with too many bytes."""
    return Problem(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"A frame may have {LARGEST_FRAME_BYTES} bytes.",
        slug="frame-too-large",
    )


def too_many_messages() -> Problem:
    """Make the problem of a connection that sends too fast."""
    return Problem(
        HTTPStatus.TOO_MANY_REQUESTS,
        f"A connection may send {MESSAGES_PER_SECOND} messages a second.",
        slug="too-many-messages",
        headers={"Retry-After": "1"},
    )


def too_many_topics() -> Problem:
    """Make the problem of a connection that has as many topics as it may."""
    return Problem(
        HTTPStatus.CONFLICT,
        f"A connection may subscribe to {TOPICS_PER_CONNECTION} topics. "
        "Unsubscribe from another first, or open another connection.",
        slug="too-many-topics",
    )


def not_permitted(topic: Topic) -> Problem:
    """Make the problem of a topic that the token does not allow."""
    return Problem(
        HTTPStatus.FORBIDDEN,
        f"The token lacks the scope {topic.scope}.",
        slug="topic-not-permitted",
    )


def token_refused() -> Problem:
    """Make the problem of a token that is no good."""
    return Problem(
        HTTPStatus.UNAUTHORIZED,
        "The token is not valid, or does not allow connections.",
        slug="token-refused",
    )


def other_principal() -> Problem:
    """Make the problem of a token that is somebody else's."""
    return Problem(
        HTTPStatus.FORBIDDEN,
        "A connection stays with the tenant and the subject that opened it.",
        slug="other-principal",
    )


def connection_gone() -> Problem:
    """Make the problem of a connection that is no longer known."""
    return Problem(
        HTTPStatus.GONE,
        "This connection has ended. Connect again, and subscribe with your cursors.",
        slug="connection-gone",
    )


def unavailable(retry_after: int) -> Problem:
    """Make the problem of an answer that cannot be given now; ``retry_after`` is in seconds."""
    return Problem(
        HTTPStatus.SERVICE_UNAVAILABLE,
        "A part of the platform does not answer. Try again soon.",
        headers={"Retry-After": str(retry_after)},
    )


def unexpected() -> Problem:
    """Make the problem of an error of our own."""
    return Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong on our side. It was recorded."
    )
