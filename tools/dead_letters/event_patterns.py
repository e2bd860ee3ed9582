"""The filter of an event source mapping, applied to records that are fetched again.

Source: Lambda Developer Guide, "Filter rule syntax". What a mapping keeps from its function must
not reach it through a redrive.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["UnknownPattern", "passes"]


class UnknownPattern(Exception):  # noqa: N818
    """A rule that is not understood here: to guess would send what must not be sent."""


_ABSENT = object()


def passes(record: dict[str, Any], patterns: Sequence[str]) -> bool:
    """
    Whether one of a mapping's patterns lets the record through; no patterns let everything.

    Raises
    ------
    UnknownPattern
        If a pattern holds a rule that is not known here.
    """
    return not patterns or any(_matches(json.loads(pattern), record) for pattern in patterns)


def _matches(pattern: dict[str, Any], value: Any) -> bool:
    for name, wanted in pattern.items():
        if name == "$or":
            if not any(_matches(one, value) for one in wanted):
                return False
            continue
        inner = value.get(name, _ABSENT) if isinstance(value, dict) else _ABSENT
        if isinstance(wanted, dict):
            if not _matches(wanted, inner):
                return False
        elif not any(_holds(rule, inner) for rule in wanted):
            return False
    return True


def _holds(rule: Any, value: Any) -> bool:
    if isinstance(value, list):
        return any(_holds(rule, element) for element in value)
    if not isinstance(rule, dict):
        return value is not _ABSENT and type(value) is type(rule) and bool(value == rule)
    ((name, wanted),) = rule.items()
    text = value if isinstance(value, str) else None
    match name:
        case "exists":
            return (value is not _ABSENT) is bool(wanted)
        case "prefix" if isinstance(wanted, str):
            return text is not None and text.startswith(wanted)
        case "suffix" if isinstance(wanted, str):
            return text is not None and text.endswith(wanted)
        case "equals-ignore-case":
            return text is not None and text.casefold() == str(wanted).casefold()
        case "anything-but" if not isinstance(wanted, dict):
            unwanted = wanted if isinstance(wanted, list) else [wanted]
            return value is not _ABSENT and value not in unwanted
        case _:
            raise UnknownPattern(f"the mapping's filter uses {json.dumps(rule)}")
