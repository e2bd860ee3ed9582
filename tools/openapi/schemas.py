"""What the REST API answers, as Pydantic models; only the OpenAPI document needs them."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - Pydantic reads annotations at run time
from typing import Annotated, Any, Literal
from uuid import UUID  # noqa: TC003

from pydantic import BaseModel, ConfigDict, Field

from itemstream.items.content import ItemContent

__all__ = ["FieldProblem", "Health", "Item", "ItemPage", "ProblemDocument"]


class Item(ItemContent):
    """An item as it stands at one version."""

    id: UUID = Field(description="UUIDv7: sorts by time of creation.")
    images: list[dict[str, Any]] = Field(description="The item's pictures.")
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


class Health(BaseModel):
    """Whether the API can do its work."""

    model_config = ConfigDict(extra="forbid")

    status: Literal["up", "degraded", "down"]
    parts: dict[str, Literal["up", "down", "off"]]


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
