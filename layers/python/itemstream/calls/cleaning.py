"""From a raw record to a clean call, or to the reason why there is none.

What can be cleaned is: white space, case, numbers written as text, moments as seconds or
milliseconds since 1970, addresses with ports, paths with queries, empty optional fields. Written
out by hand, because nearly every field has a rule of its own: as validators around a Pydantic model
the same rules take more time for each record, and Pydantic's import at every cold start.
"""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from itemstream.calls.enrichment import (
    agent_family,
    anonymised,
    latency_class,
    outcome,
    path_template,
)
from itemstream.calls.model import Call, NotClean
from itemstream.items.model import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from itemstream.calls.model import RawCall

__all__ = ["clean"]

METHODS = frozenset(
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"}
)
LONGEST_PATH = 2048
LONGEST_USER_AGENT = 256
LONGEST_CALL_MS = 24 * 3600 * 1000
MOST_BYTES = 2**50
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
# Clocks are wrong, and files wait for the evening.
FUTURE_ALLOWED = timedelta(days=1)
# Milliseconds since 1970 are beyond this from 1973 on, seconds not before the year 5138.
FIRST_MILLISECONDS = 10**11

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,9})?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_ADDRESS = re.compile(r"\[([^\[\]]+)\](?::[0-9]{1,5})?|([0-9.]+):[0-9]{1,5}")
_NOTHING = frozenset({"", "-", "null", "none", "n/a"})


class _Wrong(Exception):  # noqa: N818
    """A field that cannot be cleaned."""


def clean(record: RawCall) -> Call:
    """
    Make a call of a raw record.

    Raises
    ------
    NotClean
        If that cannot be; the message names every field that is wrong.
    """
    if record.fault is not None:
        raise NotClean(record.fault)
    said = _object(record.raw)
    cleaned: dict[str, Any] = {}
    wrong: list[str] = []
    for field, (required, rule) in _FIELDS.items():
        value = _given(said.get(field))
        if value is None:
            if required:
                wrong.append(f"{field} is missing")
            cleaned[field] = None
            continue
        try:
            cleaned[field] = rule(value)
        except _Wrong as error:
            wrong.append(f"{field} {error}")
    if wrong:
        raise NotClean("; ".join(wrong))
    moment: datetime = cleaned["occurred_at"]
    if not EARLIEST <= moment <= datetime.fromisoformat(record.ingested_at) + FUTURE_ALLOWED:
        raise NotClean("occurred_at is before 2000 or more than a day after its file")
    return _call(record, cleaned)


def _object(raw: str) -> dict[str, Any]:
    try:
        said = _DECODER.decode(raw)
    except RecursionError:
        raise NotClean("is nested too deeply") from None
    except ValueError:
        raise NotClean("is not JSON") from None
    if not isinstance(said, dict):
        raise NotClean("is not a JSON object")
    return said


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(parse_constant=_no_constant)
_ENCODER = json.JSONEncoder(separators=(",", ":"), sort_keys=True)


def _given(value: Any) -> Any:
    """Return a value without white space around it; ``None`` for what stands for nothing."""
    if isinstance(value, str):
        value = value.strip()
        return None if value.lower() in _NOTHING else value
    return value


def _call(record: RawCall, cleaned: dict[str, Any]) -> Call:
    occurred_at = timestamp(cleaned["occurred_at"])
    said = {
        "call_id": cleaned["call_id"],
        "client_id": cleaned["client_id"],
        "occurred_at": occurred_at,
        "method": cleaned["method"],
        "path": cleaned["path"],
        "status_code": cleaned["status_code"],
        "duration_ms": cleaned["duration_ms"],
        "bytes_in": cleaned["bytes_in"],
        "bytes_out": cleaned["bytes_out"],
        # The address itself ends here: nothing that is kept allows to guess it, the hash included.
        "ip_network": cleaned["ip"],
        "user_agent": cleaned["user_agent"],
    }
    document = {
        **said,
        "path_template": path_template(said["path"]),
        "outcome": outcome(said["status_code"]),
        "latency_class": latency_class(said["duration_ms"]),
        "agent_family": agent_family(said["user_agent"]),
        "day": occurred_at[:10],
        "hour": occurred_at[:13],
        "ingested_at": record.ingested_at,
    }
    content_hash = hashlib.sha256(_ENCODER.encode(said).encode()).hexdigest()[:32]
    return Call(record.tenant, document, record.origin, content_hash)


def _id(value: Any) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise _Wrong("is not 1 to 128 letters, digits, dots, colons, - and _")
    return value


def _moment(value: Any) -> datetime:
    if isinstance(value, bool):
        raise _Wrong("is not a moment")
    try:
        if isinstance(value, (int, float)) or _NUMBER.fullmatch(value):
            since_1970 = float(value)
            if abs(since_1970) >= FIRST_MILLISECONDS:
                since_1970 /= 1000
            return datetime.fromtimestamp(since_1970, UTC)
        moment = datetime.fromisoformat(value)
        # Whoever leaves the zone out logs in UTC.
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (OSError, OverflowError, TypeError, ValueError):
        raise _Wrong("is neither ISO 8601 nor a time since 1970") from None


def _method(value: Any) -> str:
    method = value.upper() if isinstance(value, str) else ""
    if method not in METHODS:
        raise _Wrong("is not a method of HTTP")
    return method


def _path(value: Any) -> str:
    if not isinstance(value, str) or _CONTROL.search(value):
        raise _Wrong("is not a path")
    try:
        # What follows the path may be personal.
        path = urlsplit(value).path if not value.startswith("/") else re.split("[?#]", value)[0]
    except ValueError:
        path = ""
    if not path.startswith("/"):
        raise _Wrong("does not begin with /")
    if len(path) > LONGEST_PATH or len(path.encode(errors="replace")) > LONGEST_PATH:
        raise _Wrong(f"is longer than {LONGEST_PATH} bytes")
    return _storable(path)


def _number(value: Any, lowest: int, highest: int) -> float:
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        value = float(value) if "." in value else int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _Wrong("is not a number")
    # Not a number and infinity are not between any two.
    if not lowest <= value <= highest:
        raise _Wrong(f"is not between {lowest} and {highest}")
    return value


def _whole_number(value: Any, lowest: int, highest: int) -> int:
    number = _number(value, lowest, highest)
    if number != int(number):
        raise _Wrong("is not a whole number")
    return int(number)


def _status_code(value: Any) -> int:
    return _whole_number(value, 100, 599)


def _duration(value: Any) -> int:
    return round(_number(value, 0, LONGEST_CALL_MS))


def _bytes(value: Any) -> int:
    return _whole_number(value, 0, MOST_BYTES)


def _network(value: Any) -> str:
    if not isinstance(value, str):
        raise _Wrong("is not an IP address")
    match = _ADDRESS.fullmatch(value)
    try:
        return anonymised((match[1] or match[2]) if match else value)
    except ValueError:
        raise _Wrong("is not an IP address") from None


def _user_agent(value: Any) -> str | None:
    if not isinstance(value, str):
        raise _Wrong("is not text")
    text = " ".join(_CONTROL.sub(" ", value).split())
    return _storable(text)[:LONGEST_USER_AGENT] or None


def _storable(text: str) -> str:
    r"""Return text without lone surrogates, which JSON can write (``\ud800``) and UTF-8 cannot."""
    return text.encode(errors="replace").decode()


_FIELDS: dict[str, tuple[bool, Callable[[Any], Any]]] = {
    "call_id": (True, _id),
    "client_id": (True, _id),
    "occurred_at": (True, _moment),
    "method": (True, _method),
    "path": (True, _path),
    "status_code": (True, _status_code),
    "duration_ms": (True, _duration),
    "bytes_in": (False, _bytes),
    "bytes_out": (False, _bytes),
    "ip": (False, _network),
    "user_agent": (False, _user_agent),
}
