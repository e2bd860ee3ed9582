"""PUT /items/{id}: replace an item's content, if it is at the version the client has seen."""

from datetime import UTC, datetime

from itemstream.api.etags import etag_of
from itemstream.api.preconditions import required_versions
from itemstream.api.rest import Call, Response, rest_handler
from itemstream.api.validation import validated
from itemstream.items.content import ItemContent
from itemstream.items.dynamodb import DynamoItems
from itemstream.items.model import timestamp
from itemstream.items.problems import item_problem
from itemstream.items.redis_cache import cached

items = cached(DynamoItems.from_environment())


@rest_handler(scope="items:write", problems=[item_problem])
def handler(call: Call) -> Response:
    """Replace in one conditional write."""
    item_id = call.request.path_id("id")
    versions = required_versions(call.request)
    content = validated(ItemContent, call.request).document()
    item = items.replace(
        call.principal.tenant,
        item_id,
        content,
        versions=versions,
        updated_at=timestamp(datetime.now(UTC)),
    )
    return Response(200, item.document, {"ETag": etag_of(item.version)})
