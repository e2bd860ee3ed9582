"""POST /items: a new item, made once for each Idempotency-Key."""

from contextlib import suppress
from datetime import UTC, datetime

import uuid_utils  # noqa: F401 - loaded at init, not by the first call

from itemstream.api.etags import etag_of
from itemstream.api.rest import Call, Response, rest_handler
from itemstream.api.validation import validated
from itemstream.idempotency import Answer
from itemstream.idempotency.dynamodb import DynamoAnswers
from itemstream.idempotency.http import idempotency_key, idempotency_problem
from itemstream.items.content import ItemContent
from itemstream.items.dynamodb import DynamoItems
from itemstream.items.model import Item, ItemExists

items = DynamoItems.from_environment()
answers = DynamoAnswers.from_environment()


@rest_handler(scope="items:write", problems=[idempotency_problem])
def handler(call: Call) -> Response:
    """Store the item, and with an idempotency key its answer in the same transaction."""
    content = validated(ItemContent, call.request).document()
    key = idempotency_key(call, content)
    item = Item.create(
        call.principal.tenant, content, created_by=call.principal.subject, now=datetime.now(UTC)
    )
    # Relative to the request's own address, so that it holds behind any stage or domain name.
    headers = {"Location": f"items/{item.id}", "ETag": etag_of(item.version)}
    answer, replayed = Answer(201, headers, item.document), False
    if key is None:
        # That it exists can only mean that the AWS client repeated a write that had arrived.
        with suppress(ItemExists):
            items.add(item)
    else:
        answer, replayed = answers.once(key, answer, items.addition(item))
    extra = {"Idempotency-Replayed": "true"} if replayed else {}
    return Response(answer.status, answer.document, {**answer.headers, **extra})
