"""GET /items: a page of the tenant's items, newest first."""

from dataclasses import dataclass

from itemstream.api.cursors import CursorRefused, Cursors, keys_from_secret
from itemstream.api.problems import invalid
from itemstream.api.rest import Call, Response, rest_handler
from itemstream.config import from_environment
from itemstream.config.secrets import json_secret
from itemstream.items.dynamodb import DynamoItems
from itemstream.items.repository import ItemFilter

DEFAULT_LIMIT = 25
HIGHEST_LIMIT = 100


@dataclass(frozen=True)
class Settings:
    """Environment of this function."""

    cursor_signing_secret: str


items = DynamoItems.from_environment()
settings = from_environment(Settings)


@rest_handler(scope="items:read", parameters=["limit", "cursor", "category", "status"])
def handler(call: Call) -> Response:
    """Read one page and say where the next one starts."""
    query, tenant = call.request.query, call.principal.tenant
    limit = query.integer("limit", default=DEFAULT_LIMIT, lowest=1, highest=HIGHEST_LIMIT)
    category = query.text("category", longest=100)
    status = query.choice("status", ["draft", "active", "archived"])
    cursor = query.text("cursor", longest=1024)

    bound_to = {"list": "items", "category": category, "status": status}
    before = None
    if cursor is not None:
        try:
            before = cursors().read(tenant, bound_to, cursor)
        except CursorRefused:
            reason = "is altered, too old, or of another query; start again without it"
            raise invalid({"field": "cursor", "reason": reason}) from None
    page = items.page(tenant, ItemFilter(category, status), limit=limit, before=before)
    next_cursor = page.next_before and cursors().write(tenant, bound_to, page.next_before)
    documents = [item.document for item in page.items]
    return Response(200, {"items": documents, "next_cursor": next_cursor})


def cursors() -> Cursors:
    """Make cursors with the keys as they are now: Powertools keeps the secret for a while."""
    return Cursors(keys_from_secret(json_secret(settings.cursor_signing_secret)))
