"""GET /items/{id}: one item, or 304 when the client's copy is current."""

from itemstream.api.etags import etag_of
from itemstream.api.preconditions import has_current
from itemstream.api.rest import Call, Response, rest_handler
from itemstream.items.dynamodb import DynamoItems
from itemstream.items.problems import item_problem
from itemstream.items.redis_cache import cached

items = cached(DynamoItems.from_environment())


@rest_handler(scope="items:read", problems=[item_problem])
def handler(call: Call) -> Response:
    """Read through the cache."""
    item = items.get(call.principal.tenant, call.request.path_id("id"))
    headers = {"ETag": etag_of(item.version)}
    if has_current(call.request, item.version):
        return Response(304, headers=headers)
    return Response(200, item.document, headers)
