"""What the errors of images mean over HTTP."""

from __future__ import annotations

from http import HTTPStatus

from itemstream.api.problems import Problem
from itemstream.images.model import MAX_IMAGES, ImageNotFound
from itemstream.items.model import ImagesFull

__all__ = ["image_problem"]


def image_problem(error: Exception) -> Problem | None:
    """Return the problem that an image's error is, or ``None`` for any other."""
    match error:
        case ImageNotFound():
            return Problem(
                HTTPStatus.NOT_FOUND, "The item has no such image.", slug="image-not-found"
            )
        case ImagesFull():
            return Problem(
                HTTPStatus.CONFLICT,
                f"An item has at most {MAX_IMAGES} images, those on their way included.",
                slug="too-many-images",
            )
        case _:
            return None
