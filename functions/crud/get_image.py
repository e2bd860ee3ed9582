"""GET /items/{id}/images/{image_id}: how an image is, and where its renditions can be read."""

from typing import Any

from itemstream.api.rest import Call, Response, rest_handler
from itemstream.images.dynamodb import DynamoUploads
from itemstream.images.model import ImageNotFound, Upload, UploadKey, find_image
from itemstream.images.problems import image_problem
from itemstream.images.s3 import S3Renditions
from itemstream.items.dynamodb import DynamoItems
from itemstream.items.problems import item_problem

items = DynamoItems.from_environment()
uploads = DynamoUploads.from_environment()
renditions = S3Renditions.from_environment()

FACTS = ("width", "height", "dominant_color", "placeholder", "animated")


@rest_handler(scope="items:read", problems=[item_problem, image_problem])
def handler(call: Call) -> Response:
    """Answer the item's image, or what is known of its upload."""
    tenant, item_id = call.principal.tenant, call.request.path_id("id")
    image_id = call.request.path_id("image_id")
    # The item is read last: what it does not have by now is not ready.
    upload = uploads.find(UploadKey(tenant, item_id, image_id))
    image = find_image(items.get(tenant, item_id).document["images"], image_id)
    if image is not None:
        return Response(200, ready(image))
    if upload is None:
        raise ImageNotFound(image_id)
    return Response(200, not_ready(upload))


def ready(image: dict[str, Any]) -> dict[str, Any]:
    """Describe an image, with an address for each rendition instead of its key."""
    return {
        "image_id": image["id"],
        "status": "ready",
        "reason": None,
        **{name: image[name] for name in FACTS},
        "renditions": [
            {
                **{name: value for name, value in rendition.items() if name != "key"},
                "url": renditions.url(rendition["key"]),
            }
            for rendition in image["renditions"]
        ],
    }


def not_ready(upload: Upload) -> dict[str, Any]:
    """Describe an upload that is awaited, or that failed."""
    # One that was decided to become an image will be one in a moment.
    status = "failed" if upload.status == "failed" else "pending"
    return {
        "image_id": upload.key.image_id,
        "status": status,
        "reason": upload.reason,
        **dict.fromkeys(FACTS),
        "renditions": [],
    }
