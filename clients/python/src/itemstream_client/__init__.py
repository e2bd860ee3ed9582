"""Live events of Itemstream: one socket, automatic resume, nothing lost, in order."""

from itemstream_client.client import RealtimeClient
from itemstream_client.errors import (
    AbuseError,
    CredentialsError,
    HandshakeError,
    ProblemError,
    RealtimeError,
)
from itemstream_client.events import Event, Reset
from itemstream_client.states import State
from itemstream_client.subscription import Subscription
from itemstream_client.timing import Timing

__all__ = [
    "AbuseError",
    "CredentialsError",
    "Event",
    "HandshakeError",
    "ProblemError",
    "RealtimeClient",
    "RealtimeError",
    "Reset",
    "State",
    "Subscription",
    "Timing",
]
