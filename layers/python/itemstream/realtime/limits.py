"""What one connection may do, and for how long."""

from __future__ import annotations

__all__ = [
    "CONNECTION_SECONDS",
    "LARGEST_EVENTS_FRAME_BYTES",
    "LARGEST_FRAME_BYTES",
    "MESSAGES_PER_SECOND",
    "MOST_VIOLATIONS",
    "NESTING",
    "TICKET_SECONDS",
    "TOPICS_PER_CONNECTION",
    "VIOLATION_SECONDS",
]

TOPICS_PER_CONNECTION = 50
MESSAGES_PER_SECOND = 10
# Of what a client sends, in UTF-8.
LARGEST_FRAME_BYTES = 4096
# Arrays and objects inside each other; no frame needs more than one.
NESTING = 8

# So many violations within so many seconds, of whatever kind, end a connection.
MOST_VIOLATIONS = 20
VIOLATION_SECONDS = 60

# API Gateway ends a connection after two hours (Developer Guide, "Quotas for WebSocket APIs").
CONNECTION_SECONDS = 2 * 3600
TICKET_SECONDS = 30

# A message to ``@connections`` above 32 KB would have to be split into frames, which a post cannot
# ask for; API Gateway closes such a connection with 1009 (same page). A KiB is left for its own.
LARGEST_EVENTS_FRAME_BYTES = 31 * 1024
