"""GET /calls: a page of the tenant's calls, newest first."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from itemstream.api.cursors import CursorRefused, Cursors, keys_from_secret
from itemstream.api.http import http_handler
from itemstream.api.problems import invalid
from itemstream.api.rest import Call, Response
from itemstream.calls.dynamodb import DynamoCalls
from itemstream.calls.queries import PARAMETERS, asked_filter
from itemstream.config import from_environment
from itemstream.config.secrets import json_secret
from itemstream.items.model import timestamp

DEFAULT_LIMIT = 25
HIGHEST_LIMIT = 100


@dataclass(frozen=True)
class Settings:
    """Environment of this function."""

    cursor_signing_secret: str


calls = DynamoCalls.from_environment()
settings = from_environment(Settings)


@http_handler(scope="calls:read", parameters=PARAMETERS)
def handler(call: Call) -> Response:
    """Read one page and say where the next one starts."""
    query, tenant = call.request.query, call.principal.tenant
    limit = query.integer("limit", default=DEFAULT_LIMIT, lowest=1, highest=HIGHEST_LIMIT)
    wanted = asked_filter(query, datetime.now(UTC))
    cursor = query.text("cursor", longest=1024)

    asked = {name: query.text(name, longest=128) for name in ("client_id", "status", "from", "to")}
    bound_to = {"list": "calls", **asked}
    before = None
    if cursor is not None:
        try:
            # The first page's window holds for all: "the last seven days" must not move on.
            start, _, before = cursors().read(tenant, bound_to, cursor).partition(" ")
        except CursorRefused:
            reason = "is altered, too old, or of another query; start again without it"
            raise invalid({"field": "cursor", "reason": reason}) from None
        wanted = replace(wanted, start=datetime.fromisoformat(start))
    page = calls.page(tenant, wanted, limit=limit, before=before)
    position = page.next_before and f"{timestamp(wanted.start)} {page.next_before}"
    next_cursor = position and cursors().write(tenant, bound_to, position)
    return Response(200, {"calls": page.calls, "next_cursor": next_cursor})


def cursors() -> Cursors:
    """Make cursors with the keys as they are now: Powertools keeps the secret for a while."""
    return Cursors(keys_from_secret(json_secret(settings.cursor_signing_secret)))
