"""What IAM would say to a call: as much of its evaluation as the policies here use."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

__all__ = ["PLACE", "REGION", "allows"]

REGION = "eu-central-1"
PLACE = f"{REGION}:111122223333"
_HERE = {"aws:RequestedRegion": REGION}


def allows(
    statements: Iterable[Mapping[str, Any]],
    action: str,
    resource: str,
    context: Mapping[str, str] | None = None,
) -> bool:
    """
    Whether some statement allows a call, and none denies it.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html

    Parameters
    ----------
    context
        Condition keys of the call and their values, beside the region.
    """
    known = {**_HERE, **(context or {})}
    effects = {
        statement["Effect"]
        for statement in statements
        if _fits(action, statement["Action"])
        and _fits(resource, statement["Resource"])
        and _holds(statement.get("Condition", {}), known)
    }
    return effects == {"Allow"}


def _fits(value: str, patterns: str | list[str]) -> bool:
    several = [patterns] if isinstance(patterns, str) else patterns
    return any(fnmatchcase(value, pattern) for pattern in several)


def _holds(condition: Mapping[str, Mapping[str, Any]], known: Mapping[str, str]) -> bool:
    return all(
        _test(operator, known.get(key), wanted)
        for operator, tests in condition.items()
        for key, wanted in tests.items()
    )


def _test(operator: str, value: str | None, wanted: str | list[str]) -> bool:
    if operator == "Null":
        return (value is None) == (wanted == "true")
    if operator == "StringNotLike":
        return value is None or not _fits(value, wanted)
    if operator == "StringLikeIfExists":
        return value is None or _fits(value, wanted)
    # No value here has a wildcard of its own, so that the exact operators are the same.
    assert operator in {"ArnLike", "StringEquals", "StringLike"}, operator
    return value is not None and _fits(value, wanted)
