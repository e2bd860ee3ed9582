"""Which events the change of a row means.

Rows hold more than clients may see: keys, indexes, marks of our own. Events name what they tell,
so that nothing else gets out when a row gains an attribute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from itemstream.calls.model import CALL_FIELDS
from itemstream.events.envelope import Event
from itemstream.items.model import timestamp

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

__all__ = ["RowChange", "Unpublishable", "events_of"]

_ITEM_CONTENT = (
    *("name", "description", "category", "status", "price", "quantity", "tags", "attributes"),
)
_ITEM = ("id", *_ITEM_CONTENT, "images", "version", "created_at", "updated_at", "created_by")
_REPORT = ("requested_at", "requested_by", "generated_at", "changes", "calls")
_FAILED_IMAGE = ("item_id", "reason", "content_type", "created_at", "created_by")


class Unpublishable(ValueError):  # noqa: N818
    """
    A change of which no event can be made, however often it is tried.

    Its text is the reason, in a sentence.
    """


class RowChange(Protocol):
    """A change of a row; see :class:`itemstream.dynamodb.streams.StreamRecord`."""

    @property
    def kind(self) -> str:
        """``INSERT``, ``MODIFY`` or ``REMOVE``."""

    @property
    def table(self) -> str:
        """Name of the table."""

    @property
    def created_at(self) -> datetime:
        """When the row changed."""

    @property
    def old(self) -> dict[str, Any] | None:
        """The row before, if there was one."""

    @property
    def new(self) -> dict[str, Any] | None:
        """The row after, if there is one."""


def events_of(change: RowChange) -> list[Event]:
    """
    Return the events that a change means, in order; none if it tells nobody anything.

    Raises
    ------
    Unpublishable
        If the row is not one of a table that makes events, or not as its table has them.
    """
    for ending, read in _TABLES.items():
        if change.table.endswith(ending):
            try:
                return read(change)
            except (AttributeError, KeyError, TypeError) as error:
                raise Unpublishable(
                    f"the row is not one of {ending[1:]}: {type(error).__name__} {error}"
                ) from error
    raise Unpublishable(f"no events are made of table {change.table}")


def _item_events(change: RowChange) -> list[Event]:
    old, new = change.old, change.new
    if new is None:
        if old is None:
            return []
        data = {"id": old["sk"], "version": old["version"]}
        return [_item_event("item.deleted", old, timestamp(change.created_at), data)]
    item = _item(new)
    if old is None:
        return [_item_event("item.created", new, item["created_at"], item)]
    before = _item(old)
    if item == before:
        return []
    if item["version"] <= before["version"]:
        raise Unpublishable(
            f"the item changed without a new version: {before['version']} and {item['version']}"
        )
    known = {image["id"] for image in before["images"]}
    added = [image for image in item["images"] if image["id"] not in known]
    changed = [name for name in _ITEM_CONTENT if item[name] != before[name]]
    if [image for image in item["images"] if image["id"] in known] != before["images"]:
        changed.append("images")
    events = [
        Event(
            "image.ready",
            f"{image['id']}:image.ready",
            _item_tenant(new),
            item["id"],
            item["updated_at"],
            {
                **image,
                "item_id": item["id"],
                "item_version": item["version"],
                "item_images": len(item["images"]),
            },
        )
        for image in added
    ]
    if changed or not added:
        data = {**item, "changed": changed}
        events.append(_item_event("item.updated", new, item["updated_at"], data))
    return events


def _image_upload_events(change: RowChange) -> list[Event]:
    old, new = change.old, change.new
    failed_before = old is not None and old["status"] == "failed"
    if new is None or new["status"] != "failed" or failed_before:
        return []
    data = {"id": new["image_id"], **{name: new.get(name) for name in _FAILED_IMAGE}}
    image_id, time = new["image_id"], timestamp(change.created_at)
    event_id = f"{image_id}:image.failed"
    return [Event("image.failed", event_id, new["tenant"], new["item_id"], time, data)]


def _call_events(change: RowChange) -> list[Event]:
    if change.kind != "INSERT" or change.new is None:
        return []
    call = change.new
    call_id = call["call_id"]
    tenant = call["pk"].removesuffix(f"#{call_id}")
    data = {name: call[name] for name in CALL_FIELDS}
    time = timestamp(change.created_at)
    return [Event("call.recorded", f"{call_id}:call.recorded", tenant, call_id, time, data)]


def _report_events(change: RowChange) -> list[Event]:
    old, new = change.old, change.new
    if new is None or new["status"] != "ready":
        return []
    if old is not None and old["status"] == "ready" and old["request"] == new["request"]:
        return []
    week = new["sk"]
    data = {"week": week, "request_id": new["request"], **{name: new[name] for name in _REPORT}}
    # A report that is made anew is told of anew.
    event_id = f"{week}:{new['request']}:report.ready"
    return [Event("report.ready", event_id, new["pk"], week, new["generated_at"], data)]


def _health_events(change: RowChange) -> list[Event]:
    new = change.new
    if new is None or "tenant" not in new:
        # A row of history.
        return []
    parts_before = change.old["parts"] if change.old else {}
    events = []
    for name, part in sorted(new["parts"].items()):
        before = parts_before.get(name, {"status": "unknown"})
        good_news_of_a_new_part = before["status"] == "unknown" and part["status"] == "up"
        if part["status"] == before["status"] or good_news_of_a_new_part:
            continue
        data = {
            "part": name,
            "status": part["status"],
            "previous": before["status"],
            "since": part["since"],
            "reason": part["reason"],
        }
        event_id = f"{name}:{part['since']}:health.changed"
        time = new["checked_at"]
        events.append(Event("health.changed", event_id, new["tenant"], name, time, data))
    return events


def _cleanup_events(change: RowChange) -> list[Event]:
    new = change.new
    if change.kind != "INSERT" or new is None or "run" not in new:
        # Where a task goes on, or the end of an old account.
        return []
    run = new["run"]
    time, event_id = run["ended_at"], f"{run['id']}:cleanup.finished"
    return [Event("cleanup.finished", event_id, new["tenant"], run["id"], time, run)]


# By how the table's name ends: what comes before is the environment's.
_TABLES: dict[str, Callable[[RowChange], list[Event]]] = {
    "-items": _item_events,
    "-image-uploads": _image_upload_events,
    "-silver-call": _call_events,
    "-health": _health_events,
    "-reports": _report_events,
    "-cleanup": _cleanup_events,
}


def _item(row: dict[str, Any]) -> dict[str, Any]:
    document = {**row, "id": row["sk"]}
    return {name: document[name] for name in _ITEM}


def _item_tenant(row: dict[str, Any]) -> str:
    # A row's partition is `<tenant>#<shard>`.
    return str(row["pk"].rpartition("#")[0])


def _item_event(event_type: str, row: dict[str, Any], time: str, data: dict[str, Any]) -> Event:
    event_id = f"{row['sk']}:{row['version']}:{event_type}"
    return Event(event_type, event_id, _item_tenant(row), row["sk"], time, data)
