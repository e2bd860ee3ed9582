"""The policies of terraform/bootstrap, by whose they are."""

from __future__ import annotations

import json
from typing import Any

__all__ = ["deploying", "statements"]


def statements(account: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the statements of a policy."""
    document: dict[str, Any] = json.loads(account["policies"][name])
    return list(document["Statement"])


def deploying(account: dict[str, Any], environment: str) -> list[dict[str, Any]]:
    """Return the statements of an environment's deploy role."""
    names = [
        name
        for name in account["policies"]
        if name.startswith(f"deploy {environment} ") and not name.endswith(" boundary")
    ]
    # IAM attaches ten to a role at the most.
    assert 0 < len(names) <= 10
    return [statement for name in names for statement in statements(account, name)]
