"""What the REST API answers, as Pydantic models; only the OpenAPI document needs them."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - Pydantic reads annotations at run time
from typing import Annotated, Literal
from uuid import UUID  # noqa: TC003

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from itemstream.images.model import MAX_IMAGES
from itemstream.images.model import ContentType as UploadedType
from itemstream.items.content import ItemContent
from itemstream.reports.weeks import WEEK_PATTERN

__all__ = [
    "FieldProblem",
    "Health",
    "Image",
    "ImageStatus",
    "ImageUpload",
    "Item",
    "ItemPage",
    "ProblemDocument",
    "Report",
    "ReportPage",
    "ReportStatus",
    "Ticket",
]

URI: dict[str, JsonValue] = {"format": "uri"}
Pixels = Annotated[int, Field(ge=1)]
Color = Annotated[
    str,
    Field(
        pattern="^#[0-9a-f]{6}$",
        description="The colour most of it has, to show before anything is loaded.",
    ),
]
Placeholder = Annotated[
    str,
    Field(
        max_length=1024,
        pattern="^data:image/webp;base64,",
        description="The picture small and blurred, as a data URI, to show while it loads.",
    ),
]


class Sized(BaseModel):
    """What both kinds of rendition say."""

    model_config = ConfigDict(extra="forbid")

    width: Pixels
    height: Pixels
    content_type: Literal["image/webp", "image/jpeg"]
    bytes: int = Field(ge=1)


class StoredRendition(Sized):
    """An image in one size and format, as its item keeps it."""

    key: str = Field(description="Its object's key. `GET /items/{id}/images/{image_id}` has URLs.")


class Rendition(Sized):
    """An image in one size and format."""

    url: str = Field(description="Where it can be read for an hour.", json_schema_extra=URI)


class Image(BaseModel):
    """An image of an item, ready to be shown."""

    model_config = ConfigDict(extra="forbid")

    id: UUID
    width: Pixels = Field(description="Of the original, the way up it is looked at.")
    height: Pixels
    dominant_color: Color
    placeholder: Placeholder
    animated: bool = Field(description="Whether the original moves; renditions stand still.")
    content_type: UploadedType = Field(description="The original's.")
    created_at: datetime = Field(description="When its upload was asked for.")
    renditions: list[StoredRendition] = Field(
        description="1600, 800, 320 and 128 px wide, never enlarged; WebP and JPEG of each."
    )


class Item(ItemContent):
    """An item as it stands at one version."""

    id: UUID = Field(description="UUIDv7: sorts by time of creation.")
    images: list[Image] = Field(max_length=MAX_IMAGES, description="Those that are ready.")
    version: int = Field(ge=1, description="One more at each change; the ETag says the same.")
    created_at: datetime
    updated_at: datetime
    created_by: str = Field(description="Subject of the token that created the item.")


class ItemPage(BaseModel):
    """One page of items, newest first."""

    model_config = ConfigDict(extra="forbid")

    items: list[Item]
    next_cursor: str | None = Field(
        description="Send it as `cursor` for the next page; null at the end. "
        "A page may hold fewer items than `limit` and still have a next one."
    )


class UploadForm(BaseModel):
    """Where to post a file to, as `multipart/form-data`."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(json_schema_extra=URI)
    fields: dict[str, str] = Field(
        description="The form's fields, all of them; the field `file` comes last."
    )
    expires_at: datetime


class ImageUpload(BaseModel):
    """The permission to upload one picture."""

    model_config = ConfigDict(extra="forbid")

    image_id: UUID
    upload: UploadForm


class ImageStatus(BaseModel):
    """How an image is: awaited, ready, or failed with a reason."""

    model_config = ConfigDict(extra="forbid")

    image_id: UUID
    status: Literal["pending", "ready", "failed"]
    reason: str | None = Field(description="Why it failed.")
    width: Pixels | None
    height: Pixels | None
    dominant_color: Color | None
    placeholder: Placeholder | None
    animated: bool | None
    renditions: list[Rendition] = Field(description="Empty until the image is ready.")


class Report(BaseModel):
    """A report of a week: being made, ready, or failed with a reason."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(
        pattern=WEEK_PATTERN, description="Its week, as ISO 8601 writes it.", examples=["2026-W47"]
    )
    starts_at: datetime = Field(description="Monday, 00:00 UTC.")
    ends_at: datetime = Field(description="The Monday after.")
    status: Literal["pending", "ready", "failed"]
    reason: str | None = Field(description="Why it failed.")
    requested_at: datetime = Field(description="When it was last asked for.")
    requested_by: str | None = Field(
        description="Subject of the token that asked for it; null for the weekly schedule."
    )
    generated_at: datetime | None = Field(
        description="When it was ready. It tells what was known then; what came to be known later "
        "is told when the report is asked for again."
    )
    changes: int | None = Field(ge=0, description="How many changes the week had.")
    calls: int | None = Field(ge=0, description="How many calls the week had.")


class ReportFiles(BaseModel):
    """Where the files of a report can be read."""

    model_config = ConfigDict(extra="forbid")

    html: str = Field(description="A page for people.", json_schema_extra=URI)
    csv: str = Field(description="A line for each change.", json_schema_extra=URI)
    json_: str = Field(
        alias="json", description="What the page says, for programs.", json_schema_extra=URI
    )
    expires_at: datetime = Field(description="Until when the addresses work, at most: an hour.")


class ReportStatus(Report):
    """A report, with its files once it is ready."""

    files: ReportFiles | None


class ReportPage(BaseModel):
    """One page of reports, newest week first."""

    model_config = ConfigDict(extra="forbid")

    reports: list[Report]
    next_cursor: str | None = Field(
        description="Send it as `cursor` for the next page; null at the end."
    )


class Ticket(BaseModel):
    """What opens one WebSocket connection."""

    model_config = ConfigDict(extra="forbid")

    ticket: str = Field(
        pattern="^[A-Za-z0-9_-]{43}$", examples=["Zk5B0h3mVJX0b3sT1c2R9w8yQ4aLpUeD7fGiHnKoM6s"]
    )
    expires_in: int = Field(ge=1, description="Seconds for which it can be used.", examples=[30])


class PartHealth(BaseModel):
    """How a part of the platform is."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["up", "degraded", "down", "unknown"] = Field(
        description="What several checks in a row found; unknown until a new part was found up, or "
        "that it is not has lasted."
    )
    since: datetime | None = Field(description="When the first of them began.")
    latency_ms: Annotated[int, Field(ge=0)] | None = Field(
        description="Milliseconds that the last check took."
    )
    checked_at: datetime = Field(description="When the last check began.")
    reason: str | None = Field(
        default=None,
        description="In general words, why the last check did not find it up.",
        examples=["some work is late"],
    )


class Health(BaseModel):
    """Whether the API can do its work, as the last check found it."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["up", "degraded", "down", "unknown"] = Field(
        description="down: a part that the API cannot do without is. unknown: nobody has looked "
        "for five minutes."
    )
    checked_at: datetime | None = Field(description="When the last check began.")
    parts: dict[str, PartHealth] = Field(description="By name, such as mysql.")


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    field: str
    reason: str


class ProblemDocument(BaseModel):
    """A problem document (RFC 9457)."""

    type: str = Field(description="A URI that names the kind of problem, or about:blank.")
    title: str
    status: Annotated[int, Field(ge=400, le=599)]
    detail: str
    instance: str = Field(description="A URI of this occurrence; quote it when you ask for help.")
    errors: list[FieldProblem] | None = None
