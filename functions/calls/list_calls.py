"""GET /calls: a page of the tenant's calls, newest first."""

from dataclasses import replace
from datetime import UTC, datetime

from itemstream.api.http import http_handler
from itemstream.api.page_cursors import PageCursors
from itemstream.api.rest import Call, Response
from itemstream.calls.dynamodb import DynamoCalls
from itemstream.calls.queries import PARAMETERS, asked_filter
from itemstream.items.model import timestamp

DEFAULT_LIMIT = 25
HIGHEST_LIMIT = 100

calls = DynamoCalls.from_environment()
cursors = PageCursors.from_environment()


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
    if (position := cursors.position(tenant, bound_to, cursor)) is not None:
        # The first page's window holds for all: "the last seven days" must not move on.
        start, _, before = position.partition(" ")
        wanted = replace(wanted, start=datetime.fromisoformat(start))
    page = calls.page(tenant, wanted, limit=limit, before=before)
    position = page.next_before and f"{timestamp(wanted.start)} {page.next_before}"
    next_cursor = cursors.next(tenant, bound_to, position)
    return Response(200, {"calls": page.calls, "next_cursor": next_cursor})
