"""See from outside, as a client does, that an environment works."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import httpx
from websockets.exceptions import InvalidHandshake, WebSocketException
from websockets.sync.client import connect

from tools.project import Problem

if TYPE_CHECKING:
    from tools.progress import Progress

__all__ = ["SMOKE_SCOPE", "Addresses", "smoke"]

SMOKE_SCOPE = "items:read items:write calls:read realtime:connect"
# As long as a first answer may take: functions start, and the first health check runs each minute.
_PATIENCE_SECONDS = 120.0
_INTERVAL_SECONDS = 2.0
_ITEM = {
    "name": "Smoke test",
    "category": "smoke-test",
    "status": "draft",
    "price": {"amount": 1, "currency": "EUR"},
    "quantity": 0,
}
_REMEDY = "See its log, and take the version back if it is new: itemstream rollback"


@dataclass(frozen=True)
class Addresses:
    """Where the three APIs of an environment answer."""

    rest: str
    http: str
    websocket: str


def smoke(
    addresses: Addresses,
    token: str,
    progress: Progress,
    patience: float = _PATIENCE_SECONDS,
) -> None:
    """
    Use every API once, and leave nothing behind.

    Parameters
    ----------
    addresses
        The APIs.
    token
        With the scopes of `SMOKE_SCOPE`.
    progress
        Is told of each step.
    patience
        Seconds that health may take to be good.

    Raises
    ------
    Problem
        If an answer is not what it should be: which, and what it was.
    """
    authorization = {"Authorization": f"Bearer {token}"}
    with httpx.Client(headers=authorization, timeout=30, trust_env=True) as http:
        with progress.step("Health") as report:
            report(_wait_for_health(http, addresses.rest, patience))
        with progress.step("An item") as report:
            report(_use_an_item(http, addresses.rest))
        with progress.step("Call records") as report:
            found = _ask(http, "GET", f"{addresses.http}/calls?limit=1", 200)
            report(f"{len(found.json()['calls'])} read")
        with progress.step("A WebSocket") as report:
            report(_open_a_socket(http, addresses))


def _wait_for_health(http: httpx.Client, rest: str, patience: float) -> str:
    """Wait until the API can do its work, if not all of it; say what is not up."""
    deadline = time.monotonic() + patience
    while True:
        works, told = _health(http, rest)
        if works:
            return told
        if time.monotonic() > deadline:
            raise Problem(f"{rest}/health says: {told}. docs/runbooks/README.md has what to do.")
        time.sleep(_INTERVAL_SECONDS)


def _health(http: httpx.Client, rest: str) -> tuple[bool, str]:
    try:
        answer = http.get(f"{rest}/health")
        document = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        return False, f"no answer ({error})"
    parts = document.get("parts", {})
    not_up = [f"{name} {part['status']}" for name, part in parts.items() if part["status"] != "up"]
    told = str(document.get("status", document))
    return answer.is_success, f"{told}: {', '.join(not_up)}" if not_up else told


def _use_an_item(http: httpx.Client, rest: str) -> str:
    made = _ask(http, "POST", f"{rest}/items", 201, json=_ITEM)
    address = f"{rest}/items/{made.json()['id']}"
    try:
        read = _ask(http, "GET", address, 200)
        if read.json()["name"] != _ITEM["name"]:
            raise Problem(f"GET {address} answers another item than was made. {_REMEDY}")
    finally:
        _ask(http, "DELETE", address, 204, headers={"If-Match": made.headers["ETag"]})
    _ask(http, "GET", address, 404)
    return "made, read, deleted"


def _open_a_socket(http: httpx.Client, addresses: Addresses) -> str:
    ticket = _ask(http, "POST", f"{addresses.rest}/realtime/tickets", 201).json()["ticket"]
    try:
        with connect(f"{addresses.websocket}?{urlencode({'ticket': ticket})}") as socket:
            socket.send('{"action": "ping"}')
            answer = str(socket.recv(timeout=30))
    except (InvalidHandshake, WebSocketException, OSError) as error:
        raise Problem(f"{addresses.websocket} takes no ticket: {error}. {_REMEDY}") from None
    if '"pong"' not in answer:
        raise Problem(f"{addresses.websocket} answers a ping with {answer}. {_REMEDY}")
    return "opened with a ticket, ping answered"


def _ask(
    http: httpx.Client, method: str, address: str, expected: int, **more: Any
) -> httpx.Response:
    try:
        answer = http.request(method, address, **more)
    except httpx.HTTPError as error:
        raise Problem(f"{method} {address} has no answer ({error}). {_REMEDY}") from None
    if answer.status_code != expected:
        raise Problem(
            f"{method} {address} answers {answer.status_code}, not {expected}: "
            f"{answer.text[:300]}. {_REMEDY}"
        )
    return answer
