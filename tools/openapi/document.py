"""The OpenAPI 3.1 document of the REST API."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import models_json_schema

from tools.openapi.operations import OPERATIONS, Answer, Operation, Parameter
from tools.openapi.schemas import ProblemDocument

if TYPE_CHECKING:
    from pydantic import BaseModel

__all__ = ["openapi_document"]

Json = dict[str, Any]

LIMITED = ("RateLimit", "RateLimit-Policy")
HEADERS: dict[str, Json] = {
    "ETag": {"description": "The item's version.", "schema": {"type": "string"}},
    "Location": {
        "description": "The address of what was made, relative to the request's.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Idempotency-Replayed": {
        "description": "Present when this is the answer to an earlier request.",
        "schema": {"const": "true"},
    },
    "RateLimit": {
        "description": "Requests that your tenant has left (`r`), and the seconds until it has one "
        "more (`t`): draft-ietf-httpapi-ratelimit-headers.",
        "schema": {
            "type": "string",
            "pattern": '^"[a-z-]+";r=[0-9]+;t=[0-9]+$',
            "examples": ['"tickets";r=599;t=1'],
        },
    },
    "RateLimit-Policy": {
        "description": "Requests that each tenant may make at once (`q`), and the seconds in which "
        "an allowance that is used up comes back (`w`).",
        "schema": {
            "type": "string",
            "pattern": '^"[a-z-]+";q=[0-9]+;w=[0-9]+$',
            "examples": ['"tickets";q=600;w=60'],
        },
    },
    "Retry-After": {
        "description": "Seconds after which to try again.",
        "schema": {"type": "string", "pattern": "^[0-9]+$"},
    },
}


def openapi_document(catalogue: Json) -> Json:
    """
    Return the OpenAPI document.

    Parameters
    ----------
    catalogue
        ``functions.yaml``, parsed.

    Raises
    ------
    ValueError
        If the catalogue has a route that is not described, or the other way round.
    """
    routes = {
        f"{route['method']} {route['path']}": (name, route["scope"])
        for name, function in catalogue["functions"].items()
        for route in function.get("routes", [])
        if route.get("api", "rest") == "rest"
    }
    if routes.keys() != OPERATIONS.keys():
        different = ", ".join(sorted(routes.keys() ^ OPERATIONS.keys()))
        raise ValueError(f"the catalogue and tools/openapi/operations.py differ on: {different}")
    paths: Json = {}
    for route, (function, scope) in routes.items():
        method, path = route.split(" ")
        operation_id = function if _routes_of(function, routes) == 1 else _operation_id(route)
        paths.setdefault(path, {})[method.lower()] = _operation(
            OPERATIONS[route],
            operation_id,
            path,
            scope,
            limited="rate_limit" in catalogue["functions"][function],
        )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Itemstream REST API",
            "version": "1",
            "description": (
                "Items and their images, and reports of what happened, per tenant, and tickets for "
                "the WebSocket API. Errors "
                "are problem documents (RFC 9457)."
            ),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": ".", "description": "Where this document was read."}],
        "tags": [
            {"name": "Items"},
            {"name": "Images"},
            {"name": "Reports"},
            {"name": "Real time"},
            {"name": "Platform"},
        ],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "securitySchemes": {
                "token": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "An access token (RFC 9068) with the claim `tenant`.",
                }
            },
        },
    }


def _operation(
    operation: Operation, operation_id: str, path: str, scope: str | None, *, limited: bool
) -> Json:
    described = [_parameter(parameter) for parameter in operation.parameters]
    names = {parameter["name"] for parameter in described}
    described += [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "format": "uuid"},
        }
        for name in re.findall(r"{(\w+)}", path)
        if name not in names
    ]
    document: Json = {
        "operationId": operation_id,
        "summary": operation.summary,
        "tags": [operation.tag],
        **({"description": operation.description} if operation.description else {}),
        **({"parameters": described} if described else {}),
    }
    if operation.body is not None:
        document["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _reference(operation.body)}},
        }
    problems = operation.problems
    if scope is not None:
        document["security"] = [{"token": [scope]}]
        problems += (401, 403)
    always = LIMITED if limited else ()
    document["responses"] = _responses(operation, sorted({*problems, 429, 500}), always)
    return document


def _responses(operation: Operation, problems: list[int], always: tuple[str, ...]) -> Json:
    responses: Json = {}
    for answer in operation.answers:
        described = responses.setdefault(
            str(answer.status),
            {"description": answer.description, **_headers((*answer.headers, *always))},
        )
        if content := _content(answer):
            described.setdefault("content", {}).update(content)
        if operation.links and answer.status < HTTPStatus.BAD_REQUEST:
            described["links"] = {
                name: {"operationId": name, "parameters": parameters}
                for name, parameters in operation.links.items()
            }
    problem = {"application/problem+json": {"schema": _reference(ProblemDocument)}}
    for status in problems:
        responses.setdefault(
            str(status),
            {
                "description": HTTPStatus(status).phrase,
                **_headers(_problem_headers(status, always)),
                "content": problem,
            },
        )
    responses["default"] = {"description": "Any other problem.", "content": problem}
    return responses


def _problem_headers(status: int, always: tuple[str, ...]) -> tuple[str, ...]:
    match status:
        case 429:
            return (*always, "Retry-After")
        case 409:
            return ("Retry-After",)
        case _:
            return ()


def _content(answer: Answer) -> Json:
    schema = _reference(answer.model) if answer.model else answer.schema
    return {answer.media_type: {"schema": schema}} if schema else {}


def _headers(names: tuple[str, ...]) -> Json:
    return {"headers": {name: HEADERS[name] for name in names}} if names else {}


def _parameter(parameter: Parameter) -> Json:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.required,
        "description": parameter.description,
        "schema": parameter.schema,
    }


def _reference(model: type[BaseModel]) -> Json:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _schemas() -> Json:
    taken = {operation.body for operation in OPERATIONS.values() if operation.body}
    given = {
        answer.model
        for operation in OPERATIONS.values()
        for answer in operation.answers
        if answer.model
    }
    _, schemas = models_json_schema(
        sorted(
            [(model, "validation") for model in taken]
            + [(model, "serialization") for model in given | {ProblemDocument}],
            key=lambda pair: pair[0].__name__,
        ),
        ref_template="#/components/schemas/{model}",
    )
    definitions: Json = schemas["$defs"]
    return definitions


def _routes_of(function: str, routes: dict[str, tuple[str, str | None]]) -> int:
    return [name for name, _ in routes.values()].count(function)


def _operation_id(route: str) -> str:
    return "_".join(re.findall(r"[a-z]+", route.lower()))
