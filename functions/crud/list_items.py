"""GET /items: a page of the tenant's items, newest first."""

from itemstream.api.page_cursors import PageCursors
from itemstream.api.rest import Call, Response, rest_handler
from itemstream.items.dynamodb import DynamoItems
from itemstream.items.repository import ItemFilter

DEFAULT_LIMIT = 25
HIGHEST_LIMIT = 100

items = DynamoItems.from_environment()
cursors = PageCursors.from_environment()


@rest_handler(scope="items:read", parameters=["limit", "cursor", "category", "status"])
def handler(call: Call) -> Response:
    """Read one page and say where the next one starts."""
    query, tenant = call.request.query, call.principal.tenant
    limit = query.integer("limit", default=DEFAULT_LIMIT, lowest=1, highest=HIGHEST_LIMIT)
    category = query.text("category", longest=100)
    status = query.choice("status", ["draft", "active", "archived"])
    cursor = query.text("cursor", longest=1024)

    bound_to = {"list": "items", "category": category, "status": status}
    before = cursors.position(tenant, bound_to, cursor)
    page = items.page(tenant, ItemFilter(category, status), limit=limit, before=before)
    next_cursor = cursors.next(tenant, bound_to, page.next_before)
    documents = [item.document for item in page.items]
    return Response(200, {"items": documents, "next_cursor": next_cursor})
