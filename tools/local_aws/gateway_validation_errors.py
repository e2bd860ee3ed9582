"""``$context.error.validationErrorString``: what exactly a request's model refuses.

AWS: the variable holds the validator's messages, ``[object has missing required properties
(["name"])]`` for example
(https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-variables-for-access-logging.html).
The wording is that of the draft-04 validator behind the gateway, java-json-tools'
json-schema-validator. AWS documents no wording for a body that is not JSON; ours is "Invalid JSON".
That goes for a body that is not UTF-8 too, JSON's only encoding (RFC 8259, section 8.1).
MiniStack 1.5.33: leaves the variable in the answer as it stands in the template; takes lone
surrogates and UTF-16, and hands the function U+FFFD for what it cannot read.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from ministack.services import apigateway_v1 as gateway

_VARIABLE = re.compile(
    r"\$(?:context\.error\.validationErrorString\b|"
    r"\{context\.error\.validationErrorString\})"
)


def apply() -> None:
    """Patch ``ministack.services.apigateway_v1``."""
    check = gateway._check_request_validation
    respond = gateway._gateway_error_response

    def check_and_explain(
        method: dict[str, Any], api_id: str, request: Any, headers: Any, body: Any, query: Any
    ) -> Any:
        text = _text(body)
        error = check(method, api_id, request, headers, text, query)
        if error is not None and error.response_type == "BAD_REQUEST_BODY":
            error.explanation = _explain(method, api_id, text)
        elif error is not None:
            error.explanation = error.message
        return error

    def respond_with_explanation(error: Any, request: dict[str, Any]) -> Any:
        status, headers, body = respond(error, request)
        explanation = json.dumps(getattr(error, "explanation", ""))[1:-1]
        text = _VARIABLE.sub(lambda _: explanation, body.decode())
        return status, headers, text.encode()

    gateway._check_request_validation = check_and_explain
    gateway._gateway_error_response = respond_with_explanation


def _text(body: bytes | None) -> str:
    """Read a body as JSON's one encoding; what is not UTF-8 becomes what is not JSON either."""
    try:
        return (body or b"").decode()
    except UnicodeDecodeError:
        return ""


def _explain(method: dict[str, Any], api_id: str, body: str) -> str:
    models = method.get("requestModels") or {}
    schema = gateway._model_schema(api_id, models.get("application/json"))
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return "Invalid JSON"
    return "[" + ", ".join(_messages(schema or {}, document)) + "]"


def _messages(schema: dict[str, Any], value: Any) -> Iterator[str]:
    """Say what `schema` refuses of `value`: the keywords that our models use."""
    allowed = schema.get("type")
    if allowed and not gateway._JSON_TYPES[allowed](value):
        found = next(name for name, matches in gateway._JSON_TYPES.items() if matches(value))
        yield (
            f"instance type ({found}) does not match any allowed primitive type "
            f"(allowed: {_listed([allowed])})"
        )
    if not isinstance(value, dict):
        return
    properties = schema.get("properties", {})
    if missing := set(schema.get("required", ())) - set(value):
        yield f"object has missing required properties ({_listed(missing)})"
    unknown = set(value) - set(properties)
    if unknown and schema.get("additionalProperties", True) is False:
        yield (
            "object instance has properties which are not allowed by the schema: "
            f"{_listed(unknown)}"
        )
    if len(value) > schema.get("maxProperties", len(value)):
        yield (
            f"object has too many properties (found {len(value)} but schema requires at most "
            f"{schema['maxProperties']})"
        )
    for name in properties.keys() & value.keys():
        yield from _messages(properties[name], value[name])


def _listed(names: Any) -> str:
    return json.dumps(sorted(names), separators=(",", ":"), ensure_ascii=False)
