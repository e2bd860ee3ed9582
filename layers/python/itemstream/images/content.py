"""What a client says of a picture that it is about to upload."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from itemstream.images.model import ContentType  # noqa: TC001 - Pydantic reads it at run time

__all__ = ["ImageContent"]


class ImageContent(BaseModel):
    """A picture to upload."""

    model_config = ConfigDict(extra="forbid", strict=True)

    content_type: ContentType = Field(description="The file's type; S3 takes no other.")
