"""Bronze, silver and what was set aside, in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from itemstream.calls.ingestion import Progress
from itemstream.calls.model import CallFile, RawCall, SetAside
from itemstream.calls.transformation import TRANSACTION_CALLS, Known

if TYPE_CHECKING:
    from collections.abc import Iterable

    from itemstream.calls.model import Call

LANDED_AT = "2026-11-21T06:00:00.000Z"


def call_file(
    name: str = "a.jsonl", *, tenant: str = "acme", version: str = "1", landed_at: str = LANDED_AT
) -> CallFile:
    return CallFile(tenant, "landing", f"calls/{tenant}/{name}", version, landed_at)


def said(**changes: Any) -> dict[str, Any]:
    """Return a good record; a change to ``None`` takes a field away."""
    good = {
        "call_id": "c-1",
        "client_id": "client-7",
        "occurred_at": "2026-11-21T05:59:59.123Z",
        "method": "GET",
        "path": "/items/7",
        "status_code": 200,
        "duration_ms": 12,
        "bytes_in": 0,
        "bytes_out": 512,
        "ip": "203.0.113.9",
        "user_agent": "curl/8.15.0",
        **changes,
    }
    return {name: value for name, value in good.items() if value is not None}


class InMemoryBronze:
    """Bronze that remembers in what order rows were new, as its stream would."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str, int], RawCall] = {}
        self.inserted: list[RawCall] = []
        self.changed: list[RawCall] = []
        self.files: dict[str, Progress] = {}

    def progress(self, file: CallFile) -> Progress:
        return self.files.get(file.id, Progress())

    def advance(self, file: CallFile, progress: Progress) -> None:
        self.files[file.id] = progress

    def put(self, file: CallFile, records: Iterable[RawCall]) -> int:
        for record in records:
            self.write(record)
        return 1

    def write(self, record: RawCall) -> None:
        key = record.tenant, record.file_id, record.line
        if key not in self.rows:
            self.inserted.append(record)
        elif self.rows[key] != record:
            self.changed.append(record)
        self.rows[key] = record


class InMemorySilver:
    """Silver that stores a transaction whole or not at all."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str], Call] = {}

    def add(self, calls: list[Call]) -> dict[str, Known]:
        assert 1 <= len(calls) <= TRANSACTION_CALLS
        assert len({(call.tenant, call.id) for call in calls}) == len(calls)
        known: dict[str, Known] = {}
        for call in calls:
            there = self.rows.setdefault((call.tenant, call.id), call)
            if there.origin != call.origin:
                known[call.origin] = Known(there.origin, there.content_hash)
        return known


class InMemorySetAsides:
    """What was set aside, by origin."""

    def __init__(self) -> None:
        self.rows: dict[str, SetAside] = {}

    def put(self, records: Iterable[SetAside]) -> None:
        for one in records:
            there = self.rows.setdefault(one.record.origin, one)
            assert there == one, "a line has become something else"

    @property
    def rejected(self) -> list[SetAside]:
        return [one for one in self.rows.values() if one.repeat_of is None]

    @property
    def repeats(self) -> list[SetAside]:
        return [one for one in self.rows.values() if one.repeat_of is not None]
