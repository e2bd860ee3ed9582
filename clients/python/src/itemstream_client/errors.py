"""What ends a subscription or the client for good; everything else is mended by reconnecting."""

from __future__ import annotations

from typing import Any

__all__ = ["AbuseError", "CredentialsError", "HandshakeError", "ProblemError", "RealtimeError"]


class RealtimeError(Exception):
    """Something that reconnecting cannot mend."""


class CredentialsError(RealtimeError):
    """
    The server takes these credentials no more.

    A provider raises it too, to say that there will be no others: the client then stops.
    """


class HandshakeError(RealtimeError):
    """
    The server refused to open a socket, for another reason than the credentials.

    Parameters
    ----------
    status
        The HTTP status of its answer.
    """

    def __init__(self, status: int) -> None:
        super().__init__(f"the server answered the handshake with {status}")
        self.status = status


class AbuseError(RealtimeError):
    """The server closed the socket for abuse; its reason is the message."""


class ProblemError(RealtimeError):
    """
    The server refused a subscription, and says why.

    Parameters
    ----------
    problem
        The problem document (RFC 9457).
    """

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem = problem
        self.status = int(problem.get("status") or 0)
        self.title = str(problem.get("title") or "")
        self.detail = str(problem.get("detail") or "")
        self.retry_after = float(problem.get("retry_after") or 0)
        super().__init__(": ".join(text for text in (self.title, self.detail) if text))

    @property
    def may_pass(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status in {408, 425, 429} or self.status >= 500
