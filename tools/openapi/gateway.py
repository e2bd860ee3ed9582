"""What API Gateway needs to know of the REST API: request models and parameters of each method.

The gateway's models hold only rules whose violation its message names by field: a body that is an
object, required and unknown fields. Types, lengths and patterns are left to the function, whose
problem document says which field is wrong and why; the gateway's message for those says neither
(API Gateway Developer Guide, "Request validation for REST APIs"). Its models are JSON Schema
draft 4.
"""

from __future__ import annotations

from typing import Any

__all__ = ["gateway_document"]

Json = dict[str, Any]
DRAFT_4 = "http://json-schema.org/draft-04/schema#"
PLACES = {"query": "querystring", "header": "header", "path": "path"}


def gateway_document(openapi: Json) -> Json:
    """
    Return the models and methods, as Terraform reads them.

    Parameters
    ----------
    openapi
        The OpenAPI document.
    """
    schemas = openapi["components"]["schemas"]
    models: Json = {}
    methods: Json = {}
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json")
            model = body["schema"]["$ref"].rpartition("/")[2] if body else None
            if model:
                models[model] = {
                    "$schema": DRAFT_4,
                    "title": model,
                    "type": "object",
                    **_shape(schemas[model], schemas),
                }
            parameters = operation.get("parameters", [])
            methods[f"{method.upper()} {path}"] = {
                "body_model": model,
                # A missing If-Match is a 428 of the function's, not a 400 of the gateway's.
                "required_parameters": [
                    _parameter(one) for one in parameters if one["in"] == "path"
                ],
                "optional_parameters": [
                    _parameter(one) for one in parameters if one["in"] != "path"
                ],
            }
    return {"models": models, "methods": methods}


def _parameter(parameter: Json) -> str:
    return f"method.request.{PLACES[parameter['in']]}.{parameter['name']}"


def _shape(schema: Json, schemas: Json) -> Json:
    """Return the rules of a schema that are about which fields an object has."""
    if "$ref" in schema:
        return _shape(schemas[schema["$ref"].rpartition("/")[2]], schemas)
    for alternative in schema.get("anyOf", []):
        if shape := _shape(alternative, schemas):
            return shape
    if "properties" not in schema:
        return {}
    return {
        **({"required": schema["required"]} if schema.get("required") else {}),
        "additionalProperties": False,
        "properties": {
            name: _shape(field, schemas) for name, field in schema["properties"].items()
        },
    }
