"""What people read about a stack: how to begin, and how it is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer
from rich.table import Table

from tools.progress import console
from tools.stack.record import outputs
from tools.stack.up import DEMO_TENANT
from tools.stack.urls import http_api_url, rest_api_url, websocket_url
from tools.tokens.issuer import issue

if TYPE_CHECKING:
    from tools.stack.settings import Stack
    from tools.stack.status import Status

__all__ = ["print_status", "print_welcome"]

_SCOPE = "items:read items:write calls:read reports:read reports:write realtime:connect"
_LIFETIME_SECONDS = 12 * 3600
_EXAMPLE = {
    "name": "Chair",
    "category": "furniture",
    "status": "active",
    "price": {"amount": 12900, "currency": "EUR"},
    "quantity": 4,
}
# Plain text on standard output: it is made to be pasted, so nothing may wrap or colour it.
_WELCOME = """
The API is up: {url}

Try it (the token is the tenant {tenant}'s and lives {hours} hours):

export API={url}
export TOKEN={token}

curl -sS -X POST "$API/items" \\
  -H "Authorization: Bearer $TOKEN" -H "Content-Type: application/json" -d '{item}' -w '\\n'
curl -sS "$API/items?limit=5" -H "Authorization: Bearer $TOKEN" -w '\\n'
curl -sS "{calls}/calls?limit=5" -H "Authorization: Bearer $TOKEN" -w '\\n'

See items change as they do, in another terminal: .venv/bin/itemstream watch items
Or by a program of yours, with the same token: {websocket}

Another token: make token TENANT={tenant} SCOPE="{scope}"     All commands: make help
"""


def print_welcome(stack: Stack) -> None:
    """Print the APIs' URLs, a token and three commands that work when pasted."""
    applied = outputs(stack)
    text = _WELCOME.format(
        url=rest_api_url(stack, applied),
        calls=http_api_url(stack, applied),
        websocket=websocket_url(stack, applied),
        token=issue(stack, DEMO_TENANT, _SCOPE, "developer", _LIFETIME_SECONDS),
        item=json.dumps(_EXAMPLE),
        tenant=DEMO_TENANT,
        hours=_LIFETIME_SECONDS // 3600,
        scope=_SCOPE,
    )
    typer.echo(text.rstrip())


def print_status(status: Status) -> None:
    """Print how each part is, and what to do about what is not well."""
    table = Table(box=None, show_header=False)
    for name, state in status.processes.items():
        table.add_row(name, f"[green]{state}[/]" if state == "running" else f"[red]{state}[/]")
    table.add_row("functions run out of", status.document["run"])
    for name in (
        *("rest_api_url", "http_api_url", "websocket_url"),
        *("aws_endpoint_url", "redis_url", "mysql_url"),
    ):
        table.add_row(name, str(status.document[name]))
    console.print(table)
    for problem in status.problems:
        console.print(f"[red bold]Problem:[/] {problem}")
