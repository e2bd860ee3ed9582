"""POST /items/{id}/images: the permission to upload one picture, straight to S3."""

from datetime import UTC, datetime, timedelta

import uuid_utils  # noqa: F401 - loaded at init, not by the first call

from itemstream.api.rest import Call, Response, rest_handler
from itemstream.api.validation import validated
from itemstream.images.content import ImageContent
from itemstream.images.dynamodb import DynamoUploads
from itemstream.images.model import Upload
from itemstream.images.problems import image_problem
from itemstream.images.s3 import FORM_SECONDS, S3Originals
from itemstream.items.dynamodb import DynamoItems
from itemstream.items.model import timestamp
from itemstream.items.problems import item_problem
from itemstream.rate_limits.http import tenant_rate_limit

items = DynamoItems.from_environment()
uploads = DynamoUploads.from_environment()
originals = S3Originals.from_environment()


@rest_handler(
    scope="items:write",
    problems=[item_problem, image_problem],
    rate_limit=tenant_rate_limit(),
)
def handler(call: Call) -> Response:
    """Keep that the upload was asked for, and sign a form for it and nothing else."""
    item_id, now = call.request.path_id("id"), datetime.now(UTC)
    content_type = validated(ImageContent, call.request).content_type
    principal = call.principal
    upload = Upload.begin(
        principal.tenant, item_id, content_type, created_by=principal.subject, now=now
    )
    uploads.begin(upload, items)
    expires_at = timestamp(now + timedelta(seconds=FORM_SECONDS))
    image_id = upload.key.image_id
    return Response(
        201,
        {"image_id": image_id, "upload": {**originals.form(upload), "expires_at": expires_at}},
        # Relative to the request's own address, so that it holds behind any stage or domain name.
        {"Location": f"images/{image_id}"},
    )
