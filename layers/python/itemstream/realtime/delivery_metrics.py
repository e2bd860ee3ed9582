"""What was sent, as metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from itemstream.observability.metrics import count, duration

if TYPE_CHECKING:
    from itemstream.realtime.deliveries import Sent

__all__ = ["count_sent"]


def count_sent(sent: Sent) -> None:
    """Count the frames of an invocation, the sockets that did not take them, and the delay."""
    count("FramesSent", sent.frames)
    count("SocketsGone", sent.gone)
    count("SocketsBehind", sent.behind)
    if sent.lag is not None:
        duration("DeliveryLag", sent.lag * 1000)
