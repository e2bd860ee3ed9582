"""Records made anew from tables, where the stream no longer has them.

What is made is not always what was lost, and it says so: a table holds rows as they are now.
Consumers drop what they know already (the transformer by the call's id, the publisher and those
behind the bus by the event's id), so a window may be wider than the batch was.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterator  # noqa: TC003 (a dataclass's fields)
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from itemstream.dynamodb.attribute_values import from_attribute_value, to_attribute_value
from itemstream.items.model import timestamp
from tools.dead_letters.leftovers import items_with_leftovers
from tools.dead_letters.streams import encoded

if TYPE_CHECKING:
    from tools.dead_letters.accounts import Account
    from tools.dead_letters.streams import Pointer

__all__ = ["NotRebuildable", "Rebuilt", "rebuild", "rebuild_record"]

# A file's event may wait so long for its ingestor, and a row for its transformer.
_LONGEST_EVENT = dt.timedelta(hours=6)
_LONGEST_RECORD = dt.timedelta(hours=24)
# A pointer's times are whole seconds.
_SECOND = dt.timedelta(seconds=1)
# An item's time is its function's, before the write and all its repeats: as long as a function of
# the REST API may run, and a little.
_LONGEST_WRITE = dt.timedelta(seconds=15)
# Between the clocks of who makes an event and who appends it.
_CLOCKS_MAY_DIFFER = dt.timedelta(minutes=1)
_HOUR = dt.timedelta(hours=1)
_ITEMS_ARE_CURRENT = (
    "states before the last, items changed since and deletions are not to be had from the table"
)
# Tables whose rows are made once and never changed.
_UNCHANGING = {"bronze_call", "silver_call", "events"}


class NotRebuildable(Exception):  # noqa: N818
    """There is nothing to make the records from. The message says what can be done."""


@dataclass(frozen=True)
class Rebuilt:
    """
    Records made anew, and what must be known about them.

    Attributes
    ----------
    records
        The records.
    note
        What they are.
    lacks
        Asked when all records were taken, with how many the function was given: what may be
        missing, in words; nothing where it is known that nothing is.
    """

    records: Iterator[dict[str, Any]]
    note: str
    lacks: Callable[[int], str]


def rebuild(account: Account, pointer: Pointer, *, only_removals: bool = False) -> Rebuilt:
    """
    Make the records of a pointer from its table.

    Parameters
    ----------
    account
        Whose table it is.
    pointer
        Where the records were.
    only_removals
        Whether they are for a function that is given nothing but deletions.

    Raises
    ------
    NotRebuildable
        If the table is none that this is known of.
    """
    begin, end = pointer.arrived_from - _SECOND, pointer.arrived_to + _SECOND
    table, rows = _logical(account, pointer.table), _Rows(account, pointer.stream_arn)
    if only_removals:
        return _removals(account, table, rows)
    few = _FewerThan(pointer.records)
    lacks: Callable[[int], str] = few
    match table:
        case "bronze_call":
            found = rows.between("ingested_at", begin - _LONGEST_EVENT, end)
            note = "every raw record that landed in the six hours before, from bronze"
        case "silver_call":
            found = rows.between("ingested_at", begin - _LONGEST_EVENT - _LONGEST_RECORD, end)
            note = "every call whose file landed in the thirty hours before, from silver"
        case "image_uploads":
            found = rows.between("created_at", begin - _LONGEST_EVENT, end)
            note = "uploads of the six hours before as they are now"
            lacks = few.and_always("uploads that are settled and gone, and states in between")
        case "reports":
            # What becomes of a request comes within the time for which it is tried.
            found = rows.between("requested_at", begin - _LONGEST_RECORD, end)
            note = "reports that were asked for in the day before as they are now"
        case "items":
            found = rows.between("updated_at", begin - _LONGEST_WRITE, end)
            note = "items that were last changed then, without what changed in them"
            lacks = few.and_always(_ITEMS_ARE_CURRENT)
        case "events":
            log = _Log(rows, begin, end)
            found, note = iter(log), "every event of the window, from the log"
            lacks = lambda given: few(given) or log.gaps()  # noqa: E731
        case _:
            raise NotRebuildable(f"no way is known to rebuild records of {pointer.table}")
    changes = (change for row in found for change in _changes(table, row, begin - _LONGEST_EVENT))
    return Rebuilt(rows.records(changes, pointer.arrived_from), note, lacks)


def rebuild_record(account: Account, trimmed: dict[str, Any], *, only_removals: bool) -> Rebuilt:
    """
    Make a record anew that was kept without its images, from the row that its key names.

    Raises
    ------
    NotRebuildable
        If the row is gone.
    """
    rows = _Rows(account, trimmed["eventSourceARN"])
    if trimmed["eventName"] == "REMOVE" and only_removals:
        # Who is given deletions alone has no row to look at but by its key.
        return Rebuilt(iter([trimmed]), "the deletion of the row that its key names", _nothing)
    created_at = dt.datetime.fromtimestamp(
        float(trimmed["dynamodb"]["ApproximateCreationDateTime"]), dt.UTC
    )
    row = rows.get(trimmed["dynamodb"]["Keys"])
    if row is None or trimmed["eventName"] == "REMOVE":
        raise NotRebuildable("the row that its key names is gone")
    table = _logical(account, rows.table)
    changes = _changes(table, row, created_at - _LONGEST_EVENT)
    whole = table in _UNCHANGING
    return Rebuilt(
        rows.records(changes, created_at),
        "the row that its key names, as it is now",
        _nothing if whole else lambda _given: "what the row was before and at the change is gone",
    )


def _removals(account: Account, table: str, rows: _Rows) -> Rebuilt:
    if table != "items":
        raise NotRebuildable(f"a deletion in {rows.table} leaves nothing to rebuild it from")
    keys = items_with_leftovers(account, rows.table, account_id=rows.stream_arn.split(":")[4])
    return Rebuilt(
        (rows.removal(number, key) for number, key in enumerate(keys, 1)),
        "every item that is gone and left uploads or pictures behind, whenever that was",
        # What left nothing behind needs no removal.
        _nothing,
    )


def _nothing(_given: int) -> str:
    return ""


@dataclass(frozen=True)
class _FewerThan:
    """Says that records are missing where fewer were given than there were."""

    records: int

    def __call__(self, given: int) -> str:
        return f"{self.records - given} of {self.records} are missing" * (given < self.records)

    def and_always(self, lost: str) -> Callable[[int], str]:
        """Say what cannot be known not to be missing, too."""
        return lambda given: "; ".join(filter(None, (self(given), lost)))


def _logical(account: Account, table: str) -> str:
    return table.removeprefix(account.prefix).replace("-", "_")


def _changes(
    table: str, row: dict[str, Any], begin: dt.datetime
) -> Iterator[tuple[dict[str, Any] | None, dict[str, Any]]]:
    """
    Yield the row before and after each change that may have led to it.

    Of an item that was changed nobody knows how it was before: the version tells that it was, and
    images since `begin` that they were added. A change that there was not makes an event that was
    there already, or one that says nothing new.
    """
    if table != "items" or (version := from_attribute_value(row["version"])) == 1:
        yield None, row
        return
    before = {**row, "version": to_attribute_value(version - 1)}
    yield before, row
    images = from_attribute_value(row.get("images", {"L": []}))
    older = [image for image in images if image["created_at"] < timestamp(begin)]
    if older != images:
        yield {**before, "images": to_attribute_value(older)}, row


class _Rows:
    """Rows of a stream's table, and the records that would have made them."""

    def __init__(self, account: Account, stream_arn: str) -> None:
        self._account = account
        self.stream_arn = stream_arn
        self.table = stream_arn.split("/")[1]

    def between(self, attribute: str, begin: dt.datetime, end: dt.datetime) -> Iterator[Any]:
        """Yield the rows whose time lies in a window."""
        return self.scan(
            FilterExpression="#time BETWEEN :begin AND :end",
            ExpressionAttributeNames={"#time": attribute},
            ExpressionAttributeValues={
                ":begin": {"S": timestamp(begin)},
                ":end": {"S": timestamp(end)},
            },
        )

    def get(self, key: dict[str, Any]) -> dict[str, Any] | None:
        """Return the row of a key, if there is one."""
        answer = self._account.client("dynamodb").get_item(
            TableName=self.table, Key=key, ConsistentRead=True
        )
        row: dict[str, Any] | None = answer.get("Item")
        return row

    def scan(self, **what: Any) -> Iterator[dict[str, Any]]:
        """Yield the rows that a scan finds."""
        scan = self._account.client("dynamodb").get_paginator("scan")
        for page in scan.paginate(TableName=self.table, ConsistentRead=True, **what):
            yield from page["Items"]

    def retention_now(self) -> int:
        """Return for how many hours the log keeps what is appended now."""
        configuration = self._account.client("lambda").get_function_configuration(
            FunctionName=f"{self._account.prefix}change-publisher", Qualifier="live"
        )
        return int(configuration["Environment"]["Variables"]["EVENTS_RETENTION_HOURS"])

    def records(
        self,
        changes: Iterator[tuple[dict[str, Any] | None, dict[str, Any]]],
        created_at: dt.datetime,
    ) -> Iterator[dict[str, Any]]:
        """Yield the records of changes, rows before and after."""
        for number, (before, after) in enumerate(changes, 1):
            keys = {name: value for name, value in after.items() if name in ("pk", "sk")}
            kind = "INSERT" if before is None else "MODIFY"
            images = {"NewImage": after, "OldImage": before or {}}
            if before is None:
                del images["OldImage"]
            yield self._record(number, kind, keys, created_at, **images)

    def removal(self, number: int, keys: dict[str, Any]) -> dict[str, Any]:
        """Return the record of a deletion, without what was deleted."""
        return self._record(number, "REMOVE", keys, dt.datetime.now(dt.UTC))

    def _record(
        self,
        number: int,
        kind: str,
        keys: dict[str, Any],
        created_at: dt.datetime,
        **images: dict[str, Any],
    ) -> dict[str, Any]:
        return {
            "eventID": f"rebuilt-{created_at.timestamp():.0f}-{number}",
            "eventName": kind,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": self.stream_arn.split(":")[3],
            "dynamodb": {
                "ApproximateCreationDateTime": created_at.timestamp(),
                "Keys": encoded(keys),
                **{name: encoded(image) for name, image in images.items()},
                "SequenceNumber": f"{number:021d}",
                "SizeBytes": 0,
                "StreamViewType": "NEW_AND_OLD_IMAGES",
            },
            "eventSourceARN": self.stream_arn,
        }


class _Log:
    """
    The rows of the event log that were appended in a window.

    A row notes when it ends, not when it was appended: its end less the hours that the log kept
    what was appended then, which may not be those of today. An event is seldom an hour old when it
    is appended, so the rows themselves tell for how many hours they were kept; one that was
    appended late tells too many, which makes the window wider and does no harm.
    """

    def __init__(self, rows: _Rows, begin: dt.datetime, end: dt.datetime) -> None:
        self._rows = rows
        self._begin = begin
        self._end = end
        self._retentions: set[int] = set()
        self._places: defaultdict[tuple[str, int], list[int]] = defaultdict(list)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        self._retentions = {self._rows.retention_now(), *map(_hours_kept, self._every_time())}
        shortest, longest = min(self._retentions) * _HOUR, max(self._retentions) * _HOUR
        maybe = self._rows.scan(
            FilterExpression="#kind = :event AND #ends BETWEEN :begin AND :end",
            ExpressionAttributeNames={"#kind": "kind", "#ends": "expires_at"},
            ExpressionAttributeValues={
                ":event": {"S": "event"},
                ":begin": {"N": str(int((self._begin + shortest).timestamp()))},
                ":end": {"N": str(int((self._end + longest).timestamp()) + 1)},
            },
        )
        for row in maybe:
            appended = {hours: _ends(row) - hours * _HOUR for hours in self._retentions}
            fitting = [
                hours for hours, at in appended.items() if self._begin - _SECOND <= at <= self._end
            ]
            for hours in fitting:
                self._places[row["pk"]["S"], hours].append(int(row["sk"]["S"]))
            if fitting:
                yield row

    def gaps(self) -> str:
        """Say what may be missing: places are dense, and rows go when they end."""
        if self._begin + min(self._retentions) * _HOUR <= dt.datetime.now(dt.UTC):
            return "the log may have let go of a part of that time already"
        tenants = {
            tenant
            for (tenant, _), places in self._places.items()
            if max(places) - min(places) + 1 != len(places)
        }
        return f"the log has gaps then, of {', '.join(sorted(tenants))}" if tenants else ""

    def _every_time(self) -> Iterator[dict[str, Any]]:
        return self._rows.scan(
            FilterExpression="#kind = :event",
            ProjectionExpression="#event.#time, #ends",
            ExpressionAttributeNames={
                "#kind": "kind",
                "#event": "event",
                "#time": "time",
                "#ends": "expires_at",
            },
            ExpressionAttributeValues={":event": {"S": "event"}},
        )


def _hours_kept(row: dict[str, Any]) -> int:
    happened_at = dt.datetime.fromisoformat(row["event"]["M"]["time"]["S"])
    return (_ends(row) + _CLOCKS_MAY_DIFFER - happened_at) // _HOUR


def _ends(row: dict[str, Any]) -> dt.datetime:
    return dt.datetime.fromtimestamp(int(row["expires_at"]["N"]), dt.UTC)
