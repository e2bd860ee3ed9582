"""The IAM policy that a REST authorizer answers, safe under the gateway's cache.

The gateway keeps a policy for its time to live and applies it to every request with the same token
(API Gateway Developer Guide, "Use API Gateway Lambda authorizers"). It must therefore say all that
the token allows across the stage, never only what this request asks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from itemstream.auth import Principal

__all__ = ["Route", "policy_for", "routes_from_json"]


@dataclass(frozen=True, slots=True)
class Route:
    """A method and path template of the API, and the scope it asks for."""

    method: str
    path: str
    scope: str


def routes_from_json(document: str) -> list[Route]:
    """Read the routes from the environment variable ``ROUTE_SCOPES``."""
    import json

    return [Route(**route) for route in json.loads(document)]


def policy_for(principal: Principal, routes: Iterable[Route], method_arn: str) -> dict[str, Any]:
    """
    Return the authorizer's answer for a principal.

    Parameters
    ----------
    principal
        Who calls.
    routes
        All routes of the API that ask for a scope.
    method_arn
        ``arn:aws:execute-api:<region>:<account>:<api>/<stage>/<method>/<path>``.
    """
    stage = "/".join(method_arn.split("/")[:2])
    allowed = [
        f"{stage}/{route.method}{re.sub(r'{[^}]*}', '*', route.path)}"
        for route in routes
        if route.scope in principal.scopes
    ]
    return {
        "principalId": principal.subject,
        "policyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Action": "execute-api:Invoke",
                    "Effect": "Allow" if allowed else "Deny",
                    "Resource": allowed or [f"{stage}/*"],
                }
            ],
        },
        "context": principal.context(),
    }
