"""Realistic call records: many clients, a few busy ones; routes with ids; days and nights.

One seed and one end of time give the same records for ever.
"""

from __future__ import annotations

import datetime as dt
import json
import math
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

__all__ = ["FORMATS", "Made", "Mix", "records", "written"]

FORMATS = ("jsonl", "list", "json")
Kind = Literal["call", "broken", "repeat"]

CLIENTS = 200
# How far back a repeat may reach: files overlap at their ends.
REMEMBERED = 1000
# Records that are untidy, but can be cleaned.
UNTIDY = 0.15
DAY = dt.timedelta(days=1)

# Method, path, weight, median of the latency in ms.
_ROUTES = [
    ("GET", "/items/{uuid}", 30, 18),
    ("GET", "/items", 16, 45),
    ("GET", "/orders/{number}", 14, 30),
    ("GET", "/orders/{number}/lines/{number}", 6, 35),
    ("POST", "/orders", 8, 120),
    ("PUT", "/items/{uuid}", 6, 60),
    ("DELETE", "/items/{uuid}", 2, 40),
    ("GET", "/search", 10, 210),
    ("POST", "/login", 5, 160),
    ("GET", "/reports/{number}/download", 1, 2600),
    ("GET", "/health", 2, 3),
]
_ERRORS = [(400, 5), (401, 4), (403, 2), (404, 12), (409, 2), (429, 3), (500, 3), (503, 1)]
_AGENTS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/142.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.5 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
    "python-requests/2.32.5",
    "python-httpx/0.28.1",
    "okhttp/4.12.0",
    "axios/1.12.2",
    "Go-http-client/2.0",
    "curl/8.15.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
]


@dataclass(frozen=True, slots=True)
class Made:
    """A record, as text, and what it was made to be."""

    kind: Kind
    text: str


@dataclass(frozen=True)
class Mix:
    """
    What records there are.

    Parameters
    ----------
    broken
        The part that cannot be cleaned, 0 to 1.
    repeats
        The part that says again what was said before, 0 to 1.
    whole
        Whether every record must be JSON, as an element of a list must.
    """

    broken: float = 0.0
    repeats: float = 0.0
    whole: bool = False


@dataclass
class _World:
    """The clients and their habits."""

    chance: random.Random
    until: dt.datetime
    clients: list[dict[str, Any]] = field(init=False)

    def __post_init__(self) -> None:
        self.clients = [
            {
                "client_id": f"client-{number:04d}",
                "ip": self._address(),
                "user_agent": self.chance.choice(_AGENTS),
            }
            for number in range(CLIENTS)
        ]
        # A few make most of the calls (Zipf's law).
        self._busy = [1 / (rank + 1) for rank in range(CLIENTS)]
        self._weights = [weight for _, _, weight, _ in _ROUTES]
        # How much of a day's traffic its hours have: least at four, most in the afternoon.
        self._hours = [1.2 - math.cos((hour - 4) * math.pi / 12) for hour in range(24)]

    def call(self) -> dict[str, Any]:
        chance = self.chance
        method, path, _, median = chance.choices(_ROUTES, self._weights)[0]
        status = 200 if method in ("GET", "PUT") else 201 if method == "POST" else 204
        if chance.random() < 0.08:
            status = chance.choices(*zip(*_ERRORS, strict=True))[0]
        return {
            "call_id": str(self._uuid()),
            **chance.choices(self.clients, self._busy)[0],
            "occurred_at": self._moment().isoformat(timespec="milliseconds"),
            "method": method,
            "path": self._filled(path),
            "status_code": status,
            "duration_ms": round(chance.lognormvariate(math.log(median), 0.6), 1),
            "bytes_in": 0 if method == "GET" else chance.randrange(80, 4000),
            "bytes_out": int(chance.lognormvariate(6.5, 1.2)),
        }

    def _filled(self, path: str) -> str:
        while "{number}" in path:
            path = path.replace("{number}", str(self.chance.randrange(1, 10**6)), 1)
        return path.replace("{uuid}", str(self._uuid()))

    def _uuid(self) -> UUID:
        return UUID(int=self.chance.getrandbits(128), version=4)

    def _moment(self) -> dt.datetime:
        while True:
            moment = self.until - DAY * self.chance.random()
            if self.chance.random() * max(self._hours) <= self._hours[moment.hour]:
                return moment

    def _address(self) -> str:
        # Networks for documentation only (RFC 5737, RFC 3849).
        if self.chance.random() < 0.2:
            return f"2001:db8:{self.chance.getrandbits(16):x}::{self.chance.getrandbits(16):x}"
        network = self.chance.choice(["192.0.2", "198.51.100", "203.0.113"])
        return f"{network}.{self.chance.randrange(1, 255)}"


def records(
    count: int, mix: Mix, *, seed: int | str | None = None, until: dt.datetime
) -> Iterator[Made]:
    """Make records of the day before ``until``, one after another."""
    chance = random.Random(seed)  # noqa: S311
    world = _World(chance, until)
    said: list[dict[str, Any]] = []
    for number in range(count):
        drawn = chance.random()
        # By its first line a file tells its form: a broken one, such as [1], may tell another.
        if drawn < mix.broken and said:
            yield Made("broken", _broken(world, mix))
        elif drawn < mix.broken + mix.repeats and said:
            yield Made("repeat", _untidy(chance, chance.choice(said)))
        else:
            call = world.call()
            if len(said) < REMEMBERED:
                said.append(call)
            else:
                said[number % REMEMBERED] = call
            untidy = chance.random() < UNTIDY
            yield Made("call", _untidy(chance, call) if untidy else _text(call))


def _text(call: dict[str, Any]) -> str:
    return json.dumps(call, separators=(",", ":"))


def _untidy(chance: random.Random, call: dict[str, Any]) -> str:
    """Say the same in another way."""
    untidy = dict(call)
    moment = dt.datetime.fromisoformat(call["occurred_at"])
    ways: list[Callable[[], Any]] = [
        lambda: untidy.update(method=call["method"].lower()),
        lambda: untidy.update(status_code=str(call["status_code"])),
        lambda: untidy.update(duration_ms=f" {call['duration_ms']} "),
        lambda: untidy.update(occurred_at=round(moment.timestamp() * 1000)),
        lambda: untidy.update(client_id=f" {call['client_id']}\t"),
        lambda: untidy.update(path=f"https://api.example.com{call['path']}?page=2#top"),
        lambda: untidy.update(retries=0),
    ]
    for way in chance.sample(ways, chance.randrange(1, 4)):
        way()
    names = list(untidy)
    chance.shuffle(names)
    return _text({name: untidy[name] for name in names})


def _broken(world: _World, mix: Mix) -> str:
    """Break a call beyond cleaning."""
    chance, call = world.chance, world.call()
    kind = chance.randrange(6 if mix.whole else 8)
    if kind == 0:
        del call[chance.choice(["call_id", "client_id", "occurred_at", "path", "status_code"])]
    elif kind == 1:
        call["status_code"] = chance.choice([0, 999, "OK", None, 200.5])
    elif kind == 2:
        call["occurred_at"] = chance.choice(["yesterday", "2026-13-45", "1970-01-01", True])
    elif kind == 3:
        call["duration_ms"] = chance.choice([-1, "fast", [12]])
    elif kind == 4:
        call["ip"] = chance.choice(["999.1.1.1", "localhost", 7])
    elif kind == 5:
        return chance.choice(['"a text"', "[1,2]", "42", "null"])
    elif kind == 6:
        text = _text(call)
        return text[: chance.randrange(1, len(text) - 1)]
    else:
        return f"{call['occurred_at']} {call['method']} {call['path']} {call['status_code']}"
    return _text(call)


def written(made: Iterable[Made], form: str) -> Iterator[str]:
    """Write records as a file has them: the pieces of its text."""
    if form == "list":
        yield "["
        for number, record in enumerate(made):
            yield f"{',' if number else ''}\n{record.text}"
        yield "\n]\n"
    elif form == "json":
        for record in made:
            try:
                yield json.dumps(json.loads(record.text), indent=2) + "\n"
            except ValueError:
                yield f"{record.text}\n"
    else:
        for record in made:
            yield f"{record.text}\n"
