"""DELETE /items/{id}: delete an item, if it is at the version the client has seen."""

from itemstream.api.preconditions import required_versions
from itemstream.api.rest import Call, Response, rest_handler
from itemstream.items.dynamodb import DynamoItems
from itemstream.items.problems import item_problem
from itemstream.items.redis_cache import cached

items = cached(DynamoItems.from_environment())


@rest_handler(scope="items:write", problems=[item_problem])
def handler(call: Call) -> Response:
    """Delete in one conditional write; an item that is gone stays gone, so a repeat succeeds."""
    item_id = call.request.path_id("id")
    items.delete(call.principal.tenant, item_id, versions=required_versions(call.request))
    return Response(204)
