"""Events and the rows that they come from, for tests."""

from __future__ import annotations

from typing import Any

from itemstream.events import Event
from itemstream.items.shards import shard_of
from tests.fakes.content import new_item
from tests.fakes.event_sources import stream_record
from tests.fakes.tables import CLEANUP, HEALTH, IMAGE_UPLOADS, ITEMS, REPORTS, SILVER_CALL

IMAGE: dict[str, Any] = {
    "id": "01a1fc6a-9e31-71b5-8c1e-0d6f3a2b4c5d",
    "width": 1600,
    "height": 1200,
    "dominant_color": "#aa8844",
    "placeholder": "data:image/webp;base64,UklGRg==",
    "animated": False,
    "content_type": "image/jpeg",
    "created_at": "2026-11-21T06:00:00.000Z",
    "renditions": [
        {
            "width": 128,
            "height": 96,
            "content_type": "image/webp",
            "bytes": 2048,
            "key": "images/acme/i/01a1fc6a-9e31-71b5-8c1e-0d6f3a2b4c5d/128-0123abcd.webp",
        }
    ],
}


def an_event(number: int = 1, *, tenant: str = "acme", **changes: Any) -> Event:
    """Make an event; another number makes another event."""
    fields = {
        "type": "item.updated",
        "id": f"item-{number}:1:item.updated",
        "tenant": tenant,
        "subject": f"item-{number}",
        "time": "2026-11-21T06:00:00.000Z",
        "data": {"id": f"item-{number}", "version": 1},
    }
    return Event(**{**fields, **changes})


def item_row(tenant: str = "acme", **changes: Any) -> dict[str, Any]:
    """Make an item's row, with all that is in it beside the item."""
    item = new_item(tenant)
    document = {name: value for name, value in item.document.items() if name != "id"}
    shard = f"{tenant}#{shard_of(item.id, 4)}"
    row = {
        "pk": shard,
        "sk": item.id,
        **document,
        "status_key": f"{shard}#{document['status']}",
        "category_key": f"{shard}#{document['category']}",
    }
    return {**row, **changes}


def item_record(
    new: dict[str, Any] | None, old: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """Make the stream record of an item's change."""
    return stream_record(ITEMS, new, old, **more)


def next_version(row: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Return an item's row after a replacement."""
    return {
        **row,
        "version": row["version"] + 1,
        "updated_at": "2026-11-21T06:00:01.000Z",
        "write_id": f"{row['version']:016x}",
        **changes,
    }


def upload_row(status: str = "failed", **changes: Any) -> dict[str, Any]:
    """Make an image upload's row."""
    return {
        "pk": "acme#item-1",
        "sk": IMAGE["id"],
        "tenant": "acme",
        "item_id": "item-1",
        "image_id": IMAGE["id"],
        "status": status,
        **({"reason": "The file is cut off."} if status == "failed" else {}),
        "content_type": "image/jpeg",
        "created_at": "2026-11-21T06:00:00.000Z",
        "created_by": "alice",
        "expires_at": 1795350000,
        **changes,
    }


def upload_record(
    new: dict[str, Any] | None, old: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """Make the stream record of an upload's change."""
    return stream_record(IMAGE_UPLOADS, new, old, **more)


def health_row(at: str = "2026-11-21T06:00:00.000Z", **parts: str) -> dict[str, Any]:
    """Make the latest row of the health: each part with its status."""
    known = {
        name: {
            "status": status,
            "since": at,
            "checked_at": at,
            "latency_ms": 3,
            "reason": None if status == "up" else "no answer",
            "recent": [[status, at]],
        }
        for name, status in parts.items()
    }
    row = {"pk": "latest", "sk": "latest", "tenant": "operations", "checked_at": at}
    return {**row, "parts": known}


def health_record(new: dict[str, Any], old: dict[str, Any] | None = None) -> dict[str, Any]:
    """Make the stream record of a check."""
    return stream_record(HEALTH, new, old)


def cleanup_record(row: dict[str, Any] | None = None) -> dict[str, Any]:
    """Make the stream record of a new row of the cleanup's: a run's account, if none is given."""
    task = {"found": 3, "removed": 2, "kept": 1, "errors": 0, "done": True, "fault": None}
    run = {
        "id": "01a1fc6c-0000-7000-8000-000000000000",
        "started_at": "2026-11-21T03:00:00.000Z",
        "ended_at": "2026-11-21T03:01:00.000Z",
        "tasks": {"tickets": task, "bronze": {**task, "done": False, "fault": "KeyError"}},
    }
    account = {"pk": f"run#{run['id']}", "tenant": "operations", "expires_at": 1, "run": run}
    return stream_record(CLEANUP, row or account, keys=("pk",))


def report_row(**changes: Any) -> dict[str, Any]:
    """Make the row of a report that is ready."""
    return {
        "pk": "acme",
        "sk": "2026-W47",
        "status": "ready",
        "request": "01a1fc6c-0000-7000-8000-000000000000",
        "requested_at": "2026-11-23T06:00:00.000Z",
        "requested_by": None,
        "generated_at": "2026-11-23T06:00:12.000Z",
        "changes": 1846,
        "calls": 24261,
        "reason": None,
        "expires_at": 1900000000,
        **changes,
    }


def report_record(
    new: dict[str, Any] | None, old: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """Make the stream record of a report's change."""
    return stream_record(REPORTS, new, old, **more)


def call_row(**changes: Any) -> dict[str, Any]:
    """Make a call's row, with all that is in it beside the call."""
    return {
        "pk": "acme#call-1",
        "call_id": "call-1",
        "client_id": "client-1",
        "occurred_at": "2026-11-21T05:59:00.000Z",
        "method": "GET",
        "path": "/orders/17",
        "path_template": "/orders/{id}",
        "status_code": 200,
        "outcome": "success",
        "duration_ms": 12,
        "latency_class": "fast",
        "bytes_in": 120,
        "bytes_out": 4096,
        "ip_network": "192.0.2.0/24",
        "user_agent": "curl/8.5.0",
        "agent_family": "curl",
        "day": "2026-11-21",
        "hour": "2026-11-21T05",
        "ingested_at": "2026-11-21T06:00:00.000Z",
        "day_key": "acme#2026-11-21",
        "client_key": "acme#client-1",
        "occurred_key": "2026-11-21T05:59:00.000Z#call-1",
        "origin": "0123#0000000001",
        "content_hash": "0123456789abcdef",
        **changes,
    }


def call_record(
    new: dict[str, Any] | None, old: dict[str, Any] | None = None, **more: Any
) -> dict[str, Any]:
    """Make the stream record of a call's change."""
    return stream_record(SILVER_CALL, new, old, keys=("pk",), **more)
