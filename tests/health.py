"""Checks of the stack's health, made now."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx

from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.local_stack import LocalStack


def check(stack: LocalStack) -> dict[str, Any]:
    """Have the checker check, as an operator would, and return what it found by part."""
    answer = stack.client("lambda").invoke(
        FunctionName=stack.function("health_checker"),
        Qualifier="live",
        Payload=json.dumps({"schedule": "health"}).encode(),
    )
    found = json.loads(answer["Payload"].read())
    assert "FunctionError" not in answer, found
    return dict(found["parts"])


def health(stack: LocalStack) -> tuple[int, dict[str, Any]]:
    """Return what GET /health answers."""
    answer = httpx.get(f"{stack.rest_api_url}/health", timeout=30)
    return answer.status_code, answer.json()


def found(stack: LocalStack, is_so: Callable[[dict[str, Any]], bool], what: str) -> dict[str, Any]:
    """Check until a check finds what it should: on a busy machine one may be late."""

    def look() -> dict[str, Any] | None:
        parts = check(stack)
        return parts if is_so(parts) else None

    parts = eventually(look, within=120, what=what)
    assert parts is not None
    return parts


def said(stack: LocalStack, **statuses: str) -> dict[str, Any]:
    """Check until GET /health says this of these parts, and return what it answers."""

    def look() -> dict[str, Any] | None:
        check(stack)
        _, document = health(stack)
        parts = {name: part["status"] for name, part in document["parts"].items()}
        return document if statuses.items() <= parts.items() else None

    document = eventually(look, within=120, what=f"health to say {statuses}")
    assert document is not None
    return document
