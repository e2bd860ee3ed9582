"""How a local stack is, for people and for programs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.project import Problem
from tools.stack.parts import parts
from tools.stack.record import outputs
from tools.stack.run_choice import chosen
from tools.stack.urls import http_api_url, rest_api_url, websocket_url

if TYPE_CHECKING:
    from tools.stack.settings import Stack

__all__ = ["Status", "status_of"]

# What programs may ask for, and get null until it is there.
_NAMED: dict[str, dict[str, Any]] = {
    "tables": dict.fromkeys(
        ("events", "connections", "bronze_call", "silver_call", "rejected_call", "image_uploads")
    ),
    "buckets": dict.fromkeys(("uploads", "processed", "landing", "reports")),
}


@dataclass(frozen=True)
class Status:
    """What `itemstream status` tells."""

    processes: dict[str, str]
    document: dict[str, Any]
    problems: list[str]

    @property
    def healthy(self) -> bool:
        """Whether everything runs and is applied."""
        return not self.problems


def status_of(stack: Stack) -> Status:
    """Look at every part of the stack."""
    daemons = parts(stack)
    states = {daemon.name: daemon.state() for daemon in daemons}
    problems = [
        f"{daemon.title} is {states[daemon.name]}: run `make up`; its log is {daemon.log}"
        for daemon in daemons
        if states[daemon.name] != "running"
    ]
    try:
        applied = outputs(stack)
    except Problem as problem:
        applied = {}
        problems.append(str(problem))
    document = {
        "stack": stack.name,
        "healthy": not problems,
        "problems": problems,
        "processes": states,
        "run": chosen(stack).run,
        **_addresses(stack, applied),
        "log_files": _log_files(stack, applied),
    }
    return Status(dict(states), document, problems)


def _addresses(stack: Stack, applied: dict[str, Any]) -> dict[str, Any]:
    """Build the part that programs use; null stands for what is not built yet."""
    functions = applied.get("functions", {})
    return {
        "rest_api_url": rest_api_url(stack, applied) if applied else None,
        "http_api_url": http_api_url(stack, applied) if "http_api_id" in applied else None,
        "websocket_url": (websocket_url(stack, applied) if "websocket_api_id" in applied else None),
        "aws_endpoint_url": stack.aws_endpoint_url,
        "region": stack.region,
        "redis_url": stack.redis_url,
        # Its password is in the secret `database`.
        "mysql_url": stack.mysql_url if "mysql" in applied else None,
        "tables": _NAMED["tables"] | applied.get("tables", {}),
        "buckets": _NAMED["buckets"] | applied.get("buckets", {}),
        "queues": applied.get("queues", {}),
        "dead_letters": applied.get("dead_letters", {}),
        "topics": applied.get("topics", {}),
        "bus": applied.get("bus"),
        "event_source_mappings": applied.get("event_source_mappings", {}),
        "functions": {logical: function["name"] for logical, function in functions.items()},
        "secrets": applied.get("secrets", {}),
        "token_issuer": applied.get("token_issuer"),
        "token_audience": applied.get("token_audience"),
    }


def _log_files(stack: Stack, applied: dict[str, Any]) -> dict[str, str]:
    files = {daemon.name: str(daemon.log) for daemon in parts(stack)}
    for logical, function in applied.get("functions", {}).items():
        files[logical] = str(stack.lambda_host_folder / "logs" / f"{function['name']}.log")
    return files
