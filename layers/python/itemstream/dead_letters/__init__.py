"""Dead letters: what could not be processed, with the reason, kept until somebody looks at it.

Lambda and SQS make dead letters too, when retries end; those hold no reason. Whatever a function
itself knows to be hopeless it puts here at once, whole, and goes on with the rest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

__all__ = ["DeadLetter", "DeadLetterKind", "DeadLetters", "Refused"]

DeadLetterKind = Literal["stream-record", "queue-message", "event"]


class Refused(Exception):  # noqa: N818
    """
    Something that can never be processed, however often it is tried.

    Parameters
    ----------
    reason
        A sentence for whoever reads the dead letter.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """
    One thing that was given up.

    Parameters
    ----------
    kind
        What it is, and so how it is processed again: a record of a DynamoDB stream, a message of a
        queue, or the event of an asynchronous invocation.
    reason
        Why, in a sentence.
    source
        ARN of where it came from.
    body
        The thing itself, exactly as it came: JSON values, or a message's text.
    attributes
        Message attributes it came with (SQS), kept beside ours.
    """

    kind: DeadLetterKind
    reason: str
    source: str
    body: Any
    attributes: dict[str, Any] = field(default_factory=dict)


class DeadLetters(Protocol):
    """Where dead letters go."""

    def send(self, letter: DeadLetter) -> None:
        """
        Keep a dead letter; when this returns, it is kept.

        Raises
        ------
        DependencyUnavailable
            If it could not be kept: what failed must then be tried again.
        """
