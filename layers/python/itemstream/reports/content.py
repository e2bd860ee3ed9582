"""What a client may say about a report it asks for: the Pydantic model of the body."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from itemstream.reports.weeks import WEEK_PATTERN

__all__ = ["ReportContent"]


class ReportContent(BaseModel):
    """Which report is asked for."""

    model_config = ConfigDict(extra="forbid", strict=True)

    # The pattern is for readers: a week that is none is a problem of its own, 422.
    week: str | None = Field(
        default=None,
        description="An ISO week from Monday to Monday in UTC, this one or an earlier; by default "
        "the last one that is over.",
        examples=["2026-W47"],
        json_schema_extra={"pattern": WEEK_PATTERN},
    )
