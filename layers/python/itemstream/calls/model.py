"""What a raw record is and where it comes from, and what a call is once it is clean."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

__all__ = [
    "CALL_FIELDS",
    "Call",
    "CallError",
    "CallFile",
    "CallNotFound",
    "NotClean",
    "RawCall",
    "SetAside",
    "kept_until",
    "tenant_of_key",
]

# The order in which clients see the fields; DynamoDB keeps none.
CALL_FIELDS = (
    *("call_id", "client_id", "occurred_at", "method", "path", "path_template"),
    *("status_code", "outcome", "duration_ms", "latency_class", "bytes_in", "bytes_out"),
    *("ip_network", "user_agent", "agent_family", "day", "hour", "ingested_at"),
)

# Raw records have addresses in them. Until then a file can be made into calls again.
RAW_DAYS = 90

# A tenant as tokens have it, and any name.
_KEY = re.compile(r"calls/([A-Za-z0-9][A-Za-z0-9_-]{0,63})/.+", re.DOTALL)


class CallError(Exception):
    """Anything that is wrong about a call."""


class CallNotFound(CallError):  # noqa: N818
    """No such call in this tenant."""


class NotClean(CallError):  # noqa: N818
    """A raw record that cannot become a call. The message says why, and quotes none of it."""


@dataclass(frozen=True)
class CallFile:
    """
    One version of a file in the landing bucket.

    Parameters
    ----------
    tenant
        Whose calls it holds.
    bucket, key
        Where it is.
    version
        The object's version, or its entity tag in a bucket without versions.
    landed_at
        When it was put there, in ISO 8601.
    """

    tenant: str
    bucket: str
    key: str
    version: str
    landed_at: str

    @cached_property
    def id(self) -> str:
        """32 hexadecimal digits that stand for this version of this object, and no other."""
        named = json.dumps([self.bucket, self.key, self.version])
        return hashlib.sha256(named.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class RawCall:
    """
    One line of a file, or one element of its list, as it was sent.

    Parameters
    ----------
    tenant
        Whose it is.
    file_id
        The file it comes from; see :attr:`CallFile.id`.
    line
        Its line in the file, or its place in the list, from 1.
    raw
        Its text; cut where there is a fault.
    ingested_at
        When its file landed, in ISO 8601: the same however often the file is read.
    fault
        Why this cannot be a record at all, found while the file was read.
    """

    tenant: str
    file_id: str
    line: int
    raw: str
    ingested_at: str
    fault: str | None = None

    @property
    def origin(self) -> str:
        """The file and line that this record comes from, as one text."""
        return f"{self.file_id}#{self.line:010d}"


@dataclass(frozen=True, slots=True)
class Call:
    """
    A clean call.

    Parameters
    ----------
    tenant
        Whose it is; never shown to clients.
    document
        The call as clients see it: :data:`CALL_FIELDS`, JSON values only.
    origin
        The raw record it was made from; see :attr:`RawCall.origin`.
    content_hash
        Stands for what was said of the call, however it was written.
    """

    tenant: str
    document: dict[str, Any]
    origin: str
    content_hash: str

    @property
    def id(self) -> str:
        """The id that the client gave the call; one of its kind in the tenant."""
        return str(self.document["call_id"])


@dataclass(frozen=True, slots=True)
class SetAside:
    """
    A raw record that did not become a call, and why: a reject, or a repeat.

    Parameters
    ----------
    record
        The raw record.
    reason
        Why it was rejected, or that it repeats a call.
    repeat_of
        The origin of the call that it repeats; ``None`` for a reject.
    """

    record: RawCall
    reason: str
    repeat_of: str | None = None


def kept_until(landed_at: str) -> int:
    """
    Return until when what a file held is kept, in seconds since 1970.

    Counted from when the file landed, not from when it is read: so it is the same at each reading.
    """
    return int((datetime.fromisoformat(landed_at) + timedelta(days=RAW_DAYS)).timestamp())


def tenant_of_key(key: str) -> str | None:
    """Return the tenant of a landing key, ``calls/<tenant>/<any name>``; ``None`` without one."""
    match = _KEY.fullmatch(key)
    return match[1] if match else None
