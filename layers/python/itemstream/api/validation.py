"""JSON bodies, validated by Pydantic models; only functions that take a body import this."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError

from itemstream.api.problems import Problem, invalid

if TYPE_CHECKING:
    from itemstream.api.requests import Request

__all__ = ["validated"]

Model = TypeVar("Model", bound=BaseModel)

MAX_ERRORS = 20


def validated(model: type[Model], request: Request) -> Model:
    """
    Read a request's body.

    Raises
    ------
    Problem
        415 when it is not JSON by its content type; 400 that names each field and what is wrong
        with it.
    """
    media_type = (request.header("content-type") or "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "The body must be JSON, sent with Content-Type: application/json.",
            headers={"Accept-Post": "application/json"},
        )
    try:
        return model.model_validate_json(request.body())
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise invalid(
            *(
                {
                    "field": ".".join(str(part) for part in one["loc"]) or "body",
                    "reason": one["msg"],
                }
                for one in found[:MAX_ERRORS]
            )
        ) from None
