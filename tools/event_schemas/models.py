"""What events say, as Pydantic models; only their JSON Schemas need them.

An event's data is what the APIs answer about the same thing, so most of it is taken from there.
"""

from __future__ import annotations

from datetime import date, datetime  # noqa: TC003 - Pydantic reads annotations at run time
from typing import Annotated, Any, Literal
from uuid import UUID  # noqa: TC003

from pydantic import BaseModel, ConfigDict, Field

from itemstream.images.model import ContentType as UploadedType  # noqa: TC001
from itemstream.reports.weeks import WEEK_PATTERN
from tools.openapi.schemas import Image, Item

__all__ = ["EVENTS", "Envelope"]

EventType = Literal[
    "item.created",
    "item.updated",
    "item.deleted",
    "image.ready",
    "image.failed",
    "call.recorded",
    "report.ready",
    "health.changed",
    "cleanup.finished",
]
Version = Annotated[int, Field(ge=1)]
Whole = Annotated[int, Field(ge=0)]


def _one_of_both(schema: dict[str, Any]) -> None:
    """Let the extension ``dataref`` stand in the data's place, never beside it."""
    schema["oneOf"] = [{"required": ["data"]}, {"required": ["dataref"]}]
    del schema["properties"]["dataref"]["default"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Envelope(_Strict):
    """An event: CloudEvents 1.0 with the extensions tenant, sequence and dataref."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_one_of_both)

    specversion: Literal["1.0"]
    id: str = Field(
        min_length=1, description="The same however often the event comes; unique in its tenant."
    )
    source: Literal[
        "/itemstream/items",
        "/itemstream/images",
        "/itemstream/calls",
        "/itemstream/reports",
        "/itemstream/health",
        "/itemstream/cleanup",
    ]
    type: EventType
    subject: str = Field(
        min_length=1, description="Id of the item or call, or week of the report, that it is about."
    )
    time: datetime = Field(description="When it happened.")
    tenant: str = Field(min_length=1, description="Whose it is.")
    sequence: str = Field(
        pattern="^[0-9]{20}$",
        description="Its place among the tenant's events: 1, 2, 3 and so on; sorts as a text.",
    )
    datacontenttype: Literal["application/json"]
    dataschema: str = Field(
        pattern=r"^urn:itemstream:schema:[a-z]+\.[a-z]+:1$",
        description="`$id` of the schema of its data.",
    )
    data: dict[str, Any] = Field(default_factory=dict, description="What there is to say.")
    dataref: str = Field(
        default="",
        pattern=r"^items/.+$",
        description="In place of data that is too large: the item's address, relative to the REST "
        "API's. What stands there is the item as it is when you read it.",
    )


class ItemCreated(Item):
    """An item was created: the item."""

    # In an event each field is there, whatever the client left out.
    model_config = ConfigDict(json_schema_serialization_defaults_required=True)


class ItemUpdated(ItemCreated):
    """An item was replaced: the item as it is now."""

    changed: list[
        Literal[
            "name",
            "description",
            "category",
            "status",
            "price",
            "quantity",
            "tags",
            "attributes",
            "images",
        ]
    ] = Field(description="Names of the fields that changed; empty if it was replaced by the same.")


class ItemDeleted(_Strict):
    """An item was deleted."""

    id: UUID
    version: Version = Field(description="The last one it had.")


class ImageReady(Image):
    """An uploaded picture became an image of its item."""

    item_id: UUID
    item_version: Version = Field(description="The item's version with this image.")
    item_images: Whole = Field(description="How many images that version has.")


class ImageFailed(_Strict):
    """An uploaded picture cannot become an image."""

    id: UUID
    item_id: str = Field(description="`unknown` if it was uploaded to a place that is no item's.")
    reason: str = Field(min_length=1)
    content_type: UploadedType | None = Field(description="What the upload was asked for.")
    created_at: datetime = Field(description="When its upload was asked for.")
    created_by: str | None = Field(description="Subject of the token that asked for its upload.")


class CallRecorded(_Strict):
    """A client's call of a server was recorded."""

    call_id: str
    client_id: str
    occurred_at: datetime
    method: str
    path: str
    path_template: str = Field(description="The path with {id} for what names one thing.")
    status_code: Annotated[int, Field(ge=100, le=599)]
    outcome: Literal["informational", "success", "redirection", "client_error", "server_error"]
    duration_ms: Whole
    latency_class: Literal["instant", "fast", "noticeable", "slow", "stuck"]
    bytes_in: Whole | None
    bytes_out: Whole | None
    ip_network: str | None = Field(description="The network of the client's address.")
    user_agent: str | None
    agent_family: str = Field(description="Browser or SDK.")
    day: date
    hour: str = Field(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}$")
    ingested_at: datetime


class ReportReady(_Strict):
    """A tenant's report of a week is ready: `GET /reports/{week}` has its files."""

    week: str = Field(pattern=WEEK_PATTERN, description="An ISO week.", examples=["2026-W47"])
    request_id: UUID = Field(description="Of the request that it was made for.")
    requested_at: datetime
    requested_by: str | None = Field(
        description="Subject of the token that asked for it; null for the weekly schedule."
    )
    generated_at: datetime
    changes: Whole = Field(description="How many changes the week had.")
    calls: Whole = Field(description="How many calls the week had.")


class HealthChanged(_Strict):
    """A part of the platform has been in another state for several checks."""

    part: str = Field(description="Name of the part, such as `mysql`.")
    status: Literal["up", "degraded", "down"]
    previous: Literal["up", "degraded", "down", "unknown"]
    since: datetime = Field(description="When the first of those checks began.")
    reason: str | None = Field(description="What the last of them found, if it is not up.")


class CleanedUp(_Strict):
    """What a task of the cleanup did."""

    found: Whole = Field(description="Things that were over.")
    removed: Whole
    kept: Whole = Field(description="Those that somebody had changed meanwhile.")
    errors: Whole = Field(description="Those that could not be removed, and steps that failed.")
    done: bool = Field(description="Whether it came to the end; if not, the next run goes on.")
    fault: str | None = Field(description="Kind of the error that ended it, if one did.")


class CleanupFinished(_Strict):
    """A run of the cleanup is over."""

    id: UUID
    started_at: datetime
    ended_at: datetime
    tasks: dict[str, CleanedUp] = Field(description="By the task's name, such as `renditions`.")


EVENTS: dict[str, type[BaseModel]] = {
    "item.created": ItemCreated,
    "item.updated": ItemUpdated,
    "item.deleted": ItemDeleted,
    "image.ready": ImageReady,
    "image.failed": ImageFailed,
    "call.recorded": CallRecorded,
    "report.ready": ReportReady,
    "health.changed": HealthChanged,
    "cleanup.finished": CleanupFinished,
}
