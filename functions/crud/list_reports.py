"""GET /reports: a page of the tenant's reports, newest week first."""

from itemstream.api.page_cursors import PageCursors
from itemstream.api.rest import Call, Response, rest_handler
from itemstream.reports.dynamodb import DynamoReports

DEFAULT_LIMIT = 25
HIGHEST_LIMIT = 100

reports = DynamoReports.from_environment()
cursors = PageCursors.from_environment()


@rest_handler(scope="reports:read", parameters=["limit", "cursor"])
def handler(call: Call) -> Response:
    """Read one page and say where the next one starts."""
    query, tenant = call.request.query, call.principal.tenant
    limit = query.integer("limit", default=DEFAULT_LIMIT, lowest=1, highest=HIGHEST_LIMIT)
    cursor = query.text("cursor", longest=1024)

    bound_to: dict[str, str | None] = {"list": "reports"}
    before = cursors.position(tenant, bound_to, cursor)
    page = reports.page(tenant, limit=limit, before=before)
    next_cursor = cursors.next(tenant, bound_to, page.next_before)
    documents = [report.document() for report in page.reports]
    return Response(200, {"reports": documents, "next_cursor": next_cursor})
