"""Events as the event bus puts them on a queue."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

ITEM_ID = "01a1fc6a-9e31-71b5-8a35-5f5b9c1d2e3f"
IMAGE_ID = "01a1fc6b-0000-7000-8000-000000000000"
ITEM = {
    "id": ITEM_ID,
    "name": "Oak table",
    "description": "",
    "category": "furniture",
    "status": "active",
    "price": None,
    "quantity": 0,
    "tags": [],
    "attributes": {},
    "images": [],
    "version": 1,
    "created_at": "2026-11-21T06:00:00.000Z",
    "updated_at": "2026-11-21T06:00:00.000Z",
    "created_by": "alice",
}
# Type of event → its data, as the events' own documentation has it.
DATA: dict[str, dict[str, Any]] = {
    "item.created": ITEM,
    "item.updated": {**ITEM, "version": 2, "changed": ["name", "tags"]},
    "item.deleted": {"id": ITEM_ID, "version": 2},
    "image.ready": {
        "id": IMAGE_ID,
        "width": 1600,
        "height": 1200,
        "item_id": ITEM_ID,
        "item_version": 3,
        "item_images": 1,
    },
    "image.failed": {"id": IMAGE_ID, "item_id": ITEM_ID, "reason": "the file is empty"},
    "call.recorded": {
        "call_id": "c-1",
        "client_id": "shop",
        "method": "GET",
        "path": "/items/{id}",
        "status_code": 200,
        "duration_ms": 12,
    },
    "report.ready": {
        "week": "2026-W47",
        "request_id": "01a1fc6c-0000-7000-8000-000000000000",
        "requested_at": "2026-11-23T06:00:00.000Z",
        "requested_by": None,
        "generated_at": "2026-11-23T06:00:12.000Z",
        "changes": 1846,
        "calls": 24261,
    },
    "health.changed": {
        "part": "mysql",
        "status": "down",
        "previous": "up",
        "since": "2026-11-21T05:57:00.000Z",
        "reason": "MySQL is not available",
    },
    "cleanup.finished": {
        "id": "01a1fc6c-0000-7000-8000-000000000000",
        "started_at": "2026-11-21T03:00:00.000Z",
        "ended_at": "2026-11-21T03:01:00.000Z",
        "tasks": {
            "tickets": {
                "found": 7,
                "removed": 6,
                "kept": 1,
                "errors": 0,
                "done": True,
                "fault": None,
            },
            "bronze": {
                "found": 90,
                "removed": 80,
                "kept": 0,
                "errors": 10,
                "done": False,
                "fault": "ArchiveIncomplete",
            },
        },
    },
}


def cloud_event(
    event_type: str = "item.created", *, tenant: str = "acme", **attributes: Any
) -> dict[str, Any]:
    """Make a CloudEvent of a type; `attributes` replace what it would have."""
    return {
        "specversion": "1.0",
        "id": f"{uuid4()}:{event_type}",
        "source": "/itemstream/items",
        "type": event_type,
        "subject": ITEM_ID,
        "time": "2026-11-21T06:00:00.000Z",
        "tenant": tenant,
        "sequence": "00000000000000000001",
        "datacontenttype": "application/json",
        "dataschema": f"urn:itemstream:schema:{event_type}:1",
        "data": DATA.get(event_type, {}),
        **attributes,
    }


def from_the_bus(event: dict[str, Any]) -> str:
    """Write the message that a rule of the bus sends for an event."""
    return json.dumps(
        {
            "version": "0",
            "id": str(uuid4()),
            "detail-type": event["type"],
            "source": "itemstream",
            "account": "123456789012",
            "time": "2026-11-21T06:00:01Z",
            "region": "us-east-1",
            "resources": [],
            "detail": event,
        }
    )
